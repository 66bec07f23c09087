/*-------------------------------------------------------------------------
 *
 * hook_maintenance.c
 *		REINDEX, CLUSTER, VACUUM and ANALYZE of governed relations, and LOCK.
 *
 * Maintenance is everybody's whom PostgreSQL lets do it: it shows nobody a row.
 * Where an index or a statistics object of the relation calls functions that
 * somebody wrote, those run on every row again, and what they call by name may
 * not be what it was when they were defined: there it takes the clearance that
 * defining them takes.  Plain VACUUM evaluates nothing.
 *
 * A lock that keeps writers out takes the clearance, too, also when it is taken
 * through a view, a parent or a partitioned table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"

/* ------------------------------------------------------------------------
 * Whose code does a relation run when it is rebuilt?
 * ------------------------------------------------------------------------
 */

/* C code comes from files of the server, and making it SQL-callable is guarded (hook_objectaccess.c). */
static bool
is_written_function(Oid funcid, void *context)
{
	HeapTuple	tuple;
	bool		written = true;

	if (funcid < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (HeapTupleIsValid(tuple))
	{
		written = ((Form_pg_proc) GETSTRUCT(tuple))->prolang != ClanguageId;
		ReleaseSysCache(tuple);
	}
	return written;
}

/* An operator class, with any support function of its family that somebody wrote in SQL or the like. */
static bool
is_written_operator_class(Oid opclass)
{
	CatCList   *functions;
	bool		written = false;

	if (opclass < FirstNormalObjectId)
		return false;
	functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(get_opclass_family(opclass)));
	for (int i = 0; i < functions->n_members; i++)
		written |= is_written_function(((Form_pg_amproc) GETSTRUCT(&functions->members[i]->tuple))->amproc, NULL);
	ReleaseSysCacheList(functions);
	return written;
}

static bool
calls_written_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_written_function, context))
		return true;
	/* a domain's constraints are somebody's expressions */
	if (IsA(node, CoerceToDomain))
		return true;
	return expression_tree_walker(node, calls_written_function, context);
}

static bool
index_calls_written_function(Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	bool		plain;
	bool		found = false;
	Relation	index;

	if (!HeapTupleIsValid(tuple))
		return false;
	plain = heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	if (!plain)
	{
		index = index_open(indexid, AccessShareLock);
		found = calls_written_function((Node *) RelationGetIndexExpressions(index), NULL) ||
			calls_written_function((Node *) RelationGetIndexPredicate(index), NULL);
		index_close(index, AccessShareLock);
	}
	if (!found)
	{
		bool		isnull;
		oidvector  *classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &isnull));

		for (int i = 0; !isnull && i < classes->dim1; i++)
			found |= is_written_operator_class(classes->values[i]);
	}
	ReleaseSysCache(tuple);
	return found;
}

static bool
statistics_call_written_function(Oid statistics)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	bool		isnull;
	bool		found = false;
	Datum		expressions;

	if (!HeapTupleIsValid(tuple))
		return false;
	expressions = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxexprs, &isnull);
	if (!isnull)
		found = calls_written_function(stringToNode(TextDatumGetCString(expressions)), NULL);
	ReleaseSysCache(tuple);
	return found;
}

static bool
relation_calls_written_function(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	ListCell   *cell;
	bool		found = false;

	if (rel == NULL)
		return false;
	if (rel->rd_rel->relkind == RELKIND_RELATION || rel->rd_rel->relkind == RELKIND_MATVIEW ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		foreach(cell, RelationGetIndexList(rel))
			found |= index_calls_written_function(lfirst_oid(cell));
		foreach(cell, RelationGetStatExtList(rel))
			found |= statistics_call_written_function(lfirst_oid(cell));
	}
	relation_close(rel, AccessShareLock);
	return found;
}

/* Is there anything to protect?  Cheaper than opening the relation. */
static bool
is_governed(Oid relid)
{
	ResolvedLabel ceiling;
	const RelationLabels *labels = relation_labels(relid);

	return labels->unlabelled_denied || labels->quarantined || relation_ceiling(labels, &ceiling);
}

static void
check_rebuild(Oid relid, const char *command)
{
	if (is_governed(relid) && relation_calls_written_function(relid))
		access_check_relation(relid, ACTION_DEFINE, command);
}

/* The relation, its partitions and children: VACUUM, ANALYZE and REINDEX recurse. */
static void
check_rebuild_tree(Oid relid, const char *command)
{
	ListCell   *cell;

	if (!OidIsValid(relid))
		return;
	check_rebuild(relid, command);
	if (has_subclass(relid))
		foreach(cell, find_all_inheritors(relid, NoLock, NULL))
			check_rebuild(lfirst_oid(cell), command);
}

/* Core skips what the user does not own: so do we.  InvalidOid: every schema. */
static void
check_rebuild_all(Oid nspid, const char *command)
{
	ListCell   *cell;
	bool		owns_database = compat_owns_database(MyDatabaseId, GetUserId());

	foreach(cell, ddl_user_tables(nspid))
		if (owns_database || OidIsValid(nspid) || compat_owns_relation(lfirst_oid(cell), GetUserId()))
			check_rebuild(lfirst_oid(cell), command);
}

static void
check_vacuum(VacuumStmt *stmt)
{
	bool		evaluates = !stmt->is_vacuumcmd;
	const char *command = stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE";
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "full") == 0 || strcmp(option->defname, "analyze") == 0)
			evaluates |= defGetBoolean(option);
	}
	if (!evaluates)
		return;
	if (stmt->rels == NIL)
		check_rebuild_all(InvalidOid, command);
	foreach(cell, stmt->rels)
	{
		VacuumRelation *item = lfirst_node(VacuumRelation, cell);

		check_rebuild_tree(OidIsValid(item->oid) ? item->oid : RangeVarGetRelid(item->relation, NoLock, true), command);
	}
}

static void
check_reindex(ReindexStmt *stmt)
{
	Oid			relid;

	switch (stmt->kind)
	{
		case REINDEX_OBJECT_INDEX:
			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
			if (!OidIsValid(relid))
				return;
			if (get_rel_relkind(relid) == RELKIND_INDEX)
			{
				Oid			table = IndexGetRelation(relid, true);

				if (OidIsValid(table) && is_governed(table) && index_calls_written_function(relid))
					access_check_relation(table, ACTION_DEFINE, "REINDEX");
			}
			else if (get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX)
				check_rebuild_tree(IndexGetRelation(relid, true), "REINDEX");
			return;
		case REINDEX_OBJECT_TABLE:
			check_rebuild_tree(RangeVarGetRelid(stmt->relation, NoLock, true), "REINDEX");
			return;
		case REINDEX_OBJECT_SCHEMA:
			relid = get_namespace_oid(stmt->name, true);
			if (OidIsValid(relid))
				check_rebuild_all(relid, "REINDEX");
			return;
		case REINDEX_OBJECT_SYSTEM:
			return;
		case REINDEX_OBJECT_DATABASE:
			check_rebuild_all(InvalidOid, "REINDEX");
			return;
	}
}

/* ------------------------------------------------------------------------
 * LOCK
 * ------------------------------------------------------------------------
 */

static void check_lock(Oid relid);

static bool
check_lock_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *cell;

		foreach(cell, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst(cell);

			/* a view's own entries for OLD and NEW are not in its jointree, and lock nothing new */
			if (rte->rtekind == RTE_RELATION && rte->relid != *(Oid *) context)
				check_lock(rte->relid);
		}
		return query_tree_walker((Query *) node, check_lock_walker, context, QTW_IGNORE_JOINALIASES);
	}
	return expression_tree_walker(node, check_lock_walker, context);
}

static void
check_lock(Oid relid)
{
	check_stack_depth();
	define_check_tree(relid, "LOCK TABLE");
	if (get_rel_relkind(relid) == RELKIND_VIEW)
	{
		Relation	view = try_relation_open(relid, AccessShareLock);

		if (view == NULL)
			return;
		check_lock_walker((Node *) get_view_query(view), &relid);
		relation_close(view, AccessShareLock);
	}
}

/* Called by ddl_check() before core runs the command. */
void
maintenance_check(Node *parsetree)
{
	ListCell   *cell;

	switch (nodeTag(parsetree))
	{
		case T_VacuumStmt:
			check_vacuum((VacuumStmt *) parsetree);
			break;
		case T_ReindexStmt:
			check_reindex((ReindexStmt *) parsetree);
			break;
		case T_ClusterStmt:
			if (((ClusterStmt *) parsetree)->relation)
				check_rebuild_tree(RangeVarGetRelid(((ClusterStmt *) parsetree)->relation, NoLock, true), "CLUSTER");
			else
				check_rebuild_all(InvalidOid, "CLUSTER");
			break;
		case T_LockStmt:
			if (((LockStmt *) parsetree)->mode > AccessShareLock)
				foreach(cell, ((LockStmt *) parsetree)->relations)
				{
					Oid			relid = RangeVarGetRelid(lfirst_node(RangeVar, cell), NoLock, true);

					if (OidIsValid(relid))
						check_lock(relid);
				}
			break;
		default:
			break;
	}
}
