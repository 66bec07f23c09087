/*-------------------------------------------------------------------------
 *
 * audit_guard.h
 *		Shared by audit_guard.c and audit_guard_utility.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_GUARD_H
#define PG_DATACLASS_AUDIT_GUARD_H

#include "pg_dataclass/audit_internal.h"

/* All need a transaction. */
extern bool guard_active(void);
extern bool guard_schema(Oid namespace_id);
extern bool guard_audit_schema(Oid namespace_id);
extern bool guard_relation(Oid relid);
extern void guard_set_maintenance(bool on);

/* Record and raise. */
extern void guard_refuse(const char *action, Oid class_id, Oid object_id, int32 object_subid,
						 const char *object_type, const char *identity,
						 const char *message, const char *detail);

#endif							/* PG_DATACLASS_AUDIT_GUARD_H */
