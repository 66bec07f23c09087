/*-------------------------------------------------------------------------
 *
 * incident_step.c
 *		The life of an incident: which step may follow which.
 *
 * Steps are rows that are only ever added.  Two sessions at one incident are
 * kept apart by a lock that has no object behind it and that SQL cannot take;
 * the writer never asks for it, so whoever holds a transaction open keeps
 * other steps of that incident waiting and nothing else.
 *
 * Locks: RowExclusiveLock on incident_step, and the lock of the incident, until
 * the transaction ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"
#include "pg_dataclass/report.h"

#define REASON_MAX		2000	/* bytes kept of a reason */
#define LOCK_CLASS		0xDC	/* field 4 of an advisory lock tag: SQL makes 1 and 2 only */

#define BIT(state)		(1 << (state))

typedef struct StateRule
{
	const char *name;
	int			next;			/* set of states */
	const char *hint;			/* what can be done from here */
} StateRule;

/* docs/incidents.md has the same table. */
static const StateRule rules[INCIDENT_STATE_COUNT] = {
	[INCIDENT_DISCOVERED] = {
		"discovered", BIT(INCIDENT_NOTIFIED) | BIT(INCIDENT_ACKNOWLEDGED),
		"An officer can go on with dataclass_audit.mark_notified(), an auditor with dataclass_audit.acknowledge()."
	},
	[INCIDENT_NOTIFIED] = {
		"notified", BIT(INCIDENT_ACKNOWLEDGED),
		"An auditor can go on with dataclass_audit.acknowledge()."
	},
	[INCIDENT_ACKNOWLEDGED] = {
		"acknowledged", BIT(INCIDENT_REPORT_REQUESTED) | BIT(INCIDENT_MEASURE_DECIDED) | BIT(INCIDENT_CLOSED),
		"An auditor can go on with dataclass_audit.request_report(), decide_measure() or close_incident()."
	},
	[INCIDENT_REPORT_REQUESTED] = {
		"report_requested", BIT(INCIDENT_REPORT_SUBMITTED) | BIT(INCIDENT_MEASURE_DECIDED),
		"An officer can go on with dataclass_audit.submit_report(), an auditor with dataclass_audit.decide_measure()."
	},
	[INCIDENT_REPORT_SUBMITTED] = {
		"report_submitted", BIT(INCIDENT_REPORT_REQUESTED) | BIT(INCIDENT_MEASURE_DECIDED) | BIT(INCIDENT_CLOSED),
		"An auditor can go on with dataclass_audit.decide_measure(), request_report() or close_incident()."
	},
	[INCIDENT_MEASURE_DECIDED] = {
		"measure_decided", BIT(INCIDENT_MEASURE_APPLIED),
		"An officer can go on with dataclass_audit.apply_measure()."
	},
	[INCIDENT_MEASURE_APPLIED] = {
		"measure_applied", BIT(INCIDENT_MEASURE_DECIDED) | BIT(INCIDENT_CLOSED),
		"An auditor can go on with dataclass_audit.close_incident() or decide_measure()."
	},
	[INCIDENT_CLOSED] = {
		"closed", 0,
		"Further breaches open another incident: see dataclass_audit.incident."
	},
};

const char *
incident_state_name(IncidentState state)
{
	return rules[state].name;
}

static void
lock_incident(int64 incident)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (incident >> 32), (uint32) incident, LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

static void
no_such_incident(int64 incident)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("incident %lld does not exist", (long long) incident),
			 errhint("See dataclass_audit.incident.")));
}

/* Steps that say something in favour of whom the incident is about, and how they are refused to him. */
static const struct
{
	IncidentState state;
	const char *function;
	const char *what;
	const char *hint;
}			about_oneself[] = {
	{INCIDENT_NOTIFIED, "mark_notified", "Nobody says of an incident about himself that it was told of.",
		"Ask another member of dataclass_officer to call dataclass_audit.mark_notified(), or an auditor to call dataclass_audit.acknowledge()."},
	{INCIDENT_ACKNOWLEDGED, "acknowledge", "Nobody acknowledges an incident about himself.",
		"Ask another member of dataclass_auditor to call dataclass_audit.acknowledge()."},
	{INCIDENT_MEASURE_DECIDED, "decide_measure", "Nobody decides what follows from an incident about himself.",
		"Ask another member of dataclass_auditor to call dataclass_audit.decide_measure()."},
	{INCIDENT_CLOSED, "close_incident", "Nobody closes an incident about himself.",
		"Ask another member of dataclass_auditor to call dataclass_audit.close_incident()."}
};

static bool
is_about(const Incident *row, const char *name)
{
	return row->subject != NULL &&
		(strcmp(row->subject, name) == 0 || get_role_oid(row->subject, true) == GetOuterUserId());
}

/* Whoever put a measure into effect does not say that it is enough. */
static void
check_separation(Relation rel, int64 incident, IncidentState state, const Incident *row,
				 Oid role, const char *name)
{
	IncidentStep applied;
	const char *detail;
	Refusal		refusal = {0};
	int			step = 0;

	while (step < lengthof(about_oneself) && about_oneself[step].state != state)
		step++;
	if (step == lengthof(about_oneself) || !OidIsValid(role))
		return;
	if (state == INCIDENT_CLOSED &&
		incident_step_last_in(rel, incident, INCIDENT_MEASURE_APPLIED, &applied) && applied.by_role == role)
		detail = "Whoever applied the measure cannot close the incident.";
	else if (is_about(row, name))
		detail = about_oneself[step].what;
	else
		return;
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = about_oneself[step].function;
	refusal.event.object_type = "incident";
	refusal.event.object_identity = psprintf("%lld", (long long) incident);
	refusal.event.rule = "separation";
	refusal.event.detail = detail;
	refusal.message = state == INCIDENT_CLOSED ?
		psprintf("permission denied to close incident %lld", (long long) incident) :
		psprintf("permission denied for a step of incident %lld to %s", (long long) incident, rules[state].name);
	refusal.detail = detail;
	refusal.hint = about_oneself[step].hint;
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static void
check_transition(int64 incident, const IncidentStep *last, IncidentState state)
{
	if (last->state >= 0 && (rules[last->state].next & BIT(state)) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("incident cannot become %s", rules[state].name),
			 errdetail("Incident %lld is %s since step %d.", (long long) incident,
					   last->state >= 0 ? rules[last->state].name : "in an unknown state", last->step),
			 last->state >= 0 ? errhint("%s", rules[last->state].hint) : 0));
}

static void
record_step(int64 incident, IncidentState state, const Incident *row, const char *reason)
{
	AuditEvent	event = {0};

	event.kind = EVENT_INCIDENT;
	event.severity = SEVERITY_NOTICE;
	event.action = rules[state].name;
	event.object_type = "incident";
	event.object_identity = psprintf("%lld", (long long) incident);
	event.rule = row->rule;
	event.detail = reason ? psprintf("%s: %s", rules[state].name, reason) : rules[state].name;
	report_change(&event);
}

/* Without what a terminal or a log would take for more than text. */
static char *
tidy_reason(const char *reason)
{
	char	   *kept;

	if (reason == NULL)
		return NULL;
	kept = pnstrdup(reason, pg_mbcliplen(reason, strlen(reason), REASON_MAX));
	for (char *p = kept; *p; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return kept;
}

void
incident_add_step(int64 incident, IncidentState state, const char *by, const char *reason)
{
	Oid			role = by ? InvalidOid : compat_authenticated_user();
	IncidentTable steps;
	Relation	records;
	Incident	row;
	IncidentStep last;
	IncidentStep step;

	PreventCommandIfReadOnly(psprintf("a step of an incident to %s", rules[state].name));
	lock_incident(incident);
	records = incident_relation_open("incident_record", INCIDENT_COLUMN_COUNT, AccessShareLock);
	if (!incident_record_find(records, incident, &row))
		no_such_incident(incident);
	table_close(records, AccessShareLock);
	incident_table_open(&steps, "incident_step", INCIDENT_STEP_NATTS);
	if (!incident_step_last(steps.rel, incident, &last))
		no_such_incident(incident);
	step.by = by ? pstrdup(by) : GetUserNameFromId(OidIsValid(role) ? role : GetSessionUserId(), false);
	step.by_role = role;
	check_transition(incident, &last, state);
	check_separation(steps.rel, incident, state, &row, role, step.by);
	step.step = last.step + 1;
	step.state = state;
	step.at = GetCurrentTimestamp();
	reason = tidy_reason(reason);
	incident_step_insert(&steps, incident, &step, reason);
	incident_table_close(&steps);
	CommandCounterIncrement();
	record_step(incident, state, &row, reason);
}

/*
 * incident_lowest_open_seq
 */
int64
incident_lowest_open_seq(void)
{
	Relation	records = incident_relation_open("incident_record", INCIDENT_COLUMN_COUNT, AccessShareLock);
	Relation	steps = incident_relation_open("incident_step", INCIDENT_STEP_NATTS, AccessShareLock);
	SysScanDesc scan = systable_beginscan(records, InvalidOid, false, NULL, 0, NULL);
	int64		lowest = incident_first_not_grouped();
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Incident	row;
		IncidentStep step;

		CHECK_FOR_INTERRUPTS();
		/* nobody can tell what a damaged row is about */
		if (!incident_record_read(tuple, RelationGetDescr(records), &row))
			row.first_seq = row.id = 0;
		if (row.first_seq < lowest &&
			!(incident_step_last(steps, row.id, &step) && step.state == INCIDENT_CLOSED))
			lowest = row.first_seq;
	}
	systable_endscan(scan);
	table_close(steps, AccessShareLock);
	table_close(records, AccessShareLock);
	return lowest;
}
