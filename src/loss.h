/*-------------------------------------------------------------------------
 *
 * loss.h
 *		What a utility statement is about to destroy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOSS_H
#define MIGRATE_LOSS_H

extern void migrate_loss_init(void);

#endif							/* MIGRATE_LOSS_H */
