/*-------------------------------------------------------------------------
 *
 * plan_target.h
 *		Between hook_planner.c and plan_target.c: rows written to partitions and
 *		foreign tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PLAN_TARGET_H
#define PG_DATACLASS_PLAN_TARGET_H

#include "nodes/parsenodes.h"

/* Core evaluates no check options for rows that go there. */
extern bool target_is_foreign(Oid relid);
extern Node *target_relation(Index rti, Oid relid);
extern void target_check_partitions(Query *query, Index rti, Oid relid);
extern void target_wrap_insert(Query *query, AttrNumber attnum, Oid relid);
/* Raises unless the subject may write every partition. */
extern void target_check_copy(Oid relid);

#endif							/* PG_DATACLASS_PLAN_TARGET_H */
