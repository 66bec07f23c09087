/*-------------------------------------------------------------------------
 *
 * response_measure.c
 *		What a response rule does once it is fulfilled.
 *
 * Owns the rows of dataclass_audit.measure.  Each measure, and each that must
 * not or cannot be applied, is an event; one that finds its effect in force
 * already is a row only.  Events of what the transaction changes are delivered
 * with its commit, that of a session before the session is ended.
 *
 * Locks: dataclass.suspension as suspension_open() says, before anything about
 * the last officer is decided.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/quarantine.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/response.h"
#include "pg_dataclass/suspension.h"

enum
{
	ATT_RULE = 1,
	ATT_TARGET,
	ATT_SEQ,
	ATT_AT,
	ATT_MEASURE,
	ATT_OUTCOME,
	ATT_BREACHES,
	ATT_DETAIL
};

#define NATTS ATT_DETAIL

#define LAST_OFFICER "no other officer who can log in would remain"

/* What came of it. */
typedef enum MeasureOutcome
{
	MEASURE_APPLIED,
	MEASURE_IN_FORCE,
	MEASURE_REFUSED
} MeasureOutcome;

static const char *const outcome_names[] = {
	[MEASURE_APPLIED] = "applied",
	[MEASURE_IN_FORCE] = "in force",
	[MEASURE_REFUSED] = "refused"
};

typedef struct Measure
{
	const ResponseRule *rule;
	const ResponseBreach *breach;
	int64		count;
	MeasureOutcome outcome;
	const char *detail;			/* a clause: what was done, or why not */
	Oid			class_id;
	Oid			object_id;
	const char *object_type;
	const char *object_identity;
} Measure;

static Relation
open_measures(LOCKMODE lockmode)
{
	Oid			relid = trail_relid("measure");

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass_audit.measure does not exist")));
	return table_open(relid, lockmode);
}

static void
init_key(ScanKey key, Relation rel, AttrNumber attnum, const char *value)
{
	ScanKeyInit(key, attnum, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
	key->sk_collation = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attcollation;
}

/*
 * response_measured_to
 */
int64
response_measured_to(const char *rule, const char *target, TimestampTz *at)
{
	Relation	rel = open_measures(AccessShareLock);
	Relation	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		seq = 0;
	bool		isnull;

	init_key(&key[0], rel, ATT_RULE, rule);
	init_key(&key[1], rel, ATT_TARGET, target);
	scan = systable_beginscan_ordered(rel, index, NULL, 2, key);
	if (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, BackwardScanDirection)))
	{
		seq = DatumGetInt64(heap_getattr(tuple, ATT_SEQ, RelationGetDescr(rel), &isnull));
		if (at != NULL)
			*at = DatumGetTimestampTz(heap_getattr(tuple, ATT_AT, RelationGetDescr(rel), &isnull));
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return seq;
}

/*
 * response_measure_record
 */
void
response_measure_record(const char *rule, const char *target, int64 seq, const char *measure,
						const char *outcome, int64 count, const char *detail)
{
	Relation	rel = open_measures(RowExclusiveLock);
	Datum		values[NATTS];
	bool		nulls[NATTS] = {false};
	HeapTuple	tuple;

	values[ATT_RULE - 1] = CStringGetTextDatum(rule);
	values[ATT_TARGET - 1] = CStringGetTextDatum(target);
	values[ATT_SEQ - 1] = Int64GetDatum(seq);
	values[ATT_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ATT_MEASURE - 1] = CStringGetTextDatum(measure);
	values[ATT_OUTCOME - 1] = CStringGetTextDatum(outcome);
	values[ATT_BREACHES - 1] = Int64GetDatum(count);
	nulls[ATT_DETAIL - 1] = detail == NULL;
	values[ATT_DETAIL - 1] = detail ? CStringGetTextDatum(detail) : (Datum) 0;
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	table_close(rel, NoLock);
}

static void
fill_event(const Measure *measure, AuditEvent *event)
{
	memset(event, 0, sizeof(*event));
	event->kind = EVENT_MEASURE;
	event->severity = measure->outcome == MEASURE_REFUSED ? SEVERITY_HIGH :
		measure->rule->measure == RESPONSE_NOTIFY ? SEVERITY_NOTICE : SEVERITY_WARNING;
	event->outcome = OUTCOME_OBSERVED;
	event->action = response_measure_name(measure->rule->measure);
	event->class_id = measure->class_id;
	event->object_id = measure->object_id;
	event->object_type = measure->object_type;
	event->object_identity = measure->object_identity;
	event->label = measure->breach->label;
	event->rule = measure->rule->name;
	event->detail = psprintf("%s: %s. Breaches within the window of rule \"%s\": %lld, the last one is record %lld.",
							 measure->outcome == MEASURE_REFUSED ? "Not applied" : "Applied",
							 measure->detail, measure->rule->name, (long long) measure->count,
							 (long long) measure->breach->seq);
}

static void
cannot_record(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not record a measure in the audit trail"),
			 errdetail("It is tried again.")));
}

static void
record_at_commit(const Measure *measure)
{
	AuditEvent	event;

	fill_event(measure, &event);
	if (!event_record_at_commit(&event))
		cannot_record();
}

/* The role that logged in; false: it is gone, or nobody did. */
static bool
find_login(Measure *measure)
{
	const char *name = measure->breach->login;

	measure->object_type = "role";
	measure->object_identity = name ? quote_identifier(name) : NULL;
	measure->class_id = name ? AuthIdRelationId : InvalidOid;
	measure->object_id = name ? get_role_oid(name, true) : InvalidOid;
	if (OidIsValid(measure->object_id))
		return true;
	measure->class_id = InvalidOid;
	measure->outcome = MEASURE_REFUSED;
	measure->detail = "the role does not exist any more";
	return false;
}

static void
refuse_last_officer(Measure *measure)
{
	measure->outcome = MEASURE_REFUSED;
	measure->detail = LAST_OFFICER;
}

/* 0: none, or not grouped yet. */
static int64
incident_of(int64 seq)
{
	Oid			relid = trail_relid("incident_event");
	Oid			index = trail_relid("incident_event_seq_key");
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		incident = 0;

	if (!OidIsValid(relid) || !OidIsValid(index))
		return 0;
	rel = table_open(relid, AccessShareLock);
	ScanKeyInit(&key, 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(seq));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		incident = DatumGetInt64(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return incident;
}

static void
suspend(Measure *measure)
{
	Relation	suspensions = suspension_open();
	Suspension	suspension = {0};

	if (!find_login(measure))
		;
	else if (suspension_exists(suspensions, measure->object_id))
		measure->outcome = MEASURE_IN_FORCE;
	else if (!response_officer_remains(measure->object_id, suspensions))
		refuse_last_officer(measure);
	else
	{
		suspension.role = measure->object_id;
		suspension.name = measure->breach->login;
		suspension.rule = measure->rule->name;
		suspension.seq = measure->breach->seq;
		suspension.incident = incident_of(measure->breach->seq);
		suspension.reason = psprintf("%lld breaches within the window of rule \"%s\"",
									 (long long) measure->count, measure->rule->name);
		(void) suspension_add(suspensions, &suspension);
		CommandCounterIncrement();
		policy_invalidate_all();
		measure->detail = "the clearance is suspended until an officer reinstates it";
	}
	table_close(suspensions, NoLock);
}

static void
end_sessions(Measure *measure)
{
	Relation	suspensions = suspension_open();
	AuditEvent	event;

	if (!find_login(measure))
		;
	else if (!response_officer_remains(measure->object_id, suspensions))
		refuse_last_officer(measure);
	else
	{
		measure->detail = measure->rule->all_sessions ? "all sessions of the role in this database are ended" :
			psprintf("the session of process %d is ended, if it is still there", measure->breach->pid);
		fill_event(measure, &event);
		if (!event_record(&event))
			cannot_record();
		(void) response_end_session(measure->breach);
		if (measure->rule->all_sessions)
			(void) response_end_sessions(measure->object_id);
	}
	table_close(suspensions, NoLock);
	if (measure->outcome == MEASURE_REFUSED)
		record_at_commit(measure);
}

/* The trail, the policy and catalogs are never put under quarantine: auditors and decisions need them. */
static bool
may_be_quarantined(Oid relid)
{
	const PolicySnapshot *p = policy_current();
	Oid			namespace_id = get_rel_namespace(relid);

	return relid >= FirstNormalObjectId && OidIsValid(namespace_id) &&
		namespace_id != p->schema_oid && namespace_id != p->audit_schema_oid &&
		relation_labels(relid)->governed;
}

static void
quarantine(Measure *measure)
{
	Oid			relid = measure->breach->relation;
	ListCell   *cell;
	bool		added = false;

	measure->class_id = RelationRelationId;
	measure->object_id = relid;
	measure->object_type = "table";
	measure->object_identity = measure->breach->object_identity;
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) || !may_be_quarantined(relid))
	{
		measure->outcome = MEASURE_REFUSED;
		measure->detail = "the relation is gone, or is not governed";
		return;
	}
	measure->object_identity = report_relation_identity(relid);
	/* no locks on the relations: somebody may hold them for long */
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		added = quarantine_add(lfirst_oid(cell), QUARANTINE_RESPONSE, NULL,
							   psprintf("response rule %s", measure->rule->name)) || added;
	if (!added)
	{
		measure->outcome = MEASURE_IN_FORCE;
		return;
	}
	CommandCounterIncrement();
	policy_invalidate_all();
	measure->detail = "the relation is under quarantine until an officer releases it";
}

/*
 * response_apply
 */
void
response_apply(const ResponseRule *rule, const char *target, const ResponseBreach *breach, int64 count)
{
	Measure		measure = {.rule = rule, .breach = breach, .count = count};

	switch (rule->measure)
	{
		case RESPONSE_NOTIFY:
			measure.object_type = breach->login ? "role" : NULL;
			measure.object_identity = breach->login ? quote_identifier(breach->login) : NULL;
			measure.detail = "a notice is sent";
			break;
		case RESPONSE_END_SESSION:
			end_sessions(&measure);
			break;
		case RESPONSE_SUSPEND:
			suspend(&measure);
			break;
		case RESPONSE_QUARANTINE:
			quarantine(&measure);
			break;
	}
	if (rule->measure != RESPONSE_END_SESSION && measure.outcome != MEASURE_IN_FORCE)
		record_at_commit(&measure);
	response_measure_record(rule->name, target, breach->seq, response_measure_name(rule->measure),
							outcome_names[measure.outcome], count, measure.detail);
	CommandCounterIncrement();
}
