/*-------------------------------------------------------------------------
 *
 * report_svg.c
 *		Charts as inline SVG: columns, bars, parts of a whole, deadlines.
 *
 * Pure.  A chart is 400 units wide, so that its text of 12 or 13 units can be
 * read on a phone as well as in print.  Lengths are integers of tenths of a
 * unit.  Colour is never alone in telling something: each bar has its value,
 * each part its name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_svg.h"

#define CHART_WIDTH		400
#define LABEL_WIDTH		46		/* characters of a label */
#define COLUMNS_TOP		22
#define COLUMNS_HEIGHT	140
#define COLUMNS_LEFT	46
#define BAR_ROW			38
#define BAR_WIDTH		330
#define LEGEND_HEIGHT	26

static void
put_tenths(const ReportSink *sink, int tenths)
{
	report_put_int(sink, tenths / 10);
	if (tenths % 10 != 0)
	{
		report_puts(sink, ".");
		report_put_int(sink, tenths % 10);
	}
}

/* name="value" */
static void
put_length(const ReportSink *sink, const char *name, int tenths)
{
	report_puts(sink, " ");
	report_puts(sink, name);
	report_puts(sink, "=\"");
	put_tenths(sink, tenths);
	report_puts(sink, "\"");
}

static void
put_rect(const ReportSink *sink, const char *class, int x, int y, int width, int height)
{
	report_puts(sink, "<rect class=\"");
	report_puts(sink, class);
	report_puts(sink, "\"");
	put_length(sink, "x", x);
	put_length(sink, "y", y);
	put_length(sink, "width", width);
	put_length(sink, "height", height);
	report_puts(sink, "/>");
}

static void
put_line(const ReportSink *sink, const char *class, int x1, int y1, int x2, int y2)
{
	report_puts(sink, "<line class=\"");
	report_puts(sink, class);
	report_puts(sink, "\"");
	put_length(sink, "x1", x1);
	put_length(sink, "y1", y1);
	put_length(sink, "x2", x2);
	put_length(sink, "y2", y2);
	report_puts(sink, "/>");
}

static void
begin_text(const ReportSink *sink, const char *class, int x, int y, const char *anchor)
{
	report_puts(sink, "<text class=\"");
	report_puts(sink, class);
	report_puts(sink, "\"");
	put_length(sink, "x", x);
	put_length(sink, "y", y);
	report_puts(sink, " text-anchor=\"");
	report_puts(sink, anchor);
	report_puts(sink, "\">");
}

static void
put_label(const ReportSink *sink, const char *label, size_t width)
{
	size_t		len = strlen(label);
	size_t		clipped = report_clip(label, len, width);

	report_escape(sink, REPORT_SVG, label, clipped);
	if (clipped < len)
		report_puts(sink, "&#x2026;");
}

static void
put_text(const ReportSink *sink, const char *class, int x, int y, const char *anchor, const char *text)
{
	begin_text(sink, class, x, y, anchor);
	put_label(sink, text, LABEL_WIDTH);
	report_puts(sink, "</text>");
}

static void
put_count(const ReportSink *sink, const char *class, int x, int y, const char *anchor, int64_t count)
{
	begin_text(sink, class, x, y, anchor);
	report_put_int(sink, count);
	report_puts(sink, "</text>");
}

static void
begin_chart(const ReportSink *sink, const SvgChart *chart, int height)
{
	report_puts(sink, "<svg class=\"chart\" role=\"img\" aria-labelledby=\"");
	report_puts(sink, chart->id);
	report_puts(sink, "-t ");
	report_puts(sink, chart->id);
	report_puts(sink, "-d\" viewBox=\"0 0 ");
	report_put_int(sink, CHART_WIDTH);
	report_puts(sink, " ");
	report_put_int(sink, height);
	report_puts(sink, "\" xmlns=\"http://www.w3.org/2000/svg\"><title id=\"");
	report_puts(sink, chart->id);
	report_puts(sink, "-t\">");
	report_escape(sink, REPORT_ATTRIBUTE, chart->title, strlen(chart->title));
	report_puts(sink, "</title><desc id=\"");
	report_puts(sink, chart->id);
	report_puts(sink, "-d\">");
	report_escape(sink, REPORT_ATTRIBUTE, chart->desc, strlen(chart->desc));
	report_puts(sink, "</desc>");
}

static void
end_chart(const ReportSink *sink)
{
	report_puts(sink, "</svg>\n");
}

int
svg_scale(int64_t value, int64_t max, int length)
{
	if (value <= 0 || max <= 0 || length <= 0)
		return 0;
	if (value > max)
		value = max;
	while (max > INT64CONST(1000000000000))
	{
		max /= 2;
		value /= 2;
	}
	return (int) ((value * length * 20 / max + 1) / 2);
}

int64_t
svg_axis_end(int64_t value)
{
	int64_t		end = 1;

	while (end < value)
	{
		if (end > PG_INT64_MAX / 10)
			return PG_INT64_MAX;
		if (2 * end >= value)
			return 2 * end;
		if (5 * end >= value)
			return 5 * end;
		end *= 10;
	}
	return end;
}

static void
put_axis(const ReportSink *sink, int64_t end)
{
	int			bottom = (COLUMNS_TOP + COLUMNS_HEIGHT) * 10;

	for (int i = 0; i <= 2; i++)
	{
		int			y = bottom - i * COLUMNS_HEIGHT * 5;

		/* half of an odd number is no count */
		if (i == 1 && end % 2 != 0)
			continue;
		put_line(sink, i == 0 ? "axis" : "grid", COLUMNS_LEFT * 10, y, CHART_WIDTH * 10, y);
		put_count(sink, "num", (COLUMNS_LEFT - 6) * 10, y + 40, "end", i == 2 ? end : i * (end / 2));
	}
}

void
svg_columns(const ReportSink *sink, const SvgChart *chart, const SvgValue *values, int n)
{
	int			bottom = (COLUMNS_TOP + COLUMNS_HEIGHT) * 10;
	int			width = (CHART_WIDTH - COLUMNS_LEFT) * 10;
	int64_t		max = 0;
	int64_t		end;

	for (int i = 0; i < n; i++)
	{
		if (values[i].value > max)
			max = values[i].value;
	}
	end = svg_axis_end(max);
	begin_chart(sink, chart, COLUMNS_TOP + COLUMNS_HEIGHT + 28);
	put_axis(sink, end);
	for (int i = 0; i < n; i++)
	{
		int			left = COLUMNS_LEFT * 10 + (int) ((int64_t) width * i / n);
		int			right = COLUMNS_LEFT * 10 + (int) ((int64_t) width * (i + 1) / n);
		int			gap = (right - left) / 5;
		int			height = svg_scale(values[i].value, end, COLUMNS_HEIGHT);

		if (values[i].value <= 0)
			continue;
		/* one among thousands is seen all the same */
		if (height < 20)
			height = 20;
		put_rect(sink, "bad", left + gap / 2, bottom - height, right - left - gap, height);
	}
	if (n > 0)
		put_text(sink, "lab", COLUMNS_LEFT * 10, bottom + 200, "start", values[0].label);
	if (n > 4)
		put_text(sink, "lab", COLUMNS_LEFT * 10 + width / 2, bottom + 200, "middle", values[n / 2].label);
	if (n > 1)
		put_text(sink, "lab", CHART_WIDTH * 10, bottom + 200, "end", values[n - 1].label);
	end_chart(sink);
}

void
svg_bars(const ReportSink *sink, const SvgChart *chart, const SvgValue *values, int n)
{
	int64_t		max = 1;

	for (int i = 0; i < n; i++)
	{
		if (values[i].value > max)
			max = values[i].value;
	}
	begin_chart(sink, chart, n * BAR_ROW + 4);
	for (int i = 0; i < n; i++)
	{
		int			y = i * BAR_ROW * 10;
		int			length = svg_scale(values[i].value, max, BAR_WIDTH);

		put_text(sink, "lab", 0, y + 140, "start", values[i].label);
		put_rect(sink, "track", 0, y + 190, BAR_WIDTH * 10, 120);
		if (values[i].value > 0)
			put_rect(sink, "bad", 0, y + 190, length < 20 ? 20 : length, 120);
		put_count(sink, "num", CHART_WIDTH * 10, y + 300, "end", values[i].value > 0 ? values[i].value : 0);
	}
	end_chart(sink);
}

/* Names of the parts, each behind a square of its colour. */
static void
put_legend(const ReportSink *sink, const char *const name[3], const char *const class[3])
{
	for (int i = 0; i < 3; i++)
	{
		int			x = i * 1330;

		put_rect(sink, class[i], x, 20, 120, 120);
		put_text(sink, "lab", x + 180, 130, "start", name[i]);
	}
}

void
svg_stacked(const ReportSink *sink, const SvgChart *chart, const char *const part_name[3],
			const SvgParts *values, int n)
{
	static const char *const class[3] = {"good", "bad", "open"};

	begin_chart(sink, chart, LEGEND_HEIGHT + n * BAR_ROW + 4);
	put_legend(sink, part_name, class);
	for (int i = 0; i < n; i++)
	{
		int			y = (LEGEND_HEIGHT + i * BAR_ROW) * 10;
		int			x = 0;
		int64_t		part[3];
		int64_t		total = 0;

		for (int p = 0; p < 3; p++)
		{
			/* no relations in numbers that could overflow the sum */
			part[p] = values[i].part[p] < 0 ? 0 : Min(values[i].part[p], PG_INT64_MAX / 4);
			total += part[p];
		}
		put_text(sink, "lab", 0, y + 140, "start", values[i].label);
		put_rect(sink, "track", 0, y + 190, BAR_WIDTH * 10, 120);
		for (int p = 0; p < 3; p++)
		{
			int			length = svg_scale(part[p], total, BAR_WIDTH);

			if (part[p] == 0)
				continue;
			put_rect(sink, class[p], x, y + 190, Min(length, BAR_WIDTH * 10 - x), 120);
			x = Min(x + length, BAR_WIDTH * 10);
		}
		begin_text(sink, "num", CHART_WIDTH * 10, y + 300, "end");
		for (int p = 0; p < 3; p++)
		{
			report_puts(sink, p > 0 ? "/" : "");
			report_put_int(sink, part[p]);
		}
		report_puts(sink, "</text>");
	}
	end_chart(sink);
}

void
svg_deadlines(const ReportSink *sink, const SvgChart *chart, const SvgDeadline *values, int n)
{
	static const char *const class[] = {"good", "bad", "open"};
	static const char *const legend_name[3] = {"told in time", "too late", "not told yet"};
	int64_t		max = 1;

	for (int i = 0; i < n; i++)
		max = Max(max, Max(values[i].taken, values[i].allowed));
	begin_chart(sink, chart, LEGEND_HEIGHT + n * BAR_ROW + 4);
	put_legend(sink, legend_name, class);
	for (int i = 0; i < n; i++)
	{
		int			y = (LEGEND_HEIGHT + i * BAR_ROW) * 10;
		int			length = svg_scale(values[i].taken, max, BAR_WIDTH);
		int			limit = svg_scale(values[i].allowed, max, BAR_WIDTH);

		put_text(sink, "lab", 0, y + 140, "start", values[i].label);
		put_rect(sink, "track", 0, y + 190, BAR_WIDTH * 10, 120);
		put_rect(sink, class[values[i].pace], 0, y + 190, length < 20 ? 20 : length, 120);
		put_line(sink, "limit", limit, y + 160, limit, y + 340);
		put_text(sink, "num", CHART_WIDTH * 10, y + 300, "end", values[i].note);
	}
	end_chart(sink);
}
