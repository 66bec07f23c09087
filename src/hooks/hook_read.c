/*-------------------------------------------------------------------------
 *
 * hook_read.c
 *		When a read is recorded: after it was allowed, before its first row.
 *
 * Why ExecutorStart: all reads of statements, cursors, functions, COPY (query)
 * and CREATE TABLE AS come through it, and no row has been made when it
 * returns.  Why ExecutorCheckPerms: COPY of a table reads and writes it without
 * the executor, but asks for permission.  Why ExecutorRun and ProcessUtility: a
 * cursor that goes on for another role is read by that role.
 *
 * Not recorded: EXPLAIN without ANALYZE, foreign-key checks of core, and the
 * part of a plan that a parallel worker runs for its leader.
 *
 * Owns the list of plans that may go on for another role.  An entry lives in
 * the memory of its plan or portal, whose reset unlinks it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/portal.h"
#include "utils/rls.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/read_audit.h"

/* A plan whose reads were recorded, and for whom. */
typedef struct RecordedPlan
{
	dlist_node	node;
	const QueryDesc *query_desc;
	Portal		portal;			/* cursor WITH HOLD that it belongs to, or NULL */
	Oid			role;
	List	   *notes;
	MemoryContextCallback unlink;
} RecordedPlan;

static dlist_head recorded_plans = DLIST_STATIC_INIT(recorded_plans);

/* COPY of a table is under way and has not asked for permission yet. */
static bool copying = false;

static ExecutorCheckPerms_hook_type prev_check_perms = NULL;
static ExecutorStart_hook_type prev_start = NULL;
static ExecutorRun_hook_type prev_run = NULL;
static ProcessUtility_hook_type prev_utility = NULL;

static void
unlink_node(void *arg)
{
	dlist_delete((dlist_node *) arg);
}

/* ------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------
 */

/* What a worker runs for its leader has the leader's text; queries of functions have their own. */
static bool
is_leaders_plan(const QueryDesc *query_desc)
{
	return IsParallelWorker() && query_desc->sourceText == debug_query_string;
}

/* The cursor WITH HOLD being opened: its rows outlive the plan. */
static Portal
held_portal(void)
{
	Portal		portal = ActivePortal;

	return portal && (portal->cursorOptions & CURSOR_OPT_HOLD) && portal->queryDesc == NULL &&
		portal->holdStore == NULL ? portal : NULL;
}

static void
remember_plan(const QueryDesc *query_desc)
{
	Portal		portal = held_portal();
	MemoryContext cxt = portal ? portal->portalContext : query_desc->estate->es_query_cxt;
	MemoryContext old_cxt = MemoryContextSwitchTo(cxt);
	List	   *notes = read_notes_of_plan(query_desc->plannedstmt);

	if (notes != NIL)
	{
		RecordedPlan *plan = palloc0(sizeof(RecordedPlan));

		plan->query_desc = query_desc;
		plan->portal = portal;
		plan->role = GetOuterUserId();
		plan->notes = notes;
		plan->unlink.func = unlink_node;
		plan->unlink.arg = &plan->node;
		dlist_push_head(&recorded_plans, &plan->node);
		MemoryContextRegisterResetCallback(cxt, &plan->unlink);
		read_notes_record(notes, NULL);
	}
	MemoryContextSwitchTo(old_cxt);
}

static void
dataclass_executor_start(QueryDesc *query_desc, int eflags)
{
	copying = false;			/* it became a query */
	if (prev_start)
		prev_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) || !read_audit_is_on() || is_leaders_plan(query_desc) ||
		(InNoForceRLSOperation() && ri_is_check_plan(query_desc->plannedstmt)))
		return;
	remember_plan(query_desc);
}

/* Record again for a role that goes on with what another has begun. */
static void
record_for_role(RecordedPlan *plan)
{
	if (plan->role == GetOuterUserId())
		return;
	read_notes_record(plan->notes, "FETCH");
	plan->role = GetOuterUserId();
}

static void
dataclass_executor_run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	dlist_iter	iter;

	dlist_foreach(iter, &recorded_plans)
	{
		RecordedPlan *plan = dlist_container(RecordedPlan, node, iter.cur);

		if (plan->query_desc == query_desc && (plan->portal == NULL || plan->portal->queryDesc == query_desc))
		{
			record_for_role(plan);
			break;
		}
	}
	if (prev_run)
		prev_run(query_desc, direction, count, execute_once);
	else
		standard_ExecutorRun(query_desc, direction, count, execute_once);
}

/* ------------------------------------------------------------------------
 * COPY, FETCH, DISCARD
 * ------------------------------------------------------------------------
 */

/* Core, having asked for permission, copies what has row security by a query. */
static bool
becomes_query(const CompatAccess *access)
{
	return (access->required & ACL_SELECT) && check_enable_rls(access->relid, InvalidOid, true) == RLS_ENABLED;
}

void
read_audit_copy_begins(void)
{
	copying = true;
}

static bool
dataclass_check_perms(COMPAT_CHECK_PERMS_ARGS)
{
	ListCell   *cell;

	if (prev_check_perms && !prev_check_perms(COMPAT_CHECK_PERMS_PASS))
		return false;
	if (!copying)
		return true;
	copying = false;
	if (!read_audit_is_on())
		return true;
	foreach(cell, range_table)
	{
		CompatAccess access;

		if (compat_access_of(lfirst(cell), COMPAT_PERMINFOS, &access) && !becomes_query(&access))
			read_notes_record(read_notes_of_access(&access), "COPY");
	}
	return true;
}

/* Rows of a cursor WITH HOLD after its transaction: no plan runs. */
static void
check_fetch(const FetchStmt *stmt)
{
	Portal		portal = GetPortalByName(stmt->portalname);
	dlist_iter	iter;

	if (portal == NULL || portal->holdStore == NULL)
		return;
	dlist_foreach(iter, &recorded_plans)
	{
		RecordedPlan *plan = dlist_container(RecordedPlan, node, iter.cur);

		if (plan->portal == portal)
			record_for_role(plan);
	}
}

static void
dataclass_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
						  ProcessUtilityContext context, ParamListInfo params,
						  QueryEnvironment *query_env, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *parsetree = pstmt->utilityStmt;
	bool		discards = IsA(parsetree, DiscardStmt) && ((DiscardStmt *) parsetree)->target == DISCARD_ALL;

	if (!IsA(parsetree, CopyStmt))
		copying = false;		/* of one that failed */
	if (IsA(parsetree, FetchStmt) && !dlist_is_empty(&recorded_plans) && IsTransactionState() &&
		!IsAbortedTransactionBlockState())
		check_fetch((FetchStmt *) parsetree);
	if (prev_utility)
		prev_utility(pstmt, query_string, read_only_tree, context, params, query_env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params, query_env, dest, qc);
	if (discards)
		read_audit_forget_session();
}

void
hook_read_init(void)
{
	prev_check_perms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = dataclass_check_perms;
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = dataclass_executor_start;
	prev_run = ExecutorRun_hook;
	ExecutorRun_hook = dataclass_executor_run;
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = dataclass_process_utility;
}
