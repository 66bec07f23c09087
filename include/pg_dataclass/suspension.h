/*-------------------------------------------------------------------------
 *
 * suspension.h
 *		Rows of dataclass.suspension: roles without their clearance for now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SUSPENSION_H
#define PG_DATACLASS_SUSPENSION_H

#include "utils/relcache.h"

typedef struct Suspension
{
	Oid			role;
	const char *name;
	const char *reason;
	const char *rule;
	int64		seq;			/* of the record behind it */
	int64		incident;		/* 0: none */
} Suspension;

/*
 * Open the table against other changes of it until the transaction ends; raises
 * if it is not there.  The caller closes it, without letting go of the lock.
 */
extern Relation suspension_open(void);

/* As of now, not as of the policy snapshot. */
extern bool suspension_exists(Relation rel, Oid role);
/* False where there is nothing to do.  The caller calls policy_invalidate_all(). */
extern bool suspension_add(Relation rel, const Suspension *suspension);
extern bool suspension_remove(Relation rel, Oid role);

#endif							/* PG_DATACLASS_SUSPENSION_H */
