/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Every difference between PostgreSQL majors, and nothing else.
 *
 * This is the only file that may mention PG_VERSION_NUM.  Wrappers carry the
 * newest signature, so that callers read the same on every major.  Include
 * after postgres.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_COMPAT_H
#define PG_DATACLASS_COMPAT_H

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 190000
#error "pg_dataclass supports PostgreSQL 14 to 18"
#endif

/*
 * Up to 15 PGDLLEXPORT is empty, so -fvisibility=hidden would hide the magic
 * function and every SQL-callable function.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#include "access/htup_details.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/*
 * Shared memory is requested from a hook since 15, before that straight from
 * _PG_init.  Call once, while libraries are preloaded.
 */
typedef void (*compat_request_type) (void);

#if PG_VERSION_NUM >= 150000
static inline shmem_request_hook_type *
compat_prev_shmem_request(void)
{
	static shmem_request_hook_type prev = NULL;

	return &prev;
}

static inline compat_request_type *
compat_own_shmem_request(void)
{
	static compat_request_type own = NULL;

	return &own;
}

static inline void
compat_shmem_request(void)
{
	if (*compat_prev_shmem_request())
		(*compat_prev_shmem_request()) ();
	(*compat_own_shmem_request()) ();
}
#endif

static inline void
compat_on_shmem_request(compat_request_type request)
{
#if PG_VERSION_NUM >= 150000
	*compat_own_shmem_request() = request;
	*compat_prev_shmem_request() = shmem_request_hook;
	shmem_request_hook = compat_shmem_request;
#else
	request();
#endif
}

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/*
 * Upper bound of backend slots, usable while shared memory is sized.  14 has
 * not computed MaxBackends by then: its parts are settings.
 */
static inline int
compat_max_backends(void)
{
#if PG_VERSION_NUM >= 150000
	return MaxBackends;
#else
	return MaxConnections + autovacuum_max_workers + 1 +
		max_worker_processes + max_wal_senders;
#endif
}

/* Slot of this backend, and of the leader of a parallel worker: 0 .. compat_max_backends() - 1; -1 if none */
static inline int
compat_my_backend_slot(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber >= 0 ? MyProcNumber : -1;
#else
	return MyBackendId > 0 ? MyBackendId - 1 : -1;
#endif
}

static inline int
compat_leader_backend_slot(void)
{
#if PG_VERSION_NUM >= 170000
	return ParallelLeaderProcNumber >= 0 ? ParallelLeaderProcNumber : -1;
#else
	return ParallelLeaderBackendId > 0 ? ParallelLeaderBackendId - 1 : -1;
#endif
}

/* The role that logged in; SET SESSION AUTHORIZATION does not change it. */
static inline Oid
compat_authenticated_user(void)
{
	return MyProc ? MyProc->roleId : InvalidOid;
}

/* Does this membership let the member use the role's privileges without SET ROLE? */
static inline bool
compat_membership_inherits(HeapTuple membership)
{
	Form_pg_auth_members form = (Form_pg_auth_members) GETSTRUCT(membership);

#if PG_VERSION_NUM >= 160000
	return form->inherit_option;
#else
	HeapTuple	member = SearchSysCache1(AUTHOID, ObjectIdGetDatum(form->member));
	bool		inherits = false;

	if (HeapTupleIsValid(member))
	{
		inherits = ((Form_pg_authid) GETSTRUCT(member))->rolinherit;
		ReleaseSysCache(member);
	}
	return inherits;
#endif
}

#endif							/* PG_DATACLASS_COMPAT_H */
