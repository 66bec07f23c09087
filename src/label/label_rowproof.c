/*-------------------------------------------------------------------------
 *
 * label_rowproof.c
 *		What the catalogs prove about the row labels that a table can hold.
 *
 * A filter may be left out of a plan only where core itself vouches for every
 * row: by a validated CHECK constraint that calls dataclass.row_within(), or
 * by the bound of a LIST partition on the label column.  Core checks both on
 * every write, whoever writes, and under the locks that keep readers' plans
 * in step; what the extension checks by itself (the label of the table) it
 * would let pass in permissive mode, so it proves nothing.
 *
 * Core checks the rows that are there.  A transaction with an older snapshot may
 * see row versions that were changed or deleted before; so each proof carries
 * the transaction that made it, the newest one over all children, and counts
 * only for snapshots taken after that (policy_rowoutcome.c).
 *
 * A constraint counts only with the present era of the policy: it was checked
 * with the dominance of its day (see policy_era.c).
 *
 * Owns no state; label_cache.c keeps what is found, and core's invalidation of
 * the relation, which every change of a constraint or a bound sends, drops it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "partitioning/partdefs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/label_cache.h"
#include "pg_dataclass/rowfilter.h"

/* The Const of a text argument as a C string, or NULL. */
static char *
text_argument(const FuncExpr *call, int n)
{
	Const	   *value = (Const *) list_nth(call->args, n);

	if (!IsA(value, Const) || value->consttype != TEXTOID || value->constisnull)
		return NULL;
	return TextDatumGetCString(value->constvalue);
}

/*
 * Is this the expression dataclass.row_within(<label column>, ceiling, era)
 * with the present era?  Then *ceiling becomes its second argument.
 */
static bool
is_ceiling(const PolicySnapshot *p, Node *expr, AttrNumber attnum, ResolvedLabel *ceiling)
{
	FuncExpr   *call = (FuncExpr *) expr;
	Node	   *column;
	char	   *text;
	char	   *era;
	Label		label;
	LabelError	error;

	if (expr == NULL || !IsA(expr, FuncExpr) || p->era == NULL ||
		call->funcid != row_function_oid(ROW_FUNCTION_WITHIN) || list_length(call->args) != 3)
		return false;
	column = linitial(call->args);
	/* a domain over the type */
	while (column && IsA(column, RelabelType))
		column = (Node *) ((RelabelType *) column)->arg;
	if (column == NULL || !IsA(column, Var) || ((Var *) column)->varattno != attnum)
		return false;
	text = text_argument(call, 1);
	era = text_argument(call, 2);
	if (text == NULL || era == NULL || strcmp(era, p->era) != 0 ||
		!label_parse(text, strlen(text), &label, &error))
		return false;
	resolve_label(p, &label, ceiling);
	return ceiling->rank != POLICY_RANK_NONE;
}

static void
note_newest(TransactionId *since, HeapTuple tuple)
{
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	if (TransactionIdIsNormal(xmin) &&
		(!TransactionIdIsNormal(*since) || TransactionIdFollows(xmin, *since)))
		*since = xmin;
}

/* When did the children get the constraint of that name?  Attaching one changes its row. */
static void
note_children_constraints(Relation rel, Oid parent, const char *name, TransactionId *since)
{
	ListCell   *cell;

	if (!has_subclass(parent))
		return;
	foreach(cell, find_all_inheritors(parent, NoLock, NULL))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		if (lfirst_oid(cell) == parent)
			continue;
		ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(lfirst_oid(cell)));
		scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			if (strcmp(NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname), name) == 0)
				note_newest(since, tuple);
		systable_endscan(scan);
	}
}

/* When did the partition, and those below it, become what they are? */
static void
note_attached(Oid relid, TransactionId *since)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	List	   *relids = has_subclass(relid) ? find_all_inheritors(relid, NoLock, NULL) : list_make1_oid(relid);
	ListCell   *cell;

	foreach(cell, relids)
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(lfirst_oid(cell)));
		scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			note_newest(since, tuple);
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
}

static void
find_ceiling(const PolicySnapshot *p, RelationLabels *labels)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	ResolvedLabel ceiling;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(labels->relid));
	scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (labels->row_ceiling == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool		isnull;
		Datum		binary;

		if (form->contype != CONSTRAINT_CHECK || !form->convalidated)
			continue;
		/* with NO INHERIT it says nothing of the children */
		if (form->connoinherit && has_subclass(labels->relid))
			continue;
		binary = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(rel), &isnull);
		if (isnull || !is_ceiling(p, stringToNode(TextDatumGetCString(binary)),
								  labels->row_label_attnum, &ceiling))
			continue;
		labels->row_ceiling = palloc(sizeof(ResolvedLabel));
		*labels->row_ceiling = ceiling;
		note_newest(&labels->row_ceiling_since, tuple);
		note_children_constraints(rel, labels->relid, NameStr(form->conname), &labels->row_ceiling_since);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/*
 * Is the table LIST-partitioned by the column of that name alone, and by the
 * extension's own order?  By another operator class any label may be "equal" to
 * those of the bound.
 */
static bool
is_list_partitioned_by(Oid parent, const char *column)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(parent));
	Form_pg_partitioned_table form;
	oidvector  *classes;
	bool		isnull;
	bool		yes;

	if (!HeapTupleIsValid(tuple))
		return false;
	classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(PARTRELID, tuple, Anum_pg_partitioned_table_partclass, &isnull));
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	yes = form->partstrat == PARTITION_STRATEGY_LIST && form->partnatts == 1 &&
		form->partattrs.values[0] != InvalidAttrNumber &&
		form->partattrs.values[0] == get_attnum(parent, column) &&
		!isnull && classes->values[0] == GetDefaultOpClass(row_label_type(), BTREE_AM_OID);
	ReleaseSysCache(tuple);
	return yes;
}

static void
find_bound(RelationLabels *labels)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(labels->relid));
	char	   *column = get_attname(labels->relid, labels->row_label_attnum, true);
	PartitionBoundSpec *spec = NULL;
	ListCell   *cell;
	int			n = 0;

	if (!HeapTupleIsValid(tuple))
		return;
	if (column && ((Form_pg_class) GETSTRUCT(tuple))->relispartition)
	{
		bool		isnull;
		Datum		bound = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &isnull);

		if (!isnull)
			spec = stringToNode(TextDatumGetCString(bound));
	}
	ReleaseSysCache(tuple);
	if (spec == NULL || !IsA(spec, PartitionBoundSpec) || spec->is_default ||
		spec->strategy != PARTITION_STRATEGY_LIST || spec->listdatums == NIL ||
		!is_list_partitioned_by(get_partition_parent(labels->relid, true), column))
		return;

	labels->bound = palloc(sizeof(uint64) * list_length(spec->listdatums));
	foreach(cell, spec->listdatums)
	{
		Const	   *value = lfirst_node(Const, cell);

		if (value->constisnull)
		{
			labels->bound = NULL;	/* holds rows that no label describes */
			return;
		}
		labels->bound[n++] = (uint64) DatumGetInt64(value->constvalue);
	}
	labels->nbound = n;
	note_attached(labels->relid, &labels->bound_since);
}

/*
 * Fill row_ceiling and bound of a relation with a label column, in the current
 * memory context.  Foreign tables declare constraints that nobody enforces;
 * materialized views have none.
 */
void
resolve_row_proof(const PolicySnapshot *p, RelationLabels *labels)
{
	if (labels->relkind != RELKIND_RELATION && labels->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	find_ceiling(p, labels);
	find_bound(labels);
}
