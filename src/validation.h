/*-------------------------------------------------------------------------
 *
 * validation.h
 *		Statements that check the rows of tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_VALIDATION_H
#define MIGRATE_VALIDATION_H

#include "nodes/parsenodes.h"

/* The relations whose rows a statement checks. */
typedef struct Validation
{
	List	   *checked;		/* OIDs: each row must fulfil something */
	List	   *referenced;		/* OIDs: rows of others must be found there */
} Validation;

extern void migrate_validation_find(Node *statement, Validation *validation);

#endif							/* MIGRATE_VALIDATION_H */
