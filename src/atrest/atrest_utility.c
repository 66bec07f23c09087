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
 * between the check and the use.  REINDEX is the exception: its lock depends
 * on its options and may span transactions; dataclass.posture shows what a
 * race there lets through.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_tablespace.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/seclabel.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
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
static void
gate_move_all(AlterTableMoveAllStmt *stmt)
{
	Oid			source = get_tablespace_oid(stmt->orig_tablespacename, true);
	Oid			target = get_tablespace_oid(stmt->new_tablespacename, true);
	List	   *owners = role_oids(stmt->roles);
	List	   *moved = NIL;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *cell;

	if (!OidIsValid(source) || !OidIsValid(target))
		return;
	rel = table_open(RelationRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		Oid			place = OidIsValid(form->reltablespace) ? form->reltablespace : MyDatabaseTableSpace;

		if (place == source && moved_kind(stmt->objtype, form->relkind) &&
			(owners == NIL || list_member_oid(owners, form->relowner)))
			moved = lappend_oid(moved, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	foreach(cell, moved)
		gate_move(lfirst_oid(cell), target, "ALTER ALL IN TABLESPACE");
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
static void
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
		return;
	if (stmt->relation != NULL)
	{
		Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);

		/* Of a table its indexes move, those of its partitions too. */
		if (OidIsValid(relid))
		{
			foreach(cell, find_all_inheritors(relid, NoLock, NULL))
				gate_move(lfirst_oid(cell), target, "REINDEX");
		}
		return;
	}

	/* Catalogs cannot be moved, so that REINDEX SYSTEM need not be known here. */
	if (stmt->kind == REINDEX_OBJECT_SCHEMA)
	{
		nspid = get_namespace_oid(stmt->name, true);
		if (!OidIsValid(nspid))
			return;
	}
	foreach(cell, indexed_tables(nspid))
		gate_move(lfirst_oid(cell), target, "REINDEX");
}

/* ALTER ... SET SCHEMA: without a label of its own a relation takes the new schema's. */
static void
gate_set_schema(AlterObjectSchemaStmt *stmt)
{
	Label		label;
	Oid			nspid;
	Oid			relid;
	ObjectAddress address;

	if (stmt->objectType != OBJECT_TABLE && stmt->objectType != OBJECT_MATVIEW &&
		stmt->objectType != OBJECT_SEQUENCE)
		return;
	nspid = get_namespace_oid(stmt->newschema, true);
	if (!OidIsValid(nspid) || !schema_effective_label(nspid, &label))
		return;
	relid = RangeVarGetRelidExtended(stmt->relation, AccessExclusiveLock, RVR_MISSING_OK,
									 RangeVarCallbackOwnsRelation, NULL);
	if (!OidIsValid(relid))
		return;
	ObjectAddressSet(address, RelationRelationId, relid);
	if (GetSecurityLabel(&address, DC_PROVIDER) == NULL)
		(void) gate_check_relation(&label, relid, "SET SCHEMA");
}

/*
 * A whole database to another default tablespace.  The labels of another
 * database cannot be read from here, so evidence may not get worse: nothing
 * that was placed properly is placed badly afterwards.
 */
static void
gate_database(const char *name, const char *tablespace_name, const char *action)
{
	Oid			database = get_database_oid(name, true);
	Oid			target = get_tablespace_oid(tablespace_name, true);
	Oid			source;
	HeapTuple	tuple;
	Evidence	before;
	Evidence	after;
	AuditEvent	event = {0};

	if (!OidIsValid(database) || !OidIsValid(target))
		return;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	if (!HeapTupleIsValid(tuple))
		return;
	source = ((Form_pg_database) GETSTRUCT(tuple))->dattablespace;
	ReleaseSysCache(tuple);
	if (source == target)
		return;

	storage_probe(storage_database_path(database, source), &before);
	if (before.verdict != EVIDENCE_ENCRYPTED)
		return;
	storage_probe(storage_database_path(database, target), &after);
	if (after.verdict == EVIDENCE_ENCRYPTED && after.grade >= before.grade)
		return;

	event.action = action;
	event.class_id = DatabaseRelationId;
	event.object_id = database;
	event.object_type = "database";
	event.object_identity = quote_identifier(name);
	gate_refuse(&event,
				psprintf("cannot place data of database \"%s\" in tablespace \"%s\"",
						 name, tablespace_name),
				psprintf("Its data lie on encrypted storage of grade %d; tablespace \"%s\" is %s, grade %d. %s Labels of another database cannot be read from here.",
						 before.grade, tablespace_name, evidence_verdict_name(after.verdict),
						 after.grade, after.detail),
				"Use a tablespace on encrypted storage: SELECT * FROM dataclass.storage_evidence().");
}

static void
gate_alter_database(AlterDatabaseStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "tablespace") == 0 && option->arg != NULL)
			gate_database(stmt->dbname, defGetString(option), "ALTER DATABASE");
	}
}

/* CREATE DATABASE copies its template. */
static void
gate_create_database(CreatedbStmt *stmt)
{
	const char *template = "template1";
	const char *tablespace = NULL;
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (option->arg == NULL)
			continue;
		if (strcmp(option->defname, "template") == 0)
			template = defGetString(option);
		else if (strcmp(option->defname, "tablespace") == 0)
			tablespace = defGetString(option);
	}
	if (tablespace != NULL)
		gate_database(template, tablespace, "CREATE DATABASE");
}

/*
 * gate_utility
 */
void
gate_utility(struct PlannedStmt *pstmt)
{
	Node	   *parsetree = pstmt->utilityStmt;

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
				gate_move_all((AlterTableMoveAllStmt *) parsetree);
			break;
		case T_ReindexStmt:
			if (policy_current()->installed)
				gate_reindex((ReindexStmt *) parsetree);
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
}
