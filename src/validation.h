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

extern List *migrate_validation_relations(Node *statement);

#endif							/* MIGRATE_VALIDATION_H */
