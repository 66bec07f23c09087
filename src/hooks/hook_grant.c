/*-------------------------------------------------------------------------
 *
 * hook_grant.c
 *		Records GRANT, REVOKE and new owners of governed objects.
 *
 * Privileges do not lead past labels, but who handed them out belongs to the
 * evidence.  Core answers a GRANT that it cannot perform with a warning: hence
 * privileges and owner are compared before and after, and what did not change
 * is not recorded.  Membership in cleared roles is hook_role.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "commands/seclabel.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"

/* A governed object that a command may change the privileges or the owner of. */
typedef struct GrantTarget
{
	ObjectAddress object;
	const char *label;			/* NULL: none of its own */
	uint64		before;			/* digest of privileges and owner */
} GrantTarget;

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

static uint64
digest_of(const ObjectAddress *object)
{
	const struct
	{
		Oid			class_id;
		int			cache;
		AttrNumber	acl;
	}			kinds[] = {
		{RelationRelationId, RELOID, Anum_pg_class_relacl},
		{NamespaceRelationId, NAMESPACEOID, Anum_pg_namespace_nspacl},
		{ProcedureRelationId, PROCOID, Anum_pg_proc_proacl},
		{DatabaseRelationId, DATABASEOID, Anum_pg_database_datacl}
	};
	uint64		digest = 0;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		HeapTuple	tuple;

		if (kinds[i].class_id != object->classId)
			continue;
		tuple = SearchSysCache1(kinds[i].cache, ObjectIdGetDatum(object->objectId));
		if (!HeapTupleIsValid(tuple))
			return 0;
		digest = add_attribute(0, kinds[i].cache, tuple, kinds[i].acl);
		if (object->classId == RelationRelationId)
			digest += (uint64) ((Form_pg_class) GETSTRUCT(tuple))->relowner << 32;
		ReleaseSysCache(tuple);
	}
	return object->classId == RelationRelationId ? add_columns(digest, object->objectId) : digest;
}

/* ------------------------------------------------------------------------
 * What a command is about
 * ------------------------------------------------------------------------
 */

static void
add_target(List **targets, Oid class_id, Oid object_id)
{
	GrantTarget *target;
	Label	   *label = palloc(sizeof(Label));
	ObjectAddress object;
	const char *text;

	if (!OidIsValid(object_id))
		return;
	ObjectAddressSet(object, class_id, object_id);
	if (class_id == RelationRelationId)
	{
		const RelationLabels *labels = relation_labels(object_id);

		if (!labels->governed && labels->ncolumns == 0 && labels->row_label_attnum == InvalidAttrNumber)
			return;
		text = relation_effective_label(object_id, label) ? label->text : NULL;
	}
	else if ((text = GetSecurityLabel(&object, DC_PROVIDER)) == NULL)
		return;
	target = palloc(sizeof(GrantTarget));
	target->object = object;
	target->label = text;
	target->before = digest_of(&object);
	*targets = lappend(*targets, target);
}

static void
add_schema_contents(List **targets, Oid nspid, ObjectType type)
{
	ListCell   *cell;

	if (type == OBJECT_TABLE && OidIsValid(nspid))
		foreach(cell, ddl_user_tables(nspid))
			add_target(targets, RelationRelationId, lfirst_oid(cell));
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

/* ------------------------------------------------------------------------
 * What is said about it
 * ------------------------------------------------------------------------
 */

static char *
describe_grant(const GrantStmt *stmt)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfo(&buf, "Privileges %s:", stmt->is_grant ? "granted" : "revoked");
	if (stmt->privileges == NIL)
		appendStringInfoString(&buf, " ALL");
	foreach(cell, stmt->privileges)
	{
		const AccessPriv *priv = lfirst(cell);
		char	   *name = asc_toupper(priv->priv_name ? priv->priv_name : "all", NAMEDATALEN);

		appendStringInfo(&buf, "%s %s%s", foreach_current_index(cell) > 0 ? "," : "", name,
						 priv->cols ? " on columns" : "");
	}
	appendStringInfoString(&buf, stmt->is_grant ? "; to" : "; from");
	foreach(cell, stmt->grantees)
	{
		const RoleSpec *spec = lfirst(cell);

		appendStringInfo(&buf, "%s %s", foreach_current_index(cell) > 0 ? "," : "",
						 spec->roletype == ROLESPEC_PUBLIC ? "PUBLIC" : quote_identifier(get_rolespec_name(spec)));
	}
	if (stmt->is_grant && stmt->grant_option)
		appendStringInfoString(&buf, "; with grant option");
	return buf.data;
}

static void
record(const ObjectAddress *object, const char *label, const char *action, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_GRANT;
	event.severity = SEVERITY_NOTICE;
	event.action = action;
	event.class_id = object->classId;
	event.object_id = object->objectId;
	event.object_type = object->classId == InvalidOid ? "default privileges" : getObjectTypeDescription(object, true);
	event.object_identity = object->classId == InvalidOid ? "default privileges" : getObjectIdentity(object, true);
	event.label = label;
	event.rule = "grant";
	event.detail = detail;
	report_change(&event);
}

/* What new tables of a governed schema, or of any, will be granted. */
static void
record_defaults(const AlterDefaultPrivilegesStmt *stmt)
{
	ObjectAddress object = {0};
	bool		any_schema = true;
	bool		governed = false;
	ListCell   *cell;
	ListCell   *inner;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "schemas") != 0)
			continue;
		any_schema = false;
		foreach(inner, (List *) option->arg)
		{
			ObjectAddress schema;

			ObjectAddressSet(schema, NamespaceRelationId, get_namespace_oid(strVal(lfirst(inner)), true));
			governed |= OidIsValid(schema.objectId) && GetSecurityLabel(&schema, DC_PROVIDER) != NULL;
		}
	}
	if (any_schema || governed)
		record(&object, NULL, "ALTER DEFAULT PRIVILEGES", describe_grant(stmt->action));
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
					add_target(&targets, RelationRelationId,
							   RangeVarGetRelid(((AlterTableStmt *) parsetree)->relation, NoLock, true));
			break;
		case T_AlterDefaultPrivilegesStmt:
			record_defaults((AlterDefaultPrivilegesStmt *) parsetree);
			break;
		default:
			break;
	}
	return targets;
}

/* After it. */
void
grant_record(Node *parsetree, List *targets)
{
	const char *detail;
	ListCell   *cell;

	if (targets == NIL)
		return;
	CommandCounterIncrement();
	detail = IsA(parsetree, GrantStmt) ? describe_grant((GrantStmt *) parsetree) : "The owner was changed.";
	foreach(cell, targets)
	{
		const GrantTarget *target = lfirst(cell);

		if (digest_of(&target->object) != target->before)
			record(&target->object, target->label,
				   !IsA(parsetree, GrantStmt) ? "ALTER OWNER" :
				   ((GrantStmt *) parsetree)->is_grant ? "GRANT" : "REVOKE", detail);
	}
}
