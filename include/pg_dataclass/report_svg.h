/*-------------------------------------------------------------------------
 *
 * report_svg.h
 *		Charts as inline SVG.  Pure.
 *
 * A chart names itself (role img, title, desc); numbers and colours come from
 * classes of the page's style sheet.  Texts of a caller are UTF-8 and are
 * escaped here.  Nothing depends on a locale.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_SVG_H
#define PG_DATACLASS_REPORT_SVG_H

#include "pg_dataclass/report_escape.h"

typedef struct SvgChart
{
	const char *id;				/* unique in the page, a plain word */
	const char *title;
	const char *desc;
} SvgChart;

/* Label and value; negative values count as 0. */
typedef struct SvgValue
{
	const char *label;
	int64_t		value;
} SvgValue;

/* Columns over time: labels of the first, middle and last one are shown. */
extern void svg_columns(const ReportSink *sink, const SvgChart *chart, const SvgValue *values, int n);

/* One bar each, with its label above it and its value behind. */
extern void svg_bars(const ReportSink *sink, const SvgChart *chart, const SvgValue *values, int n);

/* One bar of three parts each: in order, violated, unknown. */
typedef struct SvgParts
{
	const char *label;
	int64_t		part[3];
} SvgParts;

extern void svg_stacked(const ReportSink *sink, const SvgChart *chart, const char *const part_name[3],
						const SvgParts *values, int n);

/* Time taken against time allowed, in any unit; a mark where the time is over. */
typedef enum SvgPace
{
	SVG_PACE_DONE,
	SVG_PACE_LATE,
	SVG_PACE_OPEN
} SvgPace;

typedef struct SvgDeadline
{
	const char *label;
	const char *note;			/* shown behind the bar */
	int64_t		taken;
	int64_t		allowed;
	SvgPace		pace;
} SvgDeadline;

extern void svg_deadlines(const ReportSink *sink, const SvgChart *chart, const SvgDeadline *values, int n);

/* value of max as tenths of a length, rounded; 0 to length * 10, any input. */
extern int	svg_scale(int64_t value, int64_t max, int length);

/* Least of 1, 2, 5, 10, 20, ... that is not less than value. */
extern int64_t svg_axis_end(int64_t value);

#endif							/* PG_DATACLASS_REPORT_SVG_H */
