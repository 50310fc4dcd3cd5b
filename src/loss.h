/*-------------------------------------------------------------------------
 *
 * loss.h
 *		What a utility statement is about to destroy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOSS_H
#define MIGRATE_LOSS_H

/*
 * What is to be done before a statement that checks the rows of a relation, or
 * looks for rows of others in it.
 */
typedef void (*LossValidation) (Oid relid, bool referenced);

extern void migrate_loss_init(void);
extern void migrate_loss_before_validation(LossValidation callback);

#endif							/* MIGRATE_LOSS_H */
