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
 * Where a mask cannot take the column's place it is refused: the plan does not
 * list the column, and the executor denies it like a column without a mask.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/mask.h"

/* PlanInvalItem.cacheId of a mark is this minus the column: no catalog cache has such a number. */
#define MARK_CACHE_ID (-1000)

/* One relation that the query mentions. */
typedef struct MaskedRelation
{
	Oid			relid;
	bool		inherits;		/* with its children */
	List	   *columns;		/* ints: what has a mask, here or in some child */
	List	   *children;		/* oids of children with masks */
} MaskedRelation;

typedef struct MaskContext
{
	List	   *queries;		/* of Query, innermost first */
	List	   *relations;		/* of MaskedRelation, also those without masks */
	MaskMarks  *marks;
	MaskMarks	refused;
	/* of a walk through policies */
	Query	   *policy_query;	/* the query whose entry has them */
	Index		policy_rti;		/* 0: no column may stay */
} MaskContext;

static Node *mask_mutator(Node *node, MaskContext *context);

/* ------------------------------------------------------------------------
 * What is masked
 * ------------------------------------------------------------------------
 */

static bool
is_listed(const MaskMarks *marks, Oid relid, AttrNumber attnum)
{
	ListCell   *relation;
	ListCell   *column;

	forboth(relation, marks->relations, column, marks->columns)
		if (lfirst_oid(relation) == relid && lfirst_int(column) == attnum)
			return true;
	return false;
}

static void
enlist(MaskMarks *marks, Oid relid, AttrNumber attnum)
{
	marks->relations = lappend_oid(marks->relations, relid);
	marks->columns = lappend_int(marks->columns, attnum);
}

/* The column of a child in the parent, by name as labels go; 0 if there is none. */
static AttrNumber
parent_attnum(Oid parent, Oid child, AttrNumber attnum)
{
	char	   *name;

	if (parent == child)
		return attnum;
	name = get_attname(child, attnum, true);
	return name ? get_attnum(parent, name) : InvalidAttrNumber;
}

/* Add the masked columns of one relation of the family. */
static void
add_masked_columns(MaskContext *context, MaskedRelation *masked, Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);
	List	   *own = NIL;
	ListCell   *cell;

	for (int i = 0; i < labels->ncolumns; i++)
		if (labels->columns[i].mask.kind != LABEL_MASK_NONE && labels->columns[i].attnum != labels->row_label_attnum)
			own = lappend_int(own, labels->columns[i].attnum);
	foreach(cell, own)
	{
		AttrNumber	attnum = parent_attnum(masked->relid, relid, lfirst_int(cell));

		if (attnum != InvalidAttrNumber)
			masked->columns = list_append_unique_int(masked->columns, attnum);
		if (!is_listed(context->marks, relid, lfirst_int(cell)))
			enlist(context->marks, relid, lfirst_int(cell));
	}
}

static const MaskedRelation *
masked_relation(MaskContext *context, Oid relid, bool inherits)
{
	MaskedRelation *masked;
	ListCell   *cell;

	foreach(cell, context->relations)
	{
		masked = lfirst(cell);
		if (masked->relid == relid && masked->inherits == inherits)
			return masked;
	}
	masked = palloc0(sizeof(MaskedRelation));
	masked->relid = relid;
	masked->inherits = inherits;
	if (inherits)
		masked->children = relation_masked_children(relid);
	add_masked_columns(context, masked, relid);
	foreach(cell, masked->children)
		add_masked_columns(context, masked, lfirst_oid(cell));
	context->relations = lappend(context->relations, masked);
	return masked;
}

/* An INSERT's entry does not say so, but its rows go to partitions. */
static bool
with_children(const RangeTblEntry *rte)
{
	return rte->rtekind == RTE_RELATION && (rte->inh || rte->relkind == RELKIND_PARTITIONED_TABLE);
}

/*
 * Relation whose column labels hold for the columns of an entry: a table, the
 * view that a subquery was made from, the table of a transition table.
 */
static Oid
labeled_relation(const RangeTblEntry *rte)
{
	switch (rte->rtekind)
	{
		case RTE_RELATION:
		case RTE_NAMEDTUPLESTORE:
			return rte->relid;
		case RTE_SUBQUERY:
			return compat_view_of(rte);
		default:
			return InvalidOid;
	}
}

bool
mask_concerns(const RangeTblEntry *rte)
{
	Oid			relid = labeled_relation(rte);

	return OidIsValid(relid) && relation_is_masked(relid, with_children(rte));
}

static const MaskedRelation *
masked_of_entry(MaskContext *context, const RangeTblEntry *rte)
{
	Oid			relid = labeled_relation(rte);
	const MaskedRelation *masked;

	if (!OidIsValid(relid))
		return NULL;
	masked = masked_relation(context, relid, with_children(rte));
	return masked->columns != NIL ? masked : NULL;
}

/* The column is not masked in this query; whoever may not read it must be denied. */
static void
refuse_column(MaskContext *context, const MaskedRelation *masked, AttrNumber attnum)
{
	char	   *name = get_attname(masked->relid, attnum, true);
	ListCell   *cell;

	if (!is_listed(&context->refused, masked->relid, attnum))
		enlist(&context->refused, masked->relid, attnum);
	foreach(cell, masked->children)
	{
		AttrNumber	child_attnum = name ? get_attnum(lfirst_oid(cell), name) : InvalidAttrNumber;

		if (child_attnum != InvalidAttrNumber && !is_listed(&context->refused, lfirst_oid(cell), child_attnum))
			enlist(&context->refused, lfirst_oid(cell), child_attnum);
	}
}

/* ------------------------------------------------------------------------
 * What takes its place
 * ------------------------------------------------------------------------
 */

/* column_value(relid, attnum, stored_in, value), with the type modifier that the value has. */
static Node *
make_column_value(Oid relid, AttrNumber attnum, Expr *stored_in, Expr *value)
{
	Oid			type = exprType((Node *) value);
	int32		typmod = exprTypmod((Node *) value);
	Oid			collation = exprCollation((Node *) value);
	Expr	   *call;

	call = (Expr *) makeFuncExpr(mask_function_oid(), type,
								 list_make4(makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
													  ObjectIdGetDatum(relid), false, true),
											makeConst(INT2OID, -1, InvalidOid, sizeof(int16),
													  Int16GetDatum(attnum), false, true),
											stored_in, value),
								 collation, MASK_CALL_COLLATION, COERCE_EXPLICIT_CALL);
	if (typmod < 0)
		return (Node *) call;
	return (Node *) makeRelabelType(call, type, typmod, collation, COERCE_IMPLICIT_CAST);
}

/* NULL in a row that an outer join filled up, as all columns are. */
static Var *
tableoid_var(const Var *var)
{
	Var		   *tableoid = makeVar(var->varno, TableOidAttributeNumber, OIDOID, -1, InvalidOid, var->varlevelsup);

	compat_copy_nulling_rels(tableoid, var);
	return tableoid;
}

static bool
is_masked_column(const MaskedRelation *masked, AttrNumber attnum)
{
	return list_member_int(masked->columns, attnum);
}

static Node *
mask_var(const MaskedRelation *masked, Var *var)
{
	return make_column_value(masked->relid, var->varattno, (Expr *) tableoid_var(var), (Expr *) copyObject(var));
}

/* The row as a row of columns; NULL where an outer join filled it up, not a row of NULLs. */
static Node *
mask_whole_row(const MaskedRelation *masked, Var *var)
{
	Relation	rel = table_open(masked->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	RowExpr    *row = makeNode(RowExpr);
	CaseExpr   *choice = makeNode(CaseExpr);
	CaseWhen   *filled_up = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Var		   *column;

		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(att->attname))));
		if (att->attisdropped)
		{
			row->args = lappend(row->args, makeNullConst(INT4OID, -1, InvalidOid));
			continue;
		}
		column = makeVar(var->varno, att->attnum, att->atttypid, att->atttypmod, att->attcollation, var->varlevelsup);
		compat_copy_nulling_rels(column, var);
		row->args = lappend(row->args, is_masked_column(masked, att->attnum) ?
							mask_var(masked, column) : (Node *) column);
	}
	table_close(rel, NoLock);
	row->row_typeid = var->vartype;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->location = -1;

	test->arg = (Expr *) tableoid_var(var);
	test->nulltesttype = IS_NULL;
	test->argisrow = false;
	test->location = -1;
	filled_up->expr = (Expr *) test;
	filled_up->result = (Expr *) makeNullConst(var->vartype, -1, InvalidOid);
	filled_up->location = -1;
	choice->casetype = var->vartype;
	choice->casecollid = InvalidOid;
	choice->args = list_make1(filled_up);
	choice->defresult = (Expr *) row;
	choice->location = -1;
	return (Node *) choice;
}

/* ------------------------------------------------------------------------
 * Entries without a table to ask the row for: views, transition tables
 * ------------------------------------------------------------------------
 */

/* Name, type and so on of each column of a subquery, as Vars of entry 1. */
static List *
columns_of_subquery(const Query *subquery)
{
	List	   *targets = NIL;
	ListCell   *cell;

	foreach(cell, subquery->targetList)
	{
		TargetEntry *tle = lfirst(cell);
		Var		   *var;

		if (tle->resjunk)
			continue;
		var = makeVarFromTargetEntry(1, tle);
		targets = lappend(targets, makeTargetEntry((Expr *) var, tle->resno,
												   tle->resname ? pstrdup(tle->resname) : NULL, false));
	}
	return targets;
}

static List *
columns_of_tuplestore(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *targets = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Expr	   *column = att->attisdropped ?
			(Expr *) makeNullConst(INT4OID, -1, InvalidOid) :
			(Expr *) makeVar(1, att->attnum, att->atttypid, att->atttypmod, att->attcollation, 0);

		targets = lappend(targets, makeTargetEntry(column, i + 1, pstrdup(NameStr(att->attname)), false));
	}
	table_close(rel, NoLock);
	return targets;
}

/* The entry becomes a subquery that reads what it was and masks its columns. */
static void
wrap_entry(MaskContext *context, const MaskedRelation *masked, RangeTblEntry *rte)
{
	RangeTblEntry *inner = makeNode(RangeTblEntry);
	Query	   *wrapper = makeNode(Query);
	RangeTblRef *reference = makeNode(RangeTblRef);
	ListCell   *cell;

	memcpy(inner, rte, sizeof(RangeTblEntry));
	inner->securityQuals = NIL;
	inner->lateral = false;
	inner->inFromCl = true;
	if (rte->rtekind == RTE_SUBQUERY)
	{
		IncrementVarSublevelsUp((Node *) inner->subquery, 1, 1);
		wrapper->targetList = columns_of_subquery(inner->subquery);
	}
	else
		wrapper->targetList = columns_of_tuplestore(masked->relid);
	foreach(cell, wrapper->targetList)
	{
		TargetEntry *tle = lfirst(cell);

		if (!is_masked_column(masked, tle->resno))
			continue;
		if (exprType((Node *) tle->expr) != get_atttype(masked->relid, tle->resno))
			refuse_column(context, masked, tle->resno);
		else
			tle->expr = (Expr *) make_column_value(masked->relid, tle->resno,
												   (Expr *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
																	  ObjectIdGetDatum(masked->relid), false, true),
												   tle->expr);
	}
	reference->rtindex = 1;
	wrapper->commandType = CMD_SELECT;
	wrapper->querySource = QSRC_ORIGINAL;
	wrapper->canSetTag = true;
	wrapper->rtable = list_make1(inner);
	wrapper->jointree = makeFromExpr(list_make1(reference), NULL);

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = wrapper;
	rte->enrname = NULL;
	rte->coltypes = rte->coltypmods = rte->colcollations = NIL;
	if (inner->rtekind == RTE_NAMEDTUPLESTORE)
		rte->relid = InvalidOid;
}

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
		masked = masked_of_entry(context, rte);
		if (masked == NULL)
			return false;
		foreach(cell, masked->columns)
			if (var->varattno == InvalidAttrNumber || var->varattno == lfirst_int(cell))
				refuse_column(context, masked, lfirst_int(cell));
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
		const MaskedRelation *masked = masked_of_entry(context, rte);
		ListCell   *column;

		rti++;
		if (masked && rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_VIEW &&
			rti != query->resultRelation && compat_writes_through(query, rte))
			foreach(column, masked->columns)
				refuse_column(context, masked, lfirst_int(column));
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
		const MaskedRelation *masked = rte->rtekind == RTE_RELATION ? NULL : masked_of_entry(context, rte);

		if (masked)
			wrap_entry(context, masked, rte);
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
	masked = masked_of_entry(context, rte);
	if (masked == NULL)
		return copyObject((Node *) var);
	if (var->varattno == InvalidAttrNumber)
		return mask_whole_row(masked, var);
	if (is_masked_column(masked, var->varattno))
		return mask_var(masked, var);
	return copyObject((Node *) var);
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
		if (!is_listed(&context.refused, lfirst_oid(relation), lfirst_int(column)))
			enlist(marks, lfirst_oid(relation), lfirst_int(column));
	return parse;
}

/* ------------------------------------------------------------------------
 * What the plan says
 * ------------------------------------------------------------------------
 */

/*
 * Kept where plans keep what they depend on: copied with the plan, and of no
 * meaning to core, which looks for catalog caches by their numbers.
 */
void
mask_mark_plan(PlannedStmt *plan, const MaskMarks *marks)
{
	ListCell   *relation;
	ListCell   *column;

	forboth(relation, marks->relations, column, marks->columns)
	{
		PlanInvalItem *item = makeNode(PlanInvalItem);

		item->cacheId = MARK_CACHE_ID - lfirst_int(column);
		item->hashValue = lfirst_oid(relation);
		plan->invalItems = lappend(plan->invalItems, item);
	}
}

bool
mask_plan_covers(const PlannedStmt *plan, Oid relid, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, plan->invalItems)
	{
		PlanInvalItem *item = lfirst(cell);

		if (item->cacheId == MARK_CACHE_ID - attnum && item->hashValue == relid)
			return true;
	}
	return false;
}
