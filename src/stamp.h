/*-------------------------------------------------------------------------
 *
 * stamp.h
 *		Which objects of the schema changed, without rendering any.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_STAMP_H
#define MIGRATE_STAMP_H

#include "tracked.h"

typedef struct Stamps Stamps;

/* How an object's stamp moved. */
typedef enum StampMove
{
	STAMP_NEW,
	STAMP_CHANGED,
	STAMP_GONE
} StampMove;

typedef struct StampChange
{
	uint64		key;
	StampMove	move;
	bool		renamed;		/* it or a column; true if not known */
} StampChange;

/* The objects whose stamps moved; grows. */
typedef struct StampChanges
{
	StampChange *items;
	int			count;
	int			allocated;
} StampChanges;

extern Stamps *migrate_stamp_scan(void);
extern void migrate_stamp_compare(Stamps *old, Stamps *new, StampChanges *changes);
extern void migrate_stamp_refresh(Stamps *stamps, uint64 key, StampChanges *changes);
extern void migrate_stamp_refresh_inherited(Stamps *stamps, Oid relid, StampChanges *changes);
extern void migrate_stamp_refresh_class(Stamps *stamps, Oid class, StampChanges *changes);
extern bool migrate_stamp_known(Stamps *stamps, uint64 key);
extern bool migrate_stamp_foreign(Stamps *stamps, uint64 key);
extern char migrate_stamp_relkind(Stamps *stamps, Oid relid);
extern void migrate_stamp_all(Stamps *stamps, StampChanges *changes);

extern void migrate_stamp_append(StampChanges *all, const StampChanges *changes);
extern void migrate_stamp_free(Stamps *stamps);

extern bool migrate_stamp_load(Stamps *stamps, StampChanges *changes);
extern void migrate_stamp_save(Stamps *stamps, const StampChanges *changes);

#endif							/* MIGRATE_STAMP_H */
