/*-------------------------------------------------------------------------
 *
 * unit_report_svg.c
 *		Charts: scales, texts, and that every element is closed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <locale.h>

#include "pg_dataclass/report_svg.h"
#include "tap.h"
#include "report_sink.h"

static TestBuffer buffer;
static const SvgChart chart = {"c", "Title <1>", "Desc \"2\" & 3"};

static bool
has(const char *what)
{
	return strstr(buffer.data, what) != NULL;
}

static int
count(const char *what)
{
	int			n = 0;

	for (const char *p = buffer.data; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

/* Every element that is opened is closed in order; attributes are quoted. */
static bool
well_formed(void)
{
	char		open[64][16];
	int			depth = 0;

	for (const char *p = strchr(buffer.data, '<'); p != NULL; p = strchr(p, '<'))
	{
		const char *end = strchr(p, '>');
		size_t		len = end ? strcspn(p + (p[1] == '/' ? 2 : 1), " >/") : 0;

		if (end == NULL || len == 0 || len >= 16 || depth >= 64)
			return false;
		if (p[1] == '/')
		{
			if (depth == 0 || strlen(open[depth - 1]) != len || strncmp(open[--depth], p + 2, len) != 0)
				return false;
		}
		else if (end[-1] != '/')
		{
			memcpy(open[depth], p + 1, len);
			open[depth++][len] = '\0';
		}
		p = end;
	}
	return depth == 0;
}

static void
test_scale(void)
{
	tap_is_int(svg_scale(0, 10, 100), 0, "nothing");
	tap_is_int(svg_scale(5, 10, 100), 500, "half");
	tap_is_int(svg_scale(10, 10, 100), 1000, "all");
	tap_is_int(svg_scale(20, 10, 100), 1000, "no more than all");
	tap_is_int(svg_scale(-3, 10, 100), 0, "no less than nothing");
	tap_is_int(svg_scale(1, 0, 100), 0, "of nothing");
	tap_is_int(svg_scale(1, 3, 100), 333, "rounded down");
	tap_is_int(svg_scale(2, 3, 100), 667, "rounded up");
	tap_is_int(svg_scale(PG_INT64_MAX, PG_INT64_MAX, 330), 3300, "the largest number");
	tap_is_int(svg_scale(PG_INT64_MAX / 2, PG_INT64_MAX, 330), 1650, "half of it");
	tap_is_int(svg_axis_end(0), 1, "axis of nothing");
	tap_is_int(svg_axis_end(3), 5, "axis to 5");
	tap_is_int(svg_axis_end(5), 5, "axis to what is there");
	tap_is_int(svg_axis_end(11), 20, "axis to 20");
	tap_is_int(svg_axis_end(51), 100, "axis to 100");
	tap_is_int(svg_axis_end(PG_INT64_MAX), PG_INT64_MAX, "axis to the largest number");
}

static void
test_columns(void)
{
	SvgValue	values[] = {{"Jan", 3}, {"Feb", 0}, {"M<r>", -1}, {"Apr", 10}, {"May", 5}};
	ReportSink	sink = test_sink(&buffer);

	svg_columns(&sink, &chart, values, 5);
	tap_ok(well_formed(), "columns: well formed");
	tap_ok(has("<title id=\"c-t\">Title &lt;1&gt;</title><desc id=\"c-d\">Desc &quot;2&quot; &amp; 3</desc>"), "columns: title and description, escaped");
	tap_ok(has("role=\"img\" aria-labelledby=\"c-t c-d\""), "columns: an image with a name");
	tap_is_int(count("class=\"bad\""), 3, "columns: none for nothing");
	tap_ok(has("height=\"140\"") && has("height=\"70\"") && has("height=\"42\""), "columns: heights in proportion");
	tap_ok(has(">Jan<") && has(">M&lt;r&gt;<") && has(">May<"), "columns: first, middle and last label");

	sink = test_sink(&buffer);
	svg_columns(&sink, &chart, values, 0);
	tap_ok(well_formed() && count("class=\"bad\"") == 0, "columns: none at all");
}

static void
test_bars(void)
{
	SvgValue	values[] = {{"one", 10}, {"</text><script>x</script>", 5}, {"none", 0}, {NULL, 1}};
	char		label[400];
	ReportSink	sink = test_sink(&buffer);

	memset(label, 'W', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	values[3].label = label;
	svg_bars(&sink, &chart, values, 4);
	tap_ok(well_formed(), "bars: well formed");
	tap_is_int(count("<script"), 0, "bars: labels are text");
	tap_is_int(count("class=\"bad\""), 3, "bars: none for nothing");
	tap_ok(has("width=\"165\""), "bars: half the value is half the length");
	tap_ok(has("WW&#x2026;</text>") && count("W") < 100, "bars: long labels are cut");
}

static void
test_parts(void)
{
	static const char *const names[3] = {"good", "bad", "unknown"};
	SvgParts	values[] = {{"a", {1, 1, 0}}, {"b", {0, 0, 0}}, {"c", {PG_INT64_MAX, PG_INT64_MAX, PG_INT64_MAX}}, {"d", {-1, 0, 2}}};
	ReportSink	sink = test_sink(&buffer);

	svg_stacked(&sink, &chart, names, values, 4);
	tap_ok(well_formed(), "parts: well formed");
	tap_ok(has(">1/1/0<") && has(">0/0/0<") && has(">0/0/2<"), "parts: numbers beside the bars");
	tap_is_int(count("width=\"165\""), 2, "parts: two halves");
	tap_is_int(count("width=\"110\""), 3, "parts: three thirds, of numbers that no sum can hold");
	tap_ok(!has("=\"-"), "parts: no length is negative");
}

static void
test_deadlines(void)
{
	SvgDeadline values[] = {{"1: a", "2 h", 7200, 14400, SVG_PACE_DONE}, {"2: b", "6 h", 21600, 14400, SVG_PACE_LATE}, {"3: c", "open", 0, 0, SVG_PACE_OPEN}};
	ReportSink	sink = test_sink(&buffer);

	svg_deadlines(&sink, &chart, values, 3);
	tap_ok(well_formed(), "deadlines: well formed");
	tap_ok(has("<rect class=\"good\" x=\"0\" y=\"45\" width=\"110\""), "deadlines: a third of the longest");
	tap_ok(has("<rect class=\"bad\" x=\"0\" y=\"83\" width=\"330\""), "deadlines: the longest");
	tap_is_int(count("class=\"limit\" x1=\"220\""), 2, "deadlines: where the time is over");
}

int
main(void)
{
	/* numbers of a locale with a decimal comma, where there is one */
	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
		setlocale(LC_ALL, "");
	test_scale();
	test_columns();
	test_bars();
	test_parts();
	test_deadlines();
	return tap_done();
}
