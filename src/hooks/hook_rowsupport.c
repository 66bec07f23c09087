/*-------------------------------------------------------------------------
 *
 * hook_rowsupport.c
 *		Planner support for dataclass.row_visible().
 *
 * Three answers for the planner.  How many rows the filter lets pass: the share
 * of the readable labels among the column's most common values.  Which index
 * condition it implies: the label is one of those that the subject reads; the
 * filter itself stays.  And what becomes of it in a child of a partitioned or
 * inherited table whose bound or constraint settles the question: true, which
 * saves the call, or false, which saves the child.
 *
 * The last two rest on the subject and are said to plan_assume.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/plan.h"

/* A longer list of labels is no condition worth an index. */
#define MAX_INDEX_LABELS 512

PG_FUNCTION_INFO_V1(dc_row_visible_support);

/* Share of rows with a readable label, as far as the statistics tell. */
static double
readable_share(VariableStatData *var)
{
	AttStatsSlot slot;
	double		known = 0;
	double		readable = 0;
	double		share;

	if (!HeapTupleIsValid(var->statsTuple) ||
		!get_attstatsslot(&slot, var->statsTuple, STATISTIC_KIND_MCV, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return -1;
	for (int i = 0; i < slot.nvalues; i++)
	{
		known += slot.numbers[i];
		if (row_label_readable_quietly((uint64) DatumGetInt64(slot.values[i])))
			readable += slot.numbers[i];
	}
	free_attstatsslot(&slot);
	if (known <= 0)
		return -1;
	/* labels too rare to be listed: as the listed ones */
	share = readable + (1.0 - known) * (readable / known);
	CLAMP_PROBABILITY(share);
	return share;
}

static Node *
estimate_selectivity(SupportRequestSelectivity *req)
{
	VariableStatData var;
	double		share;

	if (req->is_join || req->root == NULL || list_length(req->args) != 1)
		return NULL;
	examine_variable(req->root, linitial(req->args), req->varRelid, &var);
	share = var.atttype == row_label_type() || getBaseType(var.atttype) == row_label_type() ?
		readable_share(&var) : -1;
	ReleaseVariableStats(var);
	if (share < 0)
		return NULL;
	req->selectivity = share;
	return (Node *) req;
}

static Node *
label_condition(Node *operand, Oid operator, const uint64 *ids, int n)
{
	Oid			type = row_label_type();
	Oid			array_type = get_array_type(type);
	ScalarArrayOpExpr *any;
	Datum	   *values;

	if (n == 1)
		return (Node *) make_opclause(operator, BOOLOID, false, copyObject((Expr *) operand),
									  (Expr *) makeConst(type, -1, InvalidOid, sizeof(uint64),
														 Int64GetDatum((int64) ids[0]), false, true),
									  InvalidOid, InvalidOid);
	if (!OidIsValid(array_type))
		return NULL;
	values = palloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum((int64) ids[i]);
	any = makeNode(ScalarArrayOpExpr);
	any->opno = operator;
	any->opfuncid = get_opcode(operator);
	any->useOr = true;
	any->args = list_make2(copyObject(operand),
						   makeConst(array_type, -1, InvalidOid, -1,
									 PointerGetDatum(construct_array(values, n, type, sizeof(uint64), true,
																	 TYPALIGN_DOUBLE)),
									 false, false));
	any->location = -1;
	return (Node *) any;
}

static List *
index_condition(SupportRequestIndexCondition *req)
{
	FuncExpr   *call = (FuncExpr *) req->node;
	const uint64 *ids;
	uint64		digest;
	Oid			operator;
	Node	   *condition;
	int			n;

	if (!plan_may_assume() || !IsA(call, FuncExpr) || req->indexarg != 0 || list_length(call->args) != 1 ||
		req->index->relam != BTREE_AM_OID)
		return NIL;
	operator = get_opfamily_member(req->opfamily, row_label_type(), row_label_type(), BTEqualStrategyNumber);
	if (!OidIsValid(operator))
		return NIL;
	n = row_labels_readable(&ids, &digest);
	if (n <= 0 || n > MAX_INDEX_LABELS)
		return NIL;

	/*
	 * A list on a later column makes the scan return rows out of the index's
	 * order.  For a list in the query build_index_paths() knows that; of one
	 * that comes from here it does not.
	 */
	if (n > 1 && req->indexcol > 0)
		return NIL;
	condition = label_condition(linitial(call->args), operator, ids, n);
	if (condition == NULL)
		return NIL;
	plan_assume_readable_set();
	req->lossy = true;			/* the filter is asked as well, whatever happens meanwhile */
	return list_make1(condition);
}

/*
 * Only in children: the relation of a query itself is hook_planner.c's, and
 * anywhere else an argument may come from the null-extended side of a join.
 */
static Node *
simplify_in_child(SupportRequestSimplify *req)
{
	PlannerInfo *root = req->root;
	Var		   *var = linitial(req->fcall->args);
	RangeTblEntry *rte;
	RowOutcome	outcome;

	if (root == NULL || !plan_may_assume() || !IsA(var, Var) || var->varlevelsup != 0 ||
		root->append_rel_array == NULL || var->varno <= 0 || var->varno >= root->simple_rel_array_size ||
		root->append_rel_array[var->varno] == NULL)
		return NULL;
	rte = planner_rt_fetch(var->varno, root);
	if (rte->rtekind != RTE_RELATION || relation_labels(rte->relid)->row_label_attnum != var->varattno)
		return NULL;
	outcome = row_filter_outcome(rte->relid);
	if (outcome == ROWS_SOME)
		return NULL;
	plan_assume_rows(rte->relid, outcome);
	return makeBoolConst(outcome == ROWS_ALL, false);
}

Datum
dc_row_visible_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	if (!policy_current()->installed)
		PG_RETURN_POINTER(NULL);
	if (IsA(request, SupportRequestSimplify))
		answer = simplify_in_child((SupportRequestSimplify *) request);
	else if (IsA(request, SupportRequestSelectivity))
		answer = estimate_selectivity((SupportRequestSelectivity *) request);
	else if (IsA(request, SupportRequestIndexCondition))
		answer = (Node *) index_condition((SupportRequestIndexCondition *) request);
	PG_RETURN_POINTER(answer);
}
