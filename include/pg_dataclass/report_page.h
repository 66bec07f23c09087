/*-------------------------------------------------------------------------
 *
 * report_page.h
 *		Pages of the HTML reports: frame, tables, facts, charts from queries.
 *
 * Texts of queries are in the encoding of the database and are escaped here;
 * headings and captions are ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_PAGE_H
#define PG_DATACLASS_REPORT_PAGE_H

#include "executor/spi.h"
#include "lib/stringinfo.h"

#include "pg_dataclass/report_event.h"
#include "pg_dataclass/report_svg.h"

extern const char report_style[];

/* A sink that appends to a StringInfo. */
extern ReportSink report_sink(StringInfo out);

/* Text of the database in UTF-8, or as it is where that is impossible; never raises. */
extern const char *report_utf8(const char *text);

extern void page_begin(StringInfo out, const char *title, const char *subtitle, const ReportSource *source);
extern void page_end(StringInfo out);

/* id: a plain word, for the heading */
extern void page_section(StringInfo out, const char *id, const char *heading);
extern void page_section_end(StringInfo out);
extern void page_note(StringInfo out, const char *format,...) pg_attribute_printf(2, 3);

extern void page_text(StringInfo out, const char *text);

/* A word in a frame, coloured by what it means. */
extern void page_badge(StringInfo out, const char *word);

/* Numbers that come first. */
extern void page_figures_begin(StringInfo out);
extern void page_figure(StringInfo out, const char *name, const char *value, const char *mood);
extern void page_figures_end(StringInfo out);

/* Name and value; NULL: "none" */
extern void page_facts_begin(StringInfo out);
extern void page_fact(StringInfo out, const char *name, const char *value);
extern void page_facts_end(StringInfo out);

/*
 * Cells are of kind t (text), n (number), m (code) or b (badge), one letter a
 * column; the first column names the row.
 */
extern void page_table_begin(StringInfo out, const char *caption, const char *const *headings, int n);
extern void page_row_begin(StringInfo out);
extern void page_cell_begin(StringInfo out, const char *heading, char kind, bool names_row);
extern void page_cell_end(StringInfo out, bool names_row);
extern void page_row_end(StringInfo out);
extern void page_table_end(StringInfo out);

/* All rows of the last query, whose first columns they are. */
extern void page_query_table(StringInfo out, const char *caption, const char *const *headings, const char *kinds);

/* One read-only query with the caller's rights and snapshot. */
extern void report_query(const char *query, int nargs, Oid *types, Datum *values);

/* Of the last query; NULL for NULL.  In the current memory context. */
extern char *report_value(uint64 row, int column);
extern int64 report_int(uint64 row, int column);

/* The first column as labels, the second as values; with a row left out of account, if there is one. */
extern SvgValue *report_svg_values(uint64 *n);

#endif							/* PG_DATACLASS_REPORT_PAGE_H */
