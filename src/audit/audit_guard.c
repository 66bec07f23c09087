/*-------------------------------------------------------------------------
 *
 * audit_guard.c
 *		Nobody changes the trail or the extension: superusers included.
 *
 * Three ways lead here: the executor's permission check and TRUNCATE (rows),
 * the object access hook (objects, whatever command or cascade reaches them)
 * and audit_guard_utility.c (commands that take locks before any of those
 * hooks, or reach none).
 *
 * What is guarded: schemas dataclass and dataclass_audit and all in them,
 * everything that belongs to the extension, the extension itself, built-in
 * functions and operators, and direct writes to system catalogs, by which all
 * of that could be undone.  Let
 * through: the writer, the extension's own scripts, pg_upgrade, and everybody
 * while dataclass.enforcement is off; permissive does not loosen the trail.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_guard.h"
#include "pg_dataclass/report.h"

/* What is guarded in this database; both schemas come and go with the extension. */
typedef struct GuardScope
{
	bool		valid;
	Oid			extension;
	Oid			policy_schema;
	Oid			audit_schema;
} GuardScope;

static GuardScope scope;
static TimestampTz maintenance_statement = 0;
static bool guarding = false;	/* a look-up of ours must not guard itself */

static void
scope_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	scope.valid = false;
}

void
audit_guard_init(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, scope_changed, (Datum) 0);
}

static const GuardScope *
guard_scope(void)
{
	if (!scope.valid)
	{
		GuardScope	fresh = {0};

		fresh.policy_schema = get_namespace_oid(DC_SCHEMA, true);
		fresh.audit_schema = get_namespace_oid(DC_AUDIT_SCHEMA, true);
		if (OidIsValid(fresh.policy_schema) && OidIsValid(fresh.audit_schema))
			fresh.extension = get_extension_oid(DC_EXTENSION, true);
		fresh.valid = true;
		scope = fresh;
	}
	return &scope;
}

/* Is there anything to guard, from this process, now? */
bool
guard_active(void)
{
	const GuardScope *s;

	if (guarding || guc_enforcement == ENFORCEMENT_OFF || IsBinaryUpgrade || audit_own_process ||
		!IsTransactionState() || !OidIsValid(MyDatabaseId))
		return false;
	s = guard_scope();
	if (!OidIsValid(s->extension))
		return false;
	return !(creating_extension && CurrentExtensionObject == s->extension);
}

bool
guard_schema(Oid namespace_id)
{
	const GuardScope *s = guard_scope();

	return OidIsValid(namespace_id) &&
		(namespace_id == s->audit_schema || namespace_id == s->policy_schema);
}

bool
guard_audit_schema(Oid namespace_id)
{
	return OidIsValid(namespace_id) && namespace_id == guard_scope()->audit_schema;
}

bool
guard_relation(Oid relid)
{
	return OidIsValid(relid) && guard_schema(get_rel_namespace(relid));
}

bool
guard_is_trail_relation(Oid relid)
{
	return OidIsValid(guard_scope()->extension) && OidIsValid(relid) &&
		guard_audit_schema(get_rel_namespace(relid));
}

void
guard_refuse(const char *action, Oid class_id, Oid object_id, int32 object_subid,
			 const char *object_type, const char *identity, const char *message, const char *detail)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = action;
	refusal.event.class_id = class_id;
	refusal.event.object_id = object_id;
	refusal.event.object_subid = object_subid;
	refusal.event.object_type = object_type;
	refusal.event.object_identity = identity;
	refusal.event.rule = "trail_guard";
	refusal.event.detail = detail;
	refusal.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = "Whoever administers the server can set dataclass.enforcement = off in the configuration file; that is recorded.";
	/* permissive is about labels: the trail that records it stays closed */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

void
guard_relation_write(Oid relid, const char *action)
{
	Oid			namespace_id;
	const char *detail;
	char	   *identity;
	char		relkind;

	if (!guard_active())
		return;
	namespace_id = get_rel_namespace(relid);
	if (guard_audit_schema(namespace_id))
		detail = "The audit trail is written by its own writer only.";
	else if (IsCatalogNamespace(namespace_id) || IsToastNamespace(namespace_id))
	{
		/* Views such as pg_settings have rules of their own; scripts of extensions are code of the operator. */
		relkind = get_rel_relkind(relid);
		if ((relkind != RELKIND_RELATION && relkind != RELKIND_TOASTVALUE))
			return;
		detail = "Direct changes of system catalogs would undo what protects labeled data.";
	}
	else
		return;
	identity = report_relation_identity(relid);
	guard_refuse(action, RelationRelationId, relid, 0, "table", identity,
				 psprintf("permission denied for table %s", identity), detail);
}

/* Value of an attribute of the catalog row of an object, newest version; InvalidOid if there is none. */
static Oid
catalog_value(Oid class_id, Oid object_id, AttrNumber attnum)
{
	AttrNumber	oid_attnum = InvalidAttrNumber;
	Oid			index = InvalidOid;
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Oid			value = InvalidOid;

	if (class_id == AttrDefaultRelationId)
	{
		/* not among the classes that objectaddress.c knows */
		oid_attnum = Anum_pg_attrdef_oid;
		index = AttrDefaultOidIndexId;
	}
	else if (is_objectclass_supported(class_id))
	{
		oid_attnum = get_object_attnum_oid(class_id);
		index = get_object_oid_index(class_id);
	}
	if (oid_attnum == InvalidAttrNumber || !OidIsValid(index))
		return InvalidOid;
	rel = table_open(class_id, AccessShareLock);
	ScanKeyInit(&key, oid_attnum, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object_id));
	/* SnapshotSelf: the hooks run before the command counter moves on. */
	scan = systable_beginscan(rel, index, true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		datum = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

		if (!isnull)
			value = DatumGetObjectId(datum);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return value;
}

/* By the newest version of the row; a relation also by the one before ALTER ... SET SCHEMA. */
static bool
in_guarded_schema(Oid class_id, Oid object_id)
{
	AttrNumber	attnum = is_objectclass_supported(class_id) ?
		get_object_attnum_namespace(class_id) : InvalidAttrNumber;

	if (attnum != InvalidAttrNumber && guard_schema(catalog_value(class_id, object_id, attnum)))
		return true;
	return class_id == RelationRelationId && guard_relation(object_id);
}

/* Does one of the parents of this table belong to the trail? */
static bool
inherits_guarded(Oid child)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(child));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, SnapshotSelf, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = guard_relation(((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Objects that hang on a relation and have no schema of their own. */
static bool
belongs_to_guarded_relation(Oid class_id, Oid object_id)
{
	switch (class_id)
	{
		case TriggerRelationId:
			return guard_relation(catalog_value(class_id, object_id, Anum_pg_trigger_tgrelid)) ||
				guard_relation(catalog_value(class_id, object_id, Anum_pg_trigger_tgconstrrelid));
		case RewriteRelationId:
			return guard_relation(catalog_value(class_id, object_id, Anum_pg_rewrite_ev_class));
		case PolicyRelationId:
			return guard_relation(catalog_value(class_id, object_id, Anum_pg_policy_polrelid));
		case AttrDefaultRelationId:
			return guard_relation(catalog_value(class_id, object_id, Anum_pg_attrdef_adrelid));
		case StatisticExtRelationId:
			return guard_relation(catalog_value(class_id, object_id, Anum_pg_statistic_ext_stxrelid));
		case ConstraintRelationId:
			return guard_relation(catalog_value(class_id, object_id, Anum_pg_constraint_conrelid)) ||
				guard_relation(catalog_value(class_id, object_id, Anum_pg_constraint_confrelid));
		case InheritsRelationId:
			return guard_relation(object_id) || inherits_guarded(object_id);
		default:
			return false;
	}
}

/* What views, policies and the extension's own functions call: replaced, it would lie to auditors and run as officers. */
static bool
built_in(Oid class_id, Oid object_id)
{
	return (class_id == ProcedureRelationId || class_id == OperatorRelationId) && object_id < FirstNormalObjectId;
}

static bool
guarded_object(Oid class_id, Oid object_id, bool dropping)
{
	const GuardScope *s = guard_scope();

	if (class_id == ExtensionRelationId)
		return object_id == s->extension;
	if (class_id == NamespaceRelationId)
		return guard_schema(object_id);
	if (built_in(class_id, object_id))
		return !dropping;		/* core refuses that, but for a procedural language */
	if (in_guarded_schema(class_id, object_id) || belongs_to_guarded_relation(class_id, object_id))
		return true;
	return getExtensionOfObject(class_id, object_id) == s->extension;
}

/*
 * VACUUM FULL and REINDEX of a whole database make and drop relations beside
 * ours; they run outside of transaction blocks, so nothing else shares their
 * statement, and what an index expression runs goes through guard_utility().
 */
void
guard_set_maintenance(bool on)
{
	maintenance_statement = on ? GetCurrentStatementStartTimestamp() : 0;
}

void
guard_object_ddl(Oid class_id, Oid object_id, int32 object_subid, const char *action)
{
	ObjectAddress address;
	char	   *type;
	char	   *identity;
	volatile bool guarded = false;

	if (!guard_active())
		return;
	if (maintenance_statement != 0 && maintenance_statement == GetCurrentStatementStartTimestamp())
		return;
	guarding = true;
	PG_TRY();
	{
		guarded = guarded_object(class_id, object_id, strcmp(action, "DROP") == 0);
	}
	PG_FINALLY();
	{
		guarding = false;
	}
	PG_END_TRY();
	if (!guarded)
		return;

	ObjectAddressSubSet(address, class_id, object_id, object_subid);
	type = NULL;
	identity = NULL;
	/* A row that was just made is not to be found by these. */
	if (strcmp(action, "CREATE") != 0 || built_in(class_id, object_id))
	{
		type = getObjectTypeDescription(&address, true);
		identity = getObjectIdentity(&address, true);
	}
	if (identity == NULL)
		identity = class_id == InheritsRelationId ? report_relation_identity(object_id) :
			psprintf("%s %u", get_rel_name(class_id), object_id);
	guard_refuse(action, class_id, object_id, object_subid, type, identity,
				 psprintf(built_in(class_id, object_id) ? "permission denied: %s is built in" :
						  "permission denied: %s belongs to pg_dataclass", identity),
				 built_in(class_id, object_id) ?
				 "Views of the audit trail and functions of officers call what is built in." :
				 "Objects of the extension and of its audit trail can be changed by its own scripts only.");
}
