/*-------------------------------------------------------------------------
 *
 * result_row.h
 *		Values of a row that a set-returning function gives.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_RESULT_ROW_H
#define PG_DATACLASS_RESULT_ROW_H

#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* text NULL: null */
static inline void
row_set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* time 0: null */
static inline void
row_set_time(Datum *values, bool *nulls, int column, TimestampTz time)
{
	nulls[column] = time == 0;
	values[column] = TimestampTzGetDatum(time);
}

#endif							/* PG_DATACLASS_RESULT_ROW_H */
