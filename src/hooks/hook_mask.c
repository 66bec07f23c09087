/*-------------------------------------------------------------------------
 *
 * hook_mask.c
 *		Masks in place of masked columns, all over a query.
 *
 * Why in the planner hook: the tree is complete there (views, rules, row
 * security), and nothing has been made of it yet.  Every mention of a masked
 * column becomes a call of column_value(), at every level: conditions, joins,
 * aliases of joins, sort and group keys, aggregates, RETURNING, the SET and
 * WHERE of ON CONFLICT, the actions of MERGE.  A whole row becomes a row made of
 * its columns.  What reads the call instead of the column gets the mask, and no
 * index on the column serves it.
 *
 * Left alone are: what core itself needs the value for (arbiters of ON
 * CONFLICT, the row proposed for insertion, queries of foreign keys); and the
 * table's own policies, which are about its rows, not its readers: whoever
 * makes one must be cleared for the table, and a mask could open rows that the
 * value closes.
 *
 * For a subject who reads the column it stays where it is, and the plan rests on
 * that (plan_assume.c): the executor has it made anew for another subject.
 *
 * Where a mask cannot take the column's place it is refused: the plan does not
 * list the column, and the executor denies it like a column without a mask.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/mask_internal.h"

static Node *mask_mutator(Node *node, MaskContext *context);

/* ------------------------------------------------------------------------
 * Policies
 * ------------------------------------------------------------------------
 */

static RangeTblEntry *
entry_of(const MaskContext *context, const Var *var, Query **query)
{
	if (var->varlevelsup >= list_length(context->queries))
		return NULL;
	*query = list_nth(context->queries, var->varlevelsup);
	if (var->varno == 0 || var->varno > list_length((*query)->rtable))
		return NULL;
	return rt_fetch(var->varno, (*query)->rtable);
}

/* Columns of the table that the policies are of stay; others are refused. */
static bool
walk_policies(Node *node, MaskContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		Query	   *query;
		RangeTblEntry *rte = entry_of(context, var, &query);
		const MaskedRelation *masked;
		ListCell   *cell;

		if (rte == NULL || (query == context->policy_query && var->varno == context->policy_rti))
			return false;
		masked = mask_entry(context, rte);
		if (masked == NULL)
			return false;
		foreach(cell, masked->columns)
			if (var->varattno == InvalidAttrNumber || var->varattno == lfirst_int(cell))
				mask_refuse(context, masked, lfirst_int(cell));
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		context->queries = lcons(node, context->queries);
		result = query_tree_walker((Query *) node, walk_policies, context, 0);
		context->queries = list_delete_first(context->queries);
		return result;
	}
	return expression_tree_walker(node, walk_policies, context);
}

/*
 * Does the query reach its target through a view?  Then conditions of views
 * with a security barrier, which anybody may write, stand among the policies
 * of the target.
 */
static bool
targets_view(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_VIEW && compat_writes_through(query, rte))
			return true;
	}
	return false;
}

/* Take the policies out of a query, so that nothing is put in their place. */
static List *
set_aside_policies(Query *query, MaskContext *context)
{
	List	   *aside = NIL;
	Index		rti = 0;
	ListCell   *cell;

	context->policy_query = query;
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		rti++;
		aside = lappend(aside, rte->securityQuals);
		if (rte->securityQuals == NIL)
			continue;
		context->policy_rti = rti == query->resultRelation && targets_view(query) ? 0 : rti;
		walk_policies((Node *) rte->securityQuals, context);
		rte->securityQuals = NIL;
	}
	return aside;
}

static void
put_back_policies(Query *query, List *aside)
{
	ListCell   *cell;
	ListCell   *quals;

	forboth(cell, query->rtable, quals, aside)
		((RangeTblEntry *) lfirst(cell))->securityQuals = lfirst(quals);
}

/* The checks that come from policies; those of views stay in the query. */
static List *
set_aside_checks(Query *query, MaskContext *context)
{
	List	   *aside = NIL;
	List	   *kept = NIL;
	ListCell   *cell;

	context->policy_query = query;
	context->policy_rti = query->resultRelation;
	foreach(cell, query->withCheckOptions)
	{
		WithCheckOption *check = lfirst(cell);

		if (check->kind == WCO_VIEW_CHECK)
		{
			kept = lappend(kept, check);
			continue;
		}
		walk_policies(check->qual, context);
		aside = lappend(aside, check);
	}
	query->withCheckOptions = kept;
	return aside;
}

/* ------------------------------------------------------------------------
 * The walk
 * ------------------------------------------------------------------------
 */

/*
 * Every entry counts, also one that nothing is read from any more: the
 * privileges it asks for may say otherwise.  An updatable view that is a target
 * has been replaced by its table, so nothing here masks the view's columns.
 */
static void
see_entries(Query *query, MaskContext *context)
{
	Index		rti = 0;
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);
		const MaskedRelation *masked = mask_entry(context, rte);
		ListCell   *column;

		rti++;
		if (masked && rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_VIEW &&
			rti != query->resultRelation && compat_writes_through(query, rte))
			foreach(column, masked->columns)
				mask_refuse(context, masked, lfirst_int(column));
	}
}

static void
mask_query(Query *query, MaskContext *context)
{
	OnConflictExpr conflict = {0};
	List	   *policies;
	List	   *checks;
	ListCell   *cell;

	check_stack_depth();
	context->queries = lcons(query, context->queries);
	see_entries(query, context);
	policies = set_aside_policies(query, context);
	checks = set_aside_checks(query, context);
	if (query->onConflict)
	{
		conflict = *query->onConflict;
		query->onConflict->arbiterElems = NIL;
		query->onConflict->arbiterWhere = NULL;
		query->onConflict->exclRelTlist = NIL;
	}

	(void) query_tree_mutator(query, mask_mutator, context, QTW_DONT_COPY_QUERY);

	if (query->onConflict)
	{
		query->onConflict->arbiterElems = conflict.arbiterElems;
		query->onConflict->arbiterWhere = conflict.arbiterWhere;
		query->onConflict->exclRelTlist = conflict.exclRelTlist;
	}
	/* policies raise or hide before anybody's view looks at the row */
	query->withCheckOptions = list_concat(checks, query->withCheckOptions);
	put_back_policies(query, policies);

	/* last: what stands in these entries has been seen to */
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);
		const MaskedRelation *masked = rte->rtekind == RTE_RELATION ? NULL : mask_entry(context, rte);

		if (masked && !mask_all_may_stay(context, masked))
			mask_wrap_entry(context, masked, rte);
	}
	context->queries = list_delete_first(context->queries);
}

static Node *
mask_column(Var *var, MaskContext *context)
{
	Query	   *query;
	RangeTblEntry *rte = entry_of(context, var, &query);
	const MaskedRelation *masked;

	if (rte == NULL || rte->rtekind != RTE_RELATION || var->varattno < 0 ||
		(query->onConflict && var->varno == query->onConflict->exclRelIndex))
		return copyObject((Node *) var);
	masked = mask_entry(context, rte);
	if (masked == NULL)
		return copyObject((Node *) var);
	if (var->varattno == InvalidAttrNumber)
		return mask_all_may_stay(context, masked) ? copyObject((Node *) var) : mask_row_expr(context, masked, var);
	return mask_column_expr(context, masked, var);
}

static Node *
mask_mutator(Node *node, MaskContext *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
		return mask_column((Var *) node, context);
	if (IsA(node, Query))
	{
		mask_query((Query *) node, context);
		return node;
	}
	/* planned again by somebody: once is enough */
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->inputcollid == MASK_CALL_COLLATION)
		return node;
	return expression_tree_mutator(node, mask_mutator, context);
}

Query *
mask_columns(Query *parse, MaskMarks *marks)
{
	MaskContext context = {0};
	MaskMarks	all = {NIL, NIL};
	ListCell   *relation;
	ListCell   *column;

	marks->relations = NIL;
	marks->columns = NIL;
	if (parse->commandType == CMD_UTILITY || ri_is_check_query(parse) || ri_is_action_query(parse))
		return parse;
	context.marks = &all;
	mask_query(parse, &context);
	forboth(relation, all.relations, column, all.columns)
		if (!mask_is_listed(&context.refused, lfirst_oid(relation), lfirst_int(column)))
			mask_enlist(marks, lfirst_oid(relation), lfirst_int(column));
	return parse;
}
