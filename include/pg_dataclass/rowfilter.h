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
	ROW_FUNCTION_STATISTICS_EXT,	/* statistics_ext_visible(oid): rows of pg_statistic_ext_data */
	ROW_FUNCTION_WITHIN,		/* row_within(label, text, text): constraint */
	ROW_FUNCTION_EQUAL,			/* label_eq(label, label) */
	ROW_FUNCTION_VERSION_CHECK, /* row_version_check(label, oid, oid, int4, internal) */
	ROW_FUNCTION_VERSION_TRIGGER,	/* row_version_trigger() */
	ROW_FUNCTION_PARTITION,		/* partition_check(oid): true, or raises */
	ROW_FUNCTION_COPY_CHECK		/* copy_check(label, oid) */
} RowFunction;

#define ROW_FUNCTION_COUNT (ROW_FUNCTION_COPY_CHECK + 1)

/* Oid of the SQL function, InvalidOid if not installed. */
extern Oid	row_function_oid(RowFunction function);

/* What the filter would do to the rows of a relation, as far as that is proven. */
typedef enum RowOutcome
{
	ROWS_SOME,					/* not known: the filter must run */
	ROWS_ALL,
	ROWS_NONE
} RowOutcome;

/* For the current subject.  ROWS_ALL rests on a constraint or a partition bound. */
extern RowOutcome row_filter_outcome(Oid relid);

/*
 * Ids of all registered labels that the current subject reads, ascending, and
 * how many; *digest tells such sets apart.  Valid until the subject changes.
 * Negative if they were too many to look at, or not the whole truth.
 */
extern int	row_labels_readable(const uint64 **ids, uint64 *digest);

/* May the current subject see, or write, rows of that label?  For C callers. */
extern bool row_label_readable(uint64 id);
/* The same without the complaint that row_security = off asks for. */
extern bool row_label_readable_quietly(uint64 id);
extern bool row_label_writable(uint64 id);

/* Raise, durably recorded, unless the row may be stored (or changed). */
extern void row_check(uint64 id, bool isnull, Oid relid, RowCheckKind kind);
/* The same for a row of label old_id that is to get label new_id. */
extern void row_check_relabel(uint64 old_id, uint64 new_id, Oid relid);

#endif							/* PG_DATACLASS_ROWFILTER_H */
