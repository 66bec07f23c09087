/*-------------------------------------------------------------------------
 *
 * unit_report_escape.c
 *		Escaping of foreign text for HTML, SVG and CEF.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "tap.h"
#include "report_sink.h"

static TestBuffer buffer;

static void
is_page(ReportContext context, const char *input, const char *expected, const char *name)
{
	ReportSink	sink = test_sink(&buffer);

	report_escape(&sink, context, input, strlen(input));
	tap_is_string(buffer.data, expected, name);
}

static void
is_cef(bool header, const char *input, const char *expected, const char *name)
{
	ReportSink	sink = test_sink(&buffer);

	if (header)
		report_cef_header(&sink, input, strlen(input));
	else
		report_cef_value(&sink, input, strlen(input));
	tap_is_string(buffer.data, expected, name);
}

static void
is_int(int64_t value, const char *expected)
{
	ReportSink	sink = test_sink(&buffer);

	report_put_int(&sink, value);
	tap_is_string(buffer.data, expected, expected);
}

static void
test_pages(void)
{
	ReportSink	sink;

	is_page(REPORT_TEXT, "", "", "nothing");
	is_page(REPORT_TEXT, "plain text, 123", "plain text, 123", "what is harmless stays");
	is_page(REPORT_TEXT, "<script>alert('1')</script>", "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;", "an element");
	is_page(REPORT_ATTRIBUTE, "\" onload=\"x", "&quot; onload=&quot;x", "a quote in an attribute");
	is_page(REPORT_ATTRIBUTE, "`'", "&#x60;&#x27;", "other quotes");
	is_page(REPORT_SVG, "]]></style>-->", "]]&gt;&lt;/style&gt;--&gt;", "ends of other contexts");
	is_page(REPORT_TEXT, "&amp;&#60;", "&amp;amp;&amp;#60;", "references are shown as they were written");
	is_page(REPORT_TEXT, "\xd9\xbe\xd8\xa7\xda\xa9", "&#x67E;&#x627;&#x6A9;", "Urdu by number");
	is_page(REPORT_TEXT, "\xf0\x9f\x94\x92", "&#x1F512;", "four bytes");
	is_page(REPORT_TEXT, "a\nb\tc", "a<span class=\"u\">U+000A</span>b<span class=\"u\">U+0009</span>c", "controls are shown");
	is_page(REPORT_SVG, "\x1b[0m", "<tspan class=\"u\">U+001B</tspan>[0m", "in a chart");
	is_page(REPORT_ATTRIBUTE, "\x7f", "[U+007F]", "in an attribute");
	is_page(REPORT_TEXT, "\xe2\x80\xae" "gpj", "<span class=\"u\">U+202E</span>gpj", "right-to-left override");
	is_page(REPORT_TEXT, "\xe2\x81\xa6\xe2\x80\x8b", "<span class=\"u\">U+2066</span><span class=\"u\">U+200B</span>", "isolate, zero width space");
	is_page(REPORT_TEXT, "\xf3\xa0\x81\xa1", "<span class=\"u\">U+E0061</span>", "a tag");
	is_page(REPORT_TEXT, "\xc2\x85\xef\xbb\xbf", "<span class=\"u\">U+0085</span><span class=\"u\">U+FEFF</span>", "next line, byte order mark");
	is_page(REPORT_TEXT, "\xff", "<span class=\"u\">0xFF</span>", "no UTF-8");
	is_page(REPORT_TEXT, "\xc0\xbc", "<span class=\"u\">0xC0</span><span class=\"u\">0xBC</span>", "overlong less-than");
	is_page(REPORT_TEXT, "\xe2\x80", "<span class=\"u\">0xE2</span><span class=\"u\">0x80</span>", "cut short");
	is_page(REPORT_TEXT, "\xed\xa0\x80", "<span class=\"u\">0xED</span><span class=\"u\">0xA0</span><span class=\"u\">0x80</span>", "a surrogate");
	is_page(REPORT_TEXT, "\xf4\x90\x80\x80<", "<span class=\"u\">0xF4</span><span class=\"u\">0x90</span><span class=\"u\">0x80</span><span class=\"u\">0x80</span>&lt;",
			"over the last character, and what follows");
	is_page(REPORT_TEXT, "\xe2<b>", "<span class=\"u\">0xE2</span>&lt;b&gt;", "a broken character swallows nothing");
	is_page(REPORT_TEXT, "\xef\xbf\xbe", "<span class=\"u\">U+FFFE</span>", "a noncharacter");

	sink = test_sink(&buffer);
	report_escape(&sink, REPORT_TEXT, "a\0b", 3);
	tap_is_string(buffer.data, "a<span class=\"u\">U+0000</span>b", "a zero byte");
}

static void
test_clip(void)
{
	tap_is_int(report_clip("abc", 3, 10), 3, "short texts stay whole");
	tap_is_int(report_clip("abcdef", 6, 4), 4, "long ones are cut");
	tap_is_int(report_clip("\xd9\xbe\xd8\xa7", 4, 1), 2, "between characters");
	tap_is_int(report_clip("\xf0\x9f\x94\x92x", 5, 1), 0, "wide characters count twice");
	tap_is_int(report_clip("\xe2\x80\xae" "x", 4, 6), 3, "those shown by number for their number");
	tap_is_int(report_clip("\xff\xff", 2, 4), 1, "bytes that are none likewise");
}

static void
test_cef(void)
{
	is_cef(true, "a|b\\c=d", "a\\|b\\\\c=d", "header: pipe and backslash, no equals sign");
	is_cef(true, "a\nb\rc", "a b c", "header: line ends");
	is_cef(false, "a|b\\c=d", "a|b\\\\c\\=d", "value: backslash and equals sign, no pipe");
	is_cef(false, "a\nb\r\nc", "a\\nb\\r\\nc", "value: line ends");
	is_cef(false, "\\n", "\\\\n", "value: a backslash and an n are not a line end");
	is_cef(false, "x\x1b[2J\x7f", "x\\\\x1B[2J\\\\x7F", "value: other controls");
	is_cef(true, "x\x01", "x\\\\x01", "header: other controls");
	is_cef(false, "\xd9\xbe \xff", "\xd9\xbe \xff", "value: other bytes stay");
}

static void
test_numbers(void)
{
	is_int(0, "0");
	is_int(-7, "-7");
	is_int(INT64_MAX, "9223372036854775807");
	is_int(INT64_MIN, "-9223372036854775808");
}

int
main(void)
{
	test_pages();
	test_clip();
	test_cef();
	test_numbers();
	return tap_done();
}
