/*-------------------------------------------------------------------------
 *
 * report_disclosure.c
 *		How long it took to tell whom, against how long it may take.
 *
 * What was not told yet is shown with the time that has passed, and counts as
 * too late from the moment its deadline is over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_disclosure.h"
#include "pg_dataclass/report_page.h"

#define COL_TAKEN	8
#define COL_ALLOWED	9
#define COL_PACE	10
#define COL_OPEN	11

#define CHART_ROWS	10		/* what fits a page of paper */

char *
report_duration(int64 seconds)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds >= 86400)
		return psprintf("%lld d %lld h", (long long) seconds / 86400, (long long) seconds % 86400 / 3600);
	if (seconds >= 3600)
		return psprintf("%lld h %lld min", (long long) seconds / 3600, (long long) seconds % 3600 / 60);
	if (seconds >= 60)
		return psprintf("%lld min", (long long) seconds / 60);
	return psprintf("%lld s", (long long) seconds);
}

static void
put_chart(StringInfo out)
{
	SvgChart	chart = {"disclosure", "Time to disclosure", "Time from discovery until each recipient was told; the line marks the deadline. The table below has the times."};
	ReportSink	sink = report_sink(out);
	int			n = (int) Min(SPI_processed, CHART_ROWS);
	SvgDeadline *bars = palloc0(sizeof(SvgDeadline) * Max(n, 1));

	for (int row = 0; row < n; row++)
	{
		char	   *recipient = report_value(row, 2);
		bool		open = strcmp(report_value(row, COL_OPEN), "t") == 0;

		bars[row].label = report_utf8(psprintf("%s: %s", report_value(row, 1), recipient ? recipient : "none"));
		bars[row].taken = report_int(row, COL_TAKEN);
		bars[row].allowed = report_int(row, COL_ALLOWED);
		bars[row].pace = report_int(row, COL_PACE) == 0 ? SVG_PACE_DONE : report_int(row, COL_PACE) == 1 ? SVG_PACE_LATE : SVG_PACE_OPEN;
		bars[row].note = open ? "not told" : report_duration(bars[row].taken);
	}
	svg_deadlines(&sink, &chart, bars, n);
	page_note(out, "Time from discovery until the recipient was told, or until now. The upright line marks the deadline.%s",
			  SPI_processed > CHART_ROWS ? " The newest are drawn; the table has more." : "");
}

void
page_disclosures(StringInfo out)
{
	static const char *const headings[] = {"Incident", "Recipient", "Class", "Discovered", "Due", "Disclosed", "Status", "Time taken"};
	static const char kinds[] = "nttttttt";

	put_chart(out);
	page_table_begin(out, "Deadlines", headings, lengthof(headings));
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		page_row_begin(out);
		for (int i = 0; i < lengthof(headings); i++)
		{
			char	   *value = report_value(row, i + 1);

			page_cell_begin(out, headings[i], kinds[i], i == 0);
			if (i == lengthof(headings) - 1)
				page_text(out, psprintf("%s of %s", report_duration(report_int(row, COL_TAKEN)), report_duration(report_int(row, COL_ALLOWED))));
			else if (value == NULL)
				appendStringInfoString(out, i == 5 ? "<span class=\"none\">not yet</span>" : "<span class=\"none\">none</span>");
			else if (i == 6)
				page_badge(out, value);
			else
				page_text(out, value);
			page_cell_end(out, i == 0);
		}
		page_row_end(out);
	}
	page_table_end(out);
}
