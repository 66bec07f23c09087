/*-------------------------------------------------------------------------
 *
 * audit_guard_utility.c
 *		Commands that name the trail or the extension in their parse tree.
 *
 * The object access hook would catch most of them, but only after they took
 * their locks: a session that holds a lock on the trail while its denial is
 * being recorded makes the writer wait for it.  So names are resolved here,
 * without locks, before the command runs.  What a name resolves to may change
 * until it does; the object access hook looks at what it became.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_guard.h"
#include "pg_dataclass/report.h"

static const char *current_action = NULL;

static void
refuse_relation(Oid relid)
{
	char	   *identity = report_relation_identity(relid);

	guard_refuse(current_action, RelationRelationId, relid, 0, "table", identity,
				 psprintf("permission denied: %s belongs to pg_dataclass", identity),
				 guard_is_trail_relation(relid) ?
				 "The audit trail is written by its own writer only; nobody locks or changes it." :
				 "Tables of the extension can be changed by its own scripts only.");
}

static void
refuse_named(Oid class_id, const char *type, const char *identity)
{
	guard_refuse(current_action, class_id, InvalidOid, 0, type, identity,
				 psprintf("permission denied: %s %s belongs to pg_dataclass", type, identity),
				 "Objects of the extension and of its audit trail can be changed by its own scripts only.");
}

static Oid
resolve(const RangeVar *rv)
{
	if (rv == NULL || (rv->catalogname && strcmp(rv->catalogname, get_database_name(MyDatabaseId)) != 0))
		return InvalidOid;
	/* May raise for a name that core is about to refuse as well. */
	return RangeVarGetRelid(rv, NoLock, true);
}

/* An index is judged by its table's schema, which is its own. */
static void
check_relation(const RangeVar *rv)
{
	Oid			relid = resolve(rv);

	if (guard_relation(relid))
		refuse_relation(relid);
}

/* Policy tables may be written by officers, so only the trail counts. */
static void
check_trail_relation(const RangeVar *rv)
{
	Oid			relid = resolve(rv);

	if (guard_is_trail_relation(relid))
		refuse_relation(relid);
}

/* The table that a TOAST table, or the index of one, belongs to; anything else as it is. */
static Oid
toast_owner(Oid relid)
{
	Relation	depend;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = relid;

	if (!OidIsValid(relid) || !IsToastNamespace(get_rel_namespace(relid)))
		return relid;
	if (get_rel_relkind(relid) == RELKIND_INDEX)
		relid = IndexGetRelation(relid, true);
	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_depend) GETSTRUCT(tuple))->refclassid == RelationRelationId)
			owner = ((Form_pg_depend) GETSTRUCT(tuple))->refobjid;
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return owner;
}

/* Rebuilding also locks; the TOAST table of a record is part of it. */
static void
check_rebuilt(const RangeVar *rv)
{
	Oid			relid = toast_owner(resolve(rv));

	if (guard_relation(relid))
		refuse_relation(relid);
}

static void
check_schema(const char *name)
{
	if (name && guard_schema(get_namespace_oid(name, true)))
		refuse_named(NamespaceRelationId, "schema", quote_identifier(name));
}

static void
check_audit_schema(const char *name)
{
	if (name && guard_audit_schema(get_namespace_oid(name, true)))
		refuse_named(NamespaceRelationId, "schema", quote_identifier(name));
}

static void
check_extension(const char *name)
{
	if (name && strcmp(name, DC_EXTENSION) == 0)
		refuse_named(ExtensionRelationId, "extension", DC_EXTENSION);
}

static void
check_relation_list(List *relations)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		if (IsA(lfirst(lc), RangeVar))
			check_relation(lfirst_node(RangeVar, lc));
	}
}

/* Schema part of a qualified name such as a function's or a type's. */
static void
check_qualified_name(List *names, const char *type)
{
	char	   *schema;
	char	   *name;

	if (list_length(names) < 2 || list_length(names) > 3)
		return;
	schema = strVal(list_nth(names, list_length(names) - 2));
	name = strVal(llast(names));
	if (guard_schema(get_namespace_oid(schema, true)))
		refuse_named(InvalidOid, type, quote_qualified_identifier(schema, name));
}

/* The object of DROP, ALTER ... RENAME, SET SCHEMA, OWNER, DEPENDS. */
static void
check_object(ObjectType type, Node *object)
{
	if (object == NULL)
		return;
	switch (type)
	{
		case OBJECT_EXTENSION:
			if (IsA(object, String))
				check_extension(strVal(object));
			break;
		case OBJECT_SCHEMA:
			if (IsA(object, String))
				check_schema(strVal(object));
			break;
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
			if (IsA(object, List))
				check_relation(makeRangeVarFromNameList((List *) object));
			break;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_COLUMN:
			/* relation name, then the name of the part */
			if (IsA(object, List) && list_length((List *) object) > 1)
				check_relation(makeRangeVarFromNameList(list_truncate(list_copy((List *) object),
																	  list_length((List *) object) - 1)));
			break;
		default:
			if (IsA(object, List))
				check_qualified_name((List *) object, "object");
			else if (IsA(object, ObjectWithArgs))
				check_qualified_name(((ObjectWithArgs *) object)->objname, "function");
			else if (IsA(object, TypeName))
				check_qualified_name(((TypeName *) object)->names, "type");
			break;
	}
}

static void
check_alter_table(AlterTableStmt *stmt)
{
	ListCell   *lc;

	check_relation(stmt->relation);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if ((cmd->subtype == AT_AddInherit || cmd->subtype == AT_DropInherit) && cmd->def && IsA(cmd->def, RangeVar))
			check_relation((RangeVar *) cmd->def);
		else if ((cmd->subtype == AT_AttachPartition || cmd->subtype == AT_DetachPartition) &&
				 cmd->def && IsA(cmd->def, PartitionCmd))
			check_relation(((PartitionCmd *) cmd->def)->name);
		else if (cmd->subtype == AT_AddConstraint && cmd->def && IsA(cmd->def, Constraint))
			check_relation(((Constraint *) cmd->def)->pktable);
	}
}

static void
check_create(CreateStmt *stmt)
{
	ListCell   *lc;

	if (stmt->relation && stmt->relation->schemaname)
		check_schema(stmt->relation->schemaname);
	check_relation_list(stmt->inhRelations);
	foreach(lc, stmt->tableElts)
	{
		Node	   *element = lfirst(lc);
		ListCell   *lc2;

		if (IsA(element, Constraint))
			check_relation(((Constraint *) element)->pktable);
		else if (IsA(element, ColumnDef))
		{
			foreach(lc2, ((ColumnDef *) element)->constraints)
				check_relation(lfirst_node(Constraint, lc2)->pktable);
		}
	}
}

static bool
vacuum_is_full(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "full") == 0 && defGetBoolean(option))
			return true;
	}
	return false;
}

static void
check_vacuum(VacuumStmt *stmt)
{
	ListCell   *lc;

	if (!stmt->is_vacuumcmd || !vacuum_is_full(stmt->options))
		return;
	foreach(lc, stmt->rels)
	{
		VacuumRelation *rel = lfirst_node(VacuumRelation, lc);

		check_rebuilt(rel->relation);
	}
	if (stmt->rels == NIL)
		guard_set_maintenance(true);
}

static void
check_reindex(ReindexStmt *stmt)
{
	switch (stmt->kind)
	{
		case REINDEX_OBJECT_INDEX:
		case REINDEX_OBJECT_TABLE:
			check_rebuilt(stmt->relation);
			break;
		case REINDEX_OBJECT_SCHEMA:
			check_schema(stmt->name);
			break;
		case REINDEX_OBJECT_SYSTEM:
		case REINDEX_OBJECT_DATABASE:
			guard_set_maintenance(true);
			break;
	}
}

/* Reading is granted by membership in dataclass_auditor, not by grants on the trail. */
static void
check_grant(GrantStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		Node	   *object = lfirst(lc);

		if (stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA ||
			(stmt->targtype == ACL_TARGET_OBJECT && stmt->objtype == OBJECT_SCHEMA))
		{
			if (IsA(object, String))
				check_audit_schema(strVal(object));
		}
		else if (IsA(object, RangeVar))
			check_trail_relation((RangeVar *) object);
		else if (IsA(object, ObjectWithArgs) &&
				 list_length(((ObjectWithArgs *) object)->objname) == 2)
			check_audit_schema(strVal(linitial(((ObjectWithArgs *) object)->objname)));
	}
}

/* They would open what an update of the extension adds to the trail. */
static void
check_default_privileges(AlterDefaultPrivilegesStmt *stmt)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, stmt->options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "schemas") == 0)
			foreach(lc2, (List *) lfirst_node(DefElem, lc)->arg)
				check_audit_schema(strVal(lfirst(lc2)));
}

static void
check_lists_of_objects(DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
		check_object(stmt->removeType, lfirst(lc));
}

static void
check_extension_contents(AlterExtensionContentsStmt *stmt)
{
	check_extension(stmt->extname);
	check_object(stmt->objtype, stmt->object);
}

static void check_locked(Oid relid, LOCKMODE mode);

static bool
check_locked_walker(Node *node, void *mode)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *lc;

		foreach(lc, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			/* a view's own entries, for OLD and NEW, lock nothing */
			if (rte->rtekind == RTE_RELATION && (rte->inFromCl || rte->requiredPerms != 0))
				check_locked(rte->relid, *(LOCKMODE *) mode);
		}
		return query_tree_walker((Query *) node, check_locked_walker, mode, QTW_IGNORE_JOINALIASES);
	}
	return expression_tree_walker(node, check_locked_walker, mode);
}

/* pg_dump takes the weakest lock on the policy's tables; on the trail nobody takes any. */
static void
check_locked(Oid relid, LOCKMODE mode)
{
	check_stack_depth();
	if (mode > AccessShareLock ? guard_relation(relid) : guard_is_trail_relation(relid))
		refuse_relation(relid);
	if (get_rel_relkind(relid) == RELKIND_VIEW)
	{
		/* LOCK of a view locks what is below it */
		Relation	view = try_relation_open(relid, AccessShareLock);

		if (view == NULL)
			return;
		check_locked_walker((Node *) get_view_query(view), &mode);
		relation_close(view, AccessShareLock);
	}
}

static void
check_lock(LockStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		Oid			relid = resolve(lfirst_node(RangeVar, lc));

		if (OidIsValid(relid))
			check_locked(relid, stmt->mode);
	}
}

/* Commands about one relation that they name. */
static bool
check_relation_command(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_LockStmt:
			check_lock((LockStmt *) stmt);
			return true;
		case T_TruncateStmt:
			{
				ListCell   *lc;

				foreach(lc, ((TruncateStmt *) stmt)->relations)
					check_trail_relation(lfirst_node(RangeVar, lc));
				return true;
			}
		case T_CopyStmt:
			if (((CopyStmt *) stmt)->is_from)
				check_trail_relation(((CopyStmt *) stmt)->relation);
			return true;
		case T_CreateTrigStmt:
			check_relation(((CreateTrigStmt *) stmt)->relation);
			check_relation(((CreateTrigStmt *) stmt)->constrrel);
			return true;
		case T_RuleStmt:
			check_relation(((RuleStmt *) stmt)->relation);
			return true;
		case T_CreatePolicyStmt:
			check_relation(((CreatePolicyStmt *) stmt)->table);
			return true;
		case T_AlterPolicyStmt:
			check_relation(((AlterPolicyStmt *) stmt)->table);
			return true;
		case T_IndexStmt:
			check_relation(((IndexStmt *) stmt)->relation);
			return true;
		case T_CreateStatsStmt:
			check_relation_list(((CreateStatsStmt *) stmt)->relations);
			return true;
		case T_ClusterStmt:
			check_relation(((ClusterStmt *) stmt)->relation);
			return true;
		case T_ViewStmt:
			check_relation(((ViewStmt *) stmt)->view);
			check_schema(((ViewStmt *) stmt)->view->schemaname);
			return true;
		case T_CreateSeqStmt:
			check_schema(((CreateSeqStmt *) stmt)->sequence->schemaname);
			return true;
		case T_CreateTableAsStmt:
			check_schema(((CreateTableAsStmt *) stmt)->into->rel->schemaname);
			return true;
		case T_RefreshMatViewStmt:
			check_relation(((RefreshMatViewStmt *) stmt)->relation);
			return true;
		default:
			return false;
	}
}

static void
check_command(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			check_alter_table((AlterTableStmt *) stmt);
			break;
		case T_CreateStmt:
			check_create((CreateStmt *) stmt);
			break;
		case T_CreateForeignTableStmt:
			check_create(&((CreateForeignTableStmt *) stmt)->base);
			break;
		case T_VacuumStmt:
			check_vacuum((VacuumStmt *) stmt);
			break;
		case T_ReindexStmt:
			check_reindex((ReindexStmt *) stmt);
			break;
		case T_DropStmt:
			check_lists_of_objects((DropStmt *) stmt);
			break;
		case T_RenameStmt:
			check_relation(((RenameStmt *) stmt)->relation);
			if (((RenameStmt *) stmt)->renameType == OBJECT_SCHEMA)
				check_schema(((RenameStmt *) stmt)->subname);
			else
				check_object(((RenameStmt *) stmt)->renameType, ((RenameStmt *) stmt)->object);
			break;
		case T_AlterObjectSchemaStmt:
			check_relation(((AlterObjectSchemaStmt *) stmt)->relation);
			check_schema(((AlterObjectSchemaStmt *) stmt)->newschema);
			check_object(((AlterObjectSchemaStmt *) stmt)->objectType, ((AlterObjectSchemaStmt *) stmt)->object);
			break;
		case T_AlterOwnerStmt:
			check_relation(((AlterOwnerStmt *) stmt)->relation);
			check_object(((AlterOwnerStmt *) stmt)->objectType, ((AlterOwnerStmt *) stmt)->object);
			break;
		case T_CreateFunctionStmt:
			check_qualified_name(((CreateFunctionStmt *) stmt)->funcname, "function");
			break;
		case T_AlterFunctionStmt:
			check_qualified_name(((AlterFunctionStmt *) stmt)->func->objname, "function");
			break;
		case T_AlterExtensionContentsStmt:
			check_extension_contents((AlterExtensionContentsStmt *) stmt);
			break;
		case T_GrantStmt:
			check_grant((GrantStmt *) stmt);
			break;
		case T_AlterDefaultPrivilegesStmt:
			check_default_privileges((AlterDefaultPrivilegesStmt *) stmt);
			break;
		default:
			(void) check_relation_command(stmt);
			break;
	}
}

void
guard_utility(PlannedStmt *pstmt)
{
	Node	   *stmt = pstmt->utilityStmt;

	if (stmt == NULL)
		return;
	/* ROLLBACK of a failed transaction, and the like, comes without one to look in. */
	if (IsA(stmt, TransactionStmt) || !guard_active())
		return;
	guard_set_maintenance(false);
	current_action = GetCommandTagName(CreateCommandTag(stmt));
	check_command(stmt);
}
