/*-------------------------------------------------------------------------
 *
 * castimage.c
 *		Images of values in another type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "castimage.h"
#include "rowimage.h"

/*
 * Cast a value to the type of another column; returns its image, or that of no
 * column if there is no such cast.
 */
static uint64
cast_image(Form_pg_attribute from, Datum value, bool isnull, Form_pg_attribute to)
{
	EState	   *estate = CreateExecutorState();
	Node	   *node = (Node *) makeConst(from->atttypid, from->atttypmod, from->attcollation,
										  from->attlen, value, isnull, from->attbyval);
	uint64		image = ROWIMAGE_EMPTY;

	node = coerce_to_target_type(NULL, node, from->atttypid, to->atttypid, to->atttypmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (node != NULL)
	{
		ExprState  *state = ExecPrepareExpr((Expr *) node, estate);

		value = ExecEvalExpr(state, GetPerTupleExprContext(estate), &isnull);
		image = migrate_image_value(value, isnull, to);
	}
	FreeExecutorState(estate);
	return image;
}

/* The same, where the cast may fail: that counts as none. */
uint64
migrate_cast_image(Form_pg_attribute from, Datum value, bool isnull, Form_pg_attribute to)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile uint64 image = ROWIMAGE_EMPTY;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		image = cast_image(from, value, isnull, to);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* no error may leave the subtransaction open */
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return image;
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
		ReThrowError(error);
	FreeErrorData(error);
	return ROWIMAGE_EMPTY;
}
