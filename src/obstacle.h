/*-------------------------------------------------------------------------
 *
 * obstacle.h
 *		Statements that migrate_apply() cannot run, found before any runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OBSTACLE_H
#define MIGRATE_OBSTACLE_H

#include "script.h"

extern void migrate_obstacle_find(Script *script);

#endif							/* MIGRATE_OBSTACLE_H */
