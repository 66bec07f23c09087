/*-------------------------------------------------------------------------
 *
 * report_compliance.c
 *		dataclass_audit.compliance_report_html(): a period of the trail on a page.
 *
 * For an officer of the Cloud Office who may never have seen the database: how
 * many breaches, of what, by whom, what became of them, and whether the data
 * lie where their class allows.  Repeats that a record stands for are counted.
 * Whether the trail is whole is not checked here: that takes its time, and the
 * page says how to do it.
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
#include "pg_dataclass/report_disclosure.h"
#include "pg_dataclass/report_page.h"
#include "pg_dataclass/report_words.h"

#define TOP_ROWS		10
#define INCIDENT_ROWS	100
#define POSTURE_ROWS	30
#define DISCLOSURE_ROWS	20
#define BUCKETS_MAX		31		/* and one more where the period begins within the first */
#define COUNT_OF(n)		"sum(coalesce(" n ".repeats, 1))"

PG_FUNCTION_INFO_V1(dc_compliance_report_html);
extern PGDLLEXPORT Datum dc_compliance_report_html(PG_FUNCTION_ARGS);

typedef struct Period
{
	TimestampTz from;
	TimestampTz to;
} Period;

static void
query_period(const char *query, const Period *period)
{
	Oid			types[2] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[2] = {TimestampTzGetDatum(period->from), TimestampTzGetDatum(period->to)};

	report_query(query, 2, types, values);
}

/* An end that is open is the first record, or now. */
static void
read_period(FunctionCallInfo fcinfo, Period *period)
{
	bool		isnull = true;
	Datum		first = (Datum) 0;

	period->to = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);
	period->from = PG_ARGISNULL(0) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(0);
	if (TIMESTAMP_IS_NOEND(period->to))
		period->to = GetCurrentTransactionStartTimestamp();
	if (TIMESTAMP_IS_NOBEGIN(period->from))
	{
		report_query("SELECT min(e.\"time\") FROM ONLY dataclass_audit.event e", 0, NULL, NULL);
		first = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		period->from = isnull ? period->to - USECS_PER_DAY : Min(DatumGetTimestampTz(first), period->to - USECS_PER_SEC);
	}
	if (TIMESTAMP_NOT_FINITE(period->from) || TIMESTAMP_NOT_FINITE(period->to) || period->from >= period->to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period of the report must end after it begins"),
				 errhint("Report on the last 30 days with SELECT dataclass_audit.compliance_report_html(now() - interval '30 days', now()).")));
}

static char *
period_text(const Period *period)
{
	query_period("SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), to_char($2 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')", period);
	return psprintf("%s to %s UTC", report_value(0, 1), report_value(0, 2));
}

static void
put_figures(StringInfo out, const Period *period)
{
	char	   *breaches;
	char	   *denials;
	char	   *records;

	query_period("SELECT count(*), coalesce(" COUNT_OF("e") " FILTER (WHERE e.breach), 0),"
				 " coalesce(" COUNT_OF("e") " FILTER (WHERE e.outcome = 'denied'), 0)"
				 " FROM ONLY dataclass_audit.event e WHERE e.\"time\" >= $1 AND e.\"time\" < $2", period);
	records = report_value(0, 1);
	breaches = report_value(0, 2);
	denials = report_value(0, 3);
	query_period("SELECT count(*), count(*) FILTER (WHERE i.state <> 'closed'),"
				 " (SELECT count(*) FROM dataclass_audit.overdue o)"
				 " FROM dataclass_audit.incident i WHERE i.discovered_at < $2 AND (i.discovered_at >= $1 OR i.state <> 'closed')", period);
	page_figures_begin(out);
	page_figure(out, "Breaches", breaches, strcmp(breaches, "0") == 0 ? "good" : "bad");
	page_figure(out, "Denials", denials, "plain");
	page_figure(out, "Records", records, "plain");
	page_figure(out, "Incidents", report_value(0, 1), "plain");
	page_figure(out, "Not closed", report_value(0, 2), strcmp(report_value(0, 2), "0") == 0 ? "good" : "open");
	page_figure(out, "Disclosures overdue now", report_value(0, 3), strcmp(report_value(0, 3), "0") == 0 ? "good" : "bad");
	page_figures_end(out);
}

/* Length of an interval so that at most BUCKETS_MAX cover the period, in seconds. */
static int64
bucket_length(const Period *period)
{
	static const int64 steps[] = {60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 91 * 86400};
	int64		seconds = (period->to - period->from + USECS_PER_SEC - 1) / USECS_PER_SEC;

	for (int i = 0; i < lengthof(steps); i++)
	{
		if ((seconds + steps[i] - 1) / steps[i] <= BUCKETS_MAX)
			return steps[i];
	}
	return (seconds + BUCKETS_MAX - 1) / BUCKETS_MAX;
}

static const char *
length_text(int64 seconds)
{
	if (seconds % 86400 == 0)
		return seconds == 86400 ? "day" : psprintf("%lld days", (long long) seconds / 86400);
	if (seconds % 3600 == 0)
		return seconds == 3600 ? "hour" : psprintf("%lld hours", (long long) seconds / 3600);
	return seconds == 60 ? "minute" : psprintf("%lld minutes", (long long) (seconds + 59) / 60);
}

/* Columns begin where a clock and a calendar do, else a day would be that of its noon. */
#define ORIGIN	"SELECT date_bin(interval '%lld s', $1, timestamptz '2000-01-01 00:00:00+00') AS origin"

static void
put_over_time(StringInfo out, const Period *period)
{
	static const char *const headings[] = {"From", "Breaches"};
	int64		step = bucket_length(period);
	const char *format = step < 86400 ? "MM-DD HH24:MI" : "YYYY-MM-DD";
	SvgChart	chart = {"time", "Breaches over time", NULL};
	ReportSink	sink = report_sink(out);
	SvgValue   *values;
	uint64		n;

	query_period(psprintf("SELECT to_char(b.start AT TIME ZONE 'UTC', '%s'), coalesce(c.n, 0)"
						  " FROM (SELECT k, o.origin + k * interval '%lld s' AS start"
						  "   FROM (" ORIGIN ") o CROSS JOIN generate_series(0, ceil(extract(epoch FROM $2 - o.origin) / %lld)::int - 1) k) b"
						  " LEFT JOIN (SELECT floor(extract(epoch FROM e.\"time\" - (" ORIGIN ")) / %lld)::int AS k, " COUNT_OF("e") " AS n"
						  "   FROM ONLY dataclass_audit.event e WHERE e.breach AND e.\"time\" >= $1 AND e.\"time\" < $2 GROUP BY 1) c ON c.k = b.k"
						  " ORDER BY b.k", format, (long long) step, (long long) step, (long long) step, (long long) step, (long long) step), period);
	values = report_svg_values(&n);
	chart.desc = psprintf("One column for each %s, UTC; the table beside it has the numbers.", length_text(step));
	page_section(out, "over-time", "Breaches over time");
	appendStringInfoString(out, "<div class=\"pair\"><div>");
	svg_columns(&sink, &chart, values, (int) n);
	page_note(out, "One column for each %s, UTC.", length_text(step));
	appendStringInfoString(out, "</div><div>");
	page_table_begin(out, "Breaches by time, where there were any", headings, lengthof(headings));
	for (uint64 i = 0; i < n; i++)
	{
		if (values[i].value == 0)
			continue;
		page_row_begin(out);
		page_cell_begin(out, headings[0], 't', true);
		page_text(out, values[i].label);
		page_cell_end(out, true);
		page_cell_begin(out, headings[1], 'n', false);
		appendStringInfo(out, INT64_FORMAT, values[i].value);
		page_cell_end(out, false);
		page_row_end(out);
	}
	page_table_end(out);
	appendStringInfoString(out, "</div></div>\n");
	page_section_end(out);
}

static void
put_breakdown_table(StringInfo out, const char *caption, const char *const *headings, bool rules)
{
	page_table_begin(out, caption, headings, 3);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		const char *meaning = rules ? report_rule_meaning(report_value(row, 1)) : NULL;

		page_row_begin(out);
		for (int i = 0; i < 3; i++)
		{
			page_cell_begin(out, headings[i], i == 0 ? 't' : 'n', i == 0);
			appendStringInfoString(out, "<bdi>");
			page_text(out, report_value(row, i + 1));
			appendStringInfoString(out, "</bdi>");
			if (i == 0 && meaning)
				appendStringInfo(out, "<span class=\"minor\">%s</span>", meaning);
			page_cell_end(out, i == 0);
		}
		page_row_end(out);
	}
	page_table_end(out);
}

/* Chart and table of breaches by one fact of their records; none: those without it. */
static void
put_breakdown(StringInfo out, const Period *period, const char *id, const char *heading, const char *noun,
			  const char *expression, const char *none)
{
	const char *headings[] = {noun, "Breaches", "Records"};
	SvgChart	chart = {id, heading, "The table beside it has the numbers."};
	ReportSink	sink = report_sink(out);
	SvgValue   *values;
	uint64		n;
	int64		groups;

	query_period(psprintf("SELECT count(DISTINCT coalesce(%s, '%s')) FROM ONLY dataclass_audit.event e"
						  " WHERE e.breach AND e.\"time\" >= $1 AND e.\"time\" < $2", expression, none), period);
	groups = report_int(0, 1);
	query_period(psprintf("SELECT coalesce(%s, '%s'), " COUNT_OF("e") ", count(*) FROM ONLY dataclass_audit.event e"
						  " WHERE e.breach AND e.\"time\" >= $1 AND e.\"time\" < $2"
						  " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %d", expression, none, TOP_ROWS), period);
	values = report_svg_values(&n);
	page_section(out, psprintf("s-%s", id), heading);
	if (n == 0)
		page_note(out, "There were no breaches in this period.");
	else
	{
		appendStringInfoString(out, "<div class=\"pair\"><div>");
		svg_bars(&sink, &chart, values, (int) n);
		appendStringInfoString(out, "</div><div>");
		put_breakdown_table(out, heading, headings, strcmp(id, "rule") == 0);
		appendStringInfoString(out, "</div></div>\n");
		if (groups > (int64) n)
			page_note(out, "%lld more are left out.", (long long) (groups - (int64) n));
	}
	page_section_end(out);
}

static void
put_incidents(StringInfo out, const Period *period)
{
	static const char *const headings[] = {"Incident", "Discovered", "What", "Who", "Class", "Severity", "Breaches", "State", "Disclosure"};
	int64		total;

	page_section(out, "incidents", "Incidents");
	query_period("SELECT count(*) FROM dataclass_audit.incident i"
				 " WHERE i.discovered_at < $2 AND (i.discovered_at >= $1 OR i.state <> 'closed')", period);
	total = report_int(0, 1);
	if (total == 0)
		page_note(out, "No incident was discovered in this period, and none from before is open.");
	else
	{
		query_period(psprintf("SELECT i.id, to_char(i.discovered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),"
							  " concat_ws(': ', replace(i.kind, '_', ' '), i.rule), i.subject, i.class, i.severity, i.breaches, i.state,"
							  " (SELECT CASE WHEN bool_or(d.status = 'overdue') THEN 'overdue' WHEN bool_or(d.status = 'late') THEN 'late'"
							  "   WHEN bool_and(d.status = 'met') THEN 'met' ELSE min(d.status) FILTER (WHERE d.status <> 'met') END"
							  "  FROM dataclass_audit.disclosure d WHERE d.incident = i.id)"
							  " FROM dataclass_audit.incident i WHERE i.discovered_at < $2 AND (i.discovered_at >= $1 OR i.state <> 'closed')"
							  " ORDER BY i.discovered_at DESC, i.id DESC LIMIT %d", INCIDENT_ROWS), period);
		page_query_table(out, "Discovered in the period, or not closed before it ended", headings, "nttttbnbb");
		if (total > INCIDENT_ROWS)
			page_note(out, "%lld older incidents are left out.", (long long) (total - INCIDENT_ROWS));
	}
	page_section_end(out);
}

static void
put_posture(StringInfo out)
{
	static const char *const part_names[3] = {"compliant", "violation", "unknown"};
	static const char *const headings[] = {"Class", "Relations", "Compliant", "Violation", "Unknown", "Risk accepted", "Quarantined", "Required tier"};
	static const char *const finding_headings[] = {"Relation", "Place", "Class", "Required tier", "Found tier", "Verdict", "Reason"};
	SvgChart	chart = {"posture", "Posture by class", "Relations that are compliant, in violation, or unknown; the table has the numbers."};
	ReportSink	sink = report_sink(out);
	SvgParts   *parts;
	uint64		n;

	page_section(out, "s-posture", "Posture: where governed data lie, now");
	report_query("SELECT coalesce(p.class, 'all classes'), p.relations, p.compliant, p.violation, p.unknown, p.accepted, p.quarantined,"
				 " p.required_tier FROM dataclass.posture_summary p", 0, NULL, NULL);
	n = SPI_processed;
	parts = palloc0(sizeof(SvgParts) * Max(n, 1));
	for (uint64 row = 0; row < n; row++)
	{
		parts[row].label = report_utf8(report_value(row, 1));
		for (int p = 0; p < 3; p++)
			parts[row].part[p] = report_int(row, 3 + p);
	}
	svg_stacked(&sink, &chart, part_names, parts, (int) n);
	page_note(out, "Numbers behind a bar: compliant / violation / unknown relations.");
	page_query_table(out, "Relations by class", headings, "tnnnnnnt");

	report_query("SELECT count(*) FROM dataclass.posture p WHERE p.verdict <> 'compliant'", 0, NULL, NULL);
	if (report_int(0, 1) > 0)
	{
		int64		total = report_int(0, 1);

		report_query(psprintf("SELECT coalesce(p.relation::text, 'all relations of the class'), p.place, p.class, p.required_tier, p.found_tier, p.verdict, p.reason"
							  " FROM dataclass.posture p WHERE p.verdict <> 'compliant'"
							  " ORDER BY p.verdict = 'violation' DESC, 3, 1, 2 LIMIT %d", POSTURE_ROWS), 0, NULL, NULL);
		page_query_table(out, "Findings", finding_headings, "tttttbt");
		if (total > POSTURE_ROWS)
			page_note(out, "%lld more findings are left out.", (long long) (total - POSTURE_ROWS));
	}
	page_section_end(out);
}

static void
put_trail(StringInfo out)
{
	page_section(out, "trail", "The trail");
	report_query("SELECT h.seq, to_char(h.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), encode(h.root, 'hex'),"
				 " (SELECT format('%s records, %s UTC, %s, key %s', c.size, to_char(c.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), c.reason, c.key_name)"
				 "  FROM ONLY dataclass_audit.checkpoint c ORDER BY c.size DESC LIMIT 1),"
				 " (SELECT sum(a.to_seq - a.from_seq + 1) FROM ONLY dataclass_audit.archived_range a)"
				 " FROM ONLY dataclass_audit.head h", 0, NULL, NULL);
	page_facts_begin(out);
	page_fact(out, "Records", report_value(0, 1));
	page_fact(out, "Last record", report_value(0, 2));
	page_fact(out, "Newest checkpoint", report_value(0, 4));
	page_fact(out, "Archived records", report_value(0, 5));
	page_fact(out, "Root of the tree", report_value(0, 3));
	page_fact(out, "Verified", "not by this report: SELECT * FROM dataclass_audit.verify()");
	page_facts_end(out);
	page_section_end(out);
}

static void
put_policy(StringInfo out)
{
	page_section(out, "policy", "The policy in force");
	report_query("SELECT v.version, v.name, v.profile_version, to_char(v.loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), v.loaded_by,"
				 " CASE WHEN v.signature IS NULL THEN 'no' ELSE concat('by key ', v.key_id) END,"
				 " current_setting('dataclass.enforcement'), current_setting('dataclass.session_tier_enforcement'),"
				 " current_setting('dataclass.at_rest_enforcement')"
				 " FROM dataclass.profile_version v ORDER BY v.version DESC LIMIT 1", 0, NULL, NULL);
	page_facts_begin(out);
	page_fact(out, "Version", report_value(0, 1));
	page_fact(out, "Profile", report_value(0, 2));
	page_fact(out, "Its version", report_value(0, 3));
	page_fact(out, "Loaded", report_value(0, 4));
	page_fact(out, "Loaded by", report_value(0, 5));
	page_fact(out, "Signed", report_value(0, 6));
	page_fact(out, "Enforcement", report_value(0, 7));
	page_fact(out, "Session tier", report_value(0, 8));
	page_fact(out, "At rest", report_value(0, 9));
	page_facts_end(out);
	page_section_end(out);
}

/* All of the period, also those that the table leaves out. */
static void
put_pace(StringInfo out, const Period *period)
{
	query_period("SELECT count(*) FILTER (WHERE d.status = 'met'), count(*) FILTER (WHERE d.status = 'late'),"
				 " count(*) FILTER (WHERE d.status = 'overdue'), count(*) FILTER (WHERE d.status = 'pending'),"
				 " extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY d.time_to_disclosure))::bigint,"
				 " extract(epoch FROM max(d.time_to_disclosure))::bigint"
				 " FROM dataclass_audit.disclosure d WHERE d.discovered_at < $2 AND (d.discovered_at >= $1 OR d.disclosed_at IS NULL)", period);
	page_facts_begin(out);
	page_fact(out, "Told in time", report_value(0, 1));
	page_fact(out, "Told too late", report_value(0, 2));
	page_fact(out, "Overdue", report_value(0, 3));
	page_fact(out, "Time is left", report_value(0, 4));
	page_fact(out, "Half were told within", report_value(0, 5) ? report_duration(report_int(0, 5)) : NULL);
	page_fact(out, "Longest time", report_value(0, 6) ? report_duration(report_int(0, 6)) : NULL);
	page_facts_end(out);
}

static void
put_disclosures(StringInfo out, const Period *period)
{
	int64		total;

	page_section(out, "s-disclosure", "Time to disclosure");
	query_period("SELECT count(*) FROM dataclass_audit.disclosure d WHERE d.discovered_at < $2"
				 " AND (d.discovered_at >= $1 OR d.disclosed_at IS NULL)", period);
	total = report_int(0, 1);
	query_period(psprintf(DISCLOSURE_SELECT " WHERE d.discovered_at < $2 AND (d.discovered_at >= $1 OR d.disclosed_at IS NULL)"
						  " ORDER BY d.discovered_at DESC, d.incident DESC, d.due LIMIT %d", DISCLOSURE_ROWS), period);
	if (SPI_processed == 0)
		page_note(out, "Nothing had to be disclosed in this period.");
	else
	{
		page_disclosures(out);
		put_pace(out, period);
	}
	if (total > DISCLOSURE_ROWS)
		page_note(out, "%lld older disclosures are left out.", (long long) (total - DISCLOSURE_ROWS));
	page_section_end(out);
}

Datum
dc_compliance_report_html(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	ReportSource source;
	Period		period;

	initStringInfo(&out);
	SPI_connect();
	report_source_read(&source, CurrentMemoryContext);
	read_period(fcinfo, &period);
	page_begin(&out, "Compliance report", period_text(&period), &source);
	put_figures(&out, &period);
	put_over_time(&out, &period);
	put_breakdown(&out, &period, "rule", "Breaches by rule", "Rule", "coalesce(e.rule, e.kind)", "none");
	put_breakdown(&out, &period, "class", "Breaches by class", "Class", "substring(e.label FROM '^[^: ]+')", "no class");
	put_breakdown(&out, &period, "subject", "Breaches by subject", "Subject", "e.subject", "nobody: found by the server");
	put_breakdown(&out, &period, "object", "Breaches by object", "Object", "nullif(concat_ws(' ', e.object_type, e.object_identity), '')", "none");
	put_incidents(&out, &period);
	put_disclosures(&out, &period);
	put_posture(&out);
	put_trail(&out);
	put_policy(&out);
	page_words(&out);
	page_end(&out);
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
