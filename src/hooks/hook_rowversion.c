/*-------------------------------------------------------------------------
 *
 * hook_rowversion.c
 *		Statements that change rows: frames for what is remembered of a row,
 *		and one more trigger where core would not show it to us.
 *
 * Why ExecutorStart: ON CONFLICT and MERGE evaluate a check on the stored row
 * just before they change it, a plain UPDATE does not.  Where something after
 * the SET list can still change a label (a BEFORE trigger, a generated column,
 * routing into another partition with triggers of its own), the executor's
 * private copy of the trigger descriptor gets a last BEFORE ROW trigger that
 * remembers the former version and compares.  The same trigger stands in for
 * checks that core evaluates neither on foreign tables nor on children of a
 * table that has no label column.  Tables without any of this pay nothing.
 *
 * Why ExecutorRun and ExecutorFinish: rows are changed in both (statements
 * that modify data in WITH), and each needs a frame for its rows.
 *
 * Owns a memo of which partitioned tables have foreign partitions, emptied by
 * any relcache message.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/rowversion.h"

#define TRIGGER_NAME "dataclass_row_version"

static ExecutorStart_hook_type prev_start = NULL;
static ExecutorRun_hook_type prev_run = NULL;
static ExecutorFinish_hook_type prev_finish = NULL;

/* ------------------------------------------------------------------------
 * Foreign partitions
 * ------------------------------------------------------------------------
 */

typedef struct ForeignPartitions
{
	Oid			relid;			/* hash key: a partitioned table */
	bool		unsafe;			/* a foreign one has triggers or generates its labels: after the last check */
} ForeignPartitions;

static HTAB *foreign_partitions = NULL;
static bool foreign_partitions_stale = false;

static void
relcache_callback(Datum arg, Oid relid)
{
	foreign_partitions_stale = true;
}

static void
look_for_foreign_partitions(ForeignPartitions *found)
{
	List	   *relids = find_all_inheritors(found->relid, NoLock, NULL);
	ListCell   *cell;

	foreach(cell, relids)
	{
		Relation	rel;
		AttrNumber	attnum;

		if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_FOREIGN_TABLE)
			continue;
		attnum = relation_labels(lfirst_oid(cell))->row_label_attnum;
		rel = table_open(lfirst_oid(cell), AccessShareLock);
		if ((rel->trigdesc && rel->trigdesc->trig_insert_before_row) || attnum == InvalidAttrNumber ||
			TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attgenerated)
			found->unsafe = true;
		table_close(rel, AccessShareLock);
	}
}

static ForeignPartitions
foreign_partitions_of(Oid relid)
{
	ForeignPartitions fresh = {.relid = relid};
	ForeignPartitions *entry;

	if (foreign_partitions && foreign_partitions_stale)
	{
		hash_destroy(foreign_partitions);
		foreign_partitions = NULL;
	}
	if (foreign_partitions == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(ForeignPartitions)};

		foreign_partitions_stale = false;
		foreign_partitions = hash_create("pg_dataclass foreign partitions", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(foreign_partitions, &relid, HASH_FIND, NULL);
	if (entry)
		return *entry;
	look_for_foreign_partitions(&fresh);
	/* what came in meanwhile empties the memo at the next look */
	entry = hash_search(foreign_partitions, &relid, HASH_ENTER, NULL);
	*entry = fresh;
	return fresh;
}

/* ------------------------------------------------------------------------
 * One more trigger
 * ------------------------------------------------------------------------
 */

/* Top node and nodes in WITH that change rows. */
static List *
modifying_nodes(QueryDesc *query_desc)
{
	List	   *nodes = NIL;
	ListCell   *cell;

	if (query_desc->planstate && IsA(query_desc->planstate, ModifyTableState))
		nodes = list_make1(query_desc->planstate);
	foreach(cell, query_desc->estate->es_auxmodifytables)
		nodes = list_append_unique_ptr(nodes, lfirst(cell));
	return nodes;
}

static AttrNumber
label_column(const ResultRelInfo *rel)
{
	return relation_labels(RelationGetRelid(rel->ri_RelationDesc))->row_label_attnum;
}

static bool
is_foreign(const ResultRelInfo *rel)
{
	return rel->ri_RelationDesc->rd_rel->relkind == RELKIND_FOREIGN_TABLE;
}

static bool
label_is_generated(const ResultRelInfo *rel)
{
	AttrNumber	attnum = label_column(rel);

	return attnum != InvalidAttrNumber &&
		TupleDescAttr(RelationGetDescr(rel->ri_RelationDesc), attnum - 1)->attgenerated;
}

static void
refuse_write(const ResultRelInfo *rel, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot write to row-labeled table \"%s\" this way", RelationGetRelationName(rel->ri_RelationDesc)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static bool
has_our_trigger(const ResultRelInfo *rel)
{
	const TriggerDesc *triggers = rel->ri_TrigDesc;
	const Trigger *last = triggers ? &triggers->triggers[triggers->numtriggers - 1] : NULL;

	return last && !OidIsValid(last->tgoid) && last->tgfoid == row_function_oid(ROW_FUNCTION_VERSION_TRIGGER);
}

/*
 * Append a BEFORE ROW trigger for an event (TRIGGER_TYPE_INSERT, ...) to what
 * the executor made for itself of the table's triggers (CopyTriggerDesc()).
 * No trigger has fired yet.
 */
static void
add_trigger(EState *estate, ResultRelInfo *rel, int16 event)
{
	MemoryContext old_cxt;
	TriggerDesc *triggers;
	Trigger    *ours;
	int			n = rel->ri_TrigDesc ? rel->ri_TrigDesc->numtriggers : 0;

	if (has_our_trigger(rel))
		return;
	old_cxt = MemoryContextSwitchTo(estate->es_query_cxt);
	triggers = palloc0(sizeof(TriggerDesc));
	if (rel->ri_TrigDesc)
		*triggers = *rel->ri_TrigDesc;
	triggers->triggers = palloc0(sizeof(Trigger) * (n + 1));
	if (n > 0)
		memcpy(triggers->triggers, rel->ri_TrigDesc->triggers, sizeof(Trigger) * n);
	triggers->numtriggers = n + 1;
	ours = &triggers->triggers[n];
	ours->tgname = pstrdup(TRIGGER_NAME);
	ours->tgfoid = row_function_oid(ROW_FUNCTION_VERSION_TRIGGER);
	ours->tgtype = TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | event;
	ours->tgenabled = TRIGGER_FIRES_ALWAYS;
	ours->tgisinternal = true;
	if (!OidIsValid(ours->tgfoid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("row label functions of extension \"pg_dataclass\" are missing"),
				 errhint("Reinstall the extension.")));
	triggers->trig_insert_before_row |= event == TRIGGER_TYPE_INSERT;
	triggers->trig_update_before_row |= (event & TRIGGER_TYPE_UPDATE) != 0;
	triggers->trig_delete_before_row |= (event & TRIGGER_TYPE_DELETE) != 0;

	rel->ri_TrigDesc = triggers;
	rel->ri_TrigFunctions = palloc0(sizeof(FmgrInfo) * (n + 1));
	rel->ri_TrigWhenExprs = palloc0(sizeof(ExprState *) * (n + 1));
	if (estate->es_instrument)
		rel->ri_TrigInstrument = InstrAlloc(n + 1, estate->es_instrument, false);
	MemoryContextSwitchTo(old_cxt);
}

/* ------------------------------------------------------------------------
 * Which statements need it
 * ------------------------------------------------------------------------
 */

/* Is there anything between the SET list and the table that could change a label? */
static bool
update_needs_trigger(const ModifyTableState *node)
{
	bool		partitioned = node->rootResultRelInfo->ri_RelationDesc->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	if (partitioned && ((ModifyTable *) node->ps.plan)->partColsUpdated)
		return true;
	for (int i = 0; i < node->mt_nrels; i++)
	{
		const ResultRelInfo *rel = &node->resultRelInfo[i];

		if (is_foreign(rel) || label_is_generated(rel) ||
			(rel->ri_TrigDesc && rel->ri_TrigDesc->trig_update_before_row))
			return true;
	}
	return false;
}

static void
check_foreign(const ModifyTableState *node, bool watched)
{
	ResultRelInfo *root = node->rootResultRelInfo;
	ForeignPartitions partitions = {0};

	for (int i = 0; i < node->mt_nrels; i++)
	{
		ResultRelInfo *rel = &node->resultRelInfo[i];

		if (!is_foreign(rel) || label_column(rel) == InvalidAttrNumber)
			continue;
		if (label_is_generated(rel) && node->operation != CMD_DELETE)
			refuse_write(rel, "Labels that a foreign table generates cannot be checked before it stores them.",
						 "Drop the generation expression of the label column.");
		if (rel->ri_usesFdwDirectModify)
			refuse_write(rel, "The foreign server would change rows without their labels being checked.",
						 "Add a BEFORE ROW trigger to the foreign table.");
	}
	if (root->ri_RelationDesc->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && node->operation != CMD_DELETE)
		partitions = foreign_partitions_of(RelationGetRelid(root->ri_RelationDesc));
	if (partitions.unsafe && (node->operation != CMD_UPDATE || watched))
		refuse_write(root, "A foreign partition has triggers or generates its labels, after the last check of a row that comes there.",
					 "Change the partitions themselves.");
}

/* A child with row labels whose parent, named in the statement, has none: no check came from the planner. */
static void
watch_child(EState *estate, const ModifyTableState *node, ResultRelInfo *rel)
{
	if (label_column(rel) == InvalidAttrNumber || node->operation == CMD_INSERT)
		return;
	if (label_is_generated(rel) && node->operation != CMD_DELETE)
		refuse_write(rel, "The labels that it generates cannot be checked through a parent without labels.",
					 "Change the table itself.");
	if (is_foreign(rel) && node->operation == CMD_DELETE && !AttributeNumberIsValid(rel->ri_RowIdAttNo))
		refuse_write(rel, "Its rows cannot be checked through a parent without labels.",
					 "Delete from the table itself.");
	add_trigger(estate, rel, node->operation == CMD_DELETE ? TRIGGER_TYPE_DELETE :
				node->operation == CMD_UPDATE ? TRIGGER_TYPE_UPDATE :
				TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE);
}

static void
watch_rows(QueryDesc *query_desc)
{
	List	   *nodes = modifying_nodes(query_desc);
	List	   *watched = NIL;
	ListCell   *cell;

	/* all UPDATEs of one table alike: checks tell tables apart, not nodes */
	foreach(cell, nodes)
	{
		ModifyTableState *node = lfirst(cell);

		if (node->operation == CMD_UPDATE && label_column(node->rootResultRelInfo) != InvalidAttrNumber &&
			update_needs_trigger(node))
			watched = list_append_unique_oid(watched, RelationGetRelid(node->rootResultRelInfo->ri_RelationDesc));
	}
	foreach(cell, nodes)
	{
		ModifyTableState *node = lfirst(cell);
		ResultRelInfo *root = node->rootResultRelInfo;
		bool		is_watched = list_member_oid(watched, RelationGetRelid(root->ri_RelationDesc));

		if (label_column(root) != InvalidAttrNumber)
			check_foreign(node, is_watched);
		for (int i = 0; i < node->mt_nrels; i++)
		{
			ResultRelInfo *rel = &node->resultRelInfo[i];

			if (label_column(root) == InvalidAttrNumber)
				watch_child(query_desc->estate, node, rel);
			else if (node->operation == CMD_UPDATE && is_watched)
				add_trigger(query_desc->estate, rel, TRIGGER_TYPE_UPDATE);
			else if (node->operation == CMD_INSERT && is_foreign(rel))
				add_trigger(query_desc->estate, rel, TRIGGER_TYPE_INSERT);
		}
	}
}

/* ------------------------------------------------------------------------
 * Hooks
 * ------------------------------------------------------------------------
 */

static bool
changes_rows(const QueryDesc *query_desc)
{
	return query_desc->operation != CMD_SELECT || query_desc->plannedstmt->hasModifyingCTE;
}

static void
row_version_start(QueryDesc *query_desc, int eflags)
{
	if (prev_start)
		prev_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
	if (changes_rows(query_desc) && !(eflags & EXEC_FLAG_EXPLAIN_ONLY) && policy_current()->installed)
		watch_rows(query_desc);
}

static void
run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	if (prev_run)
		prev_run(query_desc, direction, count, execute_once);
	else
		standard_ExecutorRun(query_desc, direction, count, execute_once);
}

static void
begin_frame(RowVersionFrame *frame, QueryDesc *query_desc)
{
	ListCell   *cell;

	memset(frame, 0, sizeof(*frame));
	frame->outer = row_version_frame;
	foreach(cell, modifying_nodes(query_desc))
	{
		ModifyTableState *node = lfirst(cell);

		if (node->operation == CMD_UPDATE && node->mt_nrels > 0 && has_our_trigger(&node->resultRelInfo[0]))
			frame->watched = list_append_unique_oid(frame->watched,
													RelationGetRelid(node->rootResultRelInfo->ri_RelationDesc));
	}
}

/* Runs or finishes a statement that changes rows, within a frame. */
static void
run_framed(QueryDesc *query_desc, bool finish, ScanDirection direction, uint64 count, bool execute_once)
{
	RowVersionFrame frame;

	begin_frame(&frame, query_desc);
	PG_TRY();
	{
		row_version_frame = &frame;
		if (!finish)
			run(query_desc, direction, count, execute_once);
		else if (prev_finish)
			prev_finish(query_desc);
		else
			standard_ExecutorFinish(query_desc);
	}
	PG_FINALLY();
	{
		row_version_frame = frame.outer;
	}
	PG_END_TRY();
}

static void
row_version_run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	if (changes_rows(query_desc))
		run_framed(query_desc, false, direction, count, execute_once);
	else
		run(query_desc, direction, count, execute_once);
}

/* Statements that modify data in WITH may come to their end only here. */
static void
row_version_finish(QueryDesc *query_desc)
{
	if (changes_rows(query_desc))
		run_framed(query_desc, true, NoMovementScanDirection, 0, true);
	else if (prev_finish)
		prev_finish(query_desc);
	else
		standard_ExecutorFinish(query_desc);
}

void
hook_rowversion_init(void)
{
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = row_version_start;
	prev_run = ExecutorRun_hook;
	ExecutorRun_hook = row_version_run;
	prev_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = row_version_finish;
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}
