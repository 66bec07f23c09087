/*-------------------------------------------------------------------------
 *
 * mask_expr.c
 *		Expressions and entries that take the place of masked columns.
 *
 * Types, type modifiers and collations stay those of the column; a row that an
 * outer join filled up stays NULL.  Nothing here depends on the subject.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/mask_internal.h"

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

static Node *
mask_var(const MaskedRelation *masked, Var *var)
{
	return make_column_value(masked->relid, var->varattno, (Expr *) tableoid_var(var), (Expr *) copyObject(var));
}

/* The column, or what stands for it. */
Node *
mask_column_expr(MaskContext *context, const MaskedRelation *masked, Var *var)
{
	if (!mask_has_column(masked, var->varattno) || mask_may_stay(context, masked, var->varattno))
		return copyObject((Node *) var);
	return mask_var(masked, var);
}

/* The row as a row of columns; NULL where an outer join filled it up, not a row of NULLs. */
Node *
mask_row_expr(MaskContext *context, const MaskedRelation *masked, Var *var)
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
		row->args = lappend(row->args, mask_column_expr(context, masked, column));
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
void
mask_wrap_entry(MaskContext *context, const MaskedRelation *masked, RangeTblEntry *rte)
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

		if (!mask_has_column(masked, tle->resno))
			continue;
		if (exprType((Node *) tle->expr) != get_atttype(masked->relid, tle->resno))
			mask_refuse(context, masked, tle->resno);
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
