/*-------------------------------------------------------------------------
 *
 * fuzz_report.c
 *		Fuzz target of the escaping of reports: any bytes, in every context.
 *
 * Of what comes out no byte can end the context it is in, and taking it apart
 * again gives the bytes that went in.
 *
 * LINK: src/report/report_escape.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_escape.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	4096
#define MARK_MAX	48			/* bytes that one byte can become */

typedef struct Buffer
{
	char		data[INPUT_MAX * MARK_MAX + 1];
	size_t		len;
} Buffer;

static Buffer out;

static void
put(void *arg, const char *data, size_t len)
{
	FUZZ_CHECK(out.len + len < sizeof(out.data));
	memcpy(out.data + out.len, data, len);
	out.len += len;
	out.data[out.len] = '\0';
}

static const ReportSink sink = {put, NULL};

static size_t
put_utf8(uint32 code, unsigned char *to)
{
	if (code < 0x80)
	{
		to[0] = code;
		return 1;
	}
	if (code < 0x800)
	{
		to[0] = 0xc0 | (code >> 6);
		to[1] = 0x80 | (code & 0x3f);
		return 2;
	}
	if (code < 0x10000)
	{
		to[0] = 0xe0 | (code >> 12);
		to[1] = 0x80 | ((code >> 6) & 0x3f);
		to[2] = 0x80 | (code & 0x3f);
		return 3;
	}
	to[0] = 0xf0 | (code >> 18);
	to[1] = 0x80 | ((code >> 12) & 0x3f);
	to[2] = 0x80 | ((code >> 6) & 0x3f);
	to[3] = 0x80 | (code & 0x3f);
	return 4;
}

static bool
skip(const char **p, const char *prefix)
{
	size_t		len = strlen(prefix);

	if (strncmp(*p, prefix, len) != 0)
		return false;
	*p += len;
	return true;
}

/* Bytes behind one element of HTML or SVG text; any markup but our mark is a finding. */
static size_t
unescape_one(const char **p, const char *before, const char *after, unsigned char *to)
{
	char	   *end;
	size_t		len;

	if (skip(p, "&amp;"))
		return put_utf8('&', to);
	if (skip(p, "&lt;"))
		return put_utf8('<', to);
	if (skip(p, "&gt;"))
		return put_utf8('>', to);
	if (skip(p, "&quot;"))
		return put_utf8('"', to);
	if (skip(p, "&#x"))
	{
		len = put_utf8(strtoul(*p, &end, 16), to);
		FUZZ_CHECK(*end == ';');
		*p = end + 1;
		return len;
	}
	if (skip(p, before))
	{
		if (skip(p, "0x"))
		{
			to[0] = strtoul(*p, &end, 16);
			len = 1;
		}
		else
		{
			FUZZ_CHECK(skip(p, "U+"));
			len = put_utf8(strtoul(*p, &end, 16), to);
		}
		*p = end;
		FUZZ_CHECK(skip(p, after));
		return len;
	}
	FUZZ_CHECK(**p >= 0x20 && **p < 0x7f && strchr("<>\"'`&", **p) == NULL);
	to[0] = *(*p)++;
	return 1;
}

static void
check_page(ReportContext context, const char *before, const char *after, const char *copy, size_t size)
{
	static unsigned char back[INPUT_MAX + 4];
	size_t		len = 0;
	const char *p;

	out.len = 0;
	out.data[0] = '\0';
	report_escape(&sink, context, copy, size);
	for (p = out.data; *p;)
	{
		FUZZ_CHECK(len <= size);
		len += unescape_one(&p, before, after, back + len);
	}
	FUZZ_CHECK(len == size && memcmp(back, copy, size) == 0);
}

/* No line end, no field or key begins that was not there. */
static void
check_cef(const char *copy, size_t size)
{
	out.len = 0;
	report_cef_header(&sink, copy, size);
	for (size_t i = 0; i < out.len; i++)
	{
		FUZZ_CHECK((unsigned char) out.data[i] >= 0x20 && out.data[i] != 0x7f && out.data[i] != '|');
		if (out.data[i] == '\\')
		{
			i++;
			FUZZ_CHECK(i < out.len && (out.data[i] == '\\' || out.data[i] == '|'));
		}
	}
	out.len = 0;
	report_cef_value(&sink, copy, size);
	for (size_t i = 0; i < out.len; i++)
	{
		FUZZ_CHECK((unsigned char) out.data[i] >= 0x20 && out.data[i] != 0x7f && out.data[i] != '=');
		if (out.data[i] == '\\')
		{
			i++;
			FUZZ_CHECK(i < out.len && memchr("\\=nr", out.data[i], 4) != NULL);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy;

	if (size > INPUT_MAX)
		return 0;
	/* nothing behind it, so that a sanitizer sees every step too far */
	copy = malloc(size > 0 ? size : 1);
	memcpy(copy, data, size);
	check_page(REPORT_TEXT, "<span class=\"u\">", "</span>", copy, size);
	check_page(REPORT_SVG, "<tspan class=\"u\">", "</tspan>", copy, size);
	/* the mark of an attribute may be in the text: only that it cannot end it */
	out.len = 0;
	report_escape(&sink, REPORT_ATTRIBUTE, copy, size);
	for (size_t i = 0; i < out.len; i++)
		FUZZ_CHECK(out.data[i] >= 0x20 && out.data[i] < 0x7f && strchr("<>\"'`", out.data[i]) == NULL);
	for (size_t width = 0; width < 12; width++)
	{
		size_t		clipped = report_clip(copy, size, width);

		FUZZ_CHECK(clipped <= size && clipped <= width * 4);
	}
	check_cef(copy, size);
	free(copy);
	return 0;
}
