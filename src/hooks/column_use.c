/*-------------------------------------------------------------------------
 *
 * column_use.c
 *		Which labeled columns a query does not touch, though it names them.
 *
 * Core asks for the privilege on every column that a view mentions, whatever
 * the query reads of the view.  A column label is about data that are read: the
 * planner drops outputs of subqueries that nobody uses, and with them the only
 * mention of some columns.  Here the same is worked out on the tree: outputs
 * are live if something uses them, if they are sort or group keys, volatile or
 * return sets, or if the subquery removes duplicates or combines sets; columns
 * are touched if a live expression mentions them.
 *
 * What is not certain counts as touched: everything in CTEs and sublinks,
 * commands other than SELECT, queries with functions that core may inline, and
 * all below a query that locks rows, since there core keeps whole rows of its
 * subqueries.  A column is also read through the parents of its table.  The plan
 * lists the columns that are left over, and the executor does not ask for
 * a clearance for them (hook_executor.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"

/* What is used of the entries of one query level. */
typedef struct UseFrame
{
	Query	   *query;
	Bitmapset **used;			/* by range-table index: attribute numbers, offset */
	bool		all_live;		/* no output may be taken for unused */
} UseFrame;

typedef struct UseContext
{
	List	   *frames;			/* of UseFrame: all that were met */
	List	   *stack;			/* of UseFrame, innermost first */
	bool		locks;			/* the query, or one around it, locks rows */
	bool		changed;
} UseContext;

static bool use_walker(Node *node, UseContext *context);
static void use_query(Query *query, const Bitmapset *outputs, bool all_live, UseContext *context);

#define OFFSET(attnum) ((attnum) - FirstLowInvalidHeapAttributeNumber)

static UseFrame *
frame_of(UseContext *context, Query *query)
{
	ListCell   *cell;
	UseFrame   *frame;

	foreach(cell, context->frames)
	{
		frame = lfirst(cell);
		if (frame->query == query)
			return frame;
	}
	frame = palloc0(sizeof(UseFrame));
	frame->query = query;
	frame->used = palloc0(sizeof(Bitmapset *) * (list_length(query->rtable) + 1));
	context->frames = lappend(context->frames, frame);
	return frame;
}

/* A mention of a column of an entry; of a join: of what stands behind it. */
static void
use_column(UseContext *context, int level, Index rti, AttrNumber attnum)
{
	UseFrame   *frame;
	RangeTblEntry *rte;
	List	   *saved = context->stack;
	ListCell   *cell;
	int			position = 0;

	if (level >= list_length(context->stack))
		return;
	frame = list_nth(context->stack, level);
	if (rti == 0 || rti > list_length(frame->query->rtable))
		return;
	rte = rt_fetch(rti, frame->query->rtable);
	if (bms_is_member(OFFSET(attnum), frame->used[rti]))
		return;
	frame->used[rti] = bms_add_member(frame->used[rti], OFFSET(attnum));
	context->changed = true;
	if (rte->rtekind != RTE_JOIN)
		return;
	/* aliases of a join are expressions of the join's own level */
	context->stack = list_copy_tail(context->stack, level);
	foreach(cell, rte->joinaliasvars)
	{
		position++;
		if (attnum == InvalidAttrNumber || attnum == position)
			(void) use_walker(lfirst(cell), context);
	}
	context->stack = saved;
}

static bool
use_walker(Node *node, UseContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		use_column(context, var->varlevelsup, var->varno, var->varattno);
		return false;
	}
	if (IsA(node, Query))
	{
		use_query((Query *) node, NULL, true, context);
		return false;
	}
	return expression_tree_walker(node, use_walker, context);
}

static bool
is_live(const Query *query, const TargetEntry *tle, const Bitmapset *outputs)
{
	return tle->resjunk || tle->ressortgroupref != 0 ||
		bms_is_member(OFFSET(tle->resno), outputs) ||
		bms_is_member(OFFSET(InvalidAttrNumber), outputs) ||
		(query->hasTargetSRFs && expression_returns_set((Node *) tle->expr)) ||
		contain_volatile_functions((Node *) tle->expr);
}

/* The query's own expressions, without its subqueries in FROM, and with live outputs only. */
static void
use_expressions(Query *query, const Bitmapset *outputs, bool all_live, UseContext *context)
{
	Query		shallow = *query;
	ListCell   *cell;

	if (!all_live)
	{
		shallow.targetList = NIL;
		foreach(cell, query->targetList)
			if (is_live(query, lfirst(cell), outputs))
				shallow.targetList = lappend(shallow.targetList, lfirst(cell));
	}
	(void) query_tree_walker(&shallow, use_walker, context,
							 QTW_IGNORE_JOINALIASES | QTW_IGNORE_RT_SUBQUERIES);
}

static void
use_query(Query *query, const Bitmapset *outputs, bool all_live, UseContext *context)
{
	UseFrame   *frame = frame_of(context, query);
	bool		locks = context->locks;
	ListCell   *cell;
	Index		rti = 0;

	check_stack_depth();
	context->locks |= query->rowMarks != NIL;
	all_live |= query->commandType != CMD_SELECT || query->setOperations != NULL ||
		query->distinctClause != NIL || context->locks;
	frame->all_live |= all_live;
	context->stack = lcons(frame, context->stack);
	use_expressions(query, outputs, frame->all_live, context);
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		rti++;
		/* members of a set operation are referred to by no Var */
		if (rte->rtekind == RTE_SUBQUERY && rte->subquery)
			use_query(rte->subquery, frame->used[rti], query->setOperations != NULL, context);
	}
	context->stack = list_delete_first(context->stack);
	context->locks = locks;
}

static bool
is_listed(const List *relations, const List *columns, Oid relid, AttrNumber attnum)
{
	ListCell   *relation;
	ListCell   *column;

	forboth(relation, relations, column, columns)
		if (lfirst_oid(relation) == relid && lfirst_int(column) == attnum)
			return true;
	return false;
}

/*
 * Sort the labeled columns that one entry reads of a relation, its own or one
 * that inherits from it, into touched and not.
 */
static void
sort_columns(Oid parent, Oid relid, const Bitmapset *used, ColumnUse *untouched, ColumnUse *touched)
{
	const RelationLabels *labels = relation_labels(relid);
	List	   *columns = NIL;
	ListCell   *cell;

	for (int i = 0; i < labels->ncolumns; i++)
		columns = lappend_int(columns, labels->columns[i].attnum);
	foreach(cell, columns)
	{
		AttrNumber	attnum = lfirst_int(cell);
		AttrNumber	named = attnum;
		ColumnUse  *use;

		if (parent != relid)
		{
			char	   *name = get_attname(relid, attnum, true);

			named = name ? get_attnum(parent, name) : InvalidAttrNumber;
			if (named == InvalidAttrNumber)
				continue;		/* not to be seen through the parent */
		}
		use = bms_is_member(OFFSET(named), used) ||
			bms_is_member(OFFSET(InvalidAttrNumber), used) ? touched : untouched;
		if (is_listed(use->relations, use->columns, relid, attnum))
			continue;
		use->relations = lappend_oid(use->relations, relid);
		use->columns = lappend_int(use->columns, attnum);
	}
}

static void
sort_entry(const RangeTblEntry *rte, const Bitmapset *used, ColumnUse *untouched, ColumnUse *touched)
{
	ListCell   *cell;

	sort_columns(rte->relid, rte->relid, used, untouched, touched);
	if (!rte->inh || !has_subclass(rte->relid))
		return;
	foreach(cell, find_all_inheritors(rte->relid, NoLock, NULL))
		if (lfirst_oid(cell) != rte->relid)
			sort_columns(rte->relid, lfirst_oid(cell), used, untouched, touched);
}

/*
 * The labeled columns that no live expression of the query mentions, of tables
 * it reads through views or subqueries.  Views' own columns are not among them:
 * they are labeled for whoever names them.
 */
void
column_use_find(Query *parse, ColumnUse *untouched)
{
	UseContext	context = {0};
	ColumnUse	touched = {NIL, NIL};
	ColumnUse	all = {NIL, NIL};
	ListCell   *cell;
	ListCell   *relation;
	ListCell   *column;

	untouched->relations = untouched->columns = NIL;
	if (parse->commandType != CMD_SELECT)
		return;
	/* what one pass finds used may make outputs live that it had passed already */
	do
	{
		context.changed = false;
		use_query(parse, NULL, true, &context);
		CHECK_FOR_INTERRUPTS();
	} while (context.changed);

	foreach(cell, context.frames)
	{
		UseFrame   *frame = lfirst(cell);
		ListCell   *entry;
		Index		rti = 0;

		foreach(entry, frame->query->rtable)
		{
			RangeTblEntry *rte = lfirst(entry);

			rti++;
			if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW)
				sort_entry(rte, frame->used[rti], &all, &touched);
		}
	}
	/* a column that another entry of the same table reads is touched */
	forboth(relation, all.relations, column, all.columns)
		if (!is_listed(touched.relations, touched.columns, lfirst_oid(relation), lfirst_int(column)))
		{
			untouched->relations = lappend_oid(untouched->relations, lfirst_oid(relation));
			untouched->columns = lappend_int(untouched->columns, lfirst_int(column));
		}
}

/*
 * Marks that ride in a plan's invalidation items, which survive its copying:
 * no catalog cache has such a number.
 */
#define MARK_CACHE_ID (-200000)

void
column_use_mark_plan(PlannedStmt *plan, const ColumnUse *untouched)
{
	ListCell   *relation;
	ListCell   *column;

	forboth(relation, untouched->relations, column, untouched->columns)
	{
		PlanInvalItem *item = makeNode(PlanInvalItem);

		item->cacheId = MARK_CACHE_ID - lfirst_int(column);
		item->hashValue = lfirst_oid(relation);
		plan->invalItems = lappend(plan->invalItems, item);
	}
}

bool
column_use_plan_leaves(const PlannedStmt *plan, Oid relid, AttrNumber attnum)
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
