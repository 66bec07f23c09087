/*-------------------------------------------------------------------------
 *
 * mask_relation.c
 *		Masked columns of the entries of one query, and what the plan says of them.
 *
 * A column is masked in a query if it has a mask in the relation that the entry
 * names or in one that inherits from it.  Marks are what the plan tells the
 * executor: these columns are shown masked only.  They are kept per column, not
 * per entry: a column that is refused, or left bare, in one place has no mark.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/mask_internal.h"
#include "pg_dataclass/plan.h"

/* PlanInvalItem.cacheId of a mark is this minus the column: no catalog cache has such a number. */
#define MARK_CACHE_ID (-1000)

/* ------------------------------------------------------------------------
 * What is masked
 * ------------------------------------------------------------------------
 */

bool
mask_is_listed(const MaskMarks *marks, Oid relid, AttrNumber attnum)
{
	ListCell   *relation;
	ListCell   *column;

	forboth(relation, marks->relations, column, marks->columns)
		if (lfirst_oid(relation) == relid && lfirst_int(column) == attnum)
			return true;
	return false;
}

void
mask_enlist(MaskMarks *marks, Oid relid, AttrNumber attnum)
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
		if (!mask_is_listed(context->marks, relid, lfirst_int(cell)))
			mask_enlist(context->marks, relid, lfirst_int(cell));
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

const MaskedRelation *
mask_entry(MaskContext *context, const RangeTblEntry *rte)
{
	Oid			relid = labeled_relation(rte);
	const MaskedRelation *masked;

	if (!OidIsValid(relid))
		return NULL;
	masked = masked_relation(context, relid, with_children(rte));
	return masked->columns != NIL ? masked : NULL;
}

bool
mask_has_column(const MaskedRelation *masked, AttrNumber attnum)
{
	return list_member_int(masked->columns, attnum);
}

/* The column of a child, by name as labels go; 0 if there is none. */
static AttrNumber
child_attnum(const MaskedRelation *masked, Oid child, AttrNumber attnum)
{
	char	   *name = get_attname(masked->relid, attnum, true);

	return name ? get_attnum(child, name) : InvalidAttrNumber;
}

/* The column is not masked in this query; whoever may not read it must be denied. */
void
mask_refuse(MaskContext *context, const MaskedRelation *masked, AttrNumber attnum)
{
	ListCell   *cell;

	if (!mask_is_listed(&context->refused, masked->relid, attnum))
		mask_enlist(&context->refused, masked->relid, attnum);
	foreach(cell, masked->children)
	{
		AttrNumber	theirs = child_attnum(masked, lfirst_oid(cell), attnum);

		if (theirs != InvalidAttrNumber && !mask_is_listed(&context->refused, lfirst_oid(cell), theirs))
			mask_enlist(&context->refused, lfirst_oid(cell), theirs);
	}
}

static bool
is_readable(const MaskedRelation *masked, AttrNumber attnum)
{
	ListCell   *cell;

	if (!mask_column_readable(masked->relid, attnum))
		return false;
	foreach(cell, masked->children)
		if (!mask_column_readable(lfirst_oid(cell), child_attnum(masked, lfirst_oid(cell), attnum)))
			return false;
	return true;
}

/*
 * A subject who reads the column needs no mask, and gets the indexes on it.
 * The plan must say that it rests on that, and that it masks nothing.
 */
bool
mask_may_stay(MaskContext *context, const MaskedRelation *masked, AttrNumber attnum)
{
	ListCell   *cell;

	if (!plan_may_assume() || !is_readable(masked, attnum))
		return false;
	mask_refuse(context, masked, attnum);
	plan_assume_column(masked->relid, attnum);
	foreach(cell, masked->children)
	{
		AttrNumber	theirs = child_attnum(masked, lfirst_oid(cell), attnum);

		if (theirs != InvalidAttrNumber)
			plan_assume_column(lfirst_oid(cell), theirs);
	}
	return true;
}

bool
mask_all_may_stay(MaskContext *context, const MaskedRelation *masked)
{
	ListCell   *cell;

	if (!plan_may_assume())
		return false;
	foreach(cell, masked->columns)
		if (!is_readable(masked, lfirst_int(cell)))
			return false;
	foreach(cell, masked->columns)
		(void) mask_may_stay(context, masked, lfirst_int(cell));
	return true;
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
