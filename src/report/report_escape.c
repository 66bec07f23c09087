/*-------------------------------------------------------------------------
 *
 * report_escape.c
 *		Escaping for HTML, SVG and CEF.
 *
 * Pure: no allocation, no errors, every byte sequence is accepted.  What a
 * page shows must be what the record holds, so nothing is dropped: a character
 * that a reader would not see is shown by its number.
 *
 * Pages are ASCII, so that they read the same whatever the encoding of the
 * database and whatever a web server says of theirs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_escape.h"

#define INVALID_BYTE	0x80000000u /* with the byte: not a character */

typedef struct CodeRange
{
	uint32		first;
	uint32		last;
} CodeRange;

/* Not seen, or changing how others are seen.  In order. */
static const CodeRange hidden_ranges[] = {
	{0x0000, 0x001f},			/* C0 controls */
	{0x007f, 0x009f},			/* DEL, C1 controls */
	{0x00ad, 0x00ad},			/* soft hyphen */
	{0x034f, 0x034f},			/* combining grapheme joiner */
	{0x061c, 0x061c},			/* Arabic letter mark */
	{0x115f, 0x1160},			/* Hangul fillers */
	{0x17b4, 0x17b5},			/* Khmer inherent vowels */
	{0x180b, 0x180f},			/* Mongolian selectors */
	{0x2000, 0x200f},			/* spaces of other widths, zero width, direction marks */
	{0x2028, 0x202f},			/* separators, embeddings and overrides */
	{0x205f, 0x206f},			/* invisible operators, isolates */
	{0x2800, 0x2800},			/* Braille blank */
	{0x3164, 0x3164},			/* Hangul filler */
	{0xd800, 0xdfff},			/* surrogates */
	{0xfdd0, 0xfdef},			/* noncharacters */
	{0xfe00, 0xfe0e},			/* variation selectors, but for that of emoji */
	{0xfeff, 0xfeff},			/* zero width no-break space */
	{0xffa0, 0xffa0},			/* half width Hangul filler */
	{0xfff0, 0xfffb},			/* interlinear annotation */
	{0xfffe, 0xffff},
	{0x1bca0, 0x1bca3},			/* shorthand controls */
	{0x1d173, 0x1d17a},			/* musical controls */
	{0xe0000, 0xe0fff}			/* tags, more variation selectors */
};

static bool
is_hidden(uint32 code)
{
	for (int i = 0; i < (int) (sizeof(hidden_ranges) / sizeof(hidden_ranges[0])); i++)
	{
		if (code < hidden_ranges[i].first)
			return false;
		if (code <= hidden_ranges[i].last)
			return true;
	}
	return (code & INVALID_BYTE) != 0 || (code & 0xfffe) == 0xfffe;
}

/* The next character; a byte that belongs to none comes with INVALID_BYTE. */
static uint32
next_code(const char *utf8, size_t len, size_t *used)
{
	const unsigned char *s = (const unsigned char *) utf8;
	uint32		code;
	uint32		least;
	size_t		n;

	*used = 1;
	if (s[0] < 0x80)
		return s[0];
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2, code = s[0] & 0x1f, least = 0x80;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3, code = s[0] & 0x0f, least = 0x800;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4, code = s[0] & 0x07, least = 0x10000;
	else
		return INVALID_BYTE | s[0];
	if (n > len)
		return INVALID_BYTE | s[0];
	for (size_t i = 1; i < n; i++)
	{
		if ((s[i] & 0xc0) != 0x80)
			return INVALID_BYTE | s[0];
		code = (code << 6) | (s[i] & 0x3f);
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return INVALID_BYTE | s[0];
	*used = n;
	return code;
}

void
report_puts(const ReportSink *sink, const char *text)
{
	sink->put(sink->arg, text, strlen(text));
}

void
report_put_int(const ReportSink *sink, int64_t value)
{
	char		digits[24];
	char	   *p = digits + sizeof(digits);
	uint64		rest = value < 0 ? (uint64) 0 - (uint64) value : (uint64) value;

	do
	{
		*--p = (char) ('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--p = '-';
	sink->put(sink->arg, p, digits + sizeof(digits) - p);
}

/* At least `least` upper-case digits. */
static void
put_hex(const ReportSink *sink, uint32 value, int least)
{
	char		digits[8];
	int			n = 0;

	do
	{
		digits[7 - n++] = "0123456789ABCDEF"[value & 0xf];
		value >>= 4;
	} while (value > 0 || n < least);
	sink->put(sink->arg, digits + 8 - n, n);
}

static void
put_by_number(const ReportSink *sink, ReportContext context, uint32 code)
{
	static const char *const before[] = {"<span class=\"u\">", "[", "<tspan class=\"u\">"};
	static const char *const after[] = {"</span>", "]", "</tspan>"};

	report_puts(sink, before[context]);
	if (code & INVALID_BYTE)
	{
		report_puts(sink, "0x");
		put_hex(sink, code & 0xff, 2);
	}
	else
	{
		report_puts(sink, "U+");
		put_hex(sink, code, 4);
	}
	report_puts(sink, after[context]);
}

void
report_escape(const ReportSink *sink, ReportContext context, const char *utf8, size_t len)
{
	size_t		used;

	for (size_t at = 0; at < len; at += used)
	{
		uint32		code = next_code(utf8 + at, len - at, &used);

		if (is_hidden(code))
			put_by_number(sink, context, code);
		else if (code == '&')
			report_puts(sink, "&amp;");
		else if (code == '<')
			report_puts(sink, "&lt;");
		else if (code == '>')
			report_puts(sink, "&gt;");
		else if (code == '"')
			report_puts(sink, "&quot;");
		else if (code == '\'' || code == '`' || code >= 0x80)
		{
			report_puts(sink, "&#x");
			put_hex(sink, code, 1);
			report_puts(sink, ";");
		}
		else
			sink->put(sink->arg, utf8 + at, 1);
	}
}

/* Columns that a character takes in a chart, roughly. */
static size_t
code_width(uint32 code)
{
	if (code & INVALID_BYTE)
		return 4;
	if (is_hidden(code))
		return code > 0xffff ? 8 : 6;
	/* East Asian scripts, emoji */
	return code >= 0x1100 ? 2 : 1;
}

size_t
report_clip(const char *utf8, size_t len, size_t width)
{
	size_t		at = 0;
	size_t		used;

	while (at < len)
	{
		size_t		need = code_width(next_code(utf8 + at, len - at, &used));

		if (need > width)
			break;
		width -= need;
		at += used;
	}
	return at;
}

/* A control by its number; as one that the extension's own escaping leaves alone. */
static void
put_cef_control(const ReportSink *sink, unsigned char c)
{
	report_puts(sink, "\\\\x");
	put_hex(sink, c, 2);
}

void
report_cef_header(const ReportSink *sink, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = text[i];

		if (c == '\\' || c == '|')
			report_puts(sink, "\\");
		if (c == '\n' || c == '\r')
			report_puts(sink, " ");
		else if (c < 0x20 || c == 0x7f)
			put_cef_control(sink, c);
		else
			sink->put(sink->arg, text + i, 1);
	}
}

void
report_cef_value(const ReportSink *sink, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = text[i];

		if (c == '\n')
			report_puts(sink, "\\n");
		else if (c == '\r')
			report_puts(sink, "\\r");
		else if (c < 0x20 || c == 0x7f)
			put_cef_control(sink, c);
		else
		{
			if (c == '\\' || c == '=')
				report_puts(sink, "\\");
			sink->put(sink->arg, text + i, 1);
		}
	}
}
