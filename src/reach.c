/*-------------------------------------------------------------------------
 *
 * reach.c
 *		Which role could act as which.
 *
 * What somebody else wrote (a script, a trigger on a table) may run with the
 * caller's privileges only if its author could have had them anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "compat.h"
#include "reach.h"

/*
 * Return the role that RESET ROLE would lead to.  Within a SECURITY DEFINER
 * function that command is refused, so nothing leads out of the current role,
 * and the role of the session says nothing about who is acting.
 */
Oid
migrate_reach_session(void)
{
	return InLocalUserIdChange() ? GetUserId() : GetSessionUserId();
}

/* Return the role that RESET SESSION AUTHORIZATION would lead to. */
Oid
migrate_reach_login(void)
{
	return InLocalUserIdChange() ? GetUserId() : GetAuthenticatedUserId();
}

/*
 * Return a role that the caller is or can become, but this role cannot; or
 * InvalidOid if there is none.
 */
Oid
migrate_reach_beyond(Oid role)
{
	Oid			caller[] = {GetUserId(), migrate_reach_session(), migrate_reach_login()};

	for (int i = 0; i < lengthof(caller); i++)
	{
		if (!compat_can_set_role(role, caller[i]))
			return caller[i];
	}
	return InvalidOid;
}

/* Tell whether a role could act as the caller, and as what the caller can become. */
bool
migrate_reach_caller(Oid role)
{
	return !OidIsValid(migrate_reach_beyond(role));
}
