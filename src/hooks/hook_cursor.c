/*-------------------------------------------------------------------------
 *
 * hook_cursor.c
 *		Rows of cursors that outlive the subject they were read for.
 *
 * A cursor is decided anew, row by row, when it goes on (hook_executor.c).
 * That does not reach rows which were let through before and wait:
 *
 *	- in the executor (a sort, a materialised subquery): "open" queries.  Going
 *	  on with one is refused unless the subject may read all it could hold.
 *	- in a portal's tuple store: cursors WITH HOLD after their transaction, and
 *	  RETURNING, FETCH, EXECUTE and CALL that the client reads in pieces.  Core
 *	  gives those to whoever asks, through no hook where a client or PL/pgSQL
 *	  names the portal.  Hence they are sealed: such a portal is PORTAL_DONE, which
 *	  core refuses to run, whenever its rows are not for the subject; and made
 *	  ready again when they are.
 *
 * When: at both ends of each statement and plan, which is where subjects
 * change.  Where a subject can change without a statement that comes later
 * (settings put back at the end of a transaction or at ROLLBACK TO, a message
 * from another backend) the portals are sealed unless nothing changed, and
 * looked at again by the next statement.
 *
 * Owns both lists.  An entry lives in the memory of its query or portal, and a
 * reset callback of that memory unlinks it: no way of ending a portal can leave
 * it behind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_shseclabel.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/cursor.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/report.h"

/* A plan that may go on later. */
typedef struct OpenQuery
{
	dlist_node	node;
	const QueryDesc *query_desc;
	uint64		epoch;			/* subject of its last run */
	bool		keeps_rows;
	Reach	   *reach;			/* if it keeps rows */
	MemoryContextCallback unlink;
} OpenQuery;

/* A portal whose rows are in a tuple store. */
typedef struct StoredPortal
{
	dlist_node	node;
	Portal		portal;
	Reach	   *reach;
	bool		sealed;
	MemoryContextCallback unlink;
} StoredPortal;

static dlist_head open_queries = DLIST_STATIC_INIT(open_queries);
static dlist_head stored_portals = DLIST_STATIC_INIT(stored_portals);

/* For whom the stored portals were looked at last. */
static uint64 looked_epoch = 0;
static Oid	looked_role = InvalidOid;
static uint32 looked_narrowing = 0;
static bool changed_in_transaction = false;
static bool transaction_armed = false;

static ExecutorStart_hook_type prev_start = NULL;
static ExecutorRun_hook_type prev_run = NULL;
static ProcessUtility_hook_type prev_utility = NULL;

static void
unlink_node(void *arg)
{
	dlist_delete((dlist_node *) arg);
}

/* ------------------------------------------------------------------------
 * Sealing
 * ------------------------------------------------------------------------
 */

static void
seal(StoredPortal *stored)
{
	if (stored->portal->status != PORTAL_READY)
		return;
	stored->portal->status = PORTAL_DONE;
	stored->sealed = true;
}

static void
unseal(StoredPortal *stored)
{
	if (stored->sealed && stored->portal->status == PORTAL_DONE)
		stored->portal->status = PORTAL_READY;
	stored->sealed = false;
}

/* No catalogs, no errors: also for callbacks. */
static void
seal_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &stored_portals)
		seal(dlist_container(StoredPortal, node, iter.cur));
	looked_epoch = 0;
}

static uint32
hash_of_setting(const char *value)
{
	return value ? string_hash(value, strlen(value) + 1) : 0;
}

/* Both settings that narrow. */
static uint32
narrowing_hash(void)
{
	return hash_combine(hash_of_setting(guc_session_ceiling), hash_of_setting(guc_session_tier));
}

/* Settings have been put back to what they were before the transaction. */
static void
transaction_is_over(void *arg)
{
	transaction_armed = false;
	changed_in_transaction = false;
	if (looked_role != GetOuterUserId() || looked_narrowing != narrowing_hash())
		seal_all();
}

static void
arm_transaction(void)
{
	static MemoryContextCallback callback = {.func = transaction_is_over};

	if (transaction_armed)
		return;
	transaction_armed = true;
	MemoryContextRegisterResetCallback(TopTransactionContext, &callback);
}

/* The usual case, no such portals or nobody changed, must cost nothing. */
static void
look_at_portals(void)
{
	dlist_iter	iter;

	if (dlist_is_empty(&stored_portals) || !IsTransactionState() || IsAbortedTransactionBlockState())
		return;
	arm_transaction();
	if (subject_epoch_is_current(looked_epoch))
		return;
	(void) subject_current();
	if (looked_role != GetOuterUserId() || looked_narrowing != narrowing_hash())
		changed_in_transaction = true;
	dlist_foreach(iter, &stored_portals)
	{
		StoredPortal *stored = dlist_container(StoredPortal, node, iter.cur);

		if (reach_is_readable(stored->reach))
			unseal(stored);
		else
			seal(stored);
	}
	looked_role = GetOuterUserId();
	looked_narrowing = narrowing_hash();
	looked_epoch = subject_epoch();
}

static void
subxact_callback(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && changed_in_transaction)
		seal_all();
}

/* Labels or clearances changed in another session. */
static void
relcache_callback(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == SharedSecLabelRelationId)
		seal_all();
}

static void
refuse(const char *portal_name, const char *action, const char *detail)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = action;
	refusal.event.object_type = "cursor";
	refusal.event.object_identity = portal_name;
	refusal.event.rule = decision_rule_name(DECISION_DOMINANCE);
	refusal.event.detail = detail;
	refusal.message = psprintf("permission denied for cursor \"%s\"", portal_name);
	refusal.detail = detail;
	refusal.hint = "Declare the cursor again.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

#define STORED_ROWS_DETAIL "The rows of the cursor were read by a subject that may read more."

/*
 * Called by the error context callback while core reports that a portal cannot
 * be run: where that is our doing, a recorded denial takes the error's place.
 * (An error raised by a callback replaces the one being reported.)
 */
void
cursor_explain_refusal(void)
{
	dlist_iter	iter;
	MemoryContext old_cxt;
	ErrorData  *error;
	const StoredPortal *found = NULL;

	if (dlist_is_empty(&stored_portals) || !IsTransactionState())
		return;
	/* not in ErrorContext, which the new error empties before it reads its texts */
	old_cxt = MemoryContextSwitchTo(TopTransactionContext);
	error = CopyErrorData();
	dlist_foreach(iter, &stored_portals)
	{
		const StoredPortal *stored = dlist_container(StoredPortal, node, iter.cur);

		if (stored->sealed && error->funcname && strcmp(error->funcname, "MarkPortalActive") == 0 &&
			strcmp(error->message, psprintf(_("portal \"%s\" cannot be run"), stored->portal->name)) == 0)
			found = stored;
	}
	if (found)
		refuse(found->portal->name, "FETCH", STORED_ROWS_DETAIL);
	FreeErrorData(error);
	MemoryContextSwitchTo(old_cxt);
}

/* ------------------------------------------------------------------------
 * Portals with a tuple store
 * ------------------------------------------------------------------------
 */

static StoredPortal *
find_stored(Portal portal)
{
	dlist_iter	iter;

	dlist_foreach(iter, &stored_portals)
	{
		StoredPortal *stored = dlist_container(StoredPortal, node, iter.cur);

		if (stored->portal == portal)
			return stored;
	}
	return NULL;
}

/* The rows being stored in the portal are read by the subject of this moment. */
static void
remember_portal(Portal portal, const List *stmts)
{
	MemoryContext old_cxt = MemoryContextSwitchTo(portal->portalContext);
	Reach	   *reach = reach_of_statements(stmts);

	if (!reach_is_empty(reach) && find_stored(portal) == NULL)
	{
		StoredPortal *stored = palloc0(sizeof(StoredPortal));

		stored->portal = portal;
		stored->reach = reach;
		stored->unlink.func = unlink_node;
		stored->unlink.arg = &stored->node;
		dlist_push_tail(&stored_portals, &stored->node);
		MemoryContextRegisterResetCallback(portal->portalContext, &stored->unlink);
		looked_epoch = 0;		/* by now this subject may be another than when it was looked last */
		look_at_portals();
	}
	MemoryContextSwitchTo(old_cxt);
}

/* Those of a simple Query message are read at once and cannot be named. */
static bool
is_stored_in(Portal portal)
{
	return portal != NULL && portal->holdStore != NULL && portal->visible;
}

static bool
gives_rows_of_others(const Node *parsetree)
{
	return IsA(parsetree, FetchStmt) || IsA(parsetree, ExecuteStmt) || IsA(parsetree, CallStmt);
}

/* ------------------------------------------------------------------------
 * Open queries
 * ------------------------------------------------------------------------
 */

static OpenQuery *
find_open(const QueryDesc *query_desc)
{
	dlist_iter	iter;

	dlist_foreach(iter, &open_queries)
	{
		OpenQuery  *open = dlist_container(OpenQuery, node, iter.cur);

		if (open->query_desc == query_desc)
			return open;
	}
	return NULL;
}

/* It has run for this subject and may go on for another. */
static void
remember_open(QueryDesc *query_desc)
{
	MemoryContext old_cxt = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	OpenQuery  *open = palloc0(sizeof(OpenQuery));

	open->query_desc = query_desc;
	open->keeps_rows = plan_keeps_rows(query_desc->plannedstmt);
	if (open->keeps_rows)
		open->reach = reach_of_statements(list_make1(query_desc->plannedstmt));
	open->epoch = subject_epoch();
	open->unlink.func = unlink_node;
	open->unlink.arg = &open->node;
	dlist_push_head(&open_queries, &open->node);
	MemoryContextRegisterResetCallback(query_desc->estate->es_query_cxt, &open->unlink);
	MemoryContextSwitchTo(old_cxt);
}

/*
 * Core runs cursors and the portals of clients through the portal that is
 * active; anything else a hook sees runs within one statement.
 */
static bool
may_go_on(const QueryDesc *query_desc, uint64 count)
{
	Portal		portal = ActivePortal;

	return portal != NULL && portal->queryDesc == query_desc && portal->holdStore == NULL &&
		portal->visible && (count != 0 || !(portal->cursorOptions & CURSOR_OPT_NO_SCROLL));
}

/* From here on it may hold rows of this subject too, who can read all of what it held. */
static void
check_open(OpenQuery *open)
{
	MemoryContext old_cxt;

	if (!open->keeps_rows)
		return;
	/* the client may have said no more than "go on" since another session changed labels */
	AcceptInvalidationMessages();
	(void) subject_current();
	if (subject_epoch_is_current(open->epoch))
		return;
	if (!reach_is_readable(open->reach))
		refuse(ActivePortal ? ActivePortal->name : "", "FETCH",
			   "The cursor holds rows that were read by a subject that may read more.");
	open->epoch = subject_epoch();
	if (open->reach->subject == subject_digest() && open->reach->generation == policy_generation())
		return;
	old_cxt = MemoryContextSwitchTo(open->query_desc->estate->es_query_cxt);
	open->reach = reach_of_statements(list_make1(open->query_desc->plannedstmt));
	MemoryContextSwitchTo(old_cxt);
}

/* ------------------------------------------------------------------------
 * Hooks
 * ------------------------------------------------------------------------
 */

static void
dataclass_executor_start(QueryDesc *query_desc, int eflags)
{
	look_at_portals();
	if (prev_start)
		prev_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
}

static void
dataclass_executor_run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	OpenQuery  *open = dlist_is_empty(&open_queries) ? NULL : find_open(query_desc);
	Portal		portal = ActivePortal;

	if (open)
		check_open(open);
	if (is_stored_in(portal) && policy_current()->installed &&
		(portal->queryDesc == query_desc || portal->strategy == PORTAL_ONE_RETURNING ||
		 portal->strategy == PORTAL_ONE_MOD_WITH))
		remember_portal(portal, list_make1(query_desc->plannedstmt));
	if (prev_run)
		prev_run(query_desc, direction, count, execute_once);
	else
		standard_ExecutorRun(query_desc, direction, count, execute_once);
	if (open == NULL && may_go_on(query_desc, count) && policy_current()->installed)
		remember_open(query_desc);
	look_at_portals();
}

static void
check_fetch(const FetchStmt *stmt)
{
	Portal		portal = GetPortalByName(stmt->portalname);
	StoredPortal *stored = portal ? find_stored(portal) : NULL;

	if (stored && stored->sealed)
		refuse(portal->name, stmt->ismove ? "MOVE" : "FETCH", STORED_ROWS_DETAIL);
}

static void
dataclass_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
						  ProcessUtilityContext context, ParamListInfo params,
						  QueryEnvironment *query_env, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *parsetree = pstmt->utilityStmt;

	look_at_portals();
	if (IsA(parsetree, FetchStmt) && !dlist_is_empty(&stored_portals) && IsTransactionState())
		check_fetch((FetchStmt *) parsetree);
	if (gives_rows_of_others(parsetree) && is_stored_in(ActivePortal) &&
		ActivePortal->strategy == PORTAL_UTIL_SELECT && IsTransactionState() && policy_current()->installed)
		remember_portal(ActivePortal, list_make1(pstmt));
	if (prev_utility)
		prev_utility(pstmt, query_string, read_only_tree, context, params, query_env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params, query_env, dest, qc);
	look_at_portals();
}

void
hook_cursor_init(void)
{
	RegisterSubXactCallback(subxact_callback, NULL);
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = dataclass_executor_start;
	prev_run = ExecutorRun_hook;
	ExecutorRun_hook = dataclass_executor_run;
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = dataclass_process_utility;
}
