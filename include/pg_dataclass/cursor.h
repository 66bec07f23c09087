/*-------------------------------------------------------------------------
 *
 * cursor.h
 *		What rows that wait somewhere could have shown, and to whom.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_CURSOR_H
#define PG_DATACLASS_CURSOR_H

#include "nodes/plannodes.h"

#include "pg_dataclass/subject.h"

/* One relation, and which of its labeled columns are read. */
typedef struct ReachRelation
{
	Oid			relid;
	bool		by_row;
	Bitmapset  *columns;		/* attribute numbers, offset as in a range-table entry */
	bool		all_columns;
	Bitmapset  *masked;			/* labeled columns that the subject could not read, same offset */
} ReachRelation;

/* All that a query could read, as the subject of that moment.  Immutable. */
typedef struct Reach
{
	uint64		subject;		/* subject_digest() */
	uint64		generation;		/* policy_generation() */
	bool		opaque;			/* sources not known: for the same subject only */
	List	   *relations;		/* ReachRelation */
	List	   *labels;			/* char *, canonical: of relations and columns, as they were */
	bool		by_function;	/* functions were called that may have read what the clearances reach */
	List	   *clearances;		/* char *, canonical; if by_function */
	bool		by_row;			/* some relation is row-labeled */
	int			nids;			/* registered labels whose rows were readable; negative: not known */
	uint64	   *ids;
} Reach;

/* What the current subject may do, in one number. */
extern uint64 subject_digest(void);

/* Allocated in the current memory context.  A utility statement makes it opaque. */
extern Reach *reach_of_statements(const List *stmts);
/* Nothing that is governed, now or perhaps later. */
extern bool reach_is_empty(const Reach *reach);
/* May the current subject read all of it? */
extern bool reach_is_readable(const Reach *reach);

/* Are there functions in it whose results are returned and which may read data? (cursor_functions.c) */
extern bool plan_calls_functions(const PlannedStmt *plan);

/* Could the executor hold rows of that plan back, to return them at a later call? */
extern bool plan_keeps_rows(const PlannedStmt *plan);

/* Raises in place of core's error about a portal that hook_cursor.c holds back. */
extern void cursor_explain_refusal(void);

#endif							/* PG_DATACLASS_CURSOR_H */
