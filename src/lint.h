/*-------------------------------------------------------------------------
 *
 * lint.h
 *		What may go wrong with a statement on a live database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LINT_H
#define MIGRATE_LINT_H

#include "keyset.h"
#include "predict.h"
#include "script.h"

/* How bad a finding is. */
typedef enum LintSeverity
{
	LINT_LOW,
	LINT_MEDIUM,
	LINT_HIGH,
	LINT_ERROR					/* it will fail, or lose data for good */
} LintSeverity;

/* How the severity of a rule's findings comes about. */
typedef enum LintDerivation
{
	LINT_BY_LOCK,				/* who waits and how long: the lock, what is
								 * done under it, and the size; nothing is
								 * said of new and of empty relations */
	LINT_BY_LOSS,				/* data go: medium if they are kept, else
								 * error */
	LINT_BY_BREAK,				/* what runs against the schema may break:
								 * medium */
	LINT_BY_PROOF,				/* it was found out that it fails: error */
	LINT_BY_ADVICE				/* low */
} LintDerivation;

/* The rules, in the order of the table in lintrule.c. */
typedef enum LintRuleId
{
#define LINT_RULE(id, section, name, derivation, optional, matches, hint) LINT_##id,
#include "lintrules.h"
#undef LINT_RULE
	LINT_RULES
} LintRuleId;

typedef struct LintRule
{
	char		section;		/* 'A' to 'F' */
	const char *name;
	LintDerivation derivation;
	bool		optional;		/* off unless migrate.lint_rules names it */
	const char *matches;
	const char *hint;
} LintRule;

/* What a rule says of a statement. */
typedef struct LintFinding
{
	int			statement;		/* counting from 1; 0 = the whole script */
	int			line;
	LintRuleId	rule;
	LintSeverity severity;
	Oid			relid;			/* InvalidOid = it is not about one */
	char	   *relation;		/* its name, or NULL */
	char	   *message;
	Oid			object;			/* function that it is about, or InvalidOid */
	LOCKMODE	mode;			/* what the severity comes from: NoLock = not */
	const char *work;			/* "catalog", "scan", "index build", "rewrite" */
	int64		bytes;			/* size of the relation, -1 = not looked at */
	bool		proved;			/* from the catalogs, not from the text alone */
} LintFinding;

/* What a finding is based on, beyond its rule. */
typedef struct LintBasis
{
	const PredictedRelation *lock;	/* the one that counts; NULL = the
									 * predicted one */
	int64		ms;				/* that others have made one wait already; -1
								 * = nobody */
	List	   *lost;			/* OIDs of relations whose rows go */
	bool		fails;			/* it was found out that the statement fails */
} LintBasis;

/* A row of migrate.lint_override that holds. */
typedef struct LintOverride
{
	char	   *rule;
	char	   *relation;		/* as findings write it; NULL = any */
} LintOverride;

/* A relation that a statement names. */
typedef struct LintTarget
{
	Oid			relid;			/* InvalidOid = not there yet */
	bool		is_new;			/* made earlier in the plan: empty, nobody
								 * uses it */
	const char *name;
} LintTarget;

/* A relation made so far, or one that got another name. */
typedef struct LintMade
{
	const RangeVar *name;
	Oid			relid;			/* InvalidOid = it is new */
} LintMade;

/* A value added to an enum so far. */
typedef struct LintEnumValue
{
	Oid			type;
	const char *value;
} LintEnumValue;

/* How names are looked up fast. */
typedef struct LintNames
{
	keyset_hash *made;			/* hashes of relation names in Lint.made;
								 * value: the last place there */
	const RangeVar *last;		/* looked up last, in the statement at hand */
	LintTarget	target;			/* what it means */
} LintNames;

/* What a script has done so far. */
typedef struct LintCourse
{
	int			lock_timeout;	/* ms in force, 0 = none */
	bool		sets_lock_timeout;	/* the script has set it */
	bool		told_lock_timeout;	/* findings that are told once */
	bool		told_statement_timeout;
	bool		told_tables;
	List	   *read;			/* OIDs of tables whose rows ALTER TABLE has
								 * read or written since other statements
								 * wrote any */
	List	   *dropped;		/* names of indexes dropped IF EXISTS, as
								 * String */
	keyset_hash *worked;		/* tables gone through while others are
								 * locked, and with how much effort */
	keyset_hash *probed;		/* relations whose holders were looked for,
								 * and for which mode */
} LintCourse;

/* All that is linted together, and what is known of it so far. */
typedef struct Lint
{
	List	   *findings;		/* of LintFinding, in order */
	List	   *made;			/* of LintMade: relations made or renamed so
								 * far */
	List	   *made_types;		/* of List of String: names of types made so
								 * far */
	List	   *made_columns;	/* of LintColumn */
	List	   *dropped;		/* of PredictedDrop: all that went so far */
	List	   *enum_values;	/* of LintEnumValue: to types that are there */
	List	   *held;			/* of PredictedRelation: strongest locks so
								 * far in the script, on relations that are
								 * there */
	keyset_hash *held_places;	/* of their OIDs in that list */
	List	   *key_parents;	/* OIDs of tables that foreign keys added so
								 * far in the script refer to */
	List	   *checks;			/* of LintCheck */
	List	   *indexes;		/* of LintIndex */
	List	   *touched;		/* OIDs of relations that are there, whose
								 * rows a statement so far may have changed */
	int			reached;		/* so many of which have been followed further */
	bool		triggered;		/* triggers of them may have changed others */
	List	   *cleared;		/* and of those that, or parts of which, it
								 * may have dropped or renamed */
	bool		redefined;		/* functions or publications may be others */
	List	   *overrides;		/* of LintOverride */
	List	   *policies;		/* OIDs of tables that got a policy so far */
	keyset_hash *altered;		/* OIDs of relations altered, renamed or
								 * dropped so far */
	bool		rewired;		/* a statement so far may have changed what
								 * depends on what, other than by a DROP */
	bool		unsure;			/* names may mean something else by now */
	bool		made_schema;	/* new relations may be in a schema made so
								 * far */
	bool		opaque;			/* a statement so far may have done anything */
	bool		down;			/* a down script */
	int64		version;		/* of the script at hand, 0 = it is not
								 * registered */
	bool		out_of_order;	/* it is older than what is applied */
	bool		has_down;		/* it has a down script */
	char	   *search_path;	/* that the script at hand has set, or NULL */
	LintCourse	course;			/* of the script at hand */
	LintNames	names;			/* what names of the statement at hand mean */
} Lint;

/* A column made so far, of a table that is there. */
typedef struct LintColumn
{
	Oid			relid;
	const char *name;
	ColumnDef  *definition;
} LintColumn;

/* A CHECK made or validated so far, of a table that is there. */
typedef struct LintCheck
{
	Oid			relid;
	const char *name;			/* NULL = the server names it */
	Node	   *expression;		/* raw; NULL = it is there */
	bool		valid;
} LintCheck;

/* An index made so far, of a table that is there. */
typedef struct LintIndex
{
	Oid			relid;
	List	   *columns;		/* of String */
} LintIndex;

/* One statement while it is looked at. */
typedef struct LintStatement
{
	Lint	   *lint;
	const Script *script;
	int			number;			/* counting those that run from 1 */
	int			line;
	const char *text;			/* of its tokens */
	Node	   *node;			/* raw parse tree */
	const Prediction *prediction;
	List	   *ignores;		/* of DirectiveIgnore that stand above it */
	List	   *used;			/* of char *: names of rules that were ignored */
} LintStatement;

extern const LintRule migrate_lint_rules[];

/* lint.c */
extern Lint *migrate_lint_begin(void);
extern bool migrate_lint_wanted(LintRuleId rule);
extern void migrate_lint_script_read(Lint *lint, const Script *script);
extern LintFinding *migrate_lint_find(LintStatement *statement, LintRuleId rule, Oid relid,
									  const char *format,...) pg_attribute_printf(4, 5);
extern LintFinding *migrate_lint_find_under(LintStatement *statement, LintRuleId rule,
											const PredictedRelation *held,
											const char *format,...) pg_attribute_printf(4, 5);
extern LintFinding *migrate_lint_find_waiting(LintStatement *statement, LintRuleId rule,
											  const PredictedRelation *lock, int64 ms,
											  const char *format,...) pg_attribute_printf(5, 6);
extern LintFinding *migrate_lint_find_loss(LintStatement *statement, LintRuleId rule, Oid relid,
										   List *lost, const char *format,...) pg_attribute_printf(5, 6);
extern LintFinding *migrate_lint_find_failing(LintStatement *statement, LintRuleId rule, Oid relid,
											  const char *format,...) pg_attribute_printf(4, 5);
extern void migrate_lint_prove(LintFinding *finding);

/* lintseverity.c */
extern int64 migrate_lint_bytes(Oid relid);
extern bool migrate_lint_is_empty(Oid relid);
extern bool migrate_lint_is_slow(const PredictedRelation *relation);
extern bool migrate_lint_loses(const LintStatement *statement, List *relids);
extern bool migrate_lint_derive(const LintStatement *statement, LintFinding *finding,
								const LintBasis *basis);
extern const char *migrate_lint_severity_name(LintSeverity severity);

/* lintmemory.c */
extern Oid	migrate_lint_relation(const RangeVar *name);
extern bool migrate_lint_is_dropped(const Lint *lint, Oid class, Oid object);
extern bool migrate_lint_type_is_new(const Lint *lint, List *name);
extern LintTarget migrate_lint_target(const LintStatement *statement, const RangeVar *name);
extern void migrate_lint_remember(LintStatement *statement);

/* lintchange.c */
extern void migrate_lint_note_changes(LintStatement *statement);
extern LintColumn *migrate_lint_made_column(const Lint *lint, Oid relid, const char *name);
extern bool migrate_lint_made_index(const Lint *lint, Oid relid, List *columns);
extern bool migrate_lint_has_trigger(Oid relid);
extern bool migrate_lint_is_touched(const LintStatement *statement, Oid relid);
extern bool migrate_lint_proves_not_null(const Lint *lint, Oid relid, const char *column);

/* lintprobe.c */
extern bool migrate_lint_probe_rows(const LintStatement *statement, Oid relid);
extern bool migrate_lint_probe_null(const LintStatement *statement, Oid relid, const char *column);
extern bool migrate_lint_probe_duplicate(const LintStatement *statement, Oid relid, List *columns,
										 bool nulls_are_equal);

/* lintcourse.c */
extern void migrate_lint_course(LintStatement *statement);

/* lintoverride.c */
extern List *migrate_lint_overrides(void);

/* lintdepend.c */
extern Oid	migrate_lint_type_oid(const TypeName *name);
extern Oid	migrate_lint_function_oid(ObjectType type, const ObjectWithArgs *name);
extern List *migrate_lint_users(Oid class, Oid object);
extern List *migrate_lint_left(const LintStatement *statement, List *objects);
extern List *migrate_lint_namers(const char *name);
extern char *migrate_lint_describe(List *objects);

/* parts of the section on tables */
extern void migrate_lint_drop(LintStatement *statement);
extern void migrate_lint_storage(LintStatement *statement);
extern void migrate_lint_name(LintStatement *statement);

/* parts of the section on routines */
extern void migrate_lint_security(LintStatement *statement);
extern void migrate_lint_type(LintStatement *statement);
extern void migrate_lint_enum_use(LintStatement *statement);

/* one for each section of rules */
extern void migrate_lint_index(LintStatement *statement);
extern void migrate_lint_column(LintStatement *statement);
extern void migrate_lint_definition(LintStatement *statement);
extern void migrate_lint_table(LintStatement *statement);
extern void migrate_lint_routine(LintStatement *statement);
extern void migrate_lint_partition(LintStatement *statement);
extern void migrate_lint_transaction(LintStatement *statement);
extern void migrate_lint_transaction_begin(Lint *lint, const Script *script);
extern void migrate_lint_transaction_end(LintStatement *script);
extern void migrate_lint_robust(LintStatement *statement);
extern void migrate_lint_data(LintStatement *statement);
extern void migrate_lint_drift(LintStatement *statement);
extern void migrate_lint_live(LintStatement *statement);

#endif							/* MIGRATE_LINT_H */
