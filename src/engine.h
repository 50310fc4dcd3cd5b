/*-------------------------------------------------------------------------
 *
 * engine.h
 *		Carry migrations up and down.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ENGINE_H
#define MIGRATE_ENGINE_H

extern void migrate_engine_init(void);

#endif							/* MIGRATE_ENGINE_H */
