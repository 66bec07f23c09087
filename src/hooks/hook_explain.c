/*-------------------------------------------------------------------------
 *
 * hook_explain.c
 *		EXPLAIN ANALYZE tells nobody how many rows were hidden from him.
 *
 * Why ExecutorFinish: the plan has run and its instrumentation, that of
 * parallel workers included, is complete, but neither EXPLAIN nor an
 * ExecutorEnd hook that logs plans has read it.  For scans of row-labeled
 * relations that the subject does not read wholly, what was counted before
 * the filter or by it is set to zero.  What comes out of the filter stays.
 *
 * Not hidden: buffers, timing, row estimates (known limits).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "nodes/nodeFuncs.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"

static ExecutorFinish_hook_type prev_finish = NULL;

static void
hide_counts(Instrumentation *instrument, bool before_filter)
{
	instrument->nfiltered1 = 0;
	instrument->nfiltered2 = 0;
	instrument->ntuples2 = 0;
	if (before_filter)
	{
		instrument->tuplecount = 0;
		instrument->ntuples = 0;
	}
}

/* before_filter: the node's own row count is of rows that the filter has not seen yet. */
static void
hide_node(PlanState *node, bool before_filter)
{
	if (node->instrument)
		hide_counts(node->instrument, before_filter);
	if (node->worker_instrument)
		for (int i = 0; i < node->worker_instrument->num_workers; i++)
			hide_counts(&node->worker_instrument->instrument[i], before_filter);
	if (IsA(node, BitmapHeapScanState))
	{
		((BitmapHeapScanState *) node)->exact_pages = 0;
		((BitmapHeapScanState *) node)->lossy_pages = 0;
	}
}

/* The relation that a scan reads, InvalidOid for all other nodes. */
static Oid
scanned_relation(PlanState *node)
{
	Index		rti;

	switch (nodeTag(node->plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapIndexScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
		case T_CustomScan:
			rti = ((Scan *) node->plan)->scanrelid;
			return rti > 0 ? exec_rt_fetch(rti, node->state)->relid : InvalidOid;
		default:
			return InvalidOid;
	}
}

static bool
hide_in_plan(PlanState *node, void *context)
{
	Oid			relid = scanned_relation(node);

	if (OidIsValid(relid) &&
		relation_labels(relid)->row_label_attnum != InvalidAttrNumber &&
		!access_may_read(relid, InvalidAttrNumber))
		hide_node(node, IsA(node, BitmapIndexScanState));
	return planstate_tree_walker(node, hide_in_plan, context);
}

static void
dataclass_executor_finish(QueryDesc *query_desc)
{
	if (prev_finish)
		prev_finish(query_desc);
	else
		standard_ExecutorFinish(query_desc);
	if (query_desc->instrument_options != 0 && query_desc->planstate && IsTransactionState() &&
		policy_current()->installed)
		hide_in_plan(query_desc->planstate, NULL);
}

void
hook_explain_init(void)
{
	prev_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = dataclass_executor_finish;
}
