/*-------------------------------------------------------------------------
 *
 * argument.c
 *		Arguments that several SQL functions take.
 *
 * The functions are not STRICT: a NULL where one is not allowed is a mistake
 * to be told, not a call to be skipped in silence.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "argument.h"

/* Return the version of a migration, or raise 22004, or 22023 if it is below least. */
int64
migrate_argument_version(FunctionCallInfo fcinfo, int n, int64 least)
{
	int64		version;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("migration version must not be null")));
	version = PG_GETARG_INT64(n);
	if (version < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("version " INT64_FORMAT " is out of range", version),
				 errhint("Versions are whole numbers from " INT64_FORMAT ".", least)));
	return version;
}

/* Return a text that must be there, or raise 22004; what names it. */
char *
migrate_argument_text(FunctionCallInfo fcinfo, int n, const char *what)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}
