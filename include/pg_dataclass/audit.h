/*-------------------------------------------------------------------------
 *
 * audit.h
 *		The audit trail: queue, writer, journal, guard.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_H
#define PG_DATACLASS_AUDIT_H

#include "pg_dataclass/event.h"

extern Size audit_shmem_size(void);
extern void audit_shmem_init(void);		/* in shmem_startup_hook, under AddinShmemInitLock */
extern void audit_init(void);			/* from _PG_init: settings, sinks, launcher, xact callback */

/* A role with a clearance or an office could not log in; needs a transaction, no database.  May raise. */
extern void audit_login_failed(Oid role, const char *name, const char *database, const char *why);
/* False: it could not be recorded, and must not go on. */
extern bool audit_replication_begins(Oid role, const char *name, const char *database);

/* True in the writer while it inserts its own records: the guard lets it through. */
extern bool audit_is_writer(void);

/*
 * Let go of a database: its writer exits and stays away for a moment, so that
 * DROP, ALTER and CREATE DATABASE ... TEMPLATE find no session in it.
 */
extern void audit_release_database(Oid dbid);

/* Does a setting decide whether anything is protected or recorded?  All that are not the extension's do. */
extern bool audit_setting_protects(const char *name);

/*
 * guard.c.  Called by the hooks for every subject, superusers included; record
 * and raise when the object belongs to the trail or to the extension.
 */
extern void guard_relation_write(Oid relid, const char *action);
extern void guard_object_ddl(Oid class_id, Oid object_id, int32 object_subid, const char *action);
extern bool guard_is_trail_relation(Oid relid);
struct PlannedStmt;
/* Utility statements that reach the trail in another way: LOCK, CREATE TRIGGER, RULE, POLICY, INHERITS, CLUSTER, ... */
extern void guard_utility(struct PlannedStmt *pstmt);

#endif							/* PG_DATACLASS_AUDIT_H */
