# migrate_ext: build with PGXS.
#
#   make && make install && make installcheck     on a server that is there
#   make demo                                     see it work, from nothing
#   make test                                     every test, from nothing

EXTENSION = migrate_ext
MODULE_big = migrate_ext
DATA = migrate_ext--1.0.0.sql
PGFILEDESC = "migrate_ext - schema migrations inside the server"
OBJS = migrate_ext.o $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=migrate_ext
ISOLATION = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
ISOLATION_OPTS = --load-extension=migrate_ext
TAP_TESTS = 1

PG_CFLAGS = -std=gnu99 -Wall -Wextra -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers -Werror=vla
# Bitcode for JIT inlining would buy nothing here and needs a whole LLVM.
override with_llvm = no

EXTRA_CLEAN = migrate_ext--1.0.0.sql test/unit/lexer_test test/unit/lexer_fuzz

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)
endif

$(OBJS): $(wildcard src/*.h)

# The install script in parts, one for each subject, in the order of their names.
all: migrate_ext--1.0.0.sql
migrate_ext--1.0.0.sql: $(sort $(wildcard install/*.sql))
	cat $^ >$@

# What follows works before any PostgreSQL package is there.
.PHONY: demo test bench corpus predict regression-ddl test-versions test-cassert unit indent check-indent

demo:
	@tools/demo.sh

test:
	@tools/test.sh

bench:
	@tools/bench.sh $(BENCH)

corpus:
	@tools/corpus.sh $(DIR)

predict:
	@tools/predict.sh $(FILES)

regression-ddl:
	@tools/regression-ddl.sh $(DIR) $(FILES)

test-versions:
	@tools/test-versions.sh

test-cassert:
	@tools/test-cassert.sh

unit: test/unit/lexer_test test/unit/lexer_fuzz
	test/unit/lexer_test
	test/unit/lexer_fuzz

test/unit/lexer_%: test/unit/lexer_%.c src/lexer.c src/lexer.h
	$(CC) -std=c99 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
		-DSTANDALONE -Isrc -o $@ $< src/lexer.c

indent check-indent:
	@tools/indent.sh $@
