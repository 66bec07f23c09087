/*-------------------------------------------------------------------------
 *
 * atrest_gate.c
 *		Refuse to place labeled data where the evidence is not enough.
 *
 * The mode is the lesser of dataclass.enforcement and
 * dataclass.at_rest_enforcement.  While a dump is restored nothing is
 * refused, since the restore would go on and leave the data without a label:
 * the violation is recorded and the caller quarantines the relation.
 *
 * Takes no locks.  Callers hold one on the relation that keeps its files
 * where they are until the label is in force.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_tablespace.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/resolve.h"

EnforcementMode
gate_mode(void)
{
	return (EnforcementMode) Min(guc_enforcement, guc_at_rest_enforcement);
}

bool
gate_may_create_in(Oid tablespace)
{
	return DatumGetBool(DirectFunctionCall2(has_tablespace_privilege_id, ObjectIdGetDatum(tablespace),
											CStringGetTextDatum("CREATE")));
}

/* Name a tablespace that would do, if the session may use one. */
static const char *
find_better_tablespace(const PolicySnapshot *p, const Label *label)
{
	Relation	rel = table_open(TableSpaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	const char *found = NULL;
	HeapTuple	tuple;

	while (found == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_tablespace form = (Form_pg_tablespace) GETSTRUCT(tuple);
		char	   *reason;

		if (form->oid == GLOBALTABLESPACE_OID || !gate_may_create_in(form->oid))
			continue;
		if (place_satisfies(p, label, place_of_tablespace(form->oid), &reason))
			found = pstrdup(NameStr(form->spcname));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static const char *
gate_hint(const PolicySnapshot *p, const Label *label, const char *object_type,
		  const char *object_identity)
{
	const char *better = NULL;
	const char *type = NULL;

	if (policy_class_of(p, label) != NULL)
		better = find_better_tablespace(p, label);
	if (better == NULL)
		return "Create a tablespace on encrypted storage and use it, or see what was found where: SELECT * FROM dataclass.storage_evidence().";
	if (object_type != NULL && object_identity != NULL)
	{
		if (strcmp(object_type, "table") == 0 || strcmp(object_type, "partitioned table") == 0)
			type = "TABLE";
		else if (strcmp(object_type, "materialized view") == 0)
			type = "MATERIALIZED VIEW";
		else if (strcmp(object_type, "index") == 0)
			type = "INDEX";
	}
	if (type == NULL)
		return psprintf("Use tablespace %s, which is good enough for this label.",
						quote_identifier(better));
	return psprintf("%s ALTER %s %s SET TABLESPACE %s",
					strcmp(type, "INDEX") == 0 ? "Use a tablespace that is good enough:" :
					"Move its indexes with ALTER INDEX to a tablespace that is good enough, then:",
					type, object_identity, quote_identifier(better));
}

/*
 * gate_refuse
 */
void
gate_refuse(const AuditEvent *event, const char *message, const char *detail, const char *hint)
{
	Refusal		refusal = {0};

	refusal.event = *event;
	refusal.event.kind = EVENT_AT_REST_REFUSED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.rule = "at_rest";
	refusal.event.detail = detail;
	refusal.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = hint;
	refusal.mode = gate_mode();
	report_refusal(&refusal);
}

/*
 * gate_let_in
 */
bool
gate_let_in(AuditEvent *event, const char *detail)
{
	event->kind = EVENT_AT_REST_VIOLATION;
	event->severity = SEVERITY_HIGH;
	event->outcome = OUTCOME_OBSERVED;
	event->breach = true;
	event->rule = "at_rest";
	event->detail = detail;
	if (!event_record_at_commit(event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the violation in the audit trail"),
				 errdetail("Data below its tier is let in only while that can be recorded."),
				 errhint("See the server log for what is wrong with the audit trail.")));
	return false;
}

/* Does the place do?  If not, the event and its detail. */
static bool
judge(const Label *label, Oid tablespace, Oid class_id, Oid object_id, const char *object_type, const char *object_identity,
	  const char *action, AuditEvent *event, const Place **place)
{
	const PolicySnapshot *p = policy_current();
	const PolicyClass *class;
	char	   *reason;

	/* Labels stored before an upgrade are accepted as they are. */
	if (gate_mode() == ENFORCEMENT_OFF || IsBinaryUpgrade || !gate_label_needs_place(p, label))
		return true;
	*place = place_of_tablespace(tablespace);
	if (class_id == RelationRelationId)
		*place = place_of_relation(*place, object_id);
	if (place_satisfies(p, label, *place, &reason))
		return true;

	class = policy_class_of(p, label);
	event->action = action;
	event->class_id = class_id;
	event->object_id = object_id;
	event->object_type = object_type;
	event->object_identity = object_identity;
	event->label = label->text;
	event->required_tier = class ? policy_tier_name(p, class->required_tier) : NULL;
	event->found_tier = policy_tier_name(p, place_tier(p, *place));
	event->detail = psprintf("Tablespace \"%s\": %s", (*place)->name, reason);
	return false;
}

/* The tablespace alone. */
static bool
check_tablespace(const Label *label, Oid tablespace, Oid class_id, Oid object_id,
				 const char *object_type, const char *object_identity, const char *action)
{
	AuditEvent	event = {0};
	const Place *place;

	if (judge(label, tablespace, class_id, object_id, object_type, object_identity, action, &event, &place))
		return true;
	event.class_id = class_id;
	event.object_id = object_id;
	if (gate_mode() == ENFORCEMENT_ENFORCING && policy_is_restoring())
		return gate_let_in(&event, event.detail);
	gate_refuse(&event,
				psprintf("cannot place data labeled \"%s\" in tablespace \"%s\"", label->text, place->name),
				event.detail, gate_hint(policy_current(), label, object_type, object_identity));
	return true;
}

static bool
check_shared(const Label *label, Oid class_id, Oid object_id, const char *object_type, const char *object_identity,
			 const char *action)
{
	AuditEvent	about = {0};

	about.action = action;
	about.class_id = class_id;
	about.object_id = object_id;
	about.object_type = object_type;
	about.object_identity = object_identity;
	return gate_check_shared(label, &about);
}

/*
 * gate_check
 */
bool
gate_check(const Label *label, Oid tablespace, Oid class_id, Oid object_id,
		   const char *object_type, const char *object_identity, const char *action)
{
	bool		fits = check_tablespace(label, tablespace, class_id, object_id, object_type, object_identity, action);

	return check_shared(label, class_id, object_id, object_type, object_identity, action) && fits;
}

/*
 * gate_note
 */
void
gate_note(const Label *label, Oid tablespace, Oid class_id, Oid object_id,
		  const char *object_type, const char *object_identity, const char *action)
{
	AuditEvent	event = {0};
	const Place *place;

	if (judge(label, tablespace, class_id, object_id, object_type, object_identity, action, &event, &place))
		return;
	event.class_id = class_id;
	event.object_id = object_id;
	(void) gate_let_in(&event, event.detail);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("data labeled \"%s\" were placed in tablespace \"%s\"", label->text, place->name),
			 errdetail("%s", event.detail),
			 errhint("%s", gate_hint(policy_current(), label, object_type, object_identity))));
}

/*
 * Copy of a pg_class row.  A relation whose creation is under way is not
 * visible to the caches yet, but to SnapshotSelf.
 */
static bool
fetch_class(Oid relid, FormData_pg_class *form)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		found = HeapTupleIsValid(tuple);
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;

	if (found)
	{
		memcpy(form, GETSTRUCT(tuple), sizeof(*form));
		ReleaseSysCache(tuple);
		return true;
	}
	rel = table_open(RelationRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ClassOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		memcpy(form, GETSTRUCT(tuple), sizeof(*form));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static List *
add_place(List *places, const FormData_pg_class *form)
{
	/* Without storage of its own: the default of partitions to come. */
	if (!RELKIND_HAS_STORAGE(form->relkind) && !OidIsValid(form->reltablespace))
		return places;
	return list_append_unique_oid(places, OidIsValid(form->reltablespace) ?
								  form->reltablespace : MyDatabaseTableSpace);
}

/* snapshot NULL: the catalog's own */
static List *
add_index_places(List *places, Oid relid, Snapshot snapshot)
{
	Relation	rel = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, IndexIndrelidIndexId, true, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormData_pg_class form;

		if (fetch_class(((Form_pg_index) GETSTRUCT(tuple))->indexrelid, &form))
			places = add_place(places, &form);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return places;
}

/* A table together with its indexes, those being made by this command included. */
static List *
add_table_places(List *places, Oid relid, const FormData_pg_class *form)
{
	places = add_place(places, form);
	places = add_index_places(places, relid, NULL);
	return add_index_places(places, relid, SnapshotSelf);
}

/*
 * gate_relation_tablespaces
 */
List *
gate_relation_tablespaces(Oid relid)
{
	List	   *places = NIL;
	FormData_pg_class form;
	FormData_pg_class toast;

	if (!fetch_class(relid, &form))
		return NIL;
	places = add_table_places(places, relid, &form);
	if (OidIsValid(form.reltoastrelid) && fetch_class(form.reltoastrelid, &toast))
		places = add_table_places(places, form.reltoastrelid, &toast);
	return places;
}

static const char *
relkind_text(char relkind)
{
	switch (relkind)
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "index";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_SEQUENCE:
			return "sequence";
		case RELKIND_TOASTVALUE:
			return "toast table";
		case RELKIND_PARTITIONED_TABLE:
			return "partitioned table";
		default:
			return "table";
	}
}

/*
 * gate_check_relation
 */
bool
gate_check_relation(const Label *label, Oid relid, const char *action)
{
	bool		satisfied = true;
	bool		shared_checked = false;
	List	   *members;
	ListCell   *member;

	/* Most labels need nothing: do not look at the catalogs for them. */
	if (gate_mode() == ENFORCEMENT_OFF || IsBinaryUpgrade ||
		!gate_label_needs_place(policy_current(), label))
		return true;

	members = find_all_inheritors(relid, NoLock, NULL);
	foreach(member, members)
	{
		Oid			member_id = lfirst_oid(member);
		FormData_pg_class form;
		const char *identity;
		ListCell   *place;

		if (!fetch_class(member_id, &form))
			continue;
		identity = quote_qualified_identifier(get_namespace_name(form.relnamespace),
											  NameStr(form.relname));
		foreach(place, gate_relation_tablespaces(member_id))
		{
			if (!check_tablespace(label, lfirst_oid(place), RelationRelationId, member_id,
								  relkind_text(form.relkind), identity, action))
				satisfied = false;
		}
		/* of what has storage: a view holds no data */
		if (!shared_checked && RELKIND_HAS_STORAGE(form.relkind))
		{
			shared_checked = true;
			if (!check_shared(label, RelationRelationId, member_id, relkind_text(form.relkind), identity, action))
				satisfied = false;
		}
	}
	return satisfied;
}

/*
 * gate_relation_label
 */
bool
gate_relation_label(Oid relid, Label *label)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	return OidIsValid(relid) && relation_effective_label(relid, label);
}
