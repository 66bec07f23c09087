/*-------------------------------------------------------------------------
 *
 * hook_executor.c
 *		Tables and columns of every statement the executor runs.
 *
 * Why ExecutorCheckPerms: core calls it for each plan, whoever runs it, with
 * every relation and the columns it touches, views and functions expanded.
 * Owners, superusers and BYPASSRLS roles come through here like all others.
 *
 * Why ExecutorStart: to take in invalidations before the check, since a cached
 * plan whose locks the transaction holds already would not; and to have the
 * plan at hand where only its shape tells a foreign-key check from a user's
 * query.  Why ExecutorRun: a cursor opened before SET ROLE, a relabelling or a
 * narrowing is checked anew when it goes on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_shseclabel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/break_glass.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/mask.h"
#include "pg_dataclass/plan.h"
#include "pg_dataclass/profile.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/stat.h"
#include "pg_dataclass/subject.h"
#include "pg_dataclass/watch.h"

static ExecutorCheckPerms_hook_type prev_check_perms = NULL;
static ExecutorStart_hook_type prev_start = NULL;
static ExecutorRun_hook_type prev_run = NULL;

/* Plan being started inside a foreign-key operation; NULL otherwise. */
static const PlannedStmt *ri_plan = NULL;

/* Plan being started or run; the check is about it if it is about its range table. */
const PlannedStmt *plan_under_check = NULL;

/* What was checked last: the usual ExecutorRun right after ExecutorStart need not check again. */
static const QueryDesc *checked_query = NULL;
static uint64 checked_epoch = 0;

/* Least upper bound of what is read, gathered for CREATE TABLE AS. */
static int	gathering = 0;		/* depth: a function in the query may run such a command itself */
static bool gathered_any = false;
static bool gathered_unknown = false;
static ResolvedLabel gathered;

/* ------------------------------------------------------------------------
 * Labels of sources
 * ------------------------------------------------------------------------
 */

void
source_labels_begin(void)
{
	if (gathering++ > 0)
		return;					/* the inner command gets at least what the outer has read */
	gathered_any = false;
	gathered_unknown = false;
}

/* False if nothing governed was read. */
bool
source_labels_end(ResolvedLabel *label)
{
	gathering--;
	if (!gathered_any)
		return false;
	*label = gathered;
	if (gathered_unknown)
		label->rank = POLICY_RANK_NONE;
	return true;
}

static void
gather(const ResolvedLabel *label)
{
	Label		joined;

	if (!gathered_any)
	{
		gathered = *label;
		gathered_any = true;
	}
	else if (label->rank != POLICY_RANK_NONE && gathered.rank != POLICY_RANK_NONE &&
			 label_join(&gathered.label, gathered.rank, &label->label, label->rank, &joined))
		resolve_label(policy_current(), &joined, &gathered);
	else
		gathered_unknown = true;
}

/* ------------------------------------------------------------------------
 * Checks
 * ------------------------------------------------------------------------
 */

typedef struct Check
{
	const CompatAccess *access;
	const RelationLabels *labels;
	const PlannedStmt *plan;	/* NULL: not a plan of our planner hook */
	bool		report;			/* raise on violation */
	const char *command;
} Check;

const char *
access_command(const CompatAccess *access)
{
	if (access->required & ACL_INSERT)
		return "INSERT";
	if (access->required & ACL_DELETE)
		return "DELETE";
	if (access->updated != NULL || (access->required & (ACL_UPDATE | ACL_SELECT)) == ACL_UPDATE)
		return "UPDATE";
	if (access->required & ACL_TRUNCATE)
		return "TRUNCATE";
	return "SELECT";
}

/* Ask the monitor about one label; true if the statement may go on. */
static bool
decide(const Check *check, PolicyAction action, AttrNumber attnum, const ResolvedLabel *label)
{
	PolicyRequest request;
	PolicyDecision decision;

	if (action == ACTION_WRITE && subject_writes_ahead_of_policy(label && (label->rank == POLICY_RANK_NONE ||
																		 label->required_tier == POLICY_RANK_NONE)))
		return true;
	request_init(&request, subject_current(), action);
	request.governed = true;
	request.quarantined = check->labels->quarantined && !policy_is_restoring();
	if (label)
		request_object(&request, label);
	decision = policy_decide(&request);
	stat_add(STAT_DECISIONS, 1);
	if (decision.verdict == DECISION_ALLOW)
	{
		if (decision.clearance >= 0 && request.clearances[decision.clearance].emergency)
			break_glass_use(check->access->relid, attnum, check->command, label ? label->label.text : NULL);
		return true;
	}
	if (!check->report)
		return decision.verdict != DECISION_DENY;
	report_decision(&decision, check->access->relid, attnum, check->command, label ? &label->label : NULL);
	return true;
}

/*
 * Rows are decided one by one, without a record: emergency access is used
 * where the clearance alone does not reach all that the table can hold.
 */
static void
note_emergency_rows(const Check *check)
{
	PolicyRequest request;
	ResolvedLabel ceiling;
	PolicyDecision decision;

	if (!break_glass_is_open())
		return;
	if (!relation_ceiling(check->labels, &ceiling))
	{
		break_glass_use(check->access->relid, InvalidAttrNumber, check->command, NULL);
		return;
	}
	request_init(&request, subject_current(), ACTION_READ);
	request_object(&request, &ceiling);
	decision = policy_decide(&request);
	if (decision.clearance < 0 || request.clearances[decision.clearance].emergency)
		break_glass_use(check->access->relid, InvalidAttrNumber, check->command, ceiling.label.text);
}

static bool
touches(const Bitmapset *columns, AttrNumber attnum)
{
	return bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, columns);
}

/*
 * Does whoever may not read the column get its mask?  Only if every mention of
 * it in the plan was replaced.  A worker runs what its leader was let run.
 */
static bool
shows_mask(const Check *check, const ColumnLabel *column)
{
	return column->mask.kind != LABEL_MASK_NONE &&
		(IsParallelWorker() ||
		 (check->plan && mask_plan_covers(check->plan, check->access->relid, column->attnum))) &&
		!mask_column_readable(check->access->relid, column->attnum);
}

/* Is the column named only where nothing of it is read?  Workers as above. */
static bool
leaves_column(const Check *check, const ColumnLabel *column)
{
	return IsParallelWorker() ||
		(check->plan && column_use_plan_leaves(check->plan, check->access->relid, column->attnum));
}

static bool
check_columns(const Check *check)
{
	const CompatAccess *access = check->access;
	int			ncolumns = check->labels->ncolumns;
	ColumnLabel *columns = NULL;
	ResolvedLabel uncovered;
	AttrNumber	attnum;

	/* looking at the subject may empty the cache of labels */
	if (ncolumns > 0)
		columns = memcpy(palloc(sizeof(ColumnLabel) * ncolumns), check->labels->columns,
						 sizeof(ColumnLabel) * ncolumns);
	for (int i = 0; i < ncolumns; i++)
	{
		const ColumnLabel *column = &columns[i];
		bool		read = touches(access->selected, column->attnum) ||
			touches(access->selected, InvalidAttrNumber);
		bool		write = touches(access->inserted, column->attnum) ||
			touches(access->updated, column->attnum);

		if (read && (shows_mask(check, column) || leaves_column(check, column)))
			read = false;
		if (read && !decide(check, ACTION_READ, column->attnum, &column->resolved))
			return false;
		if (write && !decide(check, ACTION_WRITE, column->attnum, &column->resolved))
			return false;
		if (read && gathering)
			gather(&column->resolved);
	}
	attnum = move_uncovers_column(access, &uncovered);
	return attnum == InvalidAttrNumber || decide(check, ACTION_WRITE, attnum, &uncovered);
}

/*
 * A row-labeled child read through a parent without the label column: no
 * filter could be attached, so the subject must reach all it can hold.
 */
static bool
check_unfiltered_child(const Check *check)
{
	ResolvedLabel ceiling;

	return !relation_ceiling(check->labels, &ceiling) ||
		decide(check, ACTION_READ, InvalidAttrNumber, &ceiling);
}

static bool
check_relation(const Check *check)
{
	const CompatAccess *access = check->access;
	const RelationLabels *labels = check->labels;
	bool		write = (access->required & (ACL_INSERT | ACL_DELETE | ACL_TRUNCATE)) != 0 ||
		access->updated != NULL ||
		(access->required & (ACL_UPDATE | ACL_SELECT)) == ACL_UPDATE;
	bool		by_row = labels->row_label_attnum != InvalidAttrNumber;

	if (labels->unlabelled_denied && !decide(check, ACTION_READ, InvalidAttrNumber, NULL))
		return false;
	if (labels->quarantined && !labels->governed &&
		!decide(check, ACTION_READ, InvalidAttrNumber, NULL))
		return false;
	if (labels->governed && (!by_row || labels->quarantined))
	{
		/* what may be written may be read: the floor comes on top of dominance */
		if (!decide(check, write ? ACTION_WRITE : ACTION_READ, InvalidAttrNumber, &labels->label))
			return false;
	}
	if (by_row)
		note_emergency_rows(check);
	if (by_row && access->required == 0 && labels->row_label_unfiltered && !check_unfiltered_child(check))
		return false;
	if (gathering && (access->required & ACL_SELECT || access->required == 0))
	{
		ResolvedLabel ceiling;

		if (labels->governed)
			gather(&labels->label);
		else if (by_row && relation_ceiling(labels, &ceiling))
			gather(&ceiling);
	}
	return check_columns(check);
}

/* DML on the policy's tables is an officer's act, also for superusers who are none. */
void
access_check_policy_write(Oid relid, const char *command)
{
	Refusal		refusal = {0};

	profile_guard_write(relid, command);
	if (relid < FirstNormalObjectId || policy_is_officer() || policy_is_installing() ||
		get_rel_namespace(relid) != policy_current()->schema_oid)
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = command;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = "officer";
	refusal.message = psprintf("permission denied for policy table \"%s\"", get_rel_name(relid));
	refusal.detail = "Only members of dataclass_officer may change the policy.";
	refusal.hint = "Ask a security officer.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

static bool
check_access(const CompatAccess *access, const PlannedStmt *plan, bool report)
{
	const AclMode writes = ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
	Check		check;

	/* rules keep their OLD and NEW as views that nothing is read from */
	if (access->required == 0 && access->relkind == RELKIND_VIEW)
		return true;
	check.access = access;
	check.plan = plan;
	check.report = report;
	check.command = access_command(access);
	if (access->required & writes)
		guard_relation_write(access->relid, check.command);
	if (!watch_passed && !watch_check_access(access->relid, check.command, report))
		return false;
	check.labels = relation_labels(access->relid);
	if (check.labels->is_catalog)
	{
		if (access->required & writes)
		{
			kept_table_guard(access->relid, check.command);
			access_check_policy_write(access->relid, check.command);
		}
		mask_guard_key(access->relid, check.command);
		return true;
	}
	return check_relation(&check);
}

/*
 * Clearances and membership are cluster-wide: a database without the extension
 * must not be the place to write them behind everybody's back.
 */
static void
check_shared_catalog_write(const CompatAccess *access)
{
	Refusal		refusal = {0};

	if (!(access->required & (ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE)) || IsBinaryUpgrade ||
		(access->relid != SharedSecLabelRelationId && access->relid != AuthMemRelationId &&
		 access->relid != AuthIdRelationId))
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = access_command(access);
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = access->relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(access->relid);
	refusal.event.rule = "trail_guard";
	refusal.message = psprintf("permission denied for table %s", refusal.event.object_identity);
	refusal.detail = "Clearances and membership of roles hold in every database of the cluster.";
	refusal.hint = "Use SECURITY LABEL, GRANT and ALTER ROLE.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

static bool
dataclass_check_perms(COMPAT_CHECK_PERMS_ARGS)
{
	const PlannedStmt *plan = plan_under_check && plan_under_check->rtable == range_table ? plan_under_check : NULL;
	ListCell   *cell;

	/* a denial of somebody else stands */
	if (prev_check_perms && !prev_check_perms(COMPAT_CHECK_PERMS_PASS))
		return false;
	if (guc_enforcement == ENFORCEMENT_OFF)
		return true;
	if (!policy_current()->installed)
	{
		foreach(cell, range_table)
		{
			CompatAccess access;

			if (compat_access_of(lfirst(cell), COMPAT_PERMINFOS, &access))
				check_shared_catalog_write(&access);
		}
		return true;
	}
	if (ri_plan && ri_is_check_plan(ri_plan))
		return true;
	foreach(cell, range_table)
	{
		CompatAccess access;

		if (compat_access_of(lfirst(cell), COMPAT_PERMINFOS, &access) &&
			!check_access(&access, plan, ereport_on_violation))
			return false;
	}
	export_note(range_table, COMPAT_PERMINFOS);
	return true;
}

/* Its rows may have any registered label below the ceiling, down to the lowest class: floors bind. */
static void
check_lowest_row(const Check *check, PolicyAction action)
{
	const PolicySnapshot *p = policy_current();
	const char *name = p->nclasses ? p->classes[0].name : NULL;
	ResolvedLabel lowest;
	LabelError	error;
	Label		label;

	if (name == NULL || !label_parse(name, strlen(name), &label, &error))
		return;
	resolve_label(p, &label, &lowest);
	decide(check, action, InvalidAttrNumber, &lowest);
}

/* For utility commands: the same questions about one relation. */
void
access_check_relation(Oid relid, PolicyAction action, const char *command)
{
	CompatAccess access = {0};
	Check		check;
	ResolvedLabel ceiling;
	bool		have_ceiling;

	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	access.relid = relid;
	check.access = &access;
	check.plan = NULL;
	check.labels = relation_labels(relid);
	check.report = true;
	check.command = command;
	if (check.labels->is_catalog)
		return;
	if (!watch_passed)
	{
		(void) watch_check_access(relid, command, true);
		check.labels = relation_labels(relid);
	}
	have_ceiling = relation_ceiling(check.labels, &ceiling);
	if (check.labels->unlabelled_denied || (check.labels->quarantined && !have_ceiling))
		decide(&check, action, InvalidAttrNumber, NULL);
	if (have_ceiling)
		decide(&check, action, InvalidAttrNumber, &ceiling);
	if (action == ACTION_WRITE && check.labels->row_label_attnum != InvalidAttrNumber)
		check_lowest_row(&check, action);
	read_audit_command(relid, action, command);
}

/* Rows routed to a partition: may the subject write it as a whole?  Its column labels bind who names them. */
void
access_check_partition(Oid relid)
{
	CompatAccess access = {0};
	Check		check;

	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	access.relid = relid;
	check.access = &access;
	check.labels = relation_labels(relid);
	check.report = true;
	check.command = "INSERT";
	if (check.labels->is_catalog)
		return;
	if (!watch_passed)
	{
		(void) watch_check_access(relid, check.command, true);
		check.labels = relation_labels(relid);
	}
	if (check.labels->unlabelled_denied || (check.labels->quarantined && !check.labels->governed))
		decide(&check, ACTION_WRITE, InvalidAttrNumber, NULL);
	if (check.labels->governed &&
		(check.labels->row_label_attnum == InvalidAttrNumber || check.labels->quarantined))
		decide(&check, ACTION_WRITE, InvalidAttrNumber, &check.labels->label);
}

/* Quiet: may the current subject read everything that a column, or a whole relation (0), can hold? */
bool
access_may_read(Oid relid, AttrNumber attnum)
{
	const RelationLabels *labels = relation_labels(relid);
	PolicyRequest request;
	ResolvedLabel ceiling;
	bool		by_row = labels->row_label_attnum != InvalidAttrNumber;

	if (guc_enforcement == ENFORCEMENT_OFF || labels->is_catalog)
		return true;
	request_init(&request, subject_current(), ACTION_READ);
	if (labels->quarantined || labels->unlabelled_denied)
		return false;
	for (int i = 0; i < labels->ncolumns; i++)
		if (attnum == 0 || labels->columns[i].attnum == attnum)
		{
			request_object(&request, &labels->columns[i].resolved);
			if (policy_decide(&request).verdict == DECISION_DENY)
				return false;
		}
	if (by_row ? relation_ceiling(labels, &ceiling) : labels->governed)
	{
		request_object(&request, by_row ? &ceiling : &labels->label);
		if (policy_decide(&request).verdict == DECISION_DENY)
			return false;
	}
	return true;
}

/* Quiet: may the current subject read that column, as far as the column's own label goes? */
bool
access_may_read_column(Oid relid, AttrNumber attnum)
{
	const RelationLabels *labels = relation_labels(relid);
	PolicyRequest request;

	if (guc_enforcement == ENFORCEMENT_OFF || labels->is_catalog)
		return true;
	request_init(&request, subject_current(), ACTION_READ);
	for (int i = 0; i < labels->ncolumns; i++)
		if (labels->columns[i].attnum == attnum)
		{
			request_object(&request, &labels->columns[i].resolved);
			return policy_decide(&request).verdict != DECISION_DENY;
		}
	return true;
}

/* ------------------------------------------------------------------------
 * Start and run
 * ------------------------------------------------------------------------
 */

static void
start_executor(QueryDesc *query_desc, int eflags)
{
	if (prev_start)
		prev_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
}

static void
dataclass_executor_start(QueryDesc *query_desc, int eflags)
{
	const PlannedStmt *saved = ri_plan;
	const PlannedStmt *saved_plan = plan_under_check;

	AcceptInvalidationMessages();
	policy_check_clock();
	query_desc->plannedstmt = plan_for_subject(query_desc->plannedstmt, query_desc->sourceText, query_desc->params);
	ri_plan = InNoForceRLSOperation() ? query_desc->plannedstmt : NULL;
	plan_under_check = query_desc->plannedstmt;
	PG_TRY();
	{
		start_executor(query_desc, eflags);
	}
	PG_FINALLY();
	{
		ri_plan = saved;
		plan_under_check = saved_plan;
	}
	PG_END_TRY();
	checked_query = query_desc;
	checked_epoch = subject_epoch();
}

static void
check_again(const PlannedStmt *plan)
{
	const PlannedStmt *saved = plan_under_check;

	plan_under_check = plan;
	PG_TRY();
	{
		ExecCheckRTPerms(plan->rtable, COMPAT_PLAN_PERMINFOS(plan) true);
	}
	PG_FINALLY();
	{
		plan_under_check = saved;
	}
	PG_END_TRY();
}

static void
dataclass_executor_run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	QueryDesc  *outer = direct_call_running;
	uint64		epoch;

	policy_check_clock();
	if ((query_desc != checked_query || !subject_epoch_is_current(checked_epoch)) &&
		!InNoForceRLSOperation() && IsTransactionState())
	{
		AcceptInvalidationMessages();
		subject_current();
		if (guc_enforcement != ENFORCEMENT_OFF)
			plan_check_subject(query_desc->plannedstmt);
		check_again(query_desc->plannedstmt);
	}
	/* only the run right after the start is covered by the check made there */
	checked_query = NULL;
	epoch = subject_epoch();
	direct_call_running = query_desc;
	PG_TRY();
	{
		if (prev_run)
			prev_run(query_desc, direction, count, execute_once);
		else
			standard_ExecutorRun(query_desc, direction, count, execute_once);
	}
	PG_FINALLY();
	{
		direct_call_running = outer;
	}
	PG_END_TRY();
	/* a function of the query, or another session, changed the subject while no filter was there to notice */
	if (!subject_epoch_is_current(epoch) && guc_enforcement != ENFORCEMENT_OFF && !InNoForceRLSOperation())
		plan_check_subject(query_desc->plannedstmt);
}

void
hook_executor_init(void)
{
	prev_check_perms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = dataclass_check_perms;
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = dataclass_executor_start;
	prev_run = ExecutorRun_hook;
	ExecutorRun_hook = dataclass_executor_run;
}
