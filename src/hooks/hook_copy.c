/*-------------------------------------------------------------------------
 *
 * hook_copy.c
 *		COPY on row-labeled tables.
 *
 * COPY table TO of a subject that core exempts from row security, or of a
 * table with masked columns, would read the heap without the planner: it
 * becomes COPY (SELECT columns FROM ONLY table) TO, as core does for everybody
 * else.
 *
 * COPY table FROM, which core refuses under row security, runs here over
 * core's own CopyFrom() with the row check added to its WHERE clause, which is
 * evaluated for each row before it is stored.  The check is a STABLE function
 * (ROW_FUNCTION_COPY_CHECK), or core would give up inserting rows in batches.
 * Where something changes the row after WHERE - a BEFORE INSERT trigger of the
 * table or of a partition, a generated label column - the rows take the way of
 * an INSERT instead (hook_copyinsert.c), whose check comes last.
 *
 * Invariant: all partitions are locked as for an INSERT before that decision,
 * so that no trigger comes after it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/copy.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/rowquals.h"

/* COPY t (a, b) TO -> COPY (SELECT a, b FROM ONLY t) TO */
static void
turn_into_query(CopyStmt *stmt, Relation rel)
{
	SelectStmt *select = makeNode(SelectStmt);
	RangeVar   *from = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
									pstrdup(RelationGetRelationName(rel)), -1);
	List	   *targets = NIL;
	ListCell   *cell;
	List	   *names = stmt->attlist;

	if (names == NIL)
	{
		for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

			if (!att->attisdropped && !att->attgenerated)
				names = lappend(names, makeString(pstrdup(NameStr(att->attname))));
		}
	}
	foreach(cell, names)
	{
		ColumnRef  *column = makeNode(ColumnRef);
		ResTarget  *target = makeNode(ResTarget);

		column->fields = list_make1(lfirst(cell));
		column->location = -1;
		target->val = (Node *) column;
		target->location = -1;
		targets = lappend(targets, target);
	}
	from->inh = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	select->targetList = targets;
	select->fromClause = list_make1(from);
	stmt->relation = NULL;
	stmt->attlist = NIL;
	stmt->query = (Node *) select;
}

static bool
has_before_insert_trigger(Relation rel)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_INSERT) &&
			trigger->tgenabled != TRIGGER_DISABLED)
			return true;
	}
	return false;
}

/* Is there anything between WHERE and the table that a check in WHERE would miss? */
static bool
changes_after_where(Relation rel, AttrNumber label_attnum)
{
	List	   *relids;
	ListCell   *cell;
	bool		changes = false;
	bool		governed;

	if (has_before_insert_trigger(rel) || TupleDescAttr(RelationGetDescr(rel), label_attnum - 1)->attgenerated)
		return true;
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	governed = relation_labels(RelationGetRelid(rel))->governed;
	relids = find_all_inheritors(RelationGetRelid(rel), RowExclusiveLock, NULL);
	foreach(cell, relids)
	{
		Relation	partition = table_open(lfirst_oid(cell), NoLock);
		AttrNumber	attnum = relation_labels(lfirst_oid(cell))->row_label_attnum;

		/* a partition with a ceiling of its own judges its rows by it */
		if (has_before_insert_trigger(partition) || attnum == InvalidAttrNumber ||
			TupleDescAttr(RelationGetDescr(partition), attnum - 1)->attgenerated ||
			(!governed && relation_labels(lfirst_oid(cell))->governed))
			changes = true;
		table_close(partition, NoLock);
		if (changes)
			break;
	}
	list_free(relids);
	return changes;
}

static bool
asks_for_freeze(const CopyStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->options)
		if (strcmp(((DefElem *) lfirst(cell))->defname, "freeze") == 0)
			return defGetBoolean(lfirst(cell));
	return false;
}

/* File access needs the predefined roles, as in core. */
static void
check_file_privileges(const CopyStmt *stmt)
{
	Oid			role = stmt->is_program ? ROLE_PG_EXECUTE_SERVER_PROGRAM : ROLE_PG_READ_SERVER_FILES;

	if (stmt->filename == NULL || has_privs_of_role(GetUserId(), role))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to COPY from a file or program on the server"),
			 errdetail("Only roles with privileges of \"%s\" may do so.", GetUserNameFromId(role, false)),
			 errhint("Use COPY FROM STDIN, or psql's \\copy.")));
}

/* Stored generated columns are not computed yet when WHERE is evaluated. */
static void
refuse_generated_columns(Relation rel, Node *where)
{
	Bitmapset  *columns = NULL;
	int			column = -1;
	bool		whole_row;

	pull_varattnos(where, 1, &columns);
	whole_row = bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, columns);
	if (whole_row)
		columns = bms_add_range(columns, 1 - FirstLowInvalidHeapAttributeNumber,
								RelationGetNumberOfAttributes(rel) - FirstLowInvalidHeapAttributeNumber);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber	attnum = column + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0 && TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attgenerated)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("generated columns are not supported in COPY FROM WHERE conditions"),
					 errdetail("Column \"%s\" is a generated column.",
							   get_attname(RelationGetRelid(rel), attnum, false))));
	}
}

static List *
prepare_where(Node *where)
{
	where = eval_const_expressions(NULL, where);
	where = (Node *) canonicalize_qual((Expr *) where, false);
	return make_ands_implicit((Expr *) where);
}

static uint64
copy_from(CopyStmt *stmt, Relation rel, AttrNumber label_attnum, const char *query_string)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;
	Node	   *where = NULL;
	Node	   *check;
	CopyFromState cstate;
	uint64		processed;
	ListCell   *cell;

	pstate->p_sourcetext = query_string;
	nsitem = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock, NULL, false, false);
	COMPAT_NSITEM_PERMS(nsitem)->requiredPerms = ACL_INSERT;
	addNSItemToQuery(pstate, nsitem, false, true, true);
	if (stmt->whereClause)
	{
		where = transformExpr(pstate, stmt->whereClause, EXPR_KIND_COPY_WHERE);
		where = coerce_to_boolean(pstate, where, "WHERE");
		assign_expr_collations(pstate, where);
		refuse_generated_columns(rel, where);
	}
	foreach(cell, CopyGetAttnums(RelationGetDescr(rel), rel, stmt->attlist))
		COMPAT_NSITEM_PERMS(nsitem)->insertedCols =
			bms_add_member(COMPAT_NSITEM_PERMS(nsitem)->insertedCols,
						   lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	ExecCheckRTPerms(pstate->p_rtable, COMPAT_PSTATE_PERMINFOS(pstate) true);
	if (XactReadOnly && !rel->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");

	if (changes_after_where(rel, label_attnum))
	{
		if (asks_for_freeze(stmt))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot perform COPY FREEZE on row-labeled table \"%s\" with BEFORE INSERT triggers or generated labels",
							RelationGetRelationName(rel)),
					 errdetail("Its rows are checked after the triggers, which rows stored frozen do not pass."),
					 errhint("Leave out FREEZE, or disable the triggers for the load.")));
		processed = copy_as_insert(pstate, rel, stmt, where ? prepare_where(where) : NIL);
		free_parsestate(pstate);
		return processed;
	}

	/* the row check last: rows that WHERE drops are not judged */
	check = (Node *) copy_check_qual(1, label_attnum, RelationGetRelid(rel));
	cstate = BeginCopyFrom(pstate, rel, (Node *) prepare_where(where ? make_and_qual(where, check) : check),
						   stmt->filename, stmt->is_program, NULL, stmt->attlist, stmt->options);
	processed = CopyFrom(cstate);
	EndCopyFrom(cstate);
	free_parsestate(pstate);
	return processed;
}

/* True if the COPY was done here; a COPY TO may be rewritten in place and left to core. */
bool
copy_row_labeled(PlannedStmt *pstmt, const char *query_string, QueryCompletion *qc)
{
	CopyStmt   *stmt = (CopyStmt *) pstmt->utilityStmt;
	LOCKMODE	lockmode = stmt->is_from ? RowExclusiveLock : AccessShareLock;
	Relation	rel;
	AttrNumber	attnum;
	bool		masked;
	uint64		processed;

	/* switched off, core would refuse all the same: row security stays on */
	if (stmt->relation == NULL || (!stmt->is_from && guc_enforcement == ENFORCEMENT_OFF))
		return false;
	rel = table_openrv(stmt->relation, lockmode);
	attnum = relation_labels(RelationGetRelid(rel))->row_label_attnum;
	masked = !stmt->is_from && rel->rd_rel->relkind == RELKIND_RELATION &&
		(relation_is_masked(RelationGetRelid(rel), false) ||
		 statistics_kind_of(RelationGetRelid(rel)) != STATISTICS_NONE);
	if ((attnum == InvalidAttrNumber && !masked) ||
		(rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		 rel->rd_rel->relkind != RELKIND_FOREIGN_TABLE && rel->rd_rel->relkind != RELKIND_MATVIEW))
	{
		table_close(rel, NoLock);
		return false;
	}
	if (!stmt->is_from)
	{
		turn_into_query(stmt, rel);
		table_close(rel, NoLock);
		return false;
	}
	/* a table's own policies have no place in COPY FROM: core's refusal stands */
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, true) == RLS_ENABLED &&
		rel->rd_rsdesc && rel->rd_rsdesc->policies != NIL)
	{
		table_close(rel, NoLock);
		return false;
	}
	check_file_privileges(stmt);
	processed = copy_from(stmt, rel, attnum, query_string);
	table_close(rel, NoLock);
	if (qc)
		SetQueryCompletion(qc, CMDTAG_COPY, processed);
	return true;
}
