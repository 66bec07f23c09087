/*-------------------------------------------------------------------------
 *
 * report_incident_page.c
 *		dataclass_audit.incident_report_html(): an incident on a page.
 *
 * What happened, who did it, when; what became of it step by step; who has to
 * be told until when; the records behind it.  Of many records the first ones
 * are shown and the number of the others is stated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident.h"
#include "pg_dataclass/report_disclosure.h"
#include "pg_dataclass/report_incident.h"
#include "pg_dataclass/report_page.h"
#include "pg_dataclass/report_words.h"

#define EVENT_ROWS		200
#define BUCKETS			24

/* What the incident is about, not what the extension recorded of its life. */
#define OWN_BREACH		"e.kind = i.kind"

PG_FUNCTION_INFO_V1(dc_incident_report_html);
extern PGDLLEXPORT Datum dc_incident_report_html(PG_FUNCTION_ARGS);

static const char *const step_headings[] = {
	[INCIDENT_DISCOVERED] = "Discovered",
	[INCIDENT_NOTIFIED] = "Notified",
	[INCIDENT_ACKNOWLEDGED] = "Acknowledged",
	[INCIDENT_REPORT_REQUESTED] = "Report requested",
	[INCIDENT_REPORT_SUBMITTED] = "Report submitted",
	[INCIDENT_MEASURE_DECIDED] = "Measure decided",
	[INCIDENT_MEASURE_APPLIED] = "Measure applied",
	[INCIDENT_CLOSED] = "Closed"
};

static const char *
step_heading(const char *state)
{
	for (int i = 0; i < lengthof(step_headings); i++)
	{
		if (strcmp(state, incident_state_name(i)) == 0)
			return step_headings[i];
	}
	return state;
}

static void
put_summary(StringInfo out, const ReportIncident *incident)
{
	bool		closed = strcmp(incident->state, "closed") == 0;

	report_incident_query("SELECT count(*), to_char(min(d.due) FILTER (WHERE d.disclosed_at IS NULL) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),"
						  " coalesce(bool_or(d.disclosed_at IS NULL AND d.due < now()), false)"
						  " FROM dataclass_audit.disclosure d WHERE d.incident = $1", incident->id);
	page_figures_begin(out);
	page_figure(out, "Breaches", incident->breaches, "bad");
	page_figure(out, "State", step_heading(incident->state), closed ? "good long" : "open long");
	page_figure(out, "Severity", incident->severity, "bad long");
	page_figure(out, "Class", incident->class, "plain long");
	page_figure(out, "Next deadline", report_value(0, 2), strcmp(report_value(0, 3), "t") == 0 ? "bad long" : "plain long");
	page_figures_end(out);
}

/* The first of the incident's records that are still in the table. */
static void
put_facts(StringInfo out, const ReportIncident *incident)
{
	char	   *first;
	char	   *last;

	page_section(out, "what", "What, who, when");
	report_incident_query("SELECT to_char(i.first_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'),"
						  " to_char(i.last_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'),"
						  " to_char(i.discovered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')"
						  " FROM dataclass_audit.incident i WHERE i.id = $1", incident->id);
	page_facts_begin(out);
	page_fact(out, "What", report_kind_title(incident->kind));
	page_fact(out, "Rule", incident->rule);
	if (report_rule_meaning(incident->rule))
		page_fact(out, "Which means", report_rule_meaning(incident->rule));
	page_fact(out, "Who", incident->subject);
	page_fact(out, "On", incident->object_identity ? psprintf("%s %s", incident->object_type ? incident->object_type : "", incident->object_identity) : NULL);
	page_fact(out, "Class", incident->class);
	first = report_value(0, 1);
	last = report_value(0, 2);
	page_fact(out, "Discovered", report_value(0, 3));
	page_fact(out, "First breach", first);
	page_fact(out, "Last breach", last);
	report_incident_query("SELECT (array_agg(e.detail ORDER BY e.seq))[1], string_agg(DISTINCT e.label, ', '),"
						  " string_agg(DISTINCT e.client_addr, ', '), string_agg(DISTINCT e.application, ', '),"
						  " string_agg(DISTINCT e.authenticated_user, ', '), string_agg(DISTINCT e.node, ', ')"
						  " FROM (SELECT e.* FROM ONLY dataclass_audit.incident_record i JOIN ONLY dataclass_audit.incident_event m ON m.incident = i.id"
						  "  JOIN ONLY dataclass_audit.event e ON e.seq = m.seq WHERE i.id = $1 AND " OWN_BREACH " ORDER BY m.seq LIMIT " CppAsString2(EVENT_ROWS) ") e", incident->id);
	page_fact(out, "Labels", report_value(0, 2));
	page_fact(out, "Logged in as", report_value(0, 5));
	page_fact(out, "From", report_value(0, 3));
	page_fact(out, "Application", report_value(0, 4));
	page_fact(out, "Server", report_value(0, 6));
	page_facts_end(out);
	if (report_value(0, 1))
		page_note(out, "%s", report_value(0, 1));
	page_section_end(out);
}

static void
put_step(StringInfo out, uint64 row)
{
	char	   *reason = report_value(row, 4);

	appendStringInfoString(out, "<li class=\"done\"><strong>");
	page_text(out, step_heading(report_value(row, 1)));
	appendStringInfoString(out, "</strong>");
	page_text(out, report_value(row, 2));
	appendStringInfoString(out, " UTC by <bdi>");
	page_text(out, report_value(row, 3));
	appendStringInfoString(out, "</bdi>");
	if (reason)
	{
		appendStringInfoString(out, "<span class=\"minor\"><bdi>");
		page_text(out, reason);
		appendStringInfoString(out, "</bdi></span>");
	}
	appendStringInfoString(out, "</li>\n");
}

static void
put_life(StringInfo out, int64 id)
{
	int			reached = -1;

	page_section(out, "life", "Life of the incident");
	report_incident_query("SELECT s.state, to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), s.\"by\", s.reason"
						  " FROM ONLY dataclass_audit.incident_step s WHERE s.incident = $1 ORDER BY s.step", id);
	appendStringInfoString(out, "<ol class=\"life\">\n");
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		put_step(out, row);
		for (int i = 0; i < lengthof(step_headings); i++)
		{
			if (strcmp(report_value(row, 1), incident_state_name(i)) == 0)
				reached = i;
		}
	}
	for (int i = reached + 1; i < lengthof(step_headings); i++)
		appendStringInfo(out, "<li class=\"todo\"><strong>%s</strong>not yet</li>\n", step_headings[i]);
	appendStringInfoString(out, "</ol>\n");
	page_section_end(out);
}

static void
put_deadlines(StringInfo out, int64 id)
{
	page_section(out, "deadlines", "Deadlines of disclosure");
	report_incident_query(DISCLOSURE_SELECT " WHERE d.incident = $1 ORDER BY d.due, d.recipient", id);
	if (SPI_processed == 0)
		page_note(out, "The policy sets no deadline for this class.");
	else
		page_disclosures(out);
	page_section_end(out);
}

static void
put_over_time(StringInfo out, int64 id)
{
	SvgChart	chart = {"time", "Breaches of the incident over time", "From the first to the last breach in equal parts; the records are in the table of events."};
	ReportSink	sink = report_sink(out);
	SvgValue   *values;
	uint64		n;

	/* the last breach is on the end of the last part, and counts there */
	report_incident_query("SELECT to_char((i.first_time + k * (i.last_time - i.first_time) / " CppAsString2(BUCKETS) ") AT TIME ZONE 'UTC',"
						  " CASE WHEN i.last_time - i.first_time < interval '1 min' THEN 'HH24:MI:SS.MS'"
						  "  WHEN i.last_time - i.first_time < interval '1 day' THEN 'HH24:MI:SS' ELSE 'MM-DD HH24:MI' END),"
						  " coalesce(c.n, 0) FROM ONLY dataclass_audit.incident_record i"
						  " CROSS JOIN generate_series(0, " CppAsString2(BUCKETS) " - 1) k"
						  " LEFT JOIN (SELECT least(greatest(floor(extract(epoch FROM e.\"time\" - i.first_time) * " CppAsString2(BUCKETS)
						  "   / nullif(extract(epoch FROM i.last_time - i.first_time), 0)), 0), " CppAsString2(BUCKETS) " - 1)::int AS bucket,"
						  "   sum(coalesce(e.repeats, 1)) AS n"
						  "  FROM ONLY dataclass_audit.incident_record i JOIN ONLY dataclass_audit.incident_event m ON m.incident = i.id"
						  "  JOIN ONLY dataclass_audit.event e ON e.seq = m.seq WHERE i.id = $1 AND " OWN_BREACH " GROUP BY 1) c ON c.bucket = k"
						  " WHERE i.id = $1 AND i.last_time > i.first_time ORDER BY k", id);
	if (SPI_processed == 0)
		return;
	page_section(out, "over-time", "Breaches over time");
	values = report_svg_values(&n);
	svg_columns(&sink, &chart, values, (int) n);
	page_section_end(out);
}

/* A cell of several facts: the first in full size, the others below it. */
static void
put_cell(StringInfo out, const char *heading, const char *first, const char *const *rest, int n)
{
	page_cell_begin(out, heading, 't', false);
	appendStringInfoString(out, "<div><bdi>");
	page_text(out, first ? first : "none");
	appendStringInfoString(out, "</bdi>");
	for (int i = 0; i < n; i++)
	{
		if (rest[i] == NULL)
			continue;
		appendStringInfoString(out, "<span class=\"minor\"><bdi>");
		page_text(out, rest[i]);
		appendStringInfoString(out, "</bdi></span>");
	}
	appendStringInfoString(out, "</div>");
	page_cell_end(out, false);
}

static char *
prefixed(const char *prefix, const char *value)
{
	return value ? psprintf("%s %s", prefix, value) : NULL;
}

static void
put_event(StringInfo out, const ReportEvent *event, const char *when, const char *const *headings)
{
	const char *what[] = {event->text[FIELD_OUTCOME], event->text[FIELD_REPEATS] ? psprintf("stands for %s", event->text[FIELD_REPEATS]) : NULL};
	const char *who[] = {prefixed("logged in as", event->text[FIELD_AUTHENTICATED_USER]), prefixed("from", event->text[FIELD_CLIENT_ADDR]),
	prefixed("with", event->text[FIELD_APPLICATION]), prefixed("on server", event->text[FIELD_NODE])};
	const char *object[] = {event->text[FIELD_OBJECT_TYPE], event->text[FIELD_LABEL]};
	const char *why[] = {prefixed("needs tier", event->text[FIELD_REQUIRED_TIER]), prefixed("found", event->text[FIELD_FOUND_TIER]), event->text[FIELD_DETAIL]};

	page_row_begin(out);
	page_cell_begin(out, headings[0], 'n', true);
	page_text(out, event->text[FIELD_SEQ]);
	page_cell_end(out, true);
	put_cell(out, headings[1], when, NULL, 0);
	put_cell(out, headings[2], event->text[FIELD_ACTION] ? event->text[FIELD_ACTION] : event->text[FIELD_KIND], what, lengthof(what));
	put_cell(out, headings[3], event->text[FIELD_SUBJECT], who, lengthof(who));
	put_cell(out, headings[4], event->text[FIELD_OBJECT_IDENTITY], object, lengthof(object));
	put_cell(out, headings[5], event->text[FIELD_RULE], why, lengthof(why));
	page_cell_begin(out, headings[6], 'm', false);
	appendStringInfoString(out, "<code><bdi>");
	page_text(out, event->text[FIELD_STATEMENT] ? event->text[FIELD_STATEMENT] : "none");
	appendStringInfoString(out, "</bdi></code>");
	page_cell_end(out, false);
	page_row_end(out);
}

static void
put_events(StringInfo out, int64 id)
{
	static const char *const headings[] = {"Record", "When", "What", "Who", "On", "Why", "Statement"};
	int64		total;
	int64		archived;
	uint64		shown;

	appendStringInfoString(out, "<div class=\"page\"></div>\n");
	page_section(out, "events", "Events");
	report_incident_query("SELECT count(*), count(*) - count(e.seq) FROM ONLY dataclass_audit.incident_event m"
						  " LEFT JOIN ONLY dataclass_audit.event e ON e.seq = m.seq WHERE m.incident = $1", id);
	total = report_int(0, 1);
	archived = report_int(0, 2);
	report_incident_query(psprintf("SELECT %s, to_char(e.\"time\" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')"
								   " FROM ONLY dataclass_audit.incident_event m JOIN ONLY dataclass_audit.event e ON e.seq = m.seq"
								   " WHERE m.incident = $1 ORDER BY m.seq LIMIT %d", report_event_columns(), EVENT_ROWS), id);
	shown = SPI_processed;
	page_table_begin(out, "Records of the trail, in order", headings, lengthof(headings));
	for (uint64 row = 0; row < shown; row++)
	{
		ReportEvent event;

		CHECK_FOR_INTERRUPTS();
		report_event_read(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, &event);
		put_event(out, &event, report_value(row, FIELD_COUNT + 1), headings);
	}
	page_table_end(out);
	if (total > (int64) shown)
		page_note(out, "%lld of %lld records are left out here, %lld of them because they were archived; dataclass_audit.incident_event lists all.",
				  (long long) (total - (int64) shown), (long long) total, (long long) archived);
	else
		page_note(out, "All records are shown: %lld.", (long long) total);
	page_section_end(out);
}

static void
put_measures(StringInfo out, int64 id)
{
	static const char *const headings[] = {"Record", "When", "Measure", "Of", "Outcome", "Detail"};

	page_section(out, "measures", "Measures");
	report_incident_query("SELECT e.seq, to_char(e.\"time\" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), e.action,"
						  " coalesce(e.object_identity, e.subject), e.outcome, e.detail"
						  " FROM ONLY dataclass_audit.notice n JOIN ONLY dataclass_audit.event e ON e.seq = n.seq"
						  " WHERE n.incident = $1 AND n.subject = 'measure' ORDER BY e.seq", id);
	if (SPI_processed == 0)
		page_note(out, "No response rule has acted on this incident; what people decided is in its life.");
	else
		page_query_table(out, "What response rules did", headings, "ntttbt");
	page_section_end(out);
}

static void
put_evidence(StringInfo out, const ReportIncident *incident)
{
	page_section(out, "evidence", "Evidence");
	report_incident_query("SELECT (SELECT encode(e.leaf_hash, 'hex') FROM ONLY dataclass_audit.event e WHERE e.seq = i.first_seq),"
						  " (SELECT encode(e.leaf_hash, 'hex') FROM ONLY dataclass_audit.event e WHERE e.seq = i.last_seq),"
						  " (SELECT format('%s records, %s UTC', c.size, to_char(c.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))"
						  "  FROM ONLY dataclass_audit.checkpoint c WHERE c.size >= i.last_seq ORDER BY c.size LIMIT 1)"
						  " FROM dataclass_audit.incident i WHERE i.id = $1", incident->id);
	page_facts_begin(out);
	page_fact(out, "First record", psprintf("%lld", (long long) incident->first_seq));
	page_fact(out, "Its leaf hash", report_value(0, 1));
	page_fact(out, "Last record", psprintf("%lld", (long long) incident->last_seq));
	page_fact(out, "Its leaf hash", report_value(0, 2));
	page_fact(out, "Checkpoint over it", report_value(0, 3));
	page_fact(out, "Verified", psprintf("not by this report: SELECT * FROM dataclass_audit.verify(%lld, %lld)",
										(long long) incident->first_seq, (long long) incident->last_seq));
	page_facts_end(out);
	page_section_end(out);
}

Datum
dc_incident_report_html(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	ReportIncident incident;
	ReportSource source;
	int64		id = PG_GETARG_INT64(0);

	initStringInfo(&out);
	SPI_connect();
	report_source_read(&source, CurrentMemoryContext);
	report_incident_read(id, &incident);
	page_begin(&out, psprintf("Incident %lld", (long long) id), report_incident_title(&incident), &source);
	put_summary(&out, &incident);
	put_facts(&out, &incident);
	put_life(&out, id);
	put_deadlines(&out, id);
	put_over_time(&out, id);
	put_measures(&out, id);
	put_evidence(&out, &incident);
	put_events(&out, id);
	page_words(&out);
	page_end(&out);
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
