/*-------------------------------------------------------------------------
 *
 * protect_scan.c
 *		Judging the labels of all rows of a table, with progress.
 *
 * A sequential scan under a fresh snapshot, as core's validation of a CHECK
 * constraint does it.  The caller holds AccessExclusiveLock, so that there are
 * no rows of others that this would miss.  Each label is judged once and
 * remembered; only counts leave this file.
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
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/rowfilter.h"

#define MEMO_SIZE 256

typedef struct JudgeMemo
{
	RowJudge	judge;
	const void *arg;
	bool		known[MEMO_SIZE];
	uint64		id[MEMO_SIZE];
	RowStanding standing[MEMO_SIZE];
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

static inline RowStanding
judge_memoized(JudgeMemo *memo, uint64 id)
{
	int			slot = id % MEMO_SIZE;

	if (!memo->known[slot] || memo->id[slot] != id)
	{
		memo->known[slot] = false;	/* judging may raise */
		memo->standing[slot] = memo->judge(id, memo->arg);
		memo->id[slot] = id;
		memo->known[slot] = true;
	}
	return memo->standing[slot];
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
scan_table(Relation rel, AttrNumber attnum, JudgeMemo *memo, RowCensus *census,
		   uint64 total, uint64 *done)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, false);
	BlockNumber last = InvalidBlockNumber;

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
protect_scan(List *relids, RowJudge judge, const void *arg, RowCensus *census)
{
	JudgeMemo  *memo = palloc0(sizeof(JudgeMemo));
	ListCell   *cell;
	uint64		total = 0;
	uint64		done = 0;

	memset(census, 0, sizeof(*census));
	memo->judge = judge;
	memo->arg = arg;
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
				scan_table(rel, attnum, memo, census, total, &done);
			table_close(rel, NoLock);
		}
	pfree(memo);
}

bool
protect_is_proven(Oid relid, const ResolvedLabel *ceiling)
{
	const RelationLabels *labels = relation_labels(relid);

	return labels->row_ceiling && labels->row_ceiling->rank != POLICY_RANK_NONE &&
		label_dominates(&ceiling->label, ceiling->rank, &labels->row_ceiling->label, labels->row_ceiling->rank);
}
