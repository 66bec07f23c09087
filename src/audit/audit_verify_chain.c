/*-------------------------------------------------------------------------
 *
 * audit_verify_chain.c
 *		The records: each is what was written, and follows the one before it.
 *
 * The writer appends, so the table is in the order of seq and is read from
 * front to back, with the index beside it: entry by entry it must lead to the
 * same rows.  Where the two part (rows were removed and their room used again,
 * or somebody changed something) the rest is read through the index, as parts
 * of the trail are, and the rows of the table are counted in the end: one that
 * no index entry leads to would not be met on that way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_verify.h"
#include "pg_dataclass/verify_progress.h"

#define PROGRESS_STEP	1024

/* The hash of a record by its columns; false if they cannot be what was written. */
static bool
recompute(const TrailTuple *t, uint8 *leaf)
{
	/* RFC 9162's zero byte, then the leaf: hashed in one go */
	static uint8 bytes[1 + AUDIT_LEAF_MAX];
	size_t		len = audit_leaf_encode_record(&t->place, &t->record, bytes + 1, AUDIT_LEAF_MAX);

	return len > 0 && merkle_sha256(bytes, len + 1, leaf);
}

static void
check_record(Verify *v, const TrailTuple *t)
{
	uint8		leaf[AUDIT_HASH_SIZE];
	int64		expected = v->last_seq + 1;

	if (t->place.seq < expected)
		verify_bad(v, t->place.seq, "there is more than one record of this number");
	else if (t->place.seq > expected)
		verify_bad(v, expected, t->place.seq == expected + 1 ? "the record is missing" :
				   psprintf("the records up to %lld are missing", (long long) t->place.seq - 1));
	else if (t->format_version != AUDIT_FORMAT_VERSION)
		verify_bad(v, expected, "the record is of an unknown format version");
	else if (t->leaf_hash == NULL || t->prev_hash == NULL)
		verify_bad(v, expected, "a hash of the record has a wrong length");
	else if (!recompute(t, leaf) || memcmp(leaf, t->leaf_hash, AUDIT_HASH_SIZE) != 0)
		verify_bad(v, expected, "the record was changed: its hash does not fit its content");
	else if (v->prev_known && memcmp(t->prev_hash, v->last_hash, AUDIT_HASH_SIZE) != 0)
		verify_bad(v, expected, "the record does not follow the one before it: its link does not fit");
	else
	{
		v->checked++;
		v->last_seq = expected;
		v->prev_known = true;
		memcpy(v->last_hash, leaf, AUDIT_HASH_SIZE);
		if (v->tree)
			verify_tree_append(v, leaf, &t->record);
		if (v->checked % PROGRESS_STEP == 0)
			verify_progress_done(v->checked);
	}
}

/* ---- through the index ---- */

/* A partial check starts with the link to the record before. */
static void
read_predecessor(Verify *v, Relation index_rel)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	TrailTuple	t;

	v->last_seq = v->from - 1;
	memset(v->last_hash, 0, AUDIT_HASH_SIZE);
	v->prev_known = v->from == 1;
	if (v->from == 1)
		return;
	if (v->from == v->archived + 1)
	{
		TileReader	reader;
		uint8	   *hashes = palloc(TILE_BYTES);

		/* Its record is gone, its hash is the last one of a tile. */
		tile_reader_open(&reader, v->snapshot);
		v->prev_known = tile_read(&reader, 0, (v->archived - 1) / TILE_WIDTH, hashes, NULL);
		if (v->prev_known)
			memcpy(v->last_hash, hashes + ((v->archived - 1) % TILE_WIDTH) * AUDIT_HASH_SIZE, AUDIT_HASH_SIZE);
		tile_reader_close(&reader);
		return;
	}
	ScanKeyInit(&key, TRAIL_SEQ, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(v->from - 1));
	scan = systable_beginscan_ordered(v->rel, index_rel, v->snapshot, 1, &key);
	tuple = systable_getnext_ordered(scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		trail_deform(tuple, RelationGetDescr(v->rel), &t);
		v->prev_known = true;
		if (t.leaf_hash)
			memcpy(v->last_hash, t.leaf_hash, AUDIT_HASH_SIZE);
	}
	systable_endscan_ordered(scan);
}

/* Texts of a record may have been copied out: free them now and then. */
static void
check_tuple(Verify *v, HeapTuple tuple, MemoryContext work)
{
	MemoryContext caller = MemoryContextSwitchTo(work);
	TrailTuple	t;

	trail_deform(tuple, RelationGetDescr(v->rel), &t);
	check_record(v, &t);
	MemoryContextSwitchTo(caller);
	if (v->reason)
		v->reason = pstrdup(v->reason);
	MemoryContextReset(work);
}

/* From the record behind last_seq on. */
static void
check_by_index(Verify *v, Relation index_rel, MemoryContext work)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], TRAIL_SEQ, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(v->last_seq + 1));
	ScanKeyInit(&keys[1], TRAIL_SEQ, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(v->to));
	scan = systable_beginscan_ordered(v->rel, index_rel, v->snapshot, 2, keys);
	while (v->reason == NULL &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		check_tuple(v, tuple, work);
	}
	systable_endscan_ordered(scan);
}

/* ---- from front to back ---- */

/*
 * Does the next entry of the index lead to this row, or, for NULL, to no row at
 * all?  Entries of rows that nobody sees are passed over.
 */
static bool
index_leads_to(Verify *v, IndexScanDesc scan, ItemPointer row)
{
	ItemPointer tid;

	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		TupleTableSlot *slot;
		bool		visible;

		if (row != NULL && ItemPointerEquals(tid, row))
			return true;
		slot = table_slot_create(v->rel, NULL);
		visible = table_tuple_fetch_row_version(v->rel, tid, v->snapshot, slot);
		ExecDropSingleTupleTableSlot(slot);
		if (visible)
			return false;
	}
	return row == NULL;
}

/* True if it came to the end, or to a finding; false: go on by the index. */
static bool
check_by_table(Verify *v, Relation index_rel, MemoryContext work)
{
	/* not where another scan of the table is just now */
	TableScanDesc scan = table_beginscan_strat(v->rel, v->snapshot, 0, NULL, true, false);
	IndexScanDesc index_scan = compat_index_beginscan(v->rel, index_rel, v->snapshot);
	HeapTuple	tuple;
	bool		done = true;

	index_rescan(index_scan, NULL, 0, NULL, 0);
	while (v->reason == NULL && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetInt64(heap_getattr(tuple, TRAIL_SEQ, RelationGetDescr(v->rel), &isnull)) != v->last_seq + 1 ||
			!index_leads_to(v, index_scan, &tuple->t_self))
		{
			done = false;
			break;
		}
		check_tuple(v, tuple, work);
	}
	if (done && v->reason == NULL)
		done = index_leads_to(v, index_scan, NULL);
	index_endscan(index_scan);
	table_endscan(scan);
	v->counted = done;
	return done;
}

/* What has a number before the first one would not be met from here on. */
static void
check_first(Verify *v, Relation index_rel)
{
	SysScanDesc scan = systable_beginscan_ordered(v->rel, index_rel, v->snapshot, 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, ForwardScanDirection);

	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		int64		seq = DatumGetInt64(heap_getattr(tuple, TRAIL_SEQ, RelationGetDescr(v->rel), &isnull));

		if (seq <= v->archived)
			verify_bad(v, seq, "there is more than one record of this number");
	}
	systable_endscan_ordered(scan);
}

void
verify_chain(Verify *v)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "dataclass verify", ALLOCSET_DEFAULT_SIZES);
	Relation	index_rel = index_open(v->index, AccessShareLock);

	if (v->whole)
	{
		/* Archived records were gone through already. */
		if (v->archived == 0)
			v->prev_known = true;
		if (!check_by_table(v, index_rel, work) && v->reason == NULL)
		{
			check_first(v, index_rel);
			if (v->reason == NULL)
				check_by_index(v, index_rel, work);
		}
	}
	else
	{
		if (v->from > v->archived)
			read_predecessor(v, index_rel);
		else
			check_first(v, index_rel);
		if (v->reason == NULL)
			check_by_index(v, index_rel, work);
	}
	index_close(index_rel, AccessShareLock);
	MemoryContextDelete(work);
}

int64
verify_count_rows(Relation rel, Snapshot snapshot)
{
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	int64		rows = 0;

	while (heap_getnext(scan, ForwardScanDirection) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		rows++;
	}
	table_endscan(scan);
	return rows;
}
