/*-------------------------------------------------------------------------
 *
 * era.h
 *		The era of the policy: while it lasts, what was dominated stays so.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ERA_H
#define PG_DATACLASS_ERA_H

#include "pg_dataclass/policy.h"

/*
 * Classes, compartments or row labels changed.  taken_away: some of what rows
 * rest on may be gone; only_added: nothing that was there changed.
 */
extern void policy_era_changed(bool taken_away, bool only_added);

#endif							/* PG_DATACLASS_ERA_H */
