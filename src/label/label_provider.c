/*-------------------------------------------------------------------------
 *
 * label_provider.c
 *		SECURITY LABEL FOR dataclass: who may label what with which text.
 *
 * Core has checked ownership and taken ShareUpdateExclusiveLock when the
 * callback runs.  Here: object kinds, officers only, grammar, names known to
 * the policy, no lowering without declassify, the at-rest gate; then the
 * record (delivered at commit), the invalidation (core sends none for labels)
 * and, on a row-labelled table, the row security flags that make core
 * cooperate.  Nothing is changed before all checks have passed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

bool
label_kind_of(const ObjectAddress *object, LabelSpecKind *kind)
{
	switch (object->classId)
	{
		case DatabaseRelationId:
		case NamespaceRelationId:
			*kind = LABEL_SPEC_PLAIN;
			return true;
		case RelationRelationId:
			*kind = object->objectSubId ? LABEL_SPEC_COLUMN : LABEL_SPEC_PLAIN;
			return true;
		case AuthIdRelationId:
			*kind = LABEL_SPEC_ROLE;
			return true;
		case ProcedureRelationId:
			*kind = LABEL_SPEC_FUNCTION;
			return true;
		default:
			return false;
	}
}

static void
raise_unsupported(const ObjectAddress *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s cannot have a data class label", getObjectDescription(object, false)),
			 errdetail("Labels go on databases, schemas, relations, their columns, roles and functions outside the system's and the extension's own schemas."),
			 errhint("Label the table that holds the data: SECURITY LABEL FOR dataclass ON TABLE ... IS '...'.")));
}

static void
check_supported(const ObjectAddress *object)
{
	const PolicySnapshot *p = policy_current();
	LabelSpecKind kind;
	Oid			nspid = InvalidOid;

	if (!label_kind_of(object, &kind))
		raise_unsupported(object);
	switch (object->classId)
	{
		case RelationRelationId:
			{
				char		relkind = get_rel_relkind(object->objectId);

				if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX ||
					relkind == RELKIND_TOASTVALUE || relkind == RELKIND_COMPOSITE_TYPE)
					raise_unsupported(object);
				nspid = get_rel_namespace(object->objectId);
				break;
			}
		case ProcedureRelationId:
			nspid = get_func_namespace(object->objectId);
			break;
		case NamespaceRelationId:
			nspid = object->objectId;
			break;
		case DatabaseRelationId:

			/*
			 * Ranks are per database, so only the database itself can say
			 * whether a label lowers its own.  pg_dump --create sets it from
			 * outside.
			 */
			if ((object->objectId != MyDatabaseId || !p->installed) && !policy_is_restoring())
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("a database can be labeled from within itself only"),
						 errdetail("The policy that its label is made of is in the database, with extension \"pg_dataclass\"."),
						 errhint("Connect to the database, run CREATE EXTENSION pg_dataclass there, and label it.")));
			return;
		default:
			return;
	}
	if (object->objectId < FirstNormalObjectId && object->objectId != PG_PUBLIC_NAMESPACE)
		raise_unsupported(object);
	if (p->installed && (nspid == p->schema_oid || nspid == p->audit_schema_oid))
		raise_unsupported(object);

	/*
	 * pg_dump writes the labels of schemas before the extension.  Grammar and
	 * rights are checked then; the label protects from the moment on that the
	 * extension is there.
	 */
	if (!p->installed && !policy_is_restoring())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_dataclass\" is not installed in this database"),
				 errdetail("A label here would protect nothing."),
				 errhint("Run CREATE EXTENSION pg_dataclass.")));
}

void
label_parse_or_raise(LabelSpecKind kind, const char *text, LabelSpec *spec)
{
	LabelError	error;

	if (label_parse_spec(kind, text, strlen(text), spec, &error))
		return;
	ereport(ERROR,
			(errcode(error.code == LABEL_ERROR_LIMIT ? ERRCODE_PROGRAM_LIMIT_EXCEEDED : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid data class label: %s", error.message),
			 errdetail("The label is malformed at byte %d.", error.position),
			 error.hint ? errhint("%s", error.hint) :
			 errhint("Write a label such as \"confidential:health,punjab|sindh\".")));
}

char *
label_canonical_text(LabelSpecKind kind, const char *text)
{
	LabelSpec	spec;
	char	   *buf = palloc(LABEL_SPEC_MAX_TEXT);

	label_parse_or_raise(kind, text, &spec);
	label_spec_text(&spec, buf, LABEL_SPEC_MAX_TEXT);
	return buf;
}

/* Comma-separated names of the classes, for hints. */
static char *
class_names(const PolicySnapshot *p)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < p->nclasses; i++)
		appendStringInfo(&buf, "%s%s", i ? ", " : "", p->classes[i].name);
	return buf.data;
}

/*
 * While a dump is restored the policy's rows come after the labels; roles are
 * restored through a database that may have no policy at all.
 */
static void
check_known(const PolicySnapshot *p, const Label *label)
{
	const char *what;
	char		name[LABEL_MAX_TEXT];

	if (!p->installed || policy_is_restoring() || policy_label_known(p, label, &what, name, sizeof(name)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s \"%s\"", what, name),
			 errdetail("The label \"%s\" names a %s that the policy of this database does not have.", label->text, what),
			 strcmp(what, "compartment") == 0 ?
			 errhint("An officer can add it: INSERT INTO dataclass.compartment (name) VALUES ('%s').", name) :
			 errhint("Data classes of this database: %s.", class_names(p))));
}

/* A text that anybody can hand in is recorded only as far as it is a label of this policy; else NULL. */
static const char *
label_for_record(const ObjectAddress *object, const char *text)
{
	const PolicySnapshot *p = policy_current();
	LabelSpecKind kind;
	LabelSpec	spec;
	LabelError	error;
	const char *what;
	char		name[LABEL_MAX_TEXT];

	if (text == NULL || !label_kind_of(object, &kind) ||
		!label_parse_spec(kind, text, strlen(text), &spec, &error) ||
		!policy_label_known(p, &spec.label, &what, name, sizeof(name)) ||
		(spec.has_floor && !policy_label_known(p, &spec.floor, &what, name, sizeof(name))))
		return NULL;
	return text;
}

static bool old_label(const ObjectAddress *object, ResolvedLabel *old);

/*
 * What was attacked, not what was asked for, says how bad an attempt was: of the
 * label that protects the object and the one it was to get, the higher one.
 */
static const char *
label_at_stake(const ObjectAddress *object, const char *text)
{
	const PolicySnapshot *p = policy_current();
	const char *asked = label_for_record(object, text);
	ResolvedLabel old;
	LabelSpecKind kind;
	LabelSpec	spec;
	LabelError	error;
	ResolvedLabel new_label;

	if (object->classId == AuthIdRelationId || object->classId == ProcedureRelationId ||
		!old_label(object, &old) || old.rank == POLICY_RANK_NONE)
		return asked;
	if (asked != NULL && label_kind_of(object, &kind) && label_parse_spec(kind, asked, strlen(asked), &spec, &error))
	{
		resolve_label(p, &spec.label, &new_label);
		if (new_label.rank > old.rank)
			return asked;
	}
	return pstrdup(old.label.text);
}

static void
refuse(const ObjectAddress *object, const char *text, const char *rule, const char *message,
	   const char *detail, const char *hint)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_LABEL_REFUSED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "SECURITY LABEL";
	refusal.event.class_id = object->classId;
	refusal.event.object_id = object->objectId;
	refusal.event.object_subid = object->objectSubId;
	refusal.event.object_type = getObjectTypeDescription(object, false);
	refusal.event.object_identity = getObjectIdentity(object, false);
	refusal.event.label = label_at_stake(object, text);
	refusal.event.rule = rule;
	refusal.event.detail = detail;
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = hint;

	/* who may label does not depend on the mode of enforcement of reads */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static void
check_officer(const ObjectAddress *object, const char *text)
{
	if (policy_is_officer())
		return;
	refuse(object, text, "officer",
		   psprintf("permission denied to label %s", getObjectDescription(object, false)),
		   "Only members of dataclass_officer may set data class labels; owning the object is not enough.",
		   "Ask a security officer, or have one run: GRANT dataclass_officer TO ....");
}

/* Label that protects the object now; false if none. */
static bool
old_label(const ObjectAddress *object, ResolvedLabel *old)
{
	const PolicySnapshot *p = policy_current();
	const char *stored;
	LabelSpec	spec;
	LabelSpecKind kind;
	LabelError	error;

	if (object->classId == RelationRelationId && object->objectSubId == 0)
	{
		const RelationLabels *labels = relation_labels(object->objectId);

		*old = labels->label;
		return labels->governed;
	}
	stored = GetSecurityLabel(object, DC_PROVIDER);
	if (stored == NULL || !label_kind_of(object, &kind))
		return false;
	if (label_parse_spec(kind, stored, strlen(stored), &spec, &error))
		resolve_label(p, &spec.label, old);
	else
	{
		memset(old, 0, sizeof(*old));
		old->rank = POLICY_RANK_NONE;
	}
	return true;
}

/*
 * A lower label means less protection.  Clearances and trusted procedures are
 * not protection: lowering those needs nothing.
 */
static void
check_not_lowered(const ObjectAddress *object, const char *text, const ResolvedLabel *new_label)
{
	ResolvedLabel old;

	if (object->classId == AuthIdRelationId || object->classId == ProcedureRelationId ||
		!old_label(object, &old))
		return;
	if (text == NULL)
	{
		/* nothing of its own to take away */
		if (GetSecurityLabel(object, DC_PROVIDER) == NULL)
			return;
	}
	else if (old.rank == POLICY_RANK_NONE || new_label->rank == POLICY_RANK_NONE)
	{
		/* names the policy does not know do not compare; the same label again is no change */
		if (strcmp(old.label.text, new_label->label.text) == 0 || policy_is_restoring())
			return;
	}
	else if (label_dominates(&new_label->label, new_label->rank, &old.label, old.rank))
		return;

	if (subject_current()->privileges & LABEL_PRIVILEGE_DECLASSIFY)
		return;
	refuse(object, text, "declassify",
		   psprintf("permission denied to lower the label of %s", getObjectDescription(object, false)),
		   "Lowering or removing a label needs the privilege declassify.",
		   "An officer can grant it: SECURITY LABEL FOR dataclass ON ROLE ... IS '... with (declassify)'.");
}

/* Relations without a label of their own that a schema or database label would cover. */
static List *
covered_relations(const ObjectAddress *object)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *relids = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid < FirstNormalObjectId ||
			(form->relkind != RELKIND_RELATION && form->relkind != RELKIND_MATVIEW))
			continue;
		if (object->classId == NamespaceRelationId && form->relnamespace != object->objectId)
			continue;
		relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relids;
}

static void
gate_relation(const Label *label, Oid relid)
{
	if (!gate_check_relation(label, relid, "SECURITY LABEL"))
		quarantine_relation(relid, "restored onto storage below its tier");
}

static void
check_storage(const ObjectAddress *object, const ResolvedLabel *label)
{
	ListCell   *cell;

	if (object->classId == RelationRelationId)
	{
		gate_relation(&label->label, object->objectId);
		return;
	}
	if (object->classId != NamespaceRelationId &&
		!(object->classId == DatabaseRelationId && object->objectId == MyDatabaseId))
		return;
	foreach(cell, covered_relations(object))
	{
		const RelationLabels *labels = relation_labels(lfirst_oid(cell));
		ObjectAddress relation;

		if (labels->is_catalog)
			continue;
		ObjectAddressSet(relation, RelationRelationId, lfirst_oid(cell));
		/* whoever moves it meanwhile waits until the label is there, as with a label of its own */
		if (gate_label_needs_place(policy_current(), &label->label))
			LockRelationOid(lfirst_oid(cell), ShareUpdateExclusiveLock);
		if (GetSecurityLabel(&relation, DC_PROVIDER) == NULL)
			gate_relation(&label->label, lfirst_oid(cell));
	}
}

static void
record_change(const ObjectAddress *object, const char *text)
{
	AuditEvent	event = {0};
	const char *stored = GetSecurityLabel(object, DC_PROVIDER);

	event.kind = object->classId == AuthIdRelationId ? EVENT_CLEARANCE_CHANGE : EVENT_LABEL_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.action = "SECURITY LABEL";
	event.class_id = object->classId;
	event.object_id = object->objectId;
	event.object_subid = object->objectSubId;
	event.object_type = getObjectTypeDescription(object, false);
	event.object_identity = getObjectIdentity(object, false);
	event.label = text;
	event.detail = psprintf("Label changed from %s to %s.",
							stored ? quote_literal_cstr(stored) : "none",
							text ? quote_literal_cstr(text) : "none");
	report_change(&event);
}

void
label_check_change(const ObjectAddress *object, const char *text)
{
	const PolicySnapshot *p;
	LabelSpecKind kind = LABEL_SPEC_PLAIN;
	LabelSpec	spec;
	ResolvedLabel resolved;

	/* the old cluster accepted it; its policy is not there yet */
	if (IsBinaryUpgrade)
		return;

	check_supported(object);
	check_officer(object, text);
	label_kind_of(object, &kind);
	p = policy_current();
	if (text)
	{
		label_parse_or_raise(kind, text, &spec);
		check_known(p, &spec.label);
		if (spec.has_floor)
		{
			check_known(p, &spec.floor);
			if (policy_class_of(p, &spec.floor) && policy_class_of(p, &spec.label) &&
				policy_class_of(p, &spec.floor)->rank > policy_class_of(p, &spec.label)->rank)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("floor of the clearance is above its ceiling"),
						 errdetail("\"%s\" ranks above \"%s\".", spec.floor.text, spec.label.text),
						 errhint("Write the lower label first: '%s..%s'.", spec.label.text, spec.floor.text)));
		}
		resolve_label(p, &spec.label, &resolved);
		/* a dump holds what was accepted once: data without a label would be worse */
		if (kind == LABEL_SPEC_COLUMN && p->installed && !policy_is_restoring())
			label_mask_check(object->objectId, object->objectSubId, &spec.mask);
	}
	if (p->installed)
	{
		check_not_lowered(object, text, &resolved);
		if (text && (kind == LABEL_SPEC_PLAIN || kind == LABEL_SPEC_COLUMN))
			check_storage(object, &resolved);
	}

	record_change(object, text);
	policy_invalidate_all();
	if (object->classId == RelationRelationId)
	{
		CacheInvalidateRelcacheByRelid(object->objectId);
		if (object->objectSubId != 0)
			label_mask_invalidate_plans(object->objectId);
		if (text && relation_labels(object->objectId)->row_label_attnum != InvalidAttrNumber)
			row_security_switch_on(object->objectId);
	}
}

static void
object_relabel(const ObjectAddress *object, const char *seclabel)
{
	label_check_change(object, seclabel);
}

void
label_provider_init(void)
{
	register_label_provider(DC_PROVIDER, object_relabel);
}
