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
#include "fmgr.h"
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(function) \
	extern PGDLLEXPORT Datum function(PG_FUNCTION_ARGS); \
	extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, function) (void); \
	const Pg_finfo_record * \
	CppConcat(pg_finfo_, function) (void) \
	{ \
		static const Pg_finfo_record info = {1}; \
\
		return &info; \
	} \
	extern int	no_such_variable
#endif

#include "access/htup_details.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
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

/* All settings; palloc'd or core's own. */
static inline struct config_generic **
compat_settings(int *n)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(n);
#else
	*n = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* A setting by its name as core spells it, NULL if there is none. */
static inline struct config_generic *
compat_setting(const char *name)
{
	int			n;
	struct config_generic **settings = compat_settings(&n);

	for (int i = 0; i < n; i++)
		if (strcmp(settings[i]->name, name) == 0)
			return settings[i];
	return NULL;
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

/* MERGE came with 15 (as a statement whose kinds of checks are its own). */
#if PG_VERSION_NUM >= 150000
#define COMPAT_IS_MERGE(query) ((query)->commandType == CMD_MERGE)
#define COMPAT_WCO_MERGE_UPDATE WCO_RLS_MERGE_UPDATE_CHECK
#define COMPAT_WCO_MERGE_DELETE WCO_RLS_MERGE_DELETE_CHECK
#else
#define COMPAT_IS_MERGE(query) false
#define COMPAT_WCO_MERGE_UPDATE WCO_RLS_UPDATE_CHECK
#define COMPAT_WCO_MERGE_DELETE WCO_RLS_UPDATE_CHECK
#endif

/*
 * Permission checks of the executor come with range-table entries up to 15
 * and with RTEPermissionInfo since.  CompatAccess is what both say.
 */
typedef struct CompatAccess
{
	Oid			relid;
	AclMode		required;		/* 0 for children that inheritance added */
	char		relkind;
	Bitmapset  *selected;		/* offset by FirstLowInvalidHeapAttributeNumber */
	Bitmapset  *inserted;
	Bitmapset  *updated;
	Oid			as_user;		/* whose privileges count; InvalidOid: the current user's */
} CompatAccess;

#if PG_VERSION_NUM >= 160000
#define COMPAT_CHECK_PERMS_ARGS List *range_table, List *perminfos, bool ereport_on_violation
#define COMPAT_CHECK_PERMS_PASS range_table, perminfos, ereport_on_violation
#define COMPAT_PERMINFOS perminfos
#define COMPAT_PLAN_PERMINFOS(plan) (plan)->permInfos,
#define COMPAT_PLAN_PERMINFO_LIST(plan) ((plan)->permInfos)
#define COMPAT_PSTATE_PERMINFOS(pstate) (pstate)->p_rteperminfos,
#define COMPAT_QUERY_TAKE_PERMS(query, pstate) ((query)->rteperminfos = (pstate)->p_rteperminfos)
#define COMPAT_NSITEM_PERMS(nsitem) ((nsitem)->p_perminfo)
#define ExecCheckRTPerms ExecCheckPermissions

static inline bool
compat_access_of(RangeTblEntry *rte, List *perminfos, CompatAccess *access)
{
	if (rte->rtekind != RTE_RELATION && !(rte->rtekind == RTE_SUBQUERY && OidIsValid(rte->relid)))
		return false;
	memset(access, 0, sizeof(*access));
	access->relid = rte->relid;
	access->relkind = rte->relkind;
	if (rte->perminfoindex != 0)
	{
		RTEPermissionInfo *info = getRTEPermissionInfo(perminfos, rte);

		access->required = info->requiredPerms;
		access->selected = info->selectedCols;
		access->inserted = info->insertedCols;
		access->updated = info->updatedCols;
		access->as_user = info->checkAsUser;
	}
	return true;
}
#else
#define COMPAT_CHECK_PERMS_ARGS List *range_table, bool ereport_on_violation
#define COMPAT_CHECK_PERMS_PASS range_table, ereport_on_violation
#define COMPAT_PERMINFOS NIL
#define COMPAT_PLAN_PERMINFOS(plan)
#define COMPAT_PLAN_PERMINFO_LIST(plan) NIL
#define COMPAT_PSTATE_PERMINFOS(pstate)
#define COMPAT_QUERY_TAKE_PERMS(query, pstate) ((void) 0)
#define COMPAT_NSITEM_PERMS(nsitem) ((nsitem)->p_rte)

static inline bool
compat_access_of(RangeTblEntry *rte, List *perminfos, CompatAccess *access)
{
	if (rte->rtekind != RTE_RELATION)
		return false;
	access->relid = rte->relid;
	access->relkind = rte->relkind;
	access->required = rte->requiredPerms;
	access->selected = rte->selectedCols;
	access->inserted = rte->insertedCols;
	access->updated = rte->updatedCols;
	access->as_user = rte->checkAsUser;
	return true;
}
#endif

/*
 * In a query about to be planned: the view that a subquery was made from, or
 * InvalidOid; and whether the query changes data through an entry.  Up to 15 a
 * view's privileges are asked for by the entry OLD of its rule, which in other
 * rules asks for none.
 */
static inline Oid
compat_view_of(const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	return rte->rtekind == RTE_SUBQUERY && rte->relkind == RELKIND_VIEW ? rte->relid : InvalidOid;
#else
	RangeTblEntry *old;

	if (rte->rtekind != RTE_SUBQUERY || rte->subquery == NULL || rte->subquery->rtable == NIL)
		return InvalidOid;
	old = (RangeTblEntry *) linitial(rte->subquery->rtable);
	return old->rtekind == RTE_RELATION && old->relkind == RELKIND_VIEW && old->requiredPerms != 0 ?
		old->relid : InvalidOid;
#endif
}

static inline bool
compat_writes_through(const Query *query, RangeTblEntry *rte)
{
	AclMode		writes = ACL_INSERT | ACL_UPDATE | ACL_DELETE;

#if PG_VERSION_NUM >= 160000
	return rte->perminfoindex != 0 &&
		(getRTEPermissionInfo(query->rteperminfos, rte)->requiredPerms & writes) != 0;
#else
	return (rte->requiredPerms & writes) != 0;
#endif
}

/* Since 16 a Var says which outer joins may have made it NULL. */
static inline void
compat_copy_nulling_rels(Var *to, const Var *from)
{
#if PG_VERSION_NUM >= 160000
	to->varnullingrels = bms_copy(from->varnullingrels);
#endif
}

/* Set-returning functions in materialize mode: helper with three names. */
#include "funcapi.h"
#if PG_VERSION_NUM >= 150000
#define COMPAT_INIT_MATERIALIZED_SRF(fcinfo) InitMaterializedSRF(fcinfo, 0)
#else
static inline void
COMPAT_INIT_MATERIALIZED_SRF(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old_cxt;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || (rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	old_cxt = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &rsinfo->setDesc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("return type must be a row type")));
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap(true, false, work_mem);
	MemoryContextSwitchTo(old_cxt);
}
#endif

/* Ownership of relations and databases */
#if PG_VERSION_NUM < 160000
#include "utils/acl.h"
#define compat_owns_relation(relid, role) pg_class_ownercheck(relid, role)
#define compat_owns_database(dbid, role) pg_database_ownercheck(dbid, role)
#else
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "utils/acl.h"
#define compat_owns_relation(relid, role) object_ownercheck(RelationRelationId, relid, role)
#define compat_owns_database(dbid, role) object_ownercheck(DatabaseRelationId, dbid, role)
#endif

/* CREATE INDEX on a relation that the caller has locked, whoever asks. */
#include "commands/defrem.h"

static inline Oid
compat_define_index(Oid relid, IndexStmt *stmt)
{
#if PG_VERSION_NUM >= 160000
	return DefineIndex(relid, stmt, InvalidOid, InvalidOid, InvalidOid, -1, false, false, true, false, true).objectId;
#else
	return DefineIndex(relid, stmt, InvalidOid, InvalidOid, InvalidOid, false, false, true, false, true).objectId;
#endif
}

/*
 * Core's JSON parser.  Since 16 the actions of a parse say whether to go on;
 * ours always do, and end with COMPAT_JSON_GO_ON.
 */
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType CompatJsonAction;
#define COMPAT_JSON_GO_ON return JSON_SUCCESS
#else
typedef void CompatJsonAction;
#define COMPAT_JSON_GO_ON return
#endif

/* A lexer that resolves escapes. */
static inline JsonLexContext *
compat_json_lexer(char *json, int len)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, len, GetDatabaseEncoding(), true);
#else
	return makeJsonLexContextCstringLen(json, len, GetDatabaseEncoding(), true);
#endif
}

/* Path of a fork of a permanent relation, below the data directory; palloc'd. */
#include "common/relpath.h"
#include "utils/rel.h"

static inline char *
compat_relation_path(Relation rel, ForkNumber fork)
{
#if PG_VERSION_NUM >= 180000
	return pstrdup(relpathperm(rel->rd_locator, fork).str);
#elif PG_VERSION_NUM >= 160000
	return relpathperm(rel->rd_locator, fork);
#else
	return relpathperm(rel->rd_node, fork);
#endif
}

/* Major and minor version of the running server, as in server_version_num. */
static inline int
compat_server_version(void)
{
	const char *number = GetConfigOption("server_version_num", true, false);

	return number ? (int) strtol(number, NULL, 10) : PG_VERSION_NUM;
}

/* Seed for samples, where anybody may guess it. */
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#endif

static inline uint32
compat_random_seed(void)
{
#if PG_VERSION_NUM >= 150000
	return pg_prng_uint32(&pg_global_prng_state);
#else
	return (uint32) random();
#endif
}

/* The timeline that this server, which is not in recovery, writes. */
#include "access/xlog.h"

static inline TimeLineID
compat_timeline(void)
{
#if PG_VERSION_NUM >= 150000
	return GetWALInsertionTimeLine();
#else
	return ThisTimeLineID;
#endif
}

/* Run core's JSON parser over a document with actions of ours; raises where it is malformed. */
#include "utils/jsonfuncs.h"

static inline void
compat_parse_json(text *document, JsonSemAction *actions)
{
#if PG_VERSION_NUM >= 170000
	pg_parse_json_or_ereport(makeJsonLexContext(NULL, document, true), actions);
#else
	pg_parse_json_or_ereport(makeJsonLexContext(document, true), actions);
#endif
}

/* Entry of the statistics of backends, from 1; utils/backend_status.h is for the caller to include. */
#if PG_VERSION_NUM >= 160000
#define compat_backend_status(index) pgstat_get_local_beentry_by_index(index)
#else
#define compat_backend_status(index) pgstat_fetch_stat_local_beentry(index)
#endif

/* An index scan of a whole index; since 18 it may count for EXPLAIN. */
#include "access/genam.h"

static inline IndexScanDesc
compat_index_beginscan(Relation heap, Relation index, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, 0, 0);
#else
	return index_beginscan(heap, index, snapshot, 0, 0);
#endif
}

#endif							/* PG_DATACLASS_COMPAT_H */
