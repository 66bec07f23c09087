/*-------------------------------------------------------------------------
 *
 * hook_ri.c
 *		Telling referential-integrity queries from everybody else's.
 *
 * Foreign keys must see rows that the subject does not, or they would break.
 * The security context alone (SECURITY_NOFORCE_RLS) does not prove that core
 * runs its own query: a BEFORE trigger on a cascaded row runs user code in
 * the same context.  Hence context and shape: the checks that ri_triggers.c
 * makes are SELECT 1 FROM [ONLY] t x WHERE $n = col AND ... FOR KEY SHARE, its
 * actions DELETE or UPDATE on one table with the same kind of WHERE and no
 * RETURNING.  A user's query of that shape learns that a key exists, which
 * foreign keys tell anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"

/* Var or Param, perhaps below casts that core defines. */
static bool
is_plain_operand(Node *node)
{
	while (node)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) >= 1 &&
				 ((FuncExpr *) node)->funcid < FirstNormalObjectId)
			node = linitial(((FuncExpr *) node)->args);
		else if (IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else
			return IsA(node, Var) || IsA(node, Param) || IsA(node, Const);
	}
	return false;
}

/* Conjunction of equalities between columns and parameters, by core's operators only. */
static bool
is_key_condition(Node *node)
{
	if (node == NULL)
		return true;
	if (IsA(node, List))
	{
		ListCell   *cell;

		foreach(cell, (List *) node)
			if (!is_key_condition(lfirst(cell)))
				return false;
		return true;
	}
	if (IsA(node, BoolExpr))
		return ((BoolExpr *) node)->boolop == AND_EXPR &&
			is_key_condition((Node *) ((BoolExpr *) node)->args);
	if (IsA(node, OpExpr))
	{
		OpExpr	   *op = (OpExpr *) node;
		char	   *name = get_opname(op->opno);

		return op->opno < FirstNormalObjectId && name && strcmp(name, "=") == 0 &&
			list_length(op->args) == 2 &&
			is_plain_operand(linitial(op->args)) && is_plain_operand(lsecond(op->args));
	}
	return false;
}

static bool
is_simple_query(const Query *query)
{
	return InNoForceRLSOperation() &&
		list_length(query->rtable) == 1 &&
		((RangeTblEntry *) linitial(query->rtable))->rtekind == RTE_RELATION &&
		((RangeTblEntry *) linitial(query->rtable))->tablesample == NULL &&
		query->cteList == NIL && !query->hasSubLinks && !query->hasAggs &&
		!query->hasTargetSRFs && query->returningList == NIL &&
		query->jointree && is_key_condition(query->jointree->quals);
}

bool
ri_is_check_query(const Query *query)
{
	TargetEntry *tle;

	if (query->commandType != CMD_SELECT || !is_simple_query(query) ||
		list_length(query->rowMarks) != 1 || list_length(query->targetList) != 1)
		return false;
	tle = linitial(query->targetList);
	return IsA(tle->expr, Const) &&
		((RowMarkClause *) linitial(query->rowMarks))->strength == LCS_FORKEYSHARE;
}

bool
ri_is_action_query(const Query *query)
{
	ListCell   *cell;

	if ((query->commandType != CMD_DELETE && query->commandType != CMD_UPDATE) ||
		!is_simple_query(query))
		return false;
	foreach(cell, query->targetList)
		if (contain_var_clause((Node *) ((TargetEntry *) lfirst(cell))->expr))
			return false;
	return true;
}

/* Every scan below has no condition but keys. */
static bool
is_key_scan(Plan *plan)
{
	ListCell   *cell;

	if (plan == NULL)
		return true;
	if (!is_key_condition((Node *) plan->qual))
		return false;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			return true;
		case T_IndexScan:
			return is_key_condition((Node *) ((IndexScan *) plan)->indexqualorig);
		case T_BitmapHeapScan:
			return is_key_condition((Node *) ((BitmapHeapScan *) plan)->bitmapqualorig);
		case T_LockRows:
			return is_key_scan(outerPlan(plan));
		case T_Result:
			return is_key_scan(outerPlan(plan)) &&
				is_key_condition(((Result *) plan)->resconstantqual);
		case T_Append:
			foreach(cell, ((Append *) plan)->appendplans)
				if (!is_key_scan(lfirst(cell)))
					return false;
			return true;
		default:
			return false;
	}
}

/* The executor's view of ri_is_check_query(): the plan it made. */
bool
ri_is_check_plan(const PlannedStmt *plan)
{
	Plan	   *top = plan->planTree;
	ListCell   *cell;
	int			visible = 0;

	if (!InNoForceRLSOperation() || plan->commandType != CMD_SELECT ||
		plan->subplans != NIL || plan->hasModifyingCTE || !IsA(top, LockRows) || !is_key_scan(top))
		return false;
	foreach(cell, top->targetlist)
	{
		TargetEntry *tle = lfirst(cell);

		if (tle->resjunk)
			continue;
		visible++;
		/* LockRows passes its input's columns on: look at what is computed below */
	}
	if (visible != 1)
		return false;
	foreach(cell, outerPlan(top)->targetlist)
	{
		TargetEntry *tle = lfirst(cell);

		if (!tle->resjunk && !IsA(tle->expr, Const) && !IsA(outerPlan(top), Append))
			return false;
	}
	if (IsA(outerPlan(top), Append))
		foreach(cell, ((Append *) outerPlan(top))->appendplans)
		{
			ListCell   *inner;

			foreach(inner, ((Plan *) lfirst(cell))->targetlist)
			{
				TargetEntry *tle = lfirst(inner);

				if (!tle->resjunk && !IsA(tle->expr, Const) && !IsA(tle->expr, Var))
					return false;
				if (IsA(tle->expr, Var) && ((Var *) tle->expr)->varattno > 0)
					return false;
			}
		}
	return true;
}
