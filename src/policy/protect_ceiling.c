/*-------------------------------------------------------------------------
 *
 * protect_ceiling.c
 *		Finding constraints CHECK (dataclass.row_within(column, ceiling, era)).
 *
 * By their shape, not by name: they can be renamed, and be made by hand.
 * Whether one proves anything is another question (label_rowproof.c).  Owns no
 * state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/rowfilter.h"

static char *
constant_text(Node *node)
{
	Const	   *value = (Const *) node;

	if (!IsA(value, Const) || value->consttype != TEXTOID || value->constisnull)
		return NULL;
	return TextDatumGetCString(value->constvalue);
}

/* Take the expression apart; false if it is not of that shape. */
static bool
parse_ceiling(Node *expr, CeilingConstraint *constraint)
{
	FuncExpr   *call = (FuncExpr *) expr;
	Node	   *column;

	if (expr == NULL || !IsA(expr, FuncExpr) || list_length(call->args) != 3 ||
		call->funcid != row_function_oid(ROW_FUNCTION_WITHIN))
		return false;
	column = linitial(call->args);
	/* a domain over the type */
	while (column && IsA(column, RelabelType))
		column = (Node *) ((RelabelType *) column)->arg;
	if (column == NULL || !IsA(column, Var))
		return false;
	constraint->column = get_attname(constraint->relid, ((Var *) column)->varattno, true);
	constraint->ceiling = constant_text(lsecond(call->args));
	constraint->era = constant_text(lthird(call->args));
	return constraint->column && constraint->ceiling && constraint->era;
}

static int
by_relation(const ListCell *a, const ListCell *b)
{
	const CeilingConstraint *left = lfirst(a);
	const CeilingConstraint *right = lfirst(b);

	if (left->relid != right->relid)
		return left->relid < right->relid ? -1 : 1;
	return strcmp(left->name, right->name);
}

List *
ceiling_constraints(Oid relid)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, OidIsValid(relid), NULL,
							  OidIsValid(relid) ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		CeilingConstraint *constraint;
		bool		isnull;
		Datum		binary;

		if (form->contype != CONSTRAINT_CHECK || !OidIsValid(form->conrelid))
			continue;
		binary = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(rel), &isnull);
		if (isnull)
			continue;
		constraint = palloc0(sizeof(CeilingConstraint));
		constraint->relid = form->conrelid;
		constraint->name = pstrdup(NameStr(form->conname));
		constraint->inherited = form->coninhcount > 0;
		constraint->no_inherit = form->connoinherit;
		if (parse_ceiling(stringToNode(TextDatumGetCString(binary)), constraint))
			found = lappend(found, constraint);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(found, by_relation);
	return found;
}
