/*-------------------------------------------------------------------------
 *
 * atrest_utility.c
 *		Statements that move data to another place, gated before they run.
 *
 * A move is SET TABLESPACE in all its forms, REINDEX (TABLESPACE), a database
 * that is moved or copied, and a relation that becomes governed where it
 * lies: ATTACH PARTITION, INHERIT, SET SCHEMA.  What the statement itself
 * would refuse (missing objects, rights) is left to the statement.
 *
 * Names are resolved under the lock and the permission checks that the
 * statement takes anyway, so that no other session moves the relation
 * between the check and the use.  REINDEX and ALTER ... ALL IN TABLESPACE
 * lock what they find as they go: what they have moved is looked at again
 * afterwards, under their locks.  Databases: gate_database.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_tablespace.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/seclabel.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/resolve.h"

static char *
relation_identity(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/* The kind of a relation as records name it. */
static const char *
relation_type(Oid relid)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "index";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_PARTITIONED_TABLE:
			return "partitioned table";
		default:
			return "table";
	}
}

/* One relation into a tablespace. */
static void
gate_move(Oid relid, Oid tablespace, const char *action)
{
	Label		label;

	if (OidIsValid(relid) && OidIsValid(tablespace) && gate_relation_label(relid, &label))
		(void) gate_check(&label, tablespace, RelationRelationId, relid,
						  relation_type(relid), relation_identity(relid), action);
}

/* ATTACH PARTITION and INHERIT: the child takes the parent's label where it lies. */
static void
gate_child(Oid parent, Oid child, const char *action)
{
	Label		label;

	if (OidIsValid(parent) && OidIsValid(child) &&
		get_rel_relkind(child) != RELKIND_INDEX &&
		get_rel_relkind(child) != RELKIND_PARTITIONED_INDEX &&
		relation_effective_label(parent, &label))
		(void) gate_check_relation(&label, child, action);
}

static bool
is_placing_command(const AlterTableCmd *cmd)
{
	return cmd->subtype == AT_SetTableSpace || cmd->subtype == AT_AttachPartition ||
		cmd->subtype == AT_AddInherit;
}

/*
 * ALTER INDEX locks the index alone: another session could label its table
 * meanwhile.  Tables are locked before their indexes, as core does.
 */
static void
lock_table_of_index(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : 0;
	Oid			table;

	if (relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX)
		return;
	table = IndexGetRelation(relid, true);
	if (OidIsValid(table))
		(void) RangeVarGetRelidExtended(makeRangeVar(get_namespace_name(get_rel_namespace(table)),
													 get_rel_name(table), -1),
										ShareUpdateExclusiveLock, RVR_MISSING_OK,
										RangeVarCallbackOwnsRelation, NULL);
}

static void
gate_alter_table(AlterTableStmt *stmt)
{
	ListCell   *cell;
	Oid			relid = InvalidOid;

	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (!is_placing_command(cmd))
			continue;
		if (!OidIsValid(relid) && cmd->subtype == AT_SetTableSpace)
			lock_table_of_index(stmt->relation);
		if (!OidIsValid(relid))
			relid = AlterTableLookupRelation(stmt, AlterTableGetLockLevel(stmt->cmds));
		if (!OidIsValid(relid))
			return;				/* IF EXISTS */

		if (cmd->subtype == AT_SetTableSpace)
			gate_move(relid, get_tablespace_oid(cmd->name, true), "SET TABLESPACE");
		else if (cmd->subtype == AT_AttachPartition)
			gate_child(relid,
					   RangeVarGetRelidExtended(((PartitionCmd *) cmd->def)->name,
												AccessExclusiveLock, RVR_MISSING_OK,
												RangeVarCallbackOwnsRelation, NULL),
					   "ATTACH PARTITION");
		else
			gate_child(RangeVarGetRelid((RangeVar *) cmd->def, ShareUpdateExclusiveLock, true),
					   relid, "INHERIT");
	}
}

static bool
moved_kind(ObjectType objtype, char relkind)
{
	switch (relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return objtype == OBJECT_TABLE;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return objtype == OBJECT_INDEX;
		case RELKIND_MATVIEW:
			return objtype == OBJECT_MATVIEW;
		default:
			return false;
	}
}

static List *
relations_in(Oid tablespace, ObjectType objtype, List *owners)
{
	List	   *found = NIL;
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		Oid			place = OidIsValid(form->reltablespace) ? form->reltablespace : MyDatabaseTableSpace;

		if (place == tablespace && moved_kind(objtype, form->relkind) &&
			(owners == NIL || list_member_oid(owners, form->relowner)))
			found = lappend_oid(found, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Roles may be CURRENT_USER and the like; get_rolespec_oid knows them. */
static List *
role_oids(List *roles)
{
	List	   *oids = NIL;
	ListCell   *cell;

	foreach(cell, roles)
		oids = lappend_oid(oids, get_rolespec_oid(lfirst_node(RoleSpec, cell), true));
	return oids;
}

/* ALTER ... ALL IN TABLESPACE */
static Oid
gate_move_all(AlterTableMoveAllStmt *stmt)
{
	Oid			source = get_tablespace_oid(stmt->orig_tablespacename, true);
	Oid			target = get_tablespace_oid(stmt->new_tablespacename, true);
	ListCell   *cell;

	if (!OidIsValid(source) || !OidIsValid(target) || source == target)
		return InvalidOid;
	foreach(cell, relations_in(source, stmt->objtype, role_oids(stmt->roles)))
		gate_move(lfirst_oid(cell), target, "ALTER ALL IN TABLESPACE");
	return target;
}

/* Tables with indexes in one schema, or in all of them. */
static List *
indexed_tables(Oid nspid)
{
	List	   *tables = NIL;
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relhasindex &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW) &&
			(!OidIsValid(nspid) || form->relnamespace == nspid))
			tables = lappend_oid(tables, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tables;
}

/* REINDEX (TABLESPACE ...) */
static Oid
gate_reindex(ReindexStmt *stmt)
{
	Oid			target = InvalidOid;
	Oid			nspid = InvalidOid;
	ListCell   *cell;

	foreach(cell, stmt->params)
	{
		DefElem    *param = lfirst_node(DefElem, cell);

		if (strcmp(param->defname, "tablespace") == 0 && param->arg != NULL)
			target = get_tablespace_oid(defGetString(param), true);
	}
	if (!OidIsValid(target))
		return InvalidOid;
	if (stmt->relation != NULL)
	{
		Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);

		/* Of a table its indexes move, those of its partitions too. */
		if (OidIsValid(relid))
		{
			foreach(cell, find_all_inheritors(relid, NoLock, NULL))
				gate_move(lfirst_oid(cell), target, "REINDEX");
		}
		return target;
	}

	/* Catalogs cannot be moved, so that REINDEX SYSTEM need not be known here. */
	if (stmt->kind == REINDEX_OBJECT_SCHEMA)
	{
		nspid = get_namespace_oid(stmt->name, true);
		if (!OidIsValid(nspid))
			return InvalidOid;
	}
	foreach(cell, indexed_tables(nspid))
		gate_move(lfirst_oid(cell), target, "REINDEX");
	return target;
}

/* Does it work in transactions of its own? */
static bool
reindex_commits(const ReindexStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->params)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "concurrently") == 0)
			return defGetBoolean(lfirst_node(DefElem, cell));
	return stmt->relation == NULL || get_rel_relkind(RangeVarGetRelid(stmt->relation, NoLock, true)) == RELKIND_PARTITIONED_TABLE ||
		get_rel_relkind(RangeVarGetRelid(stmt->relation, NoLock, true)) == RELKIND_PARTITIONED_INDEX;
}

/* Without a label of its own a relation takes the new schema's. */
static void
gate_enter_schema(Oid relid, const Label *label)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, relid);
	if (GetSecurityLabel(&address, DC_PROVIDER) == NULL)
		(void) gate_check_relation(label, relid, "SET SCHEMA");
}

/* ALTER EXTENSION SET SCHEMA takes its tables along. */
static void
gate_extension_schema(const char *extension, const Label *label)
{
	Oid			extoid = get_extension_oid(extension, true);
	List	   *relids = NIL;
	ListCell   *cell;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(extoid))
		return;
	rel = table_open(RelationRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE ||
			 form->relkind == RELKIND_MATVIEW))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(cell, relids)
		if (getExtensionOfObject(RelationRelationId, lfirst_oid(cell)) == extoid)
			gate_enter_schema(lfirst_oid(cell), label);
}

/* ALTER ... SET SCHEMA */
static void
gate_set_schema(AlterObjectSchemaStmt *stmt)
{
	Label		label;
	Oid			nspid;
	Oid			relid;

	if (stmt->objectType != OBJECT_TABLE && stmt->objectType != OBJECT_MATVIEW &&
		stmt->objectType != OBJECT_SEQUENCE && stmt->objectType != OBJECT_EXTENSION)
		return;
	nspid = get_namespace_oid(stmt->newschema, true);
	if (!OidIsValid(nspid) || !schema_effective_label(nspid, &label))
		return;
	if (stmt->objectType == OBJECT_EXTENSION)
	{
		gate_extension_schema(strVal(stmt->object), &label);
		return;
	}
	relid = RangeVarGetRelidExtended(stmt->relation, AccessExclusiveLock, RVR_MISSING_OK,
									 RangeVarCallbackOwnsRelation, NULL);
	if (OidIsValid(relid))
		gate_enter_schema(relid, &label);
}

/* ------------------------------------------------------------------------
 * Before and after
 * ------------------------------------------------------------------------
 */

static ObjectType
kind_of_arrivals(const Node *parsetree)
{
	return IsA(parsetree, AlterTableMoveAllStmt) ? ((const AlterTableMoveAllStmt *) parsetree)->objtype : OBJECT_INDEX;
}

/*
 * gate_utility
 */
void
gate_utility(struct PlannedStmt *pstmt, GateArrivals *arrivals)
{
	Node	   *parsetree = pstmt->utilityStmt;

	memset(arrivals, 0, sizeof(*arrivals));

	if (parsetree == NULL || guc_enforcement == ENFORCEMENT_OFF ||
		guc_at_rest_enforcement == ENFORCEMENT_OFF)
		return;
	switch (nodeTag(parsetree))
	{
		case T_AlterTableStmt:
			if (policy_current()->installed)
				gate_alter_table((AlterTableStmt *) parsetree);
			break;
		case T_AlterTableMoveAllStmt:
			if (policy_current()->installed)
				arrivals->target = gate_move_all((AlterTableMoveAllStmt *) parsetree);
			break;
		case T_ReindexStmt:
			if (policy_current()->installed)
				arrivals->target = gate_reindex((ReindexStmt *) parsetree);
			break;
		case T_AlterObjectSchemaStmt:
			if (policy_current()->installed)
				gate_set_schema((AlterObjectSchemaStmt *) parsetree);
			break;
		case T_AlterDatabaseStmt:
			gate_alter_database((AlterDatabaseStmt *) parsetree);
			break;
		case T_CreatedbStmt:
			gate_create_database((CreatedbStmt *) parsetree);
			break;
		default:
			break;
	}
	if (OidIsValid(arrivals->target))
		arrivals->before = relations_in(arrivals->target, kind_of_arrivals(parsetree), NIL);
}

/*
 * gate_utility_after
 *		What a command that names no relation, or locks them as it goes, has put
 *		into the tablespace: labeled by another session between the look before and
 *		the lock.  The command's locks keep the labels as they are now.  A command
 *		that has committed on its way cannot be undone: that is recorded.
 */
void
gate_utility_after(struct PlannedStmt *pstmt, const GateArrivals *arrivals)
{
	ListCell   *cell;

	if (!OidIsValid(arrivals->target))
		return;
	CommandCounterIncrement();
	foreach(cell, relations_in(arrivals->target, kind_of_arrivals(pstmt->utilityStmt), NIL))
	{
		Oid			relid = lfirst_oid(cell);
		Label		label;

		if (list_member_oid(arrivals->before, relid) || !gate_relation_label(relid, &label))
			continue;
		if (IsA(pstmt->utilityStmt, ReindexStmt) && reindex_commits((ReindexStmt *) pstmt->utilityStmt))
			gate_note(&label, arrivals->target, RelationRelationId, relid, relation_type(relid),
					  relation_identity(relid), "REINDEX");
		else
			(void) gate_check(&label, arrivals->target, RelationRelationId, relid, relation_type(relid),
							  relation_identity(relid), GetCommandTagName(CreateCommandTag(pstmt->utilityStmt)));
	}
}
