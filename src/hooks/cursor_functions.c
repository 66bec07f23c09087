/*-------------------------------------------------------------------------
 *
 * cursor_functions.c
 *		Does a plan call functions that might have read something?
 *
 * The range table tells what a plan reads itself, not what its functions do.
 * Rows and values that come from a function of somebody's, from a volatile one
 * of core (query_to_xml() runs any query), or from one that is declared stable
 * though it reads whole tables (table_to_xml()), can be made of all that their
 * subject may read.  Functions of this extension's schema read no data.
 *
 * Looks at what nodes return and at the sources of function scans: what is only
 * compared is not kept.  Owns no state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/cursor.h"

static bool
may_read_data(Oid funcid, void *context)
{
	if (funcid >= FirstNormalObjectId)
		return get_func_namespace(funcid) != policy_current()->schema_oid;
	switch (funcid)
	{
		case F_TABLE_TO_XML:
		case F_TABLE_TO_XML_AND_XMLSCHEMA:
		case F_SCHEMA_TO_XML:
		case F_SCHEMA_TO_XML_AND_XMLSCHEMA:
		case F_DATABASE_TO_XML:
		case F_DATABASE_TO_XML_AND_XMLSCHEMA:
			return true;
		default:
			break;
	}
	return func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

static bool
calls_functions(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, may_read_data, context))
		return true;
	if (IsA(node, RangeTblFunction))
		return calls_functions(((RangeTblFunction *) node)->funcexpr, context);
	return expression_tree_walker(node, calls_functions, context);
}

static bool any_node_calls(const List *plans);

static bool
node_calls(const Plan *plan)
{
	ListCell   *cell;

	if (plan == NULL)
		return false;
	if (calls_functions((Node *) plan->targetlist, NULL))
		return true;
	switch (nodeTag(plan))
	{
		case T_FunctionScan:
			foreach(cell, ((const FunctionScan *) plan)->functions)
				if (calls_functions(lfirst(cell), NULL))
					return true;
			break;
		case T_TableFuncScan:
			return true;
		case T_ValuesScan:
			if (calls_functions((Node *) ((const ValuesScan *) plan)->values_lists, NULL))
				return true;
			break;
		case T_SubqueryScan:
			if (node_calls(((const SubqueryScan *) plan)->subplan))
				return true;
			break;
		case T_Append:
			if (any_node_calls(((const Append *) plan)->appendplans))
				return true;
			break;
		case T_MergeAppend:
			if (any_node_calls(((const MergeAppend *) plan)->mergeplans))
				return true;
			break;
		case T_CustomScan:
			if (any_node_calls(((const CustomScan *) plan)->custom_plans))
				return true;
			break;
		default:
			break;
	}
	return node_calls(outerPlan(plan)) || node_calls(innerPlan(plan));
}

static bool
any_node_calls(const List *plans)
{
	ListCell   *cell;

	foreach(cell, plans)
		if (node_calls(lfirst(cell)))
			return true;
	return false;
}

bool
plan_calls_functions(const PlannedStmt *plan)
{
	return node_calls(plan->planTree) || any_node_calls(plan->subplans);
}
