/*-------------------------------------------------------------------------
 *
 * risk_accept.c
 *		Officers' decisions on violations at rest: accept for a time, release.
 *
 * Owns the rows of dataclass.accepted_risk.  The quarantine of a relation
 * stays where it is while its risk is accepted: the policy snapshot leaves it
 * out until the time is over, so that it binds again at that very moment,
 * whether or not the watch runs.
 *
 * Locks: ShareRowExclusiveLock on accepted_risk for a change of it, so that
 * two officers do not decide at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/quarantine.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/risk.h"
#include "pg_dataclass/watch.h"

enum
{
	ATT_RELATION = 1,
	ATT_UNTIL,
	ATT_REASON,
	ATT_ACCEPTED_BY,
	ATT_ACCEPTED_AT
};

#define NATTS ATT_ACCEPTED_AT

PG_FUNCTION_INFO_V1(dc_accept_risk);
PG_FUNCTION_INFO_V1(dc_withdraw_risk);
PG_FUNCTION_INFO_V1(dc_release_quarantine);

static SysScanDesc
scan_for(Relation rel, Oid relid, ScanKeyData *key)
{
	Oid			index = RelationGetPrimaryKeyIndex(rel);

	ScanKeyInit(key, ATT_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	return systable_beginscan(rel, index, OidIsValid(index), NULL, 1, key);
}

static void
check_officer(Oid relid, const char *function, const char *message)
{
	Refusal		refusal = {0};

	if (policy_is_officer())
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = function;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = "officer";
	refusal.message = message;
	refusal.detail = "Only members of dataclass_officer may do so.";
	refusal.event.detail = refusal.detail;
	refusal.hint = "Ask a security officer.";
	/* in every mode: what is decided here outlives the mode */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

/* The reason that an officer gave; raises if there is none. */
static char *
given_reason(FunctionCallInfo fcinfo, int argument)
{
	char	   *reason = PG_ARGISNULL(argument) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(argument));

	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reason is required"),
				 errdetail("It is kept in the audit trail.")));
	return reason;
}

static Oid
given_relation(FunctionCallInfo fcinfo)
{
	Oid			relid;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	relid = PG_GETARG_OID(0);
	/* keeps it from being dropped; readers and writers go on */
	LockRelationOid(relid, AccessShareLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	return relid;
}

static void
check_until(TimestampTz until)
{
	int			days = policy_current()->max_risk_days;
	TimestampTz now = GetCurrentTimestamp();

	if (TIMESTAMP_IS_NOBEGIN(until) || until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time until which the risk is accepted is past"),
				 errhint("Give a time to come, such as now() + interval '7 days'.")));
	if (TIMESTAMP_IS_NOEND(until) ||
		until > TimestampTzPlusMilliseconds(now, days * INT64CONST(86400000)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a risk may be accepted for %d days at most", days),
				 errhint("Accept it again when the time is over, or change max_risk_days in dataclass.policy_setting.")));
}

static void
record_decision(Oid relid, EventKind kind, const char *action, const char *detail)
{
	AuditEvent	event = {0};
	Label		label;

	event.kind = kind;
	event.severity = SEVERITY_WARNING;
	event.action = action;
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_type = "table";
	event.object_identity = report_relation_identity(relid);
	if (relation_effective_label(relid, &label))
		event.label = label.text;
	event.detail = detail;
	report_change(&event);
}

static void
put_risk(Relation rel, Oid relid, const char *reason, TimestampTz until)
{
	ScanKeyData key;
	SysScanDesc scan = scan_for(rel, relid, &key);
	HeapTuple	old = systable_getnext(scan);
	HeapTuple	tuple;
	Datum		values[NATTS];
	bool		nulls[NATTS] = {false};
	NameData	by;

	namestrcpy(&by, GetUserNameFromId(GetOuterUserId(), true));
	values[ATT_RELATION - 1] = ObjectIdGetDatum(relid);
	values[ATT_UNTIL - 1] = TimestampTzGetDatum(until);
	values[ATT_REASON - 1] = CStringGetTextDatum(reason);
	values[ATT_ACCEPTED_BY - 1] = NameGetDatum(&by);
	values[ATT_ACCEPTED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (HeapTupleIsValid(old))
		CatalogTupleUpdate(rel, &old->t_self, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	systable_endscan(scan);
	heap_freetuple(tuple);
}

static Relation
open_risks(LOCKMODE lockmode)
{
	Relation	rel = kept_table_open("accepted_risk", lockmode);

	if (rel == NULL || RelationGetNumberOfAttributes(rel) < NATTS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass.accepted_risk is missing or of another version")));
	return rel;
}

static void
decided(void)
{
	CommandCounterIncrement();
	policy_invalidate_all();
	policy_hasten();			/* the watch has to know when the next risk ends */
}

/*
 * dataclass.accept_risk(relation, reason, until)
 */
Datum
dc_accept_risk(PG_FUNCTION_ARGS)
{
	Oid			relid = given_relation(fcinfo);
	char	   *reason;
	TimestampTz until;
	Relation	rel;
	ListCell   *cell;
	bool		accepted = false;

	check_officer(relid, "accept_risk", "permission denied to accept a risk");
	direct_call_only(fcinfo, "dataclass.accept_risk", "SELECT dataclass.accept_risk('relation', 'reason', until);");
	PreventCommandIfReadOnly("dataclass.accept_risk()");
	reason = given_reason(fcinfo, 1);
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("until must not be null")));
	until = PG_GETARG_TIMESTAMPTZ(2);
	check_until(until);

	rel = open_risks(ShareRowExclusiveLock);
	foreach(cell, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Oid			member = lfirst_oid(cell);
		const PolicyClass *class;
		char	   *place;
		char	   *why;

		if (!watch_judge_relation(member, &place, &why, &class))
			continue;
		put_risk(rel, member, reason, until);
		record_decision(member, EVENT_RISK_ACCEPTED, "accept_risk",
						psprintf("Accepted until %s: %s. What is accepted: %s",
								 timestamptz_to_str(until), reason, why));
		accepted = true;
	}
	table_close(rel, NoLock);
	if (!accepted)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation %s is not in violation", report_relation_identity(relid)),
				 errdetail("All places of its data satisfy its class."),
				 errhint("See dataclass.posture; a quarantine that is left ends with: SELECT dataclass.release_quarantine(%s, 'reason').",
						 quote_literal_cstr(report_relation_identity(relid)))));
	decided();
	PG_RETURN_VOID();
}

static bool
remove_risk(Relation rel, Oid relid)
{
	ScanKeyData key;
	SysScanDesc scan = scan_for(rel, relid, &key);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
		CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	return found;
}

/*
 * dataclass.withdraw_risk(relation, reason)
 */
Datum
dc_withdraw_risk(PG_FUNCTION_ARGS)
{
	Oid			relid = given_relation(fcinfo);
	char	   *reason;
	Relation	rel;
	ListCell   *cell;
	bool		withdrawn = false;

	check_officer(relid, "withdraw_risk", "permission denied to withdraw an accepted risk");
	PreventCommandIfReadOnly("dataclass.withdraw_risk()");
	reason = given_reason(fcinfo, 1);
	rel = open_risks(ShareRowExclusiveLock);
	foreach(cell, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (!remove_risk(rel, lfirst_oid(cell)))
			continue;
		record_decision(lfirst_oid(cell), EVENT_RISK_ACCEPTED, "withdraw_risk",
						psprintf("Withdrawn: %s", reason));
		withdrawn = true;
	}
	table_close(rel, NoLock);
	if (!withdrawn)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no risk is accepted for relation %s", report_relation_identity(relid)),
				 errhint("See dataclass.accepted_risk.")));
	decided();
	PG_RETURN_VOID();
}

/*
 * risk_remove_ended
 *		Takes no more than a reader's lock unless there is something to remove:
 *		an officer who has not decided yet must not hold up the watch.
 */
List *
risk_remove_ended(TimestampTz *next)
{
	Relation	rel = kept_table_open("accepted_risk", AccessShareLock);
	TimestampTz now = GetCurrentTimestamp();
	List	   *relids = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *cell;

	*next = 0;
	if (rel == NULL)
		return NIL;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(heap_getattr(tuple, ATT_RELATION, RelationGetDescr(rel), &isnull));
		TimestampTz until = DatumGetTimestampTz(heap_getattr(tuple, ATT_UNTIL, RelationGetDescr(rel), &isnull));

		if (until <= now || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			relids = lappend_oid(relids, relid);
		else if (*next == 0 || until < *next)
			*next = until;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (relids == NIL)
		return NIL;

	rel = open_risks(ShareRowExclusiveLock);
	foreach(cell, relids)
		(void) remove_risk(rel, lfirst_oid(cell));
	table_close(rel, NoLock);
	return relids;
}

/* Still in violation: refused by the gate's own words. */
static void
refuse_release(Oid relid, const char *place, const char *reason)
{
	AuditEvent	event = {0};

	event.action = "release_quarantine";
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_type = "table";
	event.object_identity = report_relation_identity(relid);
	gate_refuse(&event,
				psprintf("cannot end the quarantine of relation %s", report_relation_identity(relid)),
				psprintf("Its data at \"%s\" are still below their tier: %s", place, reason),
				psprintf("Move the data to storage that is good enough, or accept the risk for a time: SELECT dataclass.accept_risk(%s, 'reason', now() + interval '7 days').",
						 quote_literal_cstr(report_relation_identity(relid))));
}

/*
 * dataclass.release_quarantine(relation, reason)
 */
Datum
dc_release_quarantine(PG_FUNCTION_ARGS)
{
	Oid			relid = given_relation(fcinfo);
	char	   *reason;
	const PolicyClass *class;
	char	   *place;
	char	   *why;

	check_officer(relid, "release_quarantine", "permission denied to end a quarantine");
	direct_call_only(fcinfo, "dataclass.release_quarantine", "SELECT dataclass.release_quarantine('relation', 'reason');");
	PreventCommandIfReadOnly("dataclass.release_quarantine()");
	reason = given_reason(fcinfo, 1);
	if (!quarantine_remove(relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not quarantined", report_relation_identity(relid)),
				 errhint("See dataclass.quarantine.")));
	if (watch_judge_relation(relid, &place, &why, &class))
		refuse_release(relid, place, why);
	decided();
	record_decision(relid, EVENT_QUARANTINE, "release_quarantine", psprintf("Quarantine ended: %s", reason));
	PG_RETURN_VOID();
}
