/*-------------------------------------------------------------------------
 *
 * rowfilter.h
 *		Row label checks: the functions that the hooks put into queries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ROWFILTER_H
#define PG_DATACLASS_ROWFILTER_H

#include "pg_dataclass/resolve.h"
#include "pg_dataclass/subject.h"

typedef enum RowCheckKind
{
	ROW_CHECK_NEW,				/* a row about to be stored */
	ROW_CHECK_EXISTING			/* a stored row that a command would change or remove */
} RowCheckKind;

typedef enum RowFunction
{
	ROW_FUNCTION_VISIBLE,		/* row_visible(label): the filter */
	ROW_FUNCTION_CHECK,			/* row_check(label, oid, int4): true, or raises */
	ROW_FUNCTION_RELABEL,		/* row_relabel(old, new, oid): new, or raises */
	ROW_FUNCTION_STATISTICS,	/* statistics_visible(oid, int2): rows of pg_statistic */
	ROW_FUNCTION_STATISTICS_EXT /* statistics_ext_visible(oid): rows of pg_statistic_ext_data */
} RowFunction;

#define ROW_FUNCTION_COUNT (ROW_FUNCTION_STATISTICS_EXT + 1)

/* Oid of the SQL function, InvalidOid if not installed. */
extern Oid	row_function_oid(RowFunction function);

/* May the current subject see, or write, rows of that label?  For C callers. */
extern bool row_label_readable(uint64 id);
extern bool row_label_writable(uint64 id);

/* Raise, durably recorded, unless the row may be stored (or changed). */
extern void row_check(uint64 id, bool isnull, Oid relid, RowCheckKind kind);

#endif							/* PG_DATACLASS_ROWFILTER_H */
