/*-------------------------------------------------------------------------
 *
 * cursor_reach.c
 *		What a query could read, kept with the rows it left somewhere.
 *
 * A sort, a tuple store, a held cursor keep rows that were let through for the
 * subject of that moment.  A Reach says what those rows can be made of: labels
 * of relations and columns, and the set of row labels that were readable.
 * Another subject may have the rows if all of that is readable to it, by what
 * was recorded and by what the relations' labels are now.
 *
 * Owns no state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/cursor.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/rowfilter.h"

#define MAX_IDS 4096			/* more are compared as "all or the same subject" */

/* ------------------------------------------------------------------------
 * The subject in one number
 * ------------------------------------------------------------------------
 */

static uint64
mix(uint64 seed, const void *bytes, size_t length)
{
	return hash_bytes_extended(bytes, (int) length, seed);
}

uint64
subject_digest(void)
{
	const Subject *s = subject_current();
	uint64		digest = mix(0, &s->role, sizeof(s->role));

	digest = mix(digest, &s->session_tier, sizeof(s->session_tier));
	digest = mix(digest, &s->trusted_function, sizeof(s->trusted_function));
	if (s->has_ceiling)
		digest = mix(digest, s->ceiling.text, s->ceiling.text_len);
	for (int i = 0; i < s->nclearances; i++)
	{
		digest = mix(digest, &s->clearances[i].rank, sizeof(s->clearances[i].rank));
		digest = mix(digest, &s->clearances[i].emergency, sizeof(s->clearances[i].emergency));
		digest = mix(digest, s->clearances[i].ceiling.text, s->clearances[i].ceiling.text_len);
	}
	return digest;
}

/* ------------------------------------------------------------------------
 * Making one
 * ------------------------------------------------------------------------
 */

static void
add_label(Reach *reach, const ResolvedLabel *label)
{
	ListCell   *cell;

	foreach(cell, reach->labels)
		if (strcmp(lfirst(cell), label->label.text) == 0)
			return;
	reach->labels = lappend(reach->labels, pstrdup(label->label.text));
}

static bool
column_is_read(const ReachRelation *relation, AttrNumber attnum)
{
	return relation->all_columns ||
		bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, relation->columns);
}

static void
add_relation(Reach *reach, const CompatAccess *access)
{
	const RelationLabels *labels = relation_labels(access->relid);
	ReachRelation *relation;

	if (access->relid < FirstNormalObjectId || labels->is_catalog)
		return;
	relation = palloc0(sizeof(ReachRelation));
	relation->relid = access->relid;
	relation->by_row = labels->row_label_attnum != InvalidAttrNumber;
	relation->columns = bms_copy(access->selected);
	/* children that inheritance added carry no columns of their own */
	relation->all_columns = access->required == 0 ||
		bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, access->selected);
	reach->relations = lappend(reach->relations, relation);
	if (relation->by_row)
		reach->by_row = true;
	else if (labels->governed)
		add_label(reach, &labels->label);
	for (int i = 0; i < labels->ncolumns; i++)
	{
		AttrNumber	attnum = labels->columns[i].attnum;

		if (!column_is_read(relation, attnum))
			continue;
		if (access_may_read_column(relation->relid, attnum))
			add_label(reach, &labels->columns[i].resolved);
		else
			relation->masked = bms_add_member(relation->masked, attnum - FirstLowInvalidHeapAttributeNumber);
	}
}

/* Whoever reads these reads all that the subject does. */
static void
add_clearances(Reach *reach)
{
	const Subject *s = subject_current();

	for (int i = 0; i < s->nclearances; i++)
		if (s->clearances[i].rank != POLICY_RANK_NONE)
			/* no label says what emergency access reaches: nobody but it reads that */
			reach->clearances = lappend(reach->clearances,
										pstrdup(s->clearances[i].emergency ? "" : s->clearances[i].ceiling.text));
}

Reach *
reach_of_statements(const List *stmts)
{
	Reach	   *reach = palloc0(sizeof(Reach));
	const uint64 *ids;
	uint64		digest;
	ListCell   *stmt_cell;
	ListCell   *cell;

	reach->subject = subject_digest();
	reach->generation = policy_generation();
	foreach(stmt_cell, stmts)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, stmt_cell);

		if (plan->commandType == CMD_UTILITY)
			reach->opaque = true;
		else if (plan_calls_functions(plan))
			reach->by_function = true;
		foreach(cell, plan->rtable)
		{
			CompatAccess access;

			if (compat_access_of(lfirst(cell), COMPAT_PLAN_PERMINFO_LIST(plan), &access))
				add_relation(reach, &access);
		}
	}
	if (reach->by_function)
		add_clearances(reach);
	if (!reach->by_row)
		return reach;
	reach->nids = row_labels_readable(&ids, &digest);
	if (reach->nids > MAX_IDS)
		reach->nids = -1;
	if (reach->nids > 0)
	{
		reach->ids = palloc(sizeof(uint64) * reach->nids);
		memcpy(reach->ids, ids, sizeof(uint64) * reach->nids);
	}
	return reach;
}

bool
reach_is_empty(const Reach *reach)
{
	return !reach->opaque && !reach->by_function && reach->relations == NIL;
}

/* ------------------------------------------------------------------------
 * Asking
 * ------------------------------------------------------------------------
 */

static bool
may_read_label(const char *text)
{
	PolicyRequest request;
	ResolvedLabel resolved;
	LabelError	error;
	Label		label;

	request_init(&request, subject_current(), ACTION_READ);
	request.governed = true;
	if (label_parse(text, strlen(text), &label, &error))
	{
		resolve_label(policy_current(), &label, &resolved);
		request_object(&request, &resolved);
	}
	return policy_decide(&request).verdict != DECISION_DENY;
}

/* By the labels that the relation has now; one that was dropped has none. */
static bool
may_read_now(const Reach *reach, const ReachRelation *relation)
{
	const RelationLabels *labels = relation_labels(relation->relid);

	if (labels->quarantined || labels->unlabelled_denied)
		return false;
	/* what was readable by row is not known, or was not asked at all */
	if ((relation->by_row ? reach->nids < 0 : labels->row_label_attnum != InvalidAttrNumber) &&
		(get_rel_name(relation->relid) == NULL || !access_may_read(relation->relid, InvalidAttrNumber)))
		return false;
	if (labels->governed && labels->row_label_attnum == InvalidAttrNumber &&
		!may_read_label(labels->label.label.text))
		return false;
	for (int i = 0; i < labels->ncolumns; i++)
		if (column_is_read(relation, labels->columns[i].attnum) &&
			!bms_is_member(labels->columns[i].attnum - FirstLowInvalidHeapAttributeNumber, relation->masked) &&
			!access_may_read_column(relation->relid, labels->columns[i].attnum))
			return false;
	return true;
}

bool
reach_is_readable(const Reach *reach)
{
	ListCell   *cell;

	if (guc_enforcement != ENFORCEMENT_ENFORCING)
		return true;
	if (reach->subject == subject_digest() && (reach->opaque || reach->generation == policy_generation()))
		return true;
	if (reach->opaque)
		return false;
	if (reach->by_function && reach->subject != subject_digest())
		foreach(cell, reach->clearances)
			if (!may_read_label(lfirst(cell)))
				return false;
	foreach(cell, reach->labels)
		if (!may_read_label(lfirst(cell)))
			return false;
	foreach(cell, reach->relations)
		if (!may_read_now(reach, lfirst(cell)))
			return false;
	for (int i = 0; i < reach->nids; i++)
		if (!row_label_readable_quietly(reach->ids[i]))
			return false;
	return true;
}

/* ------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------
 */

/*
 * Scans and what passes rows straight on are decided anew for each row.
 * Everything else is taken to keep rows, or values made of them.
 */
static bool
node_keeps_rows(const Plan *plan)
{
	ListCell   *cell;

	if (plan == NULL)
		return false;
	if (plan->initPlan != NIL)
		return true;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
			return false;
		case T_IndexScan:
			return ((const IndexScan *) plan)->indexorderby != NIL;
		case T_SubqueryScan:
			return node_keeps_rows(((const SubqueryScan *) plan)->subplan);
		case T_Result:
		case T_Limit:
		case T_LockRows:
			return node_keeps_rows(outerPlan(plan));
		case T_Append:
			foreach(cell, ((const Append *) plan)->appendplans)
				if (node_keeps_rows(lfirst(cell)))
					return true;
			return false;
		default:
			return true;
	}
}

bool
plan_keeps_rows(const PlannedStmt *plan)
{
	return plan->subplans != NIL || node_keeps_rows(plan->planTree);
}
