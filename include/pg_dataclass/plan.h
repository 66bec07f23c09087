/*-------------------------------------------------------------------------
 *
 * plan.h
 *		What a plan takes for granted about its subject.
 *
 * While one of our planner hook's calls runs, whoever leaves a filter or a mask
 * out, or turns a filter into an index condition, says so here.  The plan then
 * carries its assumptions and the query it was made from (plan_assume.c), and
 * ExecutorStart makes a plan anew whose assumptions do not hold for the subject
 * that executes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PLAN_H
#define PG_DATACLASS_PLAN_H

#include "executor/execdesc.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

#include "pg_dataclass/rowfilter.h"

/*
 * May the plan being made rest on its subject?  Not if it is for a cursor,
 * which may go on under another subject in the middle of its run.
 */
extern bool plan_may_assume(void);

/* The filter of that relation is left out (ROWS_ALL) or taken for false (ROWS_NONE). */
extern void plan_assume_rows(Oid relid, RowOutcome outcome);

/* The subject may read that column: no mask is needed. */
extern void plan_assume_column(Oid relid, AttrNumber attnum);

/* The subject reads exactly these row labels, see row_labels_readable(). */
extern void plan_assume_readable_set(void);

/* Planning of one query: begin, plan, then finish; abandon on error or when nothing may be assumed. */
typedef struct PlanAssumptions
{
	struct PlanAssumptions *outer;	/* planning calls functions that plan */
	bool		permitted;
	bool		readable_set;
	List	   *relations;		/* oids */
	List	   *outcomes;		/* ints: RowOutcome, or -attnum of a column */
} PlanAssumptions;

extern void plan_assumptions_begin(PlanAssumptions *assumptions, bool permitted);
extern void plan_assumptions_end(PlanAssumptions *assumptions);
/* Let the plan carry what was assumed and the query, which it takes over. */
extern void plan_assumptions_attach(const PlanAssumptions *assumptions, PlannedStmt *plan, Query *query,
									int cursor_options);

/* Before execution: the plan itself, or one made anew because it does not fit the subject. */
extern PlannedStmt *plan_for_subject(PlannedStmt *plan, const char *query_string, ParamListInfo params);
/* In the middle of an execution: raises unless the plan still fits. */
extern void plan_check_subject(const PlannedStmt *plan);

#endif							/* PG_DATACLASS_PLAN_H */
