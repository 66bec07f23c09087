/*-------------------------------------------------------------------------
 *
 * incident_group.c
 *		Breaches become incidents.
 *
 * A breach joins the incident of the same kind, rule and subject whose breaches
 * are not further away in time than dataclass.incident_window and which is not
 * closed; else it opens one.  Overdue disclosures are breaches about an
 * incident that is there: they join it and never open another.
 *
 * Rows of an incident are written once per transaction, whatever number of its
 * breaches joined.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

typedef struct GroupTables
{
	IncidentTable record;
	IncidentTable event;
	IncidentTable step;
	IncidentTable deadline;
	IncidentTable notice;
} GroupTables;

static List *opened = NIL;		/* of OpenIncident, whose event is not inserted yet; lives with the transaction */
static bool deadlines_put = false;

/* ------------------------------------------------------------------------
 * Grouping
 * ------------------------------------------------------------------------
 */

void
incident_group_begin(void)
{
	/* here alone: what the transaction opens itself stays until it ends */
	incident_open_forget(GetCurrentTimestamp());
	opened = NIL;
	deadlines_put = false;
}

bool
incident_group_put_deadlines(void)
{
	return deadlines_put;
}

static char *
keep_text(const AuditText *text)
{
	return text->data ? pnstrdup(text->data, text->len) : NULL;
}

static int
record_severity(const AuditRecord *record)
{
	for (int i = SEVERITY_INFO; i < SEVERITY_CRITICAL; i++)
	{
		if (incident_text_is(&record->text[AUDIT_SEVERITY], event_severity_name(i)))
			return i;
	}
	return SEVERITY_CRITICAL;
}

static OpenIncident *
open_new(const TrailInserted *inserted, TimestampTz t)
{
	const AuditRecord *record = &inserted->record;
	Incident	row = {0};
	OpenIncident *incident;

	row.discovered_at = row.noticed_at = GetCurrentTimestamp();
	row.first_seq = inserted->seq;
	row.first_time = row.last_time = t;
	row.kind = keep_text(&record->text[AUDIT_KIND]);
	row.rule = keep_text(&record->text[AUDIT_RULE]);
	row.subject = keep_text(&record->text[AUDIT_SUBJECT]);
	row.object_type = keep_text(&record->text[AUDIT_OBJECT_TYPE]);
	row.object_identity = keep_text(&record->text[AUDIT_OBJECT_IDENTITY]);
	row.severity = record_severity(record);
	incident = incident_open_add(&row);
	opened = lappend(opened, incident);
	return incident;
}

/* Count a breach in. */
static OpenIncident *
join_incident(GroupTables *tables, TrailInserted *inserted)
{
	const AuditRecord *record = &inserted->record;
	TimestampTz t = record->number[AUDIT_TIME].present ?
		audit_timestamp(record->number[AUDIT_TIME].value) : audit_timestamp(inserted->recorded_at);
	char	   *class_name = incident_class_of(&record->text[AUDIT_LABEL]);
	int			severity = record_severity(record);
	OpenIncident *incident = incident_open_find(tables->step.rel, record, t);
	Incident   *row;
	int64		repeats = record->number[AUDIT_REPEATS].present ? record->number[AUDIT_REPEATS].value : 1;

	if (incident == NULL)
		incident = open_new(inserted, t);
	row = &incident->row;
	row->last_seq = inserted->seq;
	row->first_time = Min(row->first_time, t);
	row->last_time = Max(row->last_time, t);
	if (pg_add_s64_overflow(row->breaches, Max(repeats, 1), &row->breaches))
		row->breaches = PG_INT64_MAX;
	if (incident_class_rank(class_name) > incident_class_rank(row->class_name))
	{
		incident_open_set_class(incident, class_name);
		incident->raised = true;
	}
	if (severity > row->severity)
	{
		row->severity = severity;
		incident->raised = true;
	}
	incident->touched_at = GetCurrentTimestamp();
	incident->changed = true;
	incident->last = inserted;
	return incident;
}

/* Number of the incident that a record of kind disclosure is about; 0: none. */
static int64
about_incident(GroupTables *tables, const AuditRecord *record)
{
	char	   *identity;
	char	   *end;
	int64		id;
	Incident	row;

	if (!incident_text_is(&record->text[AUDIT_OBJECT_TYPE], "incident") ||
		record->text[AUDIT_OBJECT_IDENTITY].data == NULL)
		return 0;
	identity = pnstrdup(record->text[AUDIT_OBJECT_IDENTITY].data, record->text[AUDIT_OBJECT_IDENTITY].len);
	id = strtoi64(identity, &end, 10);
	if (end == identity || *end != '\0' || !incident_record_find(tables->record.rel, id, &row))
		return 0;
	return id;
}

static void
make_notice(GroupTables *tables, OpenIncident *incident, const char *reason, TimestampTz now)
{
	IncidentNotice notice = {0};

	notice.subject = "breach";
	notice.reason = reason;
	notice.seq = incident->row.last_seq;
	notice.record = incident->last;
	incident->row.noticed_at = now;
	incident->row.noticed_breaches = incident->row.breaches;
	incident_notice_put(&tables->notice, &incident->row, &notice, now);
}

static bool
summary_is_due(const OpenIncident *incident, TimestampTz now)
{
	return incident->row.breaches > incident->row.noticed_breaches &&
		now - incident->row.noticed_at >= guc_incident_notice_interval * USECS_PER_SEC;
}

static void
write_incident(GroupTables *tables, OpenIncident *incident, TimestampTz now)
{
	bool		raised = incident->raised || incident->fresh;

	if (incident->fresh)
	{
		IncidentStep step = {.step = 1, .state = INCIDENT_DISCOVERED, .at = incident->row.discovered_at,
		.by = INCIDENT_BY_EXTENSION};

		incident_step_insert(&tables->step, incident->row.id, &step, NULL);
	}
	if (raised)
	{
		incident_policy_deadlines(&tables->deadline, incident->row.id, incident->row.class_name,
								  incident->fresh ? incident->row.discovered_at : now);
		deadlines_put = true;
	}
	if (raised || summary_is_due(incident, now))
		make_notice(tables, incident, incident->fresh ? "opened" : incident->raised ? "raised" : "summary", now);
	if (incident->fresh)
		incident_record_insert(&tables->record, &incident->row);
	else if (!incident_record_update(&tables->record, &incident->row))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("incident %lld is gone from dataclass_audit.incident_record", (long long) incident->row.id)));
	incident->fresh = incident->changed = incident->raised = false;
	incident->last = NULL;
}

static void
open_tables(GroupTables *tables)
{
	incident_table_open(&tables->record, "incident_record", INCIDENT_COLUMN_COUNT);
	incident_table_open(&tables->event, "incident_event", INCIDENT_EVENT_NATTS);
	incident_table_open(&tables->step, "incident_step", INCIDENT_STEP_NATTS);
	incident_table_open(&tables->deadline, "deadline", INCIDENT_DEADLINE_NATTS);
	incident_table_open(&tables->notice, "notice", INCIDENT_NOTICE_NATTS);
}

static void
close_tables(GroupTables *tables)
{
	incident_table_close(&tables->notice);
	incident_table_close(&tables->deadline);
	incident_table_close(&tables->step);
	incident_table_close(&tables->event);
	incident_table_close(&tables->record);
}

static void
group_breaches(List *breaches)
{
	GroupTables tables;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	open_tables(&tables);
	incident_policy_refresh();
	foreach(cell, breaches)
	{
		TrailInserted *inserted = lfirst(cell);
		int64		id;

		if (incident_text_is(&inserted->record.text[AUDIT_KIND], event_kind_name(EVENT_DISCLOSURE)))
			id = about_incident(&tables, &inserted->record);
		else
			id = join_incident(&tables, inserted)->row.id;
		if (id != 0)
			incident_event_insert(&tables.event, id, inserted->seq);
	}
	foreach(cell, incident_open_list())
	{
		OpenIncident *incident = lfirst(cell);

		if (incident->changed)
			write_incident(&tables, incident, now);
	}
	close_tables(&tables);
	CommandCounterIncrement();
}

void
incident_group_records(List *records, int64 up_to)
{
	List	   *breaches = NIL;
	ListCell   *cell;

	foreach(cell, records)
	{
		TrailInserted *inserted = lfirst(cell);

		if (inserted->seq > incident_position() && inserted->record.number[AUDIT_BREACH].present &&
			inserted->record.number[AUDIT_BREACH].value != 0)
			breaches = lappend(breaches, inserted);
	}
	if (breaches != NIL)
		group_breaches(breaches);
	incident_position_reach(up_to);
}

/* ------------------------------------------------------------------------
 * Between records
 * ------------------------------------------------------------------------
 */

TimestampTz
incident_group_next_summary(void)
{
	TimestampTz next = 0;
	ListCell   *cell;

	foreach(cell, incident_open_list())
	{
		OpenIncident *incident = lfirst(cell);
		TimestampTz at = incident->row.noticed_at + guc_incident_notice_interval * USECS_PER_SEC;

		if (incident->row.breaches > incident->row.noticed_breaches && (next == 0 || at < next))
			next = at;
	}
	return next;
}

void
incident_group_summaries(TimestampTz now)
{
	GroupTables tables;
	ListCell   *cell;

	open_tables(&tables);
	incident_policy_refresh();
	foreach(cell, list_copy(incident_open_list()))
	{
		OpenIncident *incident = lfirst(cell);

		if (!summary_is_due(incident, now))
			continue;
		if (incident_is_closed(tables.step.rel, incident->row.id))
			incident_open_drop(incident);
		else
			write_incident(&tables, incident, now);
	}
	close_tables(&tables);
	CommandCounterIncrement();
}

void
incident_group_note(TrailBatch *batch)
{
	ListCell   *cell;

	foreach(cell, opened)
	{
		const OpenIncident *incident = lfirst(cell);
		const Incident *row = &incident->row;
		AuditEvent	event = {0};

		event.kind = EVENT_INCIDENT;
		event.severity = row->severity;
		event.outcome = OUTCOME_OBSERVED;
		event.action = incident_state_name(INCIDENT_DISCOVERED);
		event.object_type = "incident";
		event.object_identity = psprintf("%lld", (long long) row->id);
		event.rule = row->rule;
		event.detail = psprintf("Incident %lld discovered: %s by %s, rule %s, class %s, from record %lld on.",
								(long long) row->id, row->kind, row->subject ? row->subject : "nobody",
								row->rule ? row->rule : "none", row->class_name ? row->class_name : "unknown",
								(long long) row->first_seq);
		incident_stage_insert(batch, &event);
	}
	opened = NIL;
}
