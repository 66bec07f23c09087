/*-------------------------------------------------------------------------
 *
 * grant_target.c
 *		What a command may change the privileges or the owner of.
 *
 * Core answers a GRANT that it cannot perform with a warning: hence privileges
 * and owner of each governed object are taken down before the command, for
 * hook_grant.c to compare.  DROP OWNED and REASSIGN OWNED name no object: the
 * shared dependencies of their roles do, as they tell core.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_shdepend.h"
#include "commands/dbcommands.h"
#include "commands/seclabel.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"

/* ------------------------------------------------------------------------
 * Privileges and owner
 * ------------------------------------------------------------------------
 */

static uint64
add_attribute(uint64 digest, int cache, HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(cache, tuple, attnum, &isnull);
	Acl		   *acl;

	if (isnull)
		return hash_bytes_extended((const unsigned char *) "", 0, digest);
	acl = DatumGetAclP(value);
	return hash_bytes_extended((const unsigned char *) ACL_DAT(acl), (int) (ACL_NUM(acl) * sizeof(AclItem)), digest);
}

static uint64
add_columns(uint64 digest, Oid relid)
{
	CatCList   *list = SearchSysCacheList1(ATTNUM, ObjectIdGetDatum(relid));

	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;

		/* the list has no order of its own */
		digest += add_attribute((uint64) ((Form_pg_attribute) GETSTRUCT(tuple))->attnum, ATTNUM, tuple,
								Anum_pg_attribute_attacl);
	}
	ReleaseSysCacheList(list);
	return digest;
}

bool
grant_target_state(const ObjectAddress *object, GrantState *state)
{
	const struct
	{
		Oid			class_id;
		int			cache;
		AttrNumber	acl;
		AttrNumber	owner;
	}			kinds[] = {
		{RelationRelationId, RELOID, Anum_pg_class_relacl, Anum_pg_class_relowner},
		{NamespaceRelationId, NAMESPACEOID, Anum_pg_namespace_nspacl, Anum_pg_namespace_nspowner},
		{ProcedureRelationId, PROCOID, Anum_pg_proc_proacl, Anum_pg_proc_proowner},
		{DatabaseRelationId, DATABASEOID, Anum_pg_database_datacl, Anum_pg_database_datdba}
	};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		HeapTuple	tuple;
		bool		isnull;

		if (kinds[i].class_id != object->classId)
			continue;
		tuple = SearchSysCache1(kinds[i].cache, ObjectIdGetDatum(object->objectId));
		if (!HeapTupleIsValid(tuple))
			return false;
		state->privileges = add_attribute(0, kinds[i].cache, tuple, kinds[i].acl);
		state->owner = DatumGetObjectId(SysCacheGetAttr(kinds[i].cache, tuple, kinds[i].owner, &isnull));
		ReleaseSysCache(tuple);
		if (object->classId == RelationRelationId)
			state->privileges = add_columns(state->privileges, object->objectId);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------------
 * What a command is about
 * ------------------------------------------------------------------------
 */

static void
add_target(List **targets, Oid class_id, Oid object_id)
{
	GrantTarget target = {{0}};

	if (!OidIsValid(object_id))
		return;
	ObjectAddressSet(target.object, class_id, object_id);
	if (class_id == RelationRelationId)
	{
		Label	   *label = palloc(sizeof(Label));

		if (!governed_relation(object_id))
			return;
		target.label = relation_effective_label(object_id, label) ? label->text : NULL;
	}
	else
	{
		if (class_id == NamespaceRelationId ? !governed_schema(object_id) :
			class_id == ProcedureRelationId ? !governed_function(object_id) :
			class_id == DatabaseRelationId ? !governed_database(object_id) : true)
			return;
		target.label = GetSecurityLabel(&target.object, DC_PROVIDER);
	}
	if (grant_target_state(&target.object, &target.before))
		*targets = lappend(*targets, memcpy(palloc(sizeof(GrantTarget)), &target, sizeof(GrantTarget)));
}

/* Sequences that belong to columns get the owner of their table. */
static void
add_relation_with_sequences(List **targets, Oid relid)
{
	ListCell   *cell;

	add_target(targets, RelationRelationId, relid);
	if (OidIsValid(relid))
		foreach(cell, getOwnedSequences(relid))
			add_target(targets, RelationRelationId, lfirst_oid(cell));
}

static void
add_schema_contents(List **targets, Oid nspid, ObjectType type)
{
	Oid			class_id = type == OBJECT_TABLE || type == OBJECT_SEQUENCE ? RelationRelationId : ProcedureRelationId;
	ListCell   *cell;

	if (OidIsValid(nspid))
		foreach(cell, type == OBJECT_TABLE ? governed_relations_in(nspid, "rpvmf") :
				type == OBJECT_SEQUENCE ? governed_relations_in(nspid, "S") : governed_functions_in(nspid))
			add_target(targets, class_id, lfirst_oid(cell));
}

static void
add_grant(List **targets, const GrantStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->objects)
	{
		Node	   *object = lfirst(cell);

		if (stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			add_schema_contents(targets, get_namespace_oid(strVal(object), true), stmt->objtype);
		else if (IsA(object, RangeVar))
			add_target(targets, RelationRelationId, RangeVarGetRelid((RangeVar *) object, NoLock, true));
		else if (IsA(object, ObjectWithArgs))
			add_target(targets, ProcedureRelationId,
					   LookupFuncWithArgs(stmt->objtype, (ObjectWithArgs *) object, true));
		else if (IsA(object, String) && stmt->objtype == OBJECT_SCHEMA)
			add_target(targets, NamespaceRelationId, get_namespace_oid(strVal(object), true));
		else if (IsA(object, String) && stmt->objtype == OBJECT_DATABASE)
			add_target(targets, DatabaseRelationId, get_database_oid(strVal(object), true));
	}
}

static void
add_owner(List **targets, const AlterOwnerStmt *stmt)
{
	switch (stmt->objectType)
	{
		case OBJECT_SCHEMA:
			add_target(targets, NamespaceRelationId, get_namespace_oid(strVal(stmt->object), true));
			break;
		case OBJECT_DATABASE:
			add_target(targets, DatabaseRelationId, get_database_oid(strVal(stmt->object), true));
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			add_target(targets, ProcedureRelationId,
					   LookupFuncWithArgs(stmt->objectType, castNode(ObjectWithArgs, stmt->object), true));
			break;
		default:
			break;
	}
}

/* What depends on the roles in this way, here or in all databases. */
static void
add_dependent(List **targets, List *specs, char deptype)
{
	Relation	rel = table_open(SharedDependRelationId, AccessShareLock);
	ListCell   *cell;

	foreach(cell, specs)
	{
		Oid			role = get_rolespec_oid(lfirst(cell), true);
		ScanKeyData key[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		if (!OidIsValid(role))
			continue;
		ScanKeyInit(&key[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(AuthIdRelationId));
		ScanKeyInit(&key[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
		scan = systable_beginscan(rel, SharedDependReferenceIndexId, true, NULL, 2, key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(tuple);

			if (form->deptype == deptype && (form->dbid == MyDatabaseId || form->dbid == InvalidOid))
				add_target(targets, form->classid, form->objid);
		}
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
}

/* Before the command; what it may change, or NIL. */
List *
grant_targets(Node *parsetree)
{
	List	   *targets = NIL;
	ListCell   *cell;

	switch (nodeTag(parsetree))
	{
		case T_GrantStmt:
			add_grant(&targets, (GrantStmt *) parsetree);
			break;
		case T_AlterTableStmt:
			foreach(cell, ((AlterTableStmt *) parsetree)->cmds)
				if (lfirst_node(AlterTableCmd, cell)->subtype == AT_ChangeOwner)
					add_relation_with_sequences(&targets,
												RangeVarGetRelid(((AlterTableStmt *) parsetree)->relation, NoLock, true));
			break;
		case T_AlterOwnerStmt:
			add_owner(&targets, (AlterOwnerStmt *) parsetree);
			break;
		case T_DropOwnedStmt:
			add_dependent(&targets, ((DropOwnedStmt *) parsetree)->roles, SHARED_DEPENDENCY_ACL);
			break;
		case T_ReassignOwnedStmt:
			add_dependent(&targets, ((ReassignOwnedStmt *) parsetree)->roles, SHARED_DEPENDENCY_OWNER);
			break;
		default:
			break;
	}
	return targets;
}
