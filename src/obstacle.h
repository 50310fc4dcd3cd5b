/*-------------------------------------------------------------------------
 *
 * obstacle.h
 *		Statements that migrate_apply() cannot run, found before any runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OBSTACLE_H
#define MIGRATE_OBSTACLE_H

#include "statement.h"

extern ScriptObstacle *migrate_obstacle_find(List *statements);

#endif							/* MIGRATE_OBSTACLE_H */
