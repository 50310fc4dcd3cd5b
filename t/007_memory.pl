# A session that lives long does not grow.
#
# Proven here:
# - 10,000 migrations applied, and as many rolled back, by one backend, each call
#   in a transaction of its own: after the first tenth neither its memory contexts
#   nor its resident memory grow by more than 2 MB;
# - when they make and drop objects: by no more than the same SQL without us;
# - as many calls that fail: the same;
# - 1,000 migrations in one call: from the hundredth to the last, its memory
#   contexts grow by no more than what the call returns and the transaction keeps,
#   less than 2 kB for each, and what the server remembers of its catalogs, which
#   comes in blocks of megabytes;
# - reading status, plan and history as often: the same.
#
# Backups are off: each makes a table, and a rollback would undo the counting.
#
# MIGRATE_MEMORY_APPLIES: 10000 unless told.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $applies = $ENV{MIGRATE_MEMORY_APPLIES} || 10000;
my $limit = 2 * 1024 * 1024;
# What the down scripts leave is another state, by intent: that is told and no more.
my $node = start_server('memory', "autovacuum = off\nlog_min_messages = fatal\nmigrate.backups = off\nshared_buffers = 64MB\nmigrate.rollback_verify = warn\n");

install_in($node);
query(<<'EOT');
CREATE TABLE counter (n bigint);
INSERT INTO counter VALUES (0);
CREATE TABLE memory (version bigint, bytes bigint);

CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 0;

-- Migrations that change what is there; with new, some make and drop objects.
CREATE FUNCTION up(v int, new boolean) RETURNS text LANGUAGE sql AS $f$
	SELECT CASE v % 4 + 4 * new::int
		WHEN 0 THEN format('CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN %s', v)
		WHEN 1 THEN format('COMMENT ON TABLE counter IS %L', v)
		WHEN 2 THEN format('ALTER TABLE counter SET (fillfactor = %s)', 50 + v)
		WHEN 3 THEN 'GRANT SELECT ON counter TO PUBLIC'
		WHEN 4 THEN format('CREATE TABLE t_%s (id int PRIMARY KEY, t text DEFAULT 1)', v)
		WHEN 5 THEN format('CREATE FUNCTION f_%s() RETURNS int LANGUAGE sql RETURN 1', v)
		ELSE format('ALTER TABLE counter ALTER n SET DEFAULT %s', v) END
$f$;
CREATE FUNCTION down(v int, new boolean) RETURNS text LANGUAGE sql AS $f$
	SELECT CASE v % 4 + 4 * new::int
		WHEN 3 THEN 'SET work_mem = ''1MB''; REVOKE SELECT ON counter FROM PUBLIC'
		WHEN 4 THEN format('DROP TABLE t_%s', v)
		WHEN 5 THEN format('DROP FUNCTION f_%s()', v)
		ELSE 'SELECT 1' END
$f$;
CREATE FUNCTION register(new boolean) RETURNS bigint LANGUAGE sql AS $f$
	SELECT count(migrate_register(v, 'm_' || v,
		format(E'-- %s\nBEGIN;\nUPDATE counter SET n = n + 1;\n%s;\nSELECT count(*) FROM counter;\nCOMMIT;', v, up(v, new)),
		down(v, new)))
	FROM generate_series(1, 10) v
$f$;
SELECT register(false);

-- What the scripts that make objects do, without us.
CREATE PROCEDURE by_hand(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n / 10 LOOP
		FOR v IN 1 .. 10 LOOP
			EXECUTE up(v, true);
		END LOOP;
		COMMIT;
		FOR v IN REVERSE 10 .. 1 LOOP
			EXECUTE down(v, true);
		END LOOP;
		COMMIT;
	END LOOP;
END
$$;

CREATE PROCEDURE churn(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n / 10 LOOP
		PERFORM migrate_apply();
		COMMIT;
		PERFORM migrate_rollback(0);
		COMMIT;
	END LOOP;
END
$$;

CREATE PROCEDURE fail(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		BEGIN
			PERFORM migrate_apply();
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
		COMMIT;
	END LOOP;
END
$$;

CREATE PROCEDURE look(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM migrate_version(), (SELECT count(*) FROM migrate_status()), (SELECT count(*) FROM migrate_plan()),
			(SELECT count(*) FROM migrate_history(1));
		COMMIT;
	END LOOP;
END
$$;
EOT

my $session = session($node, patience => 5);
my $pid = ask($session, 'SET client_min_messages = warning; SELECT pg_backend_pid()');

# Bytes in memory contexts, and resident bytes that are not shared.
sub memory
{
	my $contexts = ask($session, 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts');
	my $resident;

	if (open my $status, '<', "/proc/$pid/status")
	{
		my $text = join '', <$status>;
		$resident = 1024 * $1 if $text =~ /^RssAnon:\s+(\d+) kB/m;
	}
	return ($contexts, $resident);
}

# Warm up, measure, do the rest, measure again.  Buffers reach the size that they
# keep after a few thousand snapshots.
sub flat
{
	my ($name, $procedure, $times) = @_;

	ask($session, "CALL $procedure(" . int($times * 4 / 10) . ')');
	my ($contexts, $resident) = memory();
	my $began = time();
	ask($session, "CALL $procedure(" . int($times * 6 / 10) . ')');
	my ($contexts_then, $resident_then) = memory();

	note(sprintf '%s, %d times in %.1f s: contexts %d -> %d kB, resident %s -> %s kB', $name, $times * 6 / 10,
		time() - $began, $contexts / 1024, $contexts_then / 1024, map { defined ? int($_ / 1024) : '?' } $resident, $resident_then);
	cmp_ok($contexts_then - $contexts, '<', $limit, "$name: memory contexts do not grow");
	if (defined $resident)
	{
		cmp_ok($resident_then - $resident, '<', $limit, "$name: resident memory does not grow");
	}
	else
	{
		note("$name: no /proc here, resident memory was not measured");
	}
	return;
}

flat('apply and roll back', 'churn', $applies);
is(ask($session, 'SELECT count(*) FILTER (WHERE event = $$applied$$), count(*) FILTER (WHERE event = $$rolled back$$),'
		. ' max(n), (SELECT count(*) FROM migrate.ledger_break) FROM migrate.ledger, counter'),
	"$applies|$applies|$applies|0", 'as many were applied and rolled back');

# Each fails in its last statement, after nine others have run.
ask($session, q{SELECT migrate_register(10, 'm_10', 'SELECT 1/0')});
flat('fail', 'fail', $applies / 10);
is(ask($session, 'SELECT migrate_version(), (SELECT n FROM counter)'), "0|$applies", 'and nothing was applied');
flat('look', 'look', $applies / 10);

# The server remembers in its catalog cache that an object which was dropped is
# not there; making and dropping objects costs what that costs, not more.
ask($session, 'SELECT register(true)');
my %used;
for my $procedure (qw(by_hand churn))
{
	my $used = 'SELECT sum(used_bytes) FROM pg_backend_memory_contexts';

	ask($session, "CALL $procedure(" . int($applies / 10) . ')');
	my $before = ask($session, $used);
	ask($session, "CALL $procedure(" . int($applies / 2) . ')');
	$used{$procedure} = ask($session, $used) - $before;
}
note(sprintf 'making and dropping objects: %d kB by hand, %d kB by migrations', map { $_ / 1024 } @used{qw(by_hand churn)});
cmp_ok($used{churn} - $used{by_hand}, '<', $limit / 4, 'making and dropping objects costs no more memory than by hand');

# One call; every migration writes down what the backend has at that time.
my $steps = 1000;
ask($session, register_sql(11, 10 + $steps,
	'CREATE TABLE u_%1$s (); INSERT INTO memory SELECT %1$s, sum(total_bytes) FROM pg_backend_memory_contexts', 'SELECT 1'));
my $began = time();
ask($session, 'SELECT count(*) FROM migrate_apply()');
my ($first, $last) = split /\|/, ask($session, "SELECT min(bytes) FILTER (WHERE version = 110), min(bytes) FILTER (WHERE version = 10 + $steps) FROM memory");
note(sprintf '%d in one call in %.1f s: contexts %d -> %d kB', $steps, time() - $began, $first / 1024, $last / 1024);
cmp_ok($last - $first, '<', 2048 * ($steps - 100) + 6 * 1024 * 1024, "memory in one call of $steps migrations grows by less than 2 kB for each, and the catalog caches");

quit($session);
$node->stop;
done_testing();
