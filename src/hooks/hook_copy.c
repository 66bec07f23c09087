/*-------------------------------------------------------------------------
 *
 * hook_copy.c
 *		COPY on row-labeled tables.
 *
 * COPY table TO of a subject that core exempts from row security, or of a table
 * with masked columns, would read the heap without the planner: it becomes COPY (SELECT columns FROM ONLY
 * table) TO, as core does for everybody else.  COPY table FROM, which core
 * refuses under row security, runs here over core's own CopyFrom() with the
 * row check added to its WHERE clause, which is evaluated for each row before
 * it is stored.  A BEFORE INSERT trigger could change a label after that:
 * tables that have one are refused.
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
#include "catalog/pg_trigger.h"
#include "commands/copy.h"
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
#include "storage/lmgr.h"
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

static void
refuse_before_trigger(Relation rel)
{
	if (rel->trigdesc && rel->trigdesc->trig_insert_before_row)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot COPY into row-labeled table \"%s\" with a BEFORE INSERT trigger",
						RelationGetRelationName(rel)),
				 errdetail("The trigger could change a label after it was checked."),
				 errhint("Use INSERT, or disable the trigger for the load.")));
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
	}
	foreach(cell, CopyGetAttnums(RelationGetDescr(rel), rel, stmt->attlist))
		COMPAT_NSITEM_PERMS(nsitem)->insertedCols =
			bms_add_member(COMPAT_NSITEM_PERMS(nsitem)->insertedCols,
						   lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	ExecCheckRTPerms(pstate->p_rtable, COMPAT_PSTATE_PERMINFOS(pstate) true);

	/* the row check last: rows that WHERE drops are not judged */
	check = (Node *) row_check_qual(1, label_attnum, RelationGetRelid(rel), ROW_CHECK_NEW);
	where = (Node *) make_ands_implicit((Expr *) (where ? make_and_qual(where, check) : check));
	where = eval_const_expressions(NULL, where);
	where = (Node *) canonicalize_qual((Expr *) make_ands_explicit((List *) where), false);
	where = (Node *) make_ands_implicit((Expr *) where);

	if (XactReadOnly && !rel->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");
	cstate = BeginCopyFrom(pstate, rel, where, stmt->filename, stmt->is_program, NULL,
						   stmt->attlist, stmt->options);
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

	if (stmt->relation == NULL || guc_enforcement == ENFORCEMENT_OFF)
		return false;
	rel = table_openrv(stmt->relation, lockmode);
	attnum = relation_labels(RelationGetRelid(rel))->row_label_attnum;
	masked = !stmt->is_from && relation_is_masked(RelationGetRelid(rel), false);
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
	refuse_before_trigger(rel);
	processed = copy_from(stmt, rel, attnum, query_string);
	table_close(rel, NoLock);
	if (qc)
		SetQueryCompletion(qc, CMDTAG_COPY, processed);
	return true;
}
