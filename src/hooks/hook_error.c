/*-------------------------------------------------------------------------
 *
 * hook_error.c
 *		Error details tell no values that the subject may not read.
 *
 * Constraint violations quote rows and keys: "Failing row contains (...)",
 * "Key (x)=(v) already exists", "conflicts with existing key".  Core leaves
 * them out where row security applies to the user; that spares neither
 * superusers nor BYPASSRLS roles, and knows nothing of labels on relations and
 * columns.  Here the detail is replaced unless the subject may read all that
 * the table can hold, for a foreign key that both tables can.
 *
 * The server log is read by people without any clearance: it gets no details of
 * governed tables at all, nor the lines of data that COPY FROM into one of them
 * names as the context of an error.
 *
 * Why error context callbacks: errfinish() runs them before anybody can catch
 * or print the error, and they may still change it.  Constraints are checked
 * in the executor, in utility commands and, deferred, at commit, where no hook
 * is around.  Hence one callback at the very bottom of the stack, of every
 * process from its start.  The main loop empties the stack after an error and
 * PG_TRY puts it back to what it was, so the callback is put back too: by hooks while a statement runs, and between two messages of the
 * client, when MessageContext is reset.
 *
 * Violations of a view's check option do not name the table; while a plan runs
 * a second callback knows its relations.
 *
 * Looking at catalogs inside an error is safe for these errors: core itself
 * does it to form them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "executor/executor.h"
#include "libpq/auth.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/cursor.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"

#define NOT_SHOWN	"The values are not shown: the clearance of the session does not reach all that the table can hold."
#define NOT_LOGGED	"The values are not logged: the table is governed."

static ClientAuthentication_hook_type prev_authentication = NULL;
static ExecutorStart_hook_type prev_start = NULL;
static ExecutorRun_hook_type prev_run = NULL;

static void hide_constraint_values(void *arg);
static void put_back(void *arg);
static void set_base(void);
static void register_put_back(void);

static ErrorContextCallback base = {.callback = hide_constraint_values};
static MemoryContextCallback at_next_message = {.func = put_back};
static bool put_back_pending = false;

/* COPY FROM reads lines for a governed table. */
static bool copying_governed = false;

/* ------------------------------------------------------------------------
 * What may be shown
 * ------------------------------------------------------------------------
 */

/* The table that a foreign key of relid points at; InvalidOid if it is no foreign key. */
static Oid
referenced_table(Oid relid, const char *constraint)
{
	Oid			oid = constraint ? get_relation_constraint_oid(relid, constraint, true) : InvalidOid;
	HeapTuple	tuple = OidIsValid(oid) ? SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid)) : NULL;
	Oid			referenced;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	referenced = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
	ReleaseSysCache(tuple);
	return referenced;
}

/* What its values may be told to. */
typedef enum Audience
{
	AUDIENCE_NOBODY,
	AUDIENCE_CLIENT,
	AUDIENCE_ALL				/* and the server log */
} Audience;

static bool
is_governed(Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);

	return labels->governed || labels->ncolumns > 0 || labels->unlabelled_denied ||
		labels->row_label_attnum != InvalidAttrNumber;
}

static Audience
audience_of_table(Oid relid)
{
	if (!access_may_read(relid, InvalidAttrNumber))
		return AUDIENCE_NOBODY;
	return is_governed(relid) ? AUDIENCE_CLIENT : AUDIENCE_ALL;
}

/* May the subject read the tables that the error names wholly?  If in doubt, no. */
static Audience
audience_of_error(const ErrorData *error)
{
	Audience	audience;
	Oid			nspid;
	Oid			relid;
	Oid			referenced;

	if (!policy_current()->installed)
		return AUDIENCE_ALL;
	nspid = get_namespace_oid(error->schema_name, true);
	relid = OidIsValid(nspid) ? get_relname_relid(error->table_name, nspid) : InvalidOid;
	if (!OidIsValid(relid))
		return AUDIENCE_NOBODY;
	audience = audience_of_table(relid);
	if (ERRCODE_FOREIGN_KEY_VIOLATION != error->sqlerrcode)
		return audience;
	referenced = referenced_table(relid, error->constraint_name);
	if (!OidIsValid(referenced))
		return AUDIENCE_NOBODY;
	return Min(audience, audience_of_table(referenced));
}

static Audience
audience_of_rows(const PlannedStmt *plan)
{
	Audience	audience = AUDIENCE_ALL;
	ListCell   *cell;

	if (!policy_current()->installed)
		return audience;
	foreach(cell, plan->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_RELATION)
			audience = Min(audience, audience_of_table(rte->relid));
	}
	return audience;
}

/* ------------------------------------------------------------------------
 * Callbacks
 * ------------------------------------------------------------------------
 */

/* Look at the error being reported; plan is NULL for the callback at the bottom. */
static void
examine_error(const PlannedStmt *plan)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass error", ALLOCSET_SMALL_SIZES);
	MemoryContext old_cxt = MemoryContextSwitchTo(cxt);
	ErrorData  *error = CopyErrorData();
	bool		known = plan != NULL || (error->schema_name && error->table_name);
	Audience	audience = AUDIENCE_ALL;

	if (error->detail && known)
		audience = !IsTransactionState() ? AUDIENCE_NOBODY :
			plan ? audience_of_rows(plan) : audience_of_error(error);
	if (audience == AUDIENCE_NOBODY)
		errdetail(NOT_SHOWN);
	else if (audience == AUDIENCE_CLIENT)
		errdetail_log(NOT_LOGGED);
	/* statements of functions have their constants there */
	if (audience != AUDIENCE_ALL)
		errhidecontext(true);
	MemoryContextSwitchTo(old_cxt);
	MemoryContextDelete(cxt);
}

static void
hide_constraint_values(void *arg)
{
	/* this very error may empty the stack */
	register_put_back();
	if (!IsNormalProcessingMode())
	{
		if (geterrcode() == ERRCODE_CANT_CHANGE_RUNTIME_PARAM && guc_enforcement != ENFORCEMENT_OFF)
			denied_by_core();
		else
			login_refused();
		return;
	}
	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	if (copying_governed)
		errhidecontext(true);
	if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		examine_error(NULL);
	else if (geterrcode() == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		cursor_explain_refusal();
	else if (geterrcode() == ERRCODE_INSUFFICIENT_PRIVILEGE || geterrcode() == ERRCODE_CANT_CHANGE_RUNTIME_PARAM)
		denied_by_core();
}

static void
hide_view_values(void *arg)
{
	if (geterrcode() == ERRCODE_WITH_CHECK_OPTION_VIOLATION && guc_enforcement != ENFORCEMENT_OFF)
		examine_error((const PlannedStmt *) arg);
}

/* Below all other callbacks, unless it is there. */
static void
set_base(void)
{
	ErrorContextCallback **link = &error_context_stack;

	while (*link != NULL && *link != &base)
		link = &(*link)->previous;
	*link = &base;
}

/* Runs between two messages.  Must not register itself again: the reset would not end. */
static void
put_back(void *arg)
{
	put_back_pending = false;
	denied_reset();
	set_base();
}

static void
register_put_back(void)
{
	if (put_back_pending || MessageContext == NULL)
		return;
	put_back_pending = true;
	MemoryContextRegisterResetCallback(MessageContext, &at_next_message);
}

/* For each hook that a statement comes through first. */
void
error_guard(void)
{
	set_base();
	register_put_back();
}

/* ------------------------------------------------------------------------
 * Hooks
 * ------------------------------------------------------------------------
 */

static void
dataclass_authentication(Port *port, int status)
{
	if (prev_authentication)
		prev_authentication(port, status);
	error_guard();
}

/* Around COPY FROM, which tells its lines in the context of what is reported meanwhile. */
bool
error_copy_from(Oid relid)
{
	bool		before = copying_governed;

	copying_governed = before || (guc_enforcement != ENFORCEMENT_OFF && OidIsValid(relid) &&
								  policy_current()->installed && is_governed(relid));
	return before;
}

void
error_copy_ends(bool before)
{
	copying_governed = before;
}

static void
dataclass_executor_start(QueryDesc *query_desc, int eflags)
{
	error_guard();
	if (prev_start)
		prev_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
}

static void
dataclass_executor_run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	ErrorContextCallback callback;

	callback.callback = hide_view_values;
	callback.arg = query_desc->plannedstmt;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (prev_run)
		prev_run(query_desc, direction, count, execute_once);
	else
		standard_ExecutorRun(query_desc, direction, count, execute_once);
	error_context_stack = callback.previous;
}

void
hook_error_init(void)
{
	/*
	 * The postmaster's, which its children begin with: what pg_hba.conf rejects
	 * ends a session before any hook.
	 */
	set_base();
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = dataclass_authentication;
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = dataclass_executor_start;
	prev_run = ExecutorRun_hook;
	ExecutorRun_hook = dataclass_executor_run;
}
