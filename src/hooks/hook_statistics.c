/*-------------------------------------------------------------------------
 *
 * hook_statistics.c
 *		What the planner may do with statistics that the subject may not read.
 *
 * Selectivity functions call the query's operators on the most common values
 * and histogram bounds of a column, long before the executor could deny the
 * statement; an operator can be anybody's function.  Core holds back operators
 * that are not leakproof where the role lacks privileges or a security qual is
 * attached.  Labels on relations and columns attach none, and superusers have
 * all privileges: for those columns the hooks hand out the statistics with the
 * note that they may go to leakproof operators only.
 *
 * Why get_relation_info_hook: extended statistics have no hook of their own;
 * those that cover a column the subject may not read are left out.
 *
 * Where the row filter is attached core guards by itself: it is a security
 * qual.  The hooks also see relations that core inlined out of SQL functions,
 * before the planner hook could attach the filter.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "nodes/pathnodes.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/subject.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/rowfilter.h"

/* Their headers name these only for the catalogs' own scripts. */
#define STATISTIC_TOAST				2840
#define STATISTIC_EXT_DATA_TOAST	3430

static get_relation_stats_hook_type prev_relation_stats = NULL;
static get_index_stats_hook_type prev_index_stats = NULL;
static get_relation_info_hook_type prev_relation_info = NULL;

StatisticsKind
statistics_kind_of(Oid relid)
{
	switch (relid)
	{
		case StatisticRelationId:
			return STATISTICS_COLUMNS;
		case StatisticExtDataRelationId:
			return STATISTICS_EXTENDED;
		case STATISTIC_TOAST:
		case STATISTIC_EXT_DATA_TOAST:
			return STATISTICS_TOAST;
		default:
			return STATISTICS_NONE;
	}
}

/* The answer to statistics_hidden() where it takes a decision. */
static bool
decide_hidden(Oid relid, AttrNumber attnum)
{
	const RelationLabels *labels = relation_labels(relid);

	if (labels->row_label_attnum == InvalidAttrNumber || labels->governed)
		return !access_may_read(relid, attnum);
	if (labels->quarantined || labels->unlabelled_denied || row_filter_outcome(relid) != ROWS_ALL)
		return true;
	for (int i = 0; i < labels->ncolumns; i++)
		if ((attnum == InvalidAttrNumber || labels->columns[i].attnum == attnum) &&
			!access_may_read_column(relid, labels->columns[i].attnum))
			return true;
	return false;
}

/*
 * May statistics of a column (0: of the whole relation) hold what the subject
 * may not read?  Asked for every variable of a query, thousands of times for a
 * large join: the answer is kept with the labels where it is one for all columns.
 */
static bool
statistics_hidden(Oid relid, AttrNumber attnum)
{
	RelationLabels *labels;
	uint64		epoch;
	bool		hidden;

	if (relid < FirstNormalObjectId || guc_enforcement == ENFORCEMENT_OFF || !IsTransactionState())
		return false;
	labels = unconstify(RelationLabels *, relation_labels(relid));
	if (labels->is_catalog ||
		(!labels->governed && labels->row_label_attnum == InvalidAttrNumber && labels->ncolumns == 0 &&
		 !labels->quarantined && !labels->unlabelled_denied))
		return false;
	if (labels->ncolumns > 0)
		return decide_hidden(relid, attnum);
	if (labels->statistics_epoch != 0 && subject_epoch_is_current(labels->statistics_epoch))
		return labels->statistics_hidden;

	(void) subject_current();
	epoch = subject_epoch();
	hidden = decide_hidden(relid, InvalidAttrNumber);
	/* deciding may have refilled the entry */
	labels = unconstify(RelationLabels *, relation_labels(relid));
	labels->statistics_hidden = hidden;
	labels->statistics_epoch = epoch;
	return hidden;
}

/* Is a filter attached where the query names the relation?  Then core guards its extended statistics. */
static bool
is_filtered(PlannerInfo *root, RelOptInfo *rel)
{
	Index		rti = rel->relid;

	while (root->append_rel_array != NULL && root->append_rel_array[rti] != NULL &&
		   planner_rt_fetch(root->append_rel_array[rti]->parent_relid, root)->rtekind == RTE_RELATION)
		rti = root->append_rel_array[rti]->parent_relid;
	return planner_rt_fetch(rti, root)->securityQuals != NIL;
}

/* Statistics with acl_ok left false: for leakproof operators alone. */
static bool
hand_out_guarded(VariableStatData *vardata, Oid relid, AttrNumber attnum, bool inherited)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attnum),
										BoolGetDatum(inherited));

	if (!HeapTupleIsValid(tuple))
		return false;
	vardata->statsTuple = tuple;
	vardata->freefunc = ReleaseSysCache;
	vardata->acl_ok = false;
	return true;
}

static bool
dataclass_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *vardata)
{
	if (rte->rtekind == RTE_RELATION && statistics_hidden(rte->relid, attnum))
		return hand_out_guarded(vardata, rte->relid, attnum, rte->inh);
	return prev_relation_stats && prev_relation_stats(root, rte, attnum, vardata);
}

/* Expression indexes have statistics of their own, of values made from any column. */
static bool
dataclass_index_stats(PlannerInfo *root, Oid index, AttrNumber attnum, VariableStatData *vardata)
{
	if (index >= FirstNormalObjectId &&
		statistics_hidden(IndexGetRelation(index, false), InvalidAttrNumber))
		return hand_out_guarded(vardata, index, attnum, false);
	return prev_index_stats && prev_index_stats(root, index, attnum, vardata);
}

static void
dataclass_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	if (prev_relation_info)
		prev_relation_info(root, relid, inhparent, rel);
	if (rel->statlist != NIL && !is_filtered(root, rel) && statistics_hidden(relid, InvalidAttrNumber))
		rel->statlist = NIL;
}

void
hook_statistics_init(void)
{
	prev_relation_stats = get_relation_stats_hook;
	get_relation_stats_hook = dataclass_relation_stats;
	prev_index_stats = get_index_stats_hook;
	get_index_stats_hook = dataclass_index_stats;
	prev_relation_info = get_relation_info_hook;
	get_relation_info_hook = dataclass_relation_info;
}
