/*-------------------------------------------------------------------------
 *
 * hook_planner.c
 *		Row label checks in every query tree that reaches the planner.
 *
 * Why the planner hook: core applies row security neither for superusers and
 * BYPASSRLS roles, nor in views they own, nor on materialised views, foreign
 * tables and tables whose flags somebody switched off.  Here the rewritten
 * tree is complete (views, CTEs, sublinks), so each range-table entry that is
 * row-labeled gets the filter unless the row security hooks put it there.
 * The filter decides when it runs.  Only where core vouches for all rows of a
 * table is it left out for a subject that reads them all, and the plan says so
 * (plan_assume.c).
 *
 * Functions in FROM that core inlines during planning bring entries that this
 * walk has not seen; a plan in which that could have happened is made again
 * with inlining held back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/mask.h"
#include "pg_dataclass/plan.h"
#include "pg_dataclass/plan_target.h"
#include "pg_dataclass/rowquals.h"
#include "pg_dataclass/rowversion.h"

typedef struct WalkContext
{
	bool		sql_function;	/* saw a function in FROM that core might inline */
	bool		masked;			/* saw a relation with masked columns */
	bool		columns;		/* saw a relation with labeled columns */
} WalkContext;

static planner_hook_type prev_planner = NULL;

static bool add_row_checks(Node *node, WalkContext *context);

/* ------------------------------------------------------------------------
 * Expressions
 * ------------------------------------------------------------------------
 */

static Var *
label_var(Index rti, AttrNumber attnum)
{
	return makeVar(rti, attnum, row_label_type(), -1, InvalidOid, 0);
}

static Expr *
call(RowFunction function, Oid result, List *args)
{
	Oid			funcid = row_function_oid(function);

	if (!OidIsValid(funcid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("row label functions of extension \"pg_dataclass\" are missing"),
				 errhint("Reinstall the extension.")));
	return (Expr *) makeFuncExpr(funcid, result, args, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Const *
oid_const(Oid value)
{
	return makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(value), false, true);
}

Expr *
row_visible_qual(Index rti, AttrNumber attnum)
{
	return call(ROW_FUNCTION_VISIBLE, BOOLOID, list_make1(label_var(rti, attnum)));
}

Expr *
row_check_qual(Index rti, AttrNumber attnum, Oid relid, RowCheckKind kind)
{
	return call(ROW_FUNCTION_CHECK, BOOLOID,
				list_make3(label_var(rti, attnum), oid_const(relid),
						   makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(kind), false, true)));
}

Expr *
copy_check_qual(Index rti, AttrNumber attnum, Oid relid)
{
	return call(ROW_FUNCTION_COPY_CHECK, BOOLOID, list_make2(label_var(rti, attnum), oid_const(relid)));
}

/* For the row that replaces another, and the other one: policy_rowversion.c */
static Expr *
row_version_qual(Index rti, AttrNumber attnum, Oid relid, RowVersion version)
{
	return call(ROW_FUNCTION_VERSION_CHECK, BOOLOID,
				list_make5(label_var(rti, attnum), oid_const(relid), target_relation(rti, relid),
						   makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(version), false, true),
						   makeConst(INTERNALOID, -1, InvalidOid, sizeof(Datum), row_version_secret(), false, true)));
}

/* ------------------------------------------------------------------------
 * One query level
 * ------------------------------------------------------------------------
 */

static bool
is_call_of(Node *node, RowFunction function, Index rti, AttrNumber attnum)
{
	FuncExpr   *expr = (FuncExpr *) node;
	Var		   *var;

	if (node == NULL || !IsA(node, FuncExpr) || expr->funcid != row_function_oid(function))
		return false;
	var = linitial(expr->args);
	return IsA(var, Var) && var->varno == rti && var->varattno == attnum && var->varlevelsup == 0;
}

static bool
has_filter(const RangeTblEntry *rte, Index rti, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, rte->securityQuals)
		if (is_call_of(lfirst(cell), ROW_FUNCTION_VISIBLE, rti, attnum))
			return true;
	return false;
}

/*
 * A check that core would let fail with its own, unrecorded error becomes one
 * that raises ours.
 */
static void
add_check(Query *query, WCOKind kind, Oid relid, Expr *check)
{
	WithCheckOption *wco = makeNode(WithCheckOption);

	wco->kind = kind;
	wco->relname = get_rel_name(relid);
	wco->polname = pstrdup(DC_PROVIDER);
	wco->qual = (Node *) check;
	wco->cascaded = false;
	/* first: before the table's own policies run anybody's function on the row */
	query->withCheckOptions = lcons(wco, query->withCheckOptions);
}

/* A new row, judged by the ceiling of the relation that it comes to. */
static Expr *
target_row_check(Index rti, AttrNumber attnum, Oid relid)
{
	FuncExpr   *check = (FuncExpr *) row_check_qual(rti, attnum, relid, ROW_CHECK_NEW);

	lsecond(check->args) = target_relation(rti, relid);
	return (Expr *) check;
}

/* Nothing but filters that are always true: no barrier for other conditions. */
static void
drop_filter(RangeTblEntry *rte, Index rti, AttrNumber attnum)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, rte->securityQuals)
	{
		Const	   *value = lfirst(cell);

		if (is_call_of(lfirst(cell), ROW_FUNCTION_VISIBLE, rti, attnum) ||
			(IsA(value, Const) && !value->constisnull && DatumGetBool(value->constvalue)))
			continue;
		kept = lappend(kept, lfirst(cell));
	}
	rte->securityQuals = kept;
}

static void
filter_rows(RangeTblEntry *rte, Index rti, AttrNumber attnum)
{
	if (plan_may_assume() && row_filter_outcome(rte->relid) == ROWS_ALL)
	{
		plan_assume_rows(rte->relid, ROWS_ALL);
		drop_filter(rte, rti, attnum);
	}
	else if (!has_filter(rte, rti, attnum))
		rte->securityQuals = lcons(row_visible_qual(rti, attnum), rte->securityQuals);
}

static void
drop_filter_checks(Query *query, Index rti, AttrNumber attnum)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, query->withCheckOptions)
	{
		WithCheckOption *wco = lfirst(cell);

		if (!is_call_of(wco->qual, ROW_FUNCTION_VISIBLE, rti, attnum) &&
			!is_call_of(wco->qual, ROW_FUNCTION_CHECK, rti, attnum) &&
			!is_call_of(wco->qual, ROW_FUNCTION_VERSION_CHECK, rti, attnum))
			kept = lappend(kept, wco);
	}
	query->withCheckOptions = kept;
}

/* SET label = expr becomes SET label = row_relabel(label, expr, relid). */
static void
wrap_relabel(List *targetlist, Index rti, AttrNumber attnum, Oid relid)
{
	ListCell   *cell;

	foreach(cell, targetlist)
	{
		TargetEntry *tle = lfirst(cell);

		if (!tle->resjunk && tle->resno == attnum && exprType((Node *) tle->expr) == row_label_type())
			tle->expr = call(ROW_FUNCTION_RELABEL, row_label_type(),
							 list_make3(label_var(rti, attnum), tle->expr, oid_const(relid)));
	}
}

/*
 * Judge each row that a DELETE or UPDATE really reaches.  In the target list,
 * not the WHERE clause: only there all conditions and joins have been applied.
 */
static void
add_target_check(Query *query, Index rti, AttrNumber attnum, Oid relid)
{
	query->targetList = lappend(query->targetList,
								makeTargetEntry(row_check_qual(rti, attnum, relid, ROW_CHECK_EXISTING),
												list_length(query->targetList) + 1,
												pstrdup("dataclass_row_check"), true));
}

static void
protect_target(Query *query, Index rti, AttrNumber attnum, Oid relid, bool ri_action)
{
	drop_filter_checks(query, rti, attnum);
	switch (query->commandType)
	{
		case CMD_INSERT:
			if (query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE)
			{
				add_check(query, WCO_RLS_UPDATE_CHECK, relid,
						  row_version_qual(rti, attnum, relid, ROW_VERSION_SUCCESSOR));
				add_check(query, WCO_RLS_CONFLICT_CHECK, relid,
						  row_version_qual(rti, attnum, relid, ROW_VERSION_FORMER));
			}
			add_check(query, WCO_RLS_INSERT_CHECK, relid, target_row_check(rti, attnum, relid));
			if (target_is_foreign(relid))
				target_wrap_insert(query, attnum, relid);
			break;
		case CMD_UPDATE:
			add_check(query, WCO_RLS_UPDATE_CHECK, relid,
					  row_version_qual(rti, attnum, relid, ROW_VERSION_UPDATED));
			wrap_relabel(query->targetList, rti, attnum, relid);
			if (ri_action || target_is_foreign(relid))
				add_target_check(query, rti, attnum, relid);
			break;
		case CMD_DELETE:
			add_target_check(query, rti, attnum, relid);
			break;
		default:
			break;
	}
	if (COMPAT_IS_MERGE(query))
	{
		add_check(query, WCO_RLS_INSERT_CHECK, relid, target_row_check(rti, attnum, relid));
		add_check(query, WCO_RLS_UPDATE_CHECK, relid,
				  row_version_qual(rti, attnum, relid, ROW_VERSION_SUCCESSOR));
		add_check(query, COMPAT_WCO_MERGE_UPDATE, relid,
				  row_version_qual(rti, attnum, relid, ROW_VERSION_FORMER));
		add_check(query, COMPAT_WCO_MERGE_DELETE, relid, row_check_qual(rti, attnum, relid, ROW_CHECK_EXISTING));
	}
}

/* A function in FROM whose body core may splice into this query. */
static bool
is_inlinable(const RangeTblEntry *rte)
{
	RangeTblFunction *function;
	HeapTuple	tuple;
	bool		inlinable;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
		return false;
	function = linitial(rte->functions);
	/* also functions of core: a superuser may have given one another body */
	if (!IsA(function->funcexpr, FuncExpr))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(((FuncExpr *) function->funcexpr)->funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	inlinable = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId;
	ReleaseSysCache(tuple);
	return inlinable;
}

/*
 * Statistics hold values of the columns they describe.  Core hides them only
 * where row security is on, and never from superusers.
 */
static void
protect_statistics(RangeTblEntry *rte, Index rti)
{
	List	   *args = NIL;
	RowFunction function = ROW_FUNCTION_STATISTICS;

	switch (statistics_kind_of(rte->relid))
	{
		case STATISTICS_NONE:
			return;
		case STATISTICS_COLUMNS:
			function = ROW_FUNCTION_STATISTICS;
			args = list_make2(makeVar(rti, Anum_pg_statistic_starelid, OIDOID, -1, InvalidOid, 0),
							  makeVar(rti, Anum_pg_statistic_staattnum, INT2OID, -1, InvalidOid, 0));
			break;
		case STATISTICS_EXTENDED:
			function = ROW_FUNCTION_STATISTICS_EXT;
			args = list_make1(makeVar(rti, Anum_pg_statistic_ext_data_stxoid, OIDOID, -1, InvalidOid, 0));
			break;
		case STATISTICS_TOAST:
			/* pieces of values that cannot be told apart: for nobody */
			if (guc_enforcement != ENFORCEMENT_OFF)
				rte->securityQuals = lcons(makeBoolConst(false, false), rte->securityQuals);
			return;
	}
	rte->securityQuals = lcons(call(function, BOOLOID, args), rte->securityQuals);
}

static void
protect_query(Query *query, WalkContext *context)
{
	bool		ri_check = ri_is_check_query(query);
	bool		ri_action = ri_is_action_query(query);
	ListCell   *cell;
	Index		rti = 0;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);
		AttrNumber	attnum;

		rti++;
		if (is_inlinable(rte))
			context->sql_function = true;
		context->masked |= mask_concerns(rte);
		if (rte->rtekind != RTE_RELATION)
			continue;
		context->columns |= relation_labels(rte->relid)->ncolumns > 0;
		protect_statistics(rte, rti);
		attnum = relation_labels(rte->relid)->row_label_attnum;
		if (rti == query->resultRelation)
			target_check_partitions(query, rti, rte->relid);
		if (attnum == InvalidAttrNumber)
			continue;
		if (!ri_check && !ri_action &&
			!(rti == query->resultRelation && query->commandType == CMD_INSERT))
			filter_rows(rte, rti, attnum);
		if (rti == query->resultRelation)
			protect_target(query, rti, attnum, rte->relid, ri_action);
	}
}

static bool
add_row_checks(Node *node, WalkContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		protect_query((Query *) node, context);
		return query_tree_walker((Query *) node, add_row_checks, context, 0);
	}
	return expression_tree_walker(node, add_row_checks, context);
}

/* ------------------------------------------------------------------------
 * The hook
 * ------------------------------------------------------------------------
 */

static PlannedStmt *
plan_query(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams)
{
	return prev_planner ? prev_planner(parse, query_string, cursorOptions, boundParams) :
		standard_planner(parse, query_string, cursorOptions, boundParams);
}

/* Does the tree, anywhere, read a relation with row labels or masked columns? */
static bool
reads_governed(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *cell;

		foreach(cell, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst(cell);

			if (rte->rtekind == RTE_RELATION &&
				(relation_labels(rte->relid)->row_label_attnum != InvalidAttrNumber ||
				 relation_labels(rte->relid)->ncolumns > 0))
				return true;
			if (mask_concerns(rte))
				return true;
		}
		return query_tree_walker((Query *) node, reads_governed, context, 0);
	}
	return expression_tree_walker(node, reads_governed, context);
}

/*
 * Does the plan hold relations that could have come in without a filter?  With
 * inlined: by a function that core inlined, unless the subject reads them
 * wholly.  Else only foreign tables count: as partitions they declare
 * constraints that nobody enforces.
 */
static bool
holds_unfiltered(const PlannedStmt *plan, bool inlined)
{
	ListCell   *cell;

	foreach(cell, plan->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind != RTE_RELATION || !(inlined || rte->relkind == RELKIND_FOREIGN_TABLE))
			continue;
		if (inlined && mask_concerns(rte))
			return true;
		if (relation_labels(rte->relid)->row_label_attnum == InvalidAttrNumber)
			continue;
		if (!plan_may_assume() || row_filter_outcome(rte->relid) != ROWS_ALL)
			return true;
		plan_assume_rows(rte->relid, ROWS_ALL);
	}
	return false;
}

/* One attempt; *context is what the walk found. */
static PlannedStmt *
protect_and_plan(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams,
				 PlanAssumptions *assumptions, WalkContext *context)
{
	MaskMarks	marks = {NIL, NIL};
	ColumnUse	untouched = {NIL, NIL};
	PlannedStmt *plan;

	context->sql_function = context->masked = context->columns = false;
	add_row_checks((Node *) parse, context);
	if (context->masked)
		parse = mask_columns(parse, &marks);
	/* a function's body, once inlined, may touch what the query does not */
	if (context->columns && !context->sql_function)
		column_use_find(parse, &untouched);
	plan = plan_query(parse, query_string, cursorOptions, boundParams);
	mask_mark_plan(plan, &marks);
	column_use_mark_plan(plan, &untouched);
	return plan;
}

static PlannedStmt *
plan_protected(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams)
{
	PlanAssumptions assumptions;
	WalkContext context;
	PlannedStmt *volatile plan = NULL;
	Query	   *volatile kept = NULL;
	bool		saved = function_hold_back_inlining;

	/*
	 * The query as it came, for another attempt now or when another subject
	 * executes the plan.  Plans that may be interrupted and go on under another
	 * subject (cursors, loops over a query) assume nothing: their planner
	 * options lack CURSOR_OPT_PARALLEL_OK for the same reason.
	 */
	kept = copyObject(parse);
	plan_assumptions_begin(&assumptions, (cursorOptions & CURSOR_OPT_PARALLEL_OK) != 0);
	PG_TRY();
	{
		plan = protect_and_plan(parse, query_string, cursorOptions, boundParams, &assumptions, &context);
		if ((context.sql_function && !saved && holds_unfiltered(plan, true)) ||
			(assumptions.relations && holds_unfiltered(plan, false)))
		{
			plan_assumptions_end(&assumptions);
			plan_assumptions_begin(&assumptions, false);
			function_hold_back_inlining = true;
			plan = protect_and_plan(copyObject((Query *) kept), query_string, cursorOptions, boundParams,
									&assumptions, &context);
		}
	}
	PG_FINALLY();
	{
		function_hold_back_inlining = saved;
		plan_assumptions_end(&assumptions);
	}
	PG_END_TRY();
	plan_assumptions_attach(&assumptions, plan, kept, cursorOptions);
	return plan;
}

static PlannedStmt *
dataclass_planner(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams)
{
	WalkContext context = {false, false, false};
	PlannedStmt *plan;
	Query	   *untouched;

	if (!policy_current()->installed)
		return plan_query(parse, query_string, cursorOptions, boundParams);
	policy_check_clock();
	quarantine_check_query(parse);
	if (reads_governed((Node *) parse, NULL))
		return plan_protected(parse, query_string, cursorOptions, boundParams);

	/* nothing that needs a filter, unless an inlined function brings it */
	add_row_checks((Node *) parse, &context);
	if (!context.sql_function || function_hold_back_inlining)
		return plan_query(parse, query_string, cursorOptions, boundParams);
	untouched = copyObject(parse);
	plan = plan_query(parse, query_string, cursorOptions, boundParams);
	if (!holds_unfiltered(plan, true))
		return plan;
	return plan_protected(untouched, query_string, cursorOptions, boundParams);
}

void
hook_planner_init(void)
{
	prev_planner = planner_hook;
	planner_hook = dataclass_planner;
}
