/*-------------------------------------------------------------------------
 *
 * protect_scan.c
 *		Judging the labels of all rows of a table, with progress.
 *
 * A sequential scan under a fresh snapshot, as core's validation of a CHECK
 * constraint does it.  The caller holds AccessExclusiveLock, so that there are
 * no rows of others that this would miss.  Each label is judged once and
 * remembered; only counts leave this file.  With old_versions, rows that were
 * changed or deleted count as well for as long as some transaction may see them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/rowfilter.h"

typedef struct JudgedLabel
{
	uint64		id;				/* hash key */
	RowStanding standing;
} JudgedLabel;

typedef struct JudgeMemo
{
	RowJudge	judge;
	const void *arg;
	HTAB	   *judged;			/* JudgedLabel */
	JudgedLabel last;			/* neighbouring rows often have the same label */
	bool		last_valid;
} JudgeMemo;

RowStanding
row_stands_to_ceiling(uint64 id, const void *arg)
{
	const ResolvedLabel *ceiling = arg;
	const PolicySnapshot *p = policy_current();
	const PolicyRowLabel *row = policy_row_label_by_id(p, id);
	ResolvedLabel resolved;
	Label		label;
	LabelError	error;

	if (row == NULL || !label_parse(row->text, strlen(row->text), &label, &error))
		return ROW_STANDS_UNREGISTERED;
	resolve_label(p, &label, &resolved);
	if (resolved.rank == POLICY_RANK_NONE)
		return ROW_STANDS_UNREGISTERED;
	if (ceiling->rank == POLICY_RANK_NONE)
		return ROW_STANDS_ABOVE;
	return label_dominates(&ceiling->label, ceiling->rank, &resolved.label, resolved.rank) ?
		ROW_STANDS_WITHIN : ROW_STANDS_ABOVE;
}

RowStanding
row_stands_to_subject(uint64 id, const void *arg)
{
	return row_label_readable_quietly(id) ? ROW_STANDS_WITHIN : ROW_STANDS_ABOVE;
}

static void
memo_init(JudgeMemo *memo, RowJudge judge, const void *arg)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(JudgedLabel);
	ctl.hcxt = CurrentMemoryContext;
	memo->judge = judge;
	memo->arg = arg;
	memo->judged = hash_create("pg_dataclass judged labels", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	memset(&memo->last, 0, sizeof(memo->last));
	memo->last_valid = false;
}

static inline RowStanding
judge_memoized(JudgeMemo *memo, uint64 id)
{
	JudgedLabel *judged;

	if (memo->last_valid && memo->last.id == id)
		return memo->last.standing;
	judged = hash_search(memo->judged, &id, HASH_FIND, NULL);
	if (judged == NULL)
	{
		RowStanding standing = memo->judge(id, memo->arg);

		judged = hash_search(memo->judged, &id, HASH_ENTER, NULL);
		judged->standing = standing;
	}
	memo->last = *judged;
	memo->last_valid = true;
	return judged->standing;
}

static void
count_row(JudgeMemo *memo, Datum value, bool isnull, RowCensus *census)
{
	census->rows++;
	if (isnull)
	{
		census->unlabeled++;
		return;
	}
	switch (judge_memoized(memo, (uint64) DatumGetInt64(value)))
	{
		case ROW_STANDS_WITHIN:
			break;
		case ROW_STANDS_ABOVE:
			census->above++;
			break;
		case ROW_STANDS_UNREGISTERED:
			census->unregistered++;
			break;
	}
}

static void
scan_table(Relation rel, AttrNumber attnum, bool old_versions, JudgeMemo *memo, RowCensus *census,
		   uint64 total, uint64 *done)
{
	SnapshotData non_vacuumable;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan;
	BlockNumber last = InvalidBlockNumber;

	InitNonVacuumableSnapshot(non_vacuumable, GlobalVisTestFor(rel));
	scan = table_beginscan_strat(rel, old_versions ? &non_vacuumable : snapshot, 0, NULL, true, false);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		BlockNumber block = ItemPointerGetBlockNumber(&slot->tts_tid);
		bool		isnull;
		Datum		value = slot_getattr(slot, attnum, &isnull);

		count_row(memo, value, isnull, census);
		if (block != last)
		{
			CHECK_FOR_INTERRUPTS();
			protect_progress_blocks(total, *done + block);
			last = block;
		}
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	*done += RelationGetNumberOfBlocks(rel);
	protect_progress_blocks(total, *done);
}

static bool
has_rows(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW;
}

void
protect_scan(List *relids, bool old_versions, RowJudge judge, const void *arg, RowCensus *census)
{
	JudgeMemo	memo;
	ListCell   *cell;
	uint64		total = 0;
	uint64		done = 0;

	memset(census, 0, sizeof(*census));
	memo_init(&memo, judge, arg);
	foreach(cell, relids)
		if (has_rows(lfirst_oid(cell)))
		{
			Relation	rel = table_open(lfirst_oid(cell), NoLock);

			total += RelationGetNumberOfBlocks(rel);
			table_close(rel, NoLock);
		}
	protect_progress_phase(PROTECT_CHECKING_ROWS);
	protect_progress_blocks(total, 0);
	foreach(cell, relids)
		if (has_rows(lfirst_oid(cell)))
		{
			AttrNumber	attnum = relation_labels(lfirst_oid(cell))->row_label_attnum;
			Relation	rel = table_open(lfirst_oid(cell), NoLock);

			if (attnum != InvalidAttrNumber)
				scan_table(rel, attnum, old_versions, &memo, census, total, &done);
			table_close(rel, NoLock);
		}
	hash_destroy(memo.judged);
}

bool
protect_is_proven(Oid relid, const ResolvedLabel *ceiling)
{
	const RelationLabels *labels = relation_labels(relid);

	return labels->row_ceiling && labels->row_ceiling->rank != POLICY_RANK_NONE &&
		label_dominates(&ceiling->label, ceiling->rank, &labels->row_ceiling->label, labels->row_ceiling->rank);
}
