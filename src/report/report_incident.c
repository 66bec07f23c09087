/*-------------------------------------------------------------------------
 *
 * report_incident.c
 *		dataclass_audit.incident_report(): an incident as an OCSF finding.
 *
 * One Incident Finding (2005).  OCSF has no place for the steps of its life,
 * for deadlines or for whole events, so those are in "unmapped": life_cycle,
 * deadlines, measures, and events as export_events() gives them.  Each step
 * says which activity and status of OCSF it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident.h"
#include "pg_dataclass/report_incident.h"
#include "pg_dataclass/report_json.h"
#include "pg_dataclass/report_page.h"

#define OCSF_INCIDENT	2005
#define EVENTS_MAX		10000

PG_FUNCTION_INFO_V1(dc_incident_report);
extern PGDLLEXPORT Datum dc_incident_report(PG_FUNCTION_ARGS);

typedef struct StateMapping
{
	IncidentState state;
	int			activity;
	int			status;
} StateMapping;

static const StateMapping state_mapping[] = {
	{INCIDENT_DISCOVERED, 1, 1},
	{INCIDENT_NOTIFIED, 2, 1},
	{INCIDENT_ACKNOWLEDGED, 2, 2},
	{INCIDENT_REPORT_REQUESTED, 2, 3},
	{INCIDENT_REPORT_SUBMITTED, 2, 2},
	{INCIDENT_MEASURE_DECIDED, 2, 2},
	{INCIDENT_MEASURE_APPLIED, 2, 4},
	{INCIDENT_CLOSED, 3, 5}
};

static const char *const activity_names[] = {"Unknown", "Create", "Update", "Close"};
static const char *const status_names[] = {"Unknown", "New", "In Progress", "On Hold", "Resolved", "Closed"};

void
report_incident_query(const char *query, int64 id)
{
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(id);

	report_query(query, 1, &type, &value);
}

static int64
ms_column(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : report_unix_ms(DatumGetTimestampTz(value));
}

void
report_incident_read(int64 id, ReportIncident *incident)
{
	report_incident_query("SELECT i.state, i.kind, i.rule, i.subject, i.class, i.severity, i.object_type, i.object_identity,"
						  " i.breaches, i.first_seq, i.last_seq, i.discovered_at, i.first_time, i.last_time"
						  " FROM dataclass_audit.incident i WHERE i.id = $1", id);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("incident %lld does not exist", (long long) id),
				 errhint("List the incidents with SELECT id, state, kind, subject FROM dataclass_audit.incident.")));
	incident->id = id;
	incident->state = report_value(0, 1);
	incident->kind = report_value(0, 2);
	incident->rule = report_value(0, 3);
	incident->subject = report_value(0, 4);
	incident->class = report_value(0, 5);
	incident->severity = report_value(0, 6);
	incident->object_type = report_value(0, 7);
	incident->object_identity = report_value(0, 8);
	incident->breaches = report_value(0, 9);
	incident->first_seq = report_int(0, 10);
	incident->last_seq = report_int(0, 11);
	incident->discovered_ms = ms_column(12);
	incident->first_ms = ms_column(13);
	incident->last_ms = ms_column(14);
}

char *
report_incident_title(const ReportIncident *incident)
{
	char	   *title = report_kind_title(incident->kind);

	return incident->rule ? psprintf("%s: %s", title, incident->rule) : title;
}

static const StateMapping *
mapping_of(const char *state)
{
	for (int i = 0; i < lengthof(state_mapping); i++)
	{
		if (state && strcmp(state, incident_state_name(state_mapping[i].state)) == 0)
			return &state_mapping[i];
	}
	elog(ERROR, "incident is in a state that is not known");
	return NULL;
}

static void
put_state(StringInfo out, const char *state)
{
	const StateMapping *mapping = mapping_of(state);

	json_int(out, "activity_id", mapping->activity);
	json_string(out, "activity_name", activity_names[mapping->activity]);
	json_int(out, "status_id", mapping->status);
	json_string(out, "status", status_names[mapping->status]);
}

static void
put_head(StringInfo out, const ReportIncident *incident, const ReportSource *source)
{
	int			type = OCSF_INCIDENT * 100 + mapping_of(incident->state)->activity;
	int			severity = report_ocsf_severity(incident->severity);
	static const char *const severity_names[] = {"Unknown", "Informational", "Low", "Medium", "High", "Critical"};

	json_open(out, "metadata", '{');
	json_string(out, "version", REPORT_OCSF_VERSION);
	report_ocsf_product(out, source);
	json_string(out, "uid", psprintf("%s-incident-%lld-%s", source->trail, (long long) incident->id, incident->state));
	json_string(out, "event_code", incident->kind);
	json_string(out, "log_name", "dataclass_audit.incident");
	json_string(out, "log_provider", REPORT_PRODUCT);
	json_open(out, "profiles", '[');
	json_item(out, "incident");
	json_close(out, ']');
	json_close(out, '}');
	json_int(out, "category_uid", OCSF_INCIDENT / 1000);
	json_string(out, "category_name", "Findings");
	json_int(out, "class_uid", OCSF_INCIDENT);
	json_string(out, "class_name", "Incident Finding");
	json_int(out, "type_uid", type);
	put_state(out, incident->state);
	json_string(out, "type_name", psprintf("Incident Finding: %s", activity_names[type % 100]));
	json_string(out, "status_detail", incident->state);
	json_int(out, "severity_id", severity);
	json_string(out, "severity", severity < lengthof(severity_names) ? severity_names[severity] : incident->severity);
	json_int(out, "time", incident->discovered_ms);
	json_int(out, "start_time", incident->first_ms);
	json_int(out, "end_time", incident->last_ms);
	json_int(out, "timezone_offset", 0);
	json_number(out, "count", incident->breaches);
	json_bool(out, "is_suspected_breach", true);
	json_string(out, "message", report_incident_title(incident));
	json_string(out, "desc", psprintf("%s by %s on %s %s.", report_incident_title(incident),
									  incident->subject ? incident->subject : "nobody in particular",
									  incident->object_type ? incident->object_type : "no",
									  incident->object_identity ? incident->object_identity : "object"));
	json_open(out, "assignee_group", '{');
	json_string(out, "name", "dataclass_officer");
	json_close(out, '}');
}

/* The one who acknowledged it. */
static void
put_assignee(StringInfo out, int64 id)
{
	report_incident_query("SELECT s.\"by\" FROM ONLY dataclass_audit.incident_step s"
						  " WHERE s.incident = $1 AND s.state = 'acknowledged' ORDER BY s.step DESC LIMIT 1", id);
	if (SPI_processed == 0)
		return;
	json_open(out, "assignee", '{');
	json_string(out, "name", report_value(0, 1));
	json_close(out, '}');
}

#define INCIDENT_RECORDS	" FROM ONLY dataclass_audit.incident_event m" \
	" JOIN ONLY dataclass_audit.event e ON e.seq = m.seq WHERE m.incident = $1 ORDER BY m.seq"

/* Events of the incident in order, and what is known of those that are not here. */
static void
put_events(StringInfo out, StringInfo related, int64 id, const ReportSource *source)
{
	ReportEvent event;
	int64		total;
	uint64		shown;

	report_incident_query("SELECT pg_catalog.count(*), pg_catalog.count(e.seq) FROM ONLY dataclass_audit.incident_event m"
						  " LEFT JOIN ONLY dataclass_audit.event e ON e.seq = m.seq WHERE m.incident = $1", id);
	total = report_int(0, 1);
	json_int(out, "events_total", total);
	json_int(out, "events_archived", total - report_int(0, 2));

	report_incident_query(psprintf("SELECT %s" INCIDENT_RECORDS " LIMIT %d", report_event_columns(), EVENTS_MAX), id);
	shown = SPI_processed;
	json_int(out, "events_left_out", total - (int64) shown);
	json_open(out, "events", '[');
	for (uint64 row = 0; row < shown; row++)
	{
		CHECK_FOR_INTERRUPTS();
		report_event_read(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, &event);
		report_ocsf_event(out, &event, source);

		json_open(related, NULL, '{');
		json_string(related, "uid", event.text[FIELD_EVENT_ID]);
		json_int(related, "type_uid", report_ocsf_type(&event));
		json_int(related, "severity_id", report_ocsf_severity(event.text[FIELD_SEVERITY]));
		json_close(related, '}');
	}
	json_close(out, ']');
}

static void
put_finding(StringInfo out, const ReportIncident *incident, const ReportSource *source, const char *related)
{
	json_open(out, "finding_info_list", '[');
	json_open(out, NULL, '{');
	json_string(out, "uid", psprintf("%s-incident-%lld", source->trail, (long long) incident->id));
	json_string(out, "title", report_incident_title(incident));
	json_int(out, "created_time", incident->discovered_ms);
	json_int(out, "first_seen_time", incident->first_ms);
	json_int(out, "last_seen_time", incident->last_ms);
	json_open(out, "types", '[');
	json_item(out, incident->kind);
	json_close(out, ']');
	if (incident->rule)
	{
		json_open(out, "analytic", '{');
		json_int(out, "type_id", 1);
		json_string(out, "type", "Rule");
		json_string(out, "name", incident->rule);
		json_string(out, "uid", incident->rule);
		json_close(out, '}');
	}
	json_number(out, "related_events_count", incident->breaches);
	json_open(out, "related_events", '[');
	appendStringInfoString(out, related);
	json_close(out, ']');
	json_close(out, '}');
	json_close(out, ']');
}

static void
put_life(StringInfo out, int64 id)
{
	report_incident_query("SELECT s.state, pg_catalog.to_jsonb(s.at), s.\"by\", s.reason FROM ONLY dataclass_audit.incident_step s"
						  " WHERE s.incident = $1 ORDER BY s.step", id);
	json_open(out, "life_cycle", '[');
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		json_open(out, NULL, '{');
		json_string(out, "state", report_value(row, 1));
		put_state(out, report_value(row, 1));
		json_number(out, "at", report_value(row, 2));
		json_string(out, "by", report_value(row, 3));
		json_string(out, "reason", report_value(row, 4));
		json_close(out, '}');
	}
	json_close(out, ']');
}

/* Rows as core makes JSON of them. */
static void
put_rows(StringInfo out, const char *key, const char *query, int64 id)
{
	report_incident_query(query, id);
	json_number(out, key, report_value(0, 1));
}

static void
put_unmapped(StringInfo out, StringInfo related, const ReportIncident *incident, const ReportSource *source)
{
	json_open(out, "unmapped", '{');
	json_int(out, "incident", incident->id);
	json_string(out, "database", source->database);
	json_string(out, "state", incident->state);
	json_string(out, "kind", incident->kind);
	json_string(out, "rule", incident->rule);
	json_string(out, "subject", incident->subject);
	json_string(out, "class", incident->class);
	json_string(out, "object_type", incident->object_type);
	json_string(out, "object_identity", incident->object_identity);
	json_int(out, "first_seq", incident->first_seq);
	json_int(out, "last_seq", incident->last_seq);
	put_life(out, incident->id);
	put_rows(out, "deadlines", "SELECT coalesce(jsonb_agg(to_jsonb(d) - 'incident' ORDER BY d.due, d.recipient), '[]')"
			 " FROM dataclass_audit.disclosure d WHERE d.incident = $1", incident->id);
	put_rows(out, "measures", "SELECT coalesce(jsonb_agg(jsonb_build_object('at', e.\"time\", 'action', e.action, 'subject', e.subject,"
			 " 'object_type', e.object_type, 'object_identity', e.object_identity, 'outcome', e.outcome, 'detail', e.detail, 'seq', e.seq) ORDER BY e.seq), '[]')"
			 " FROM ONLY dataclass_audit.notice n JOIN ONLY dataclass_audit.event e ON e.seq = n.seq"
			 " WHERE n.incident = $1 AND n.subject = 'measure'", incident->id);
	put_events(out, related, incident->id, source);
	json_close(out, '}');
}

Datum
dc_incident_report(PG_FUNCTION_ARGS)
{
	ReportIncident incident;
	ReportSource source;
	StringInfoData out;
	StringInfoData related;

	/* before SPI, so that they outlive it */
	initStringInfo(&out);
	initStringInfo(&related);
	SPI_connect();
	report_source_read(&source, CurrentMemoryContext);
	report_incident_read(PG_GETARG_INT64(0), &incident);
	json_open(&out, NULL, '{');
	put_head(&out, &incident, &source);
	put_assignee(&out, incident.id);
	put_unmapped(&out, &related, &incident, &source);
	put_finding(&out, &incident, &source, related.data);
	json_close(&out, '}');
	SPI_finish();
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}
