/*-------------------------------------------------------------------------
 *
 * restoreitem.h
 *		Which backups are to be put back, and what came of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RESTOREITEM_H
#define MIGRATE_RESTOREITEM_H

#include "putback.h"

/* One backup that is to be put back. */
typedef struct RestoreItem
{
	PutBackItem item;
	char	   *owner;			/* of the relation when it was kept */
	Oid			kept;			/* table with the rows, InvalidOid = there is
								 * none */
	bool		done;			/* it was put back before */
} RestoreItem;

extern bool migrate_restoreitem_any(bool down);
extern List *migrate_restoreitem_step(int64 version, bool down);
extern RestoreItem *migrate_restoreitem_one(int64 backup);
extern void migrate_restoreitem_mark(const PutBack *putback);

#endif							/* MIGRATE_RESTOREITEM_H */
