/*-------------------------------------------------------------------------
 *
 * report_page.c
 *		Frame, tables and figures of the HTML reports.
 *
 * One page without script and without anything from elsewhere; the policy in
 * its head forbids both.  Everything that is not a constant of this extension
 * goes through report_escape().  Tables become lists on a narrow screen, so
 * each cell carries the name of its column, and roles that keep it a table for
 * those who listen to it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report_page.h"

static void
append_to(void *arg, const char *data, size_t len)
{
	appendBinaryStringInfo((StringInfo) arg, data, (int) len);
}

ReportSink
report_sink(StringInfo out)
{
	ReportSink	sink = {append_to, out};

	return sink;
}

const char *
report_utf8(const char *text)
{
	int			encoding = GetDatabaseEncoding();
	int			len = strlen(text);
	Oid			proc;
	char	   *utf8;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return text;
	proc = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(proc))
		return text;
	utf8 = palloc((Size) len * MAX_CONVERSION_GROWTH + 1);
	/* what cannot be converted must not keep the report from being made: its bytes are shown */
	if (pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8, (unsigned char *) text, len,
									  (unsigned char *) utf8, len * MAX_CONVERSION_GROWTH + 1, true) != len)
		return text;
	return utf8;
}

void
page_text(StringInfo out, const char *text)
{
	ReportSink	sink = report_sink(out);
	const char *utf8 = report_utf8(text);

	report_escape(&sink, REPORT_TEXT, utf8, strlen(utf8));
}

static void
put_attribute(StringInfo out, const char *name, const char *value)
{
	ReportSink	sink = report_sink(out);
	const char *utf8 = report_utf8(value);

	appendStringInfo(out, " %s=\"", name);
	report_escape(&sink, REPORT_ATTRIBUTE, utf8, strlen(utf8));
	appendStringInfoChar(out, '"');
}

void
page_begin(StringInfo out, const char *title, const char *subtitle, const ReportSource *source)
{
	appendStringInfoString(out,
						   "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
						   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
						   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
						   "<meta name=\"referrer\" content=\"no-referrer\">\n"
						   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	page_text(out, title);
	appendStringInfo(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">Database <bdi>", report_style);
	page_text(out, source->database);
	appendStringInfoString(out, "</bdi></p>\n<h1>");
	page_text(out, title);
	appendStringInfoString(out, "</h1>\n<p class=\"sub\">");
	page_text(out, subtitle);
	appendStringInfoString(out, "</p>\n</header>\n<main>\n");
}

void
page_end(StringInfo out)
{
	report_query("SELECT pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), session_user::pg_catalog.text", 0, NULL, NULL);
	appendStringInfoString(out, "</main>\n<footer>\n<p>Made ");
	page_text(out, report_value(0, 1));
	appendStringInfoString(out, " UTC for <bdi>");
	page_text(out, report_value(0, 2));
	appendStringInfoString(out, "</bdi> from the audit trail. All times are UTC. Characters that would not be seen are shown by their number, such as "
						   "<span class=\"u\">U+202E</span>. This page loads nothing and runs nothing.</p>\n</footer>\n</body>\n</html>\n");
}

void
page_section(StringInfo out, const char *id, const char *heading)
{
	appendStringInfo(out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id, id, heading);
}

void
page_section_end(StringInfo out)
{
	appendStringInfoString(out, "</section>\n");
}

void
page_note(StringInfo out, const char *format,...)
{
	StringInfoData text;
	va_list		args;
	int			needed;

	initStringInfo(&text);
	for (;;)
	{
		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	appendStringInfoString(out, "<p class=\"note\">");
	page_text(out, text.data);
	appendStringInfoString(out, "</p>\n");
}

/* The class of a word that is a state or verdict; an unknown one is neither good nor bad. */
static const char *
mood_of(const char *word)
{
	static const char *const good[] = {"met", "closed", "compliant", "allowed", "measure_applied", "yes", "enforcing"};
	static const char *const bad[] = {"late", "overdue", "violation", "denied", "critical", "high", "no", "off"};

	for (int i = 0; i < lengthof(good); i++)
	{
		if (strcmp(good[i], word) == 0)
			return "good";
	}
	for (int i = 0; i < lengthof(bad); i++)
	{
		if (strcmp(bad[i], word) == 0)
			return "bad";
	}
	return "open";
}

void
page_badge(StringInfo out, const char *word)
{
	char	   *shown = pstrdup(word);

	/* names of states are words with underscores */
	for (char *p = shown; *p; p++)
	{
		if (*p == '_')
			*p = ' ';
	}
	appendStringInfo(out, "<span class=\"badge %s\">", mood_of(word));
	page_text(out, shown);
	appendStringInfoString(out, "</span>");
}

void
page_figures_begin(StringInfo out)
{
	appendStringInfoString(out, "<dl class=\"figures\">\n");
}

void
page_figure(StringInfo out, const char *name, const char *value, const char *mood)
{
	appendStringInfo(out, "<div class=\"%s\"><dt>%s</dt><dd>", mood, name);
	page_text(out, value ? value : "none");
	appendStringInfoString(out, "</dd></div>\n");
}

void
page_figures_end(StringInfo out)
{
	appendStringInfoString(out, "</dl>\n");
}

void
page_facts_begin(StringInfo out)
{
	appendStringInfoString(out, "<dl class=\"facts\">\n");
}

void
page_fact(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, "<div><dt>%s</dt><dd>", name);
	if (value)
	{
		appendStringInfoString(out, "<bdi>");
		page_text(out, value);
		appendStringInfoString(out, "</bdi>");
	}
	else
		appendStringInfoString(out, "<span class=\"none\">none</span>");
	appendStringInfoString(out, "</dd></div>\n");
}

void
page_facts_end(StringInfo out)
{
	appendStringInfoString(out, "</dl>\n");
}

void
page_table_begin(StringInfo out, const char *caption, const char *const *headings, int n)
{
	/* few columns fit a phone as they are */
	appendStringInfo(out, "<table role=\"table\"%s>\n<caption>%s</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">",
					 n <= 3 ? " class=\"slim\"" : "", caption);
	for (int i = 0; i < n; i++)
		appendStringInfo(out, "<th scope=\"col\" role=\"columnheader\">%s</th>", headings[i]);
	appendStringInfoString(out, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
}

void
page_row_begin(StringInfo out)
{
	appendStringInfoString(out, "<tr role=\"row\">");
}

void
page_cell_begin(StringInfo out, const char *heading, char kind, bool names_row)
{
	if (names_row)
		appendStringInfoString(out, "<th scope=\"row\" role=\"rowheader\"");
	else
		appendStringInfoString(out, "<td role=\"cell\"");
	if (kind == 'n' || kind == 'm')
		appendStringInfo(out, " class=\"%c\"", kind);
	put_attribute(out, "data-h", heading);
	appendStringInfoChar(out, '>');
}

void
page_cell_end(StringInfo out, bool names_row)
{
	appendStringInfoString(out, names_row ? "</th>" : "</td>");
}

void
page_row_end(StringInfo out)
{
	appendStringInfoString(out, "</tr>\n");
}

void
page_table_end(StringInfo out)
{
	appendStringInfoString(out, "</tbody>\n</table>\n");
}

static void
put_value(StringInfo out, char kind, const char *value)
{
	if (value == NULL)
		appendStringInfoString(out, "<span class=\"none\">none</span>");
	else if (kind == 'b')
		page_badge(out, value);
	else
	{
		appendStringInfoString(out, kind == 'm' ? "<code><bdi>" : "<bdi>");
		page_text(out, value);
		appendStringInfoString(out, kind == 'm' ? "</bdi></code>" : "</bdi>");
	}
}

void
page_query_table(StringInfo out, const char *caption, const char *const *headings, const char *kinds)
{
	int			n = strlen(kinds);

	page_table_begin(out, caption, headings, n);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		CHECK_FOR_INTERRUPTS();
		page_row_begin(out);
		for (int i = 0; i < n; i++)
		{
			page_cell_begin(out, headings[i], kinds[i], i == 0);
			put_value(out, kinds[i], report_value(row, i + 1));
			page_cell_end(out, i == 0);
		}
		page_row_end(out);
	}
	page_table_end(out);
}

void
report_query(const char *query, int nargs, Oid *types, Datum *values)
{
	int			result = SPI_execute_with_args(query, nargs, types, values, NULL, true, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read for the report: %s", SPI_result_code_string(result));
}

char *
report_value(uint64 row, int column)
{
	return row < SPI_processed ? SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column) : NULL;
}

/* Sums of bigint are numeric: what is over the range counts as its end. */
int64
report_int(uint64 row, int column)
{
	char	   *text = report_value(row, column);

	return text ? strtoll(text, NULL, 10) : 0;
}

SvgValue *
report_svg_values(uint64 *n)
{
	SvgValue   *values = palloc0(sizeof(SvgValue) * Max(SPI_processed, 1));

	for (uint64 row = 0; row < SPI_processed; row++)
	{
		char	   *label = report_value(row, 1);

		values[row].label = report_utf8(label ? label : "none");
		values[row].value = report_int(row, 2);
	}
	*n = SPI_processed;
	return values;
}
