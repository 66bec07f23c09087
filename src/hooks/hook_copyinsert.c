/*-------------------------------------------------------------------------
 *
 * hook_copyinsert.c
 *		COPY FROM by way of an INSERT.
 *
 * For tables where something changes rows after COPY's WHERE clause: BEFORE
 * INSERT triggers, also of partitions, and generated label columns.  The plan
 * is that of INSERT INTO table, with core's own planning and our row check as
 * its WITH CHECK OPTION, but its source is a custom scan that hands on row
 * after row as NextCopyFrom() reads them.  So a row is checked when triggers
 * and generated columns are done with it, and an error in any of that has the
 * line of input as its context.  Nothing is collected on the way.
 *
 * The query never passes the rewriter: COPY fires no rules, and a table's own
 * policies were the caller's question.
 *
 * Owns the source of the COPY that is about to start; its scan takes it over
 * in ExecutorStart, where no code of users runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_node.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/backend_progress.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"

#define SCAN_NAME "dataclass COPY source"

typedef struct CopySourceRows
{
	CopyFromState cstate;
	Relation	rel;
	List	   *where;
	uint64		excluded;
	uint64		processed;
	bool		reading;		/* a row is in hand: errors concern its line */
} CopySourceRows;

typedef struct CopySourceScan
{
	CustomScanState css;
	CopySourceRows *rows;
	ExprState  *where;
	TupleTableSlot *row;		/* of the table's row type, for WHERE */
} CopySourceScan;

static CopySourceRows *starting = NULL;

static Node *create_scan_state(CustomScan *scan);
static void begin_scan(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_scan(CustomScanState *node);
static void end_scan(CustomScanState *node);
static void rescan(CustomScanState *node);

static const CustomScanMethods scan_methods = {
	.CustomName = SCAN_NAME,
	.CreateCustomScanState = create_scan_state
};

static const CustomExecMethods exec_methods = {
	.CustomName = SCAN_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan
};

/* ------------------------------------------------------------------------
 * The scan
 * ------------------------------------------------------------------------
 */

static Node *
create_scan_state(CustomScan *scan)
{
	CopySourceScan *state = (CopySourceScan *) newNode(sizeof(CopySourceScan), T_CustomScanState);

	state->css.methods = &exec_methods;
	if (starting == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("source of COPY is not known")));
	state->rows = starting;
	starting = NULL;
	return (Node *) state;
}

static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	CopySourceScan *state = (CopySourceScan *) node;

	state->where = ExecInitQual(state->rows->where, &node->ss.ps);
	state->row = ExecInitExtraTupleSlot(estate, RelationGetDescr(state->rows->rel), &TTSOpsVirtual);
}

/* The next row that WHERE lets pass, with defaults filled in. */
static TupleTableSlot *
next_row(ScanState *node)
{
	CopySourceScan *state = (CopySourceScan *) node;
	CopySourceRows *rows = state->rows;
	ExprContext *econtext = node->ps.ps_ExprContext;
	TupleTableSlot *out = node->ss_ScanTupleSlot;

	rows->reading = true;
	ExecClearTuple(out);
	for (;;)
	{
		TupleTableSlot *row = state->row;
		MemoryContext old_cxt;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		ResetExprContext(econtext);
		ExecClearTuple(row);
		old_cxt = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		found = NextCopyFrom(rows->cstate, econtext, row->tts_values, row->tts_isnull);
		MemoryContextSwitchTo(old_cxt);
		if (!found)
		{
			rows->reading = false;
			return out;
		}
		ExecStoreVirtualTuple(row);
		row->tts_tableOid = RelationGetRelid(rows->rel);
		econtext->ecxt_scantuple = row;
		if (ExecQual(state->where, econtext))
			break;
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_EXCLUDED, ++rows->excluded);
	}
	memcpy(out->tts_values, state->row->tts_values, sizeof(Datum) * out->tts_tupleDescriptor->natts);
	memcpy(out->tts_isnull, state->row->tts_isnull, sizeof(bool) * out->tts_tupleDescriptor->natts);
	ExecStoreVirtualTuple(out);
	pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, ++rows->processed);
	return out;
}

/* Input cannot be read twice, and nothing above asks for that: an INSERT reads its source once. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_scan(CustomScanState *node)
{
}

static void
rescan(CustomScanState *node)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("source of COPY cannot be read twice")));
}

/* ------------------------------------------------------------------------
 * The plan
 * ------------------------------------------------------------------------
 */

/* INSERT INTO rel SELECT NULL, NULL, ...: every column that can be given. */
static Query *
make_insert(ParseState *pstate, Relation rel)
{
	Query	   *query = makeNode(Query);
	TupleDesc	desc = RelationGetDescr(rel);

	query->commandType = CMD_INSERT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->rtable = copyObject(pstate->p_rtable);
	COMPAT_QUERY_TAKE_PERMS(query, pstate);
	query->resultRelation = 1;
	query->jointree = makeFromExpr(NIL, NULL);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || att->attgenerated)
			continue;
		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) makeConst(att->atttypid, att->atttypmod, att->attcollation,
																	   att->attlen, (Datum) 0, true, att->attbyval),
													att->attnum, pstrdup(NameStr(att->attname)), false));
	}
	return query;
}

/*
 * The planner made a source of constants with one column for each of the
 * table's; put the scan in its place.  Columns that core fills itself (dropped,
 * generated) stay the NULLs that it demands.
 */
static void
replace_source(PlannedStmt *plan, TupleDesc desc)
{
	Plan	   *modify = plan->planTree;
	Plan	   *source = outerPlan(modify);
	CustomScan *scan = makeNode(CustomScan);
	ListCell   *cell;

	if (!IsA(modify, ModifyTable) || list_length(source->targetlist) != desc->natts)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("plan of COPY does not fit its table")));
	foreach(cell, source->targetlist)
	{
		TargetEntry *tle = copyObject(lfirst(cell));
		Form_pg_attribute att = TupleDescAttr(desc, tle->resno - 1);

		scan->custom_scan_tlist = lappend(scan->custom_scan_tlist, copyObject(tle));
		if (!att->attisdropped && !att->attgenerated)
			tle->expr = (Expr *) makeVar(INDEX_VAR, tle->resno, exprType((Node *) tle->expr),
										 exprTypmod((Node *) tle->expr), exprCollation((Node *) tle->expr), 0);
		scan->scan.plan.targetlist = lappend(scan->scan.plan.targetlist, tle);
	}
	scan->scan.plan.plan_node_id = source->plan_node_id;
	scan->scan.scanrelid = 0;
	scan->methods = &scan_methods;
	modify->lefttree = (Plan *) scan;
}

/* As core's COPY: lines matter from the first row read to the last one stored. */
static void
error_callback(void *arg)
{
	CopySourceRows *rows = arg;

	if (rows->reading)
		CopyFromErrorCallback(rows->cstate);
}

uint64
copy_as_insert(ParseState *pstate, Relation rel, const CopyStmt *stmt, List *where)
{
	CopySourceRows rows = {.rel = rel,.where = where};
	ErrorContextCallback callback = {.callback = error_callback,.arg = &rows};
	PlannedStmt *plan;
	QueryDesc  *query_desc;
	uint64		processed;

	plan = pg_plan_query(make_insert(pstate, rel), pstate->p_sourcetext, 0, NULL);
	replace_source(plan, RelationGetDescr(rel));

	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	query_desc = CreateQueryDesc(plan, pstate->p_sourcetext, GetActiveSnapshot(), InvalidSnapshot,
								 None_Receiver, NULL, NULL, 0);
	starting = &rows;
	PG_TRY();
	{
		ExecutorStart(query_desc, 0);
	}
	PG_FINALLY();
	{
		starting = NULL;
	}
	PG_END_TRY();
	rows.cstate = BeginCopyFrom(pstate, rel, NULL, stmt->filename, stmt->is_program, NULL,
								stmt->attlist, stmt->options);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	ExecutorRun(query_desc, ForwardScanDirection, 0, true);
	error_context_stack = callback.previous;
	ExecutorFinish(query_desc);
	processed = query_desc->estate->es_processed;
	EndCopyFrom(rows.cstate);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	PopActiveSnapshot();
	return processed;
}
