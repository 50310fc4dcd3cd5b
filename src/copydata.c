/*-------------------------------------------------------------------------
 *
 * copydata.c
 *		COPY ... FROM stdin whose data stands in the script.
 *
 * The server's COPY does the work; this file feeds it from memory and makes
 * the checks that the server makes before it (DoCopy in commands/copy.c):
 * privileges on each column, row-level security, read-only transactions.
 *
 * The server's callback takes no argument, so what is read stands in a static
 * variable.  COPY can fire triggers, but no trigger can come back here: a
 * migration inside a migration is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/copy.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "copydata.h"

static const char *copydata_at;
static int	copydata_left;

/* Hand the server the next bytes: data source callback of BeginCopyFrom(). */
static int
copydata_source(void *buffer, int minread, int maxread)
{
	int			length = Min(maxread, copydata_left);

	memcpy(buffer, copydata_at, length);
	copydata_at += length;
	copydata_left -= length;
	return length;
}

/* Return the columns a COPY fills, as permission checks want them. */
static Bitmapset *
copydata_columns(Relation rel, List *names)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		listed = (names == NIL && !att->attgenerated);

		foreach(lc, names)
			listed = listed || namestrcmp(&att->attname, strVal(lfirst(lc))) == 0;
		if (listed && !att->attisdropped)
			columns = bms_add_member(columns,
									 att->attnum - FirstLowInvalidHeapAttributeNumber);
	}
	return columns;
}

/*
 * Return the options of a COPY with the encoding that the data has in memory:
 * the whole script was converted when it came in.
 */
static List *
copydata_options(List *options)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "encoding") != 0)
			result = lappend(result, lfirst(lc));
	}
	return lappend(result,
				   makeDefElem("encoding",
							   (Node *) makeString(pstrdup(GetDatabaseEncodingName())), -1));
}

/*
 * Run a COPY ... FROM stdin on data in memory; returns the number of rows.
 * Runs as the current user.  script is the text that the statement's locations
 * count in.
 */
uint64
migrate_copydata_run(CopyStmt *stmt, const char *script, const char *data, int length)
{
	ParseState *pstate = make_parsestate(NULL);
	Relation	rel;
	ParseNamespaceItem *nsitem;
	CopyFromState cstate;
	uint64		rows;

	pstate->p_sourcetext = script;
	PushActiveSnapshot(GetTransactionSnapshot());

	rel = table_openrv(stmt->relation, RowExclusiveLock);
	nsitem = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock,
										   NULL, false, false);
	compat_check_insert_permission(pstate, nsitem, copydata_columns(rel, stmt->attlist));
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY FROM not supported with row-level security"),
				 errhint("Use INSERT statements instead.")));
	if (!rel->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");

	copydata_at = data;
	copydata_left = length;
	cstate = BeginCopyFrom(pstate, rel, NULL, NULL, false, copydata_source,
						   stmt->attlist, copydata_options(stmt->options));
	rows = CopyFrom(cstate);
	EndCopyFrom(cstate);

	table_close(rel, NoLock);
	PopActiveSnapshot();
	free_parsestate(pstate);
	CommandCounterIncrement();
	return rows;
}
