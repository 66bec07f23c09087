/*-------------------------------------------------------------------------
 *
 * plan_target.c
 *		Rows on their way into partitions and foreign tables.
 *
 * Which partition a new row goes to is known only when it gets there, and the
 * partitions of an INSERT are in no range table: a partition that is labeled
 * although its parent is not would be written by whoever may write the parent.
 * The check options of a partitioned table are evaluated for the partition that
 * was found, so one of them asks about tableoid.
 *
 * Into a foreign table, a foreign partition included, core writes without
 * evaluating check options at all: there the label is judged in the target
 * list, where it is computed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/plan_target.h"
#include "pg_dataclass/rowquals.h"
#include "pg_dataclass/subject.h"

PG_FUNCTION_INFO_V1(dc_partition_check);

/* Answered last, for the rows that follow into the same partition. */
static Oid	checked_relation = InvalidOid;
static uint64 checked_epoch = 0;
static uint64 checked_generation = 0;

/*
 * partition_check(oid): true if the current subject may write the relation, else
 * raises.  A row-labeled partition judges its rows one by one.
 */
Datum
dc_partition_check(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	if (relid == checked_relation && checked_generation == policy_generation() &&
		subject_epoch_is_current(checked_epoch))
		PG_RETURN_BOOL(true);
	checked_relation = InvalidOid;
	if (policy_current()->installed)
		access_check_partition(relid);
	subject_current();
	checked_epoch = subject_epoch();
	checked_generation = policy_generation();
	checked_relation = relid;
	PG_RETURN_BOOL(true);
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

static Var *
tableoid_var(Index rti)
{
	return makeVar(rti, TableOidAttributeNumber, OIDOID, -1, InvalidOid, 0);
}

static void
add_partition_check(Query *query, WCOKind kind, Index rti, Oid relid)
{
	WithCheckOption *wco = makeNode(WithCheckOption);

	wco->kind = kind;
	wco->relname = get_rel_name(relid);
	wco->polname = pstrdup(DC_PROVIDER);
	wco->qual = (Node *) call(ROW_FUNCTION_PARTITION, BOOLOID, list_make1(tableoid_var(rti)));
	wco->cascaded = false;
	query->withCheckOptions = lcons(wco, query->withCheckOptions);
}

/* Some partition, or the table itself, is foreign. */
bool
target_is_foreign(Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	ListCell   *cell;

	if (relkind == RELKIND_FOREIGN_TABLE)
		return true;
	if (relkind != RELKIND_PARTITIONED_TABLE && !has_subclass(relid))
		return false;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			return true;
	return false;
}

/*
 * The relation whose ceiling binds a new row.  Below a labeled parent all are
 * bound by its label at least; without, it is the partition that the row comes to.
 */
Node *
target_relation(Index rti, Oid relid)
{
	return !relation_labels(relid)->governed && has_subclass(relid) ? (Node *) tableoid_var(rti) : (Node *) oid_const(relid);
}

/* Rows that are routed are judged by the partition that they come to. */
void
target_check_partitions(Query *query, Index rti, Oid relid)
{
	bool		writes = query->commandType == CMD_INSERT || query->commandType == CMD_UPDATE || COMPAT_IS_MERGE(query);

	if (!writes || get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	add_partition_check(query, WCO_RLS_INSERT_CHECK, rti, relid);
	add_partition_check(query, WCO_RLS_UPDATE_CHECK, rti, relid);
}

/*
 * INSERT into a foreign table: the label's expression becomes
 * row_relabel(NULL, expr, relid), which judges it as a new row's.
 */
void
target_wrap_insert(Query *query, AttrNumber attnum, Oid relid)
{
	Const	   *none = makeNullConst(row_label_type(), -1, InvalidOid);
	List	   *targets = NIL;
	bool		done = false;
	ListCell   *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *tle = lfirst(cell);

		if (!done && (tle->resjunk || tle->resno >= attnum))
		{
			bool		given = !tle->resjunk && tle->resno == attnum;
			Expr	   *label = given ? tle->expr : (Expr *) copyObject(none);

			targets = lappend(targets,
							  makeTargetEntry(call(ROW_FUNCTION_RELABEL, row_label_type(),
																list_make3(copyObject(none), label, oid_const(relid))),
											  attnum, get_attname(relid, attnum, false), false));
			done = true;
			if (given)
				continue;
		}
		targets = lappend(targets, tle);
	}
	if (!done)
		targets = lappend(targets,
						  makeTargetEntry(call(ROW_FUNCTION_RELABEL, row_label_type(),
															list_make3(copyObject(none), none, oid_const(relid))),
										  attnum, get_attname(relid, attnum, false), false));
	query->targetList = targets;
}

/* COPY FROM routes rows as INSERT does, without check options: it must be let into every partition. */
void
target_check_copy(Oid relid)
{
	ListCell   *cell;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		access_check_partition(lfirst_oid(cell));
}
