/*-------------------------------------------------------------------------
 *
 * predicting.h
 *		How a prediction is put together, for the files that do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PREDICTING_H
#define MIGRATE_PREDICTING_H

#include "catalog/objectaddress.h"
#include "utils/relcache.h"

#include "predict.h"

/* predict.c */
extern PredictedRelation *migrate_prediction_lock(Prediction *prediction, Oid relid, LOCKMODE mode);
extern void migrate_prediction_lock_family(Prediction *prediction, Oid relid, LOCKMODE mode);
extern void migrate_prediction_statement(Prediction *prediction, Node *statement);
extern Oid	migrate_prediction_relation(Prediction *prediction, const RangeVar *name);
extern Relation migrate_prediction_open(Oid relid);
extern void migrate_prediction_close(Relation rel);

/* predictalter.c */

/* One command of ALTER TABLE on its way. */
typedef struct PredictWalk
{
	Prediction *prediction;
	Oid			relid;
	LOCKMODE	mode;
	bool		recurse;		/* not ONLY */
	AlterTableCmd *command;
} PredictWalk;

extern void migrate_predict_alter_table(Prediction *prediction, AlterTableStmt *statement);
extern List *migrate_predict_family(const PredictWalk *walk);
extern void migrate_predict_lock_walk(const PredictWalk *walk);
extern void migrate_predict_scan_walk(const PredictWalk *walk);
extern void migrate_predict_scan(Prediction *prediction, Oid relid, LOCKMODE mode);

/* predictconstraint.c */
extern void migrate_predict_foreign_key(Prediction *prediction, Oid relid,
										const Constraint *constraint);
extern void migrate_predict_not_null(const PredictWalk *walk, List *names);
extern void migrate_predict_add_constraint(const PredictWalk *walk, const Constraint *constraint);
extern void migrate_predict_column_constraints(const PredictWalk *walk, const ColumnDef *column);
extern void migrate_predict_drop_constraint(const PredictWalk *walk);
extern void migrate_predict_validate(const PredictWalk *walk);

/* predictcolumn.c */
extern Constraint *migrate_predict_column_constraint(const ColumnDef *column, ConstrType type);
extern Oid	migrate_predict_serial_type(const TypeName *type);
extern bool migrate_predict_add_rewrites(Relation rel, const ColumnDef *column);
extern bool migrate_predict_type_rewrites(Relation rel, const char *name, const ColumnDef *column);
extern bool migrate_predict_not_null_scans(Relation rel, const char *name);
extern bool migrate_predict_index_stays(Relation index, AttrNumber attnum, const ColumnDef *column);

/* predictlookup.c */

/* A constraint that is there. */
typedef struct PredictConstraint
{
	Oid			oid;
	bool		valid;
	bool		inherits;		/* children have it, too */
	Oid			other;			/* table that a foreign key refers to */
} PredictConstraint;

/* A foreign key. */
typedef struct PredictKey
{
	Oid			other;			/* table it refers to */
	List	   *names;			/* of its columns, as String */
	char		on_update;
	char		on_delete;
	bool		inherited;		/* from a key of the partitioned table */
} PredictKey;

extern bool migrate_predict_constraint(Oid relid, const char *name, PredictConstraint *constraint);
extern List *migrate_predict_keys(Oid relid);
extern bool migrate_predict_has_key(Oid relid, const PredictKey *key);
extern List *migrate_predict_referring_tables(Oid relid);
extern bool migrate_predict_has_row_trigger(Oid relid, const char *name);
extern List *migrate_predict_typed_tables(Oid type);

/* predicttype.c */
extern void migrate_predict_type(Prediction *prediction, Oid relid, const AlterTableCmd *command);

/* predictdomain.c */
extern void migrate_predict_domain_users(Prediction *prediction, Oid domain);

/* predictindex.c */
extern List *migrate_prediction_indexes(Oid relid);
extern void migrate_prediction_rewrite(Prediction *prediction, Oid relid);
extern void migrate_prediction_build(Prediction *prediction, Oid relid, LOCKMODE mode,
									 bool recurse);
extern bool migrate_predict_index_statement(Prediction *prediction, Node *statement);

/* predictpartition.c */
extern void migrate_predict_attach(Prediction *prediction, Oid parent, PartitionCmd *command);
extern void migrate_predict_detach(Prediction *prediction, Oid parent, PartitionCmd *command);
extern void migrate_predict_partition_of(Prediction *prediction, CreateStmt *statement);

/* predictdrop.c */
extern void migrate_predict_drop(Prediction *prediction, DropStmt *statement);
extern Oid	migrate_predict_holder(const ObjectAddress *object, LOCKMODE *mode);
extern void migrate_predict_drop_object(Prediction *prediction, const ObjectAddress *object,
										DropBehavior behavior);
extern void migrate_predict_truncate(Prediction *prediction, TruncateStmt *statement);

/* predictquery.c */
extern void migrate_predict_query(Prediction *prediction, Node *query);
extern void migrate_predict_view_sources(Prediction *prediction, Oid view, LOCKMODE mode);

#endif							/* MIGRATE_PREDICTING_H */
