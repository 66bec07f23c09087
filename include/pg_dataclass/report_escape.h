/*-------------------------------------------------------------------------
 *
 * report_escape.h
 *		Foreign text made harmless for the formats of the reports.  Pure.
 *
 * Role names, application names, statements: whoever is reported on chooses
 * them.  All output goes to a sink, so that the modules below the SQL level
 * need neither memory nor a server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_ESCAPE_H
#define PG_DATACLASS_REPORT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ReportSink
{
	void		(*put) (void *arg, const char *data, size_t len);
	void	   *arg;
} ReportSink;

/* Where in a page a text goes: each marks hidden characters in its own way. */
typedef enum ReportContext
{
	REPORT_TEXT,				/* content of an HTML element */
	REPORT_ATTRIBUTE,			/* between double quotes */
	REPORT_SVG					/* content of an SVG text element */
} ReportContext;

/* Finished text of ours. */
extern void report_puts(const ReportSink *sink, const char *text);
extern void report_put_int(const ReportSink *sink, int64_t value);

/*
 * UTF-8 text for a page, in ASCII alone: other characters as numeric
 * references.  Characters that are not seen or turn others around (controls,
 * bidirectional and zero-width ones, tags) and bytes that are no UTF-8 are
 * shown by their number.
 */
extern void report_escape(const ReportSink *sink, ReportContext context, const char *utf8, size_t len);

/*
 * Bytes of the first characters of a text that together are at most `width`
 * wide, where what report_escape() shows by its number is as wide as that.
 */
extern size_t report_clip(const char *utf8, size_t len, size_t width);

/*
 * Fields of CEF: of the header, and values of the extension.  Line ends are
 * \n and \r in a value, a space in the header; other controls are \xHH.  The
 * text may be in any encoding that a server can have.
 */
extern void report_cef_header(const ReportSink *sink, const char *text, size_t len);
extern void report_cef_value(const ReportSink *sink, const char *text, size_t len);

#endif							/* PG_DATACLASS_REPORT_ESCAPE_H */
