/*-------------------------------------------------------------------------
 *
 * mask.h
 *		Column masks: what an uncleared reader gets, and how queries get it.
 *
 * policy_mask.c owns the function that stands in queries in place of a masked
 * column, hook_mask.c puts it there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_MASK_H
#define PG_DATACLASS_MASK_H

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

#include "pg_dataclass/resolve.h"

/*
 * dataclass.column_value() serves calls with this input collation only.  It is
 * the oid of a catalog, which no collation has, so no SQL can ask for it: else
 * anybody could have guesses hashed and compare.
 */
#define MASK_CALL_COLLATION ((Oid) 1255)

/* column_value(relation, column, relation of the row or NULL, value) */
extern Oid	mask_function_oid(void);

/* May the current subject read the column, as far as the column's own label goes? */
extern bool mask_column_readable(Oid relid, AttrNumber attnum);

/* Refuse (recorded) if that is the table with the key of hashes, which nobody reads or writes. */
extern void mask_guard_key(Oid relid, const char *command);

/* What hook_mask.c did to one query; fill with mask_columns(), hand to mask_mark_plan(). */
typedef struct MaskMarks
{
	List	   *relations;		/* oids */
	List	   *columns;		/* ints: attribute numbers, in parallel */
} MaskMarks;

/* Does the entry bring columns that mask_columns() has to see to? */
extern bool mask_concerns(const RangeTblEntry *rte);

/*
 * Put masks in place of masked columns all over a query that is about to be
 * planned.  Works on the tree in place; returns it.
 */
extern Query *mask_columns(Query *parse, MaskMarks *marks);

/* Let a plan say which columns it shows masked only. */
extern void mask_mark_plan(PlannedStmt *plan, const MaskMarks *marks);
extern bool mask_plan_covers(const PlannedStmt *plan, Oid relid, AttrNumber attnum);

#endif							/* PG_DATACLASS_MASK_H */
