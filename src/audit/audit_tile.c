/*-------------------------------------------------------------------------
 *
 * audit_tile.c
 *		The tree over the trail in tiles of 256 hashes, written and read.
 *
 * Owns dataclass_audit.tile: complete tiles of C2SP tlog-tiles, written by the
 * writer in the transaction that completes them, never changed.  Level 0 holds
 * leaf hashes, a hash of level n is the root of a complete tile of level n - 1.
 * Any node of the tree comes from one tile, from the records behind the last
 * complete tile, or from the roots of tiles that have none above them yet: at
 * most 256 small rows a node.
 *
 * The leaf hashes behind the last complete tile travel with the head of the
 * trail (TrailHead.tail), so that a transaction that fails leaves them as they
 * were.  Missing rows never make recording fail: zero bytes stand for what is
 * not there, and verify() names the place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_tile.h"

/* Columns of dataclass_audit.tile. */
typedef enum TileColumn
{
	TILE_LEVEL = 1,
	TILE_INDEX,
	TILE_HASHES,
	TILE_ROOT,
	TILE_COLUMN_COUNT = TILE_ROOT
} TileColumn;

static bool
copy_bytes(Datum value, bool isnull, uint8 *out, size_t len)
{
	bytea	   *b;

	if (isnull)
		return false;
	b = DatumGetByteaPP(value);
	if (VARSIZE_ANY_EXHDR(b) != len)
		return false;
	memcpy(out, VARDATA_ANY(b), len);
	if ((Pointer) b != DatumGetPointer(value))
		pfree(b);
	return true;
}

bool
tile_root(const uint8 *hashes, uint8 *root)
{
	uint8		work[TILE_WIDTH / 2][AUDIT_HASH_SIZE];

	for (int i = 0; i < TILE_WIDTH / 2; i++)
	{
		if (!merkle_node(hashes + (size_t) 2 * i * AUDIT_HASH_SIZE,
						 hashes + (size_t) (2 * i + 1) * AUDIT_HASH_SIZE, work[i]))
			return false;
	}
	for (int n = TILE_WIDTH / 4; n >= 1; n /= 2)
	{
		for (int i = 0; i < n; i++)
		{
			if (!merkle_node(work[2 * i], work[2 * i + 1], work[i]))
				return false;
		}
	}
	memcpy(root, work[0], AUDIT_HASH_SIZE);
	return true;
}

/* ---- reading ---- */

void
tile_reader_open(TileReader *reader, Snapshot snapshot)
{
	Oid			tile = trail_relid("tile");
	Oid			tile_index = trail_relid("tile_pkey");
	Oid			event = trail_relid("event");
	Oid			event_index = trail_relid("event_pkey");

	if (!OidIsValid(tile) || !OidIsValid(tile_index) || !OidIsValid(event) || !OidIsValid(event_index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	reader->snapshot = snapshot;
	reader->tile = table_open(tile, AccessShareLock);
	reader->tile_index = tile_index;
	reader->event = table_open(event, AccessShareLock);
	reader->event_index = event_index;
	if (RelationGetDescr(reader->tile)->natts != TILE_COLUMN_COUNT ||
		RelationGetDescr(reader->event)->natts != TRAIL_COLUMN_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("The tables of the trail have not the columns they were created with.")));
}

void
tile_reader_close(TileReader *reader)
{
	table_close(reader->event, AccessShareLock);
	table_close(reader->tile, AccessShareLock);
}

/* One tile; hashes and root may be NULL.  False: it is not there, or not a tile. */
bool
tile_read(const TileReader *reader, int level, int64 index, uint8 *hashes, uint8 *root)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], TILE_LEVEL, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(level));
	ScanKeyInit(&keys[1], TILE_INDEX, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(index));
	scan = systable_beginscan(reader->tile, reader->tile_index, true, reader->snapshot, 2, keys);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TILE_COLUMN_COUNT];
		bool		nulls[TILE_COLUMN_COUNT];

		heap_deform_tuple(tuple, RelationGetDescr(reader->tile), values, nulls);
		found = (hashes == NULL || copy_bytes(values[TILE_HASHES - 1], nulls[TILE_HASHES - 1], hashes, TILE_BYTES)) &&
			(root == NULL || copy_bytes(values[TILE_ROOT - 1], nulls[TILE_ROOT - 1], root, AUDIT_HASH_SIZE));
	}
	systable_endscan(scan);
	return found;
}

/* Numbers from..from+n-1 of a table into places of hashes; returns how many were there. */
static int
read_run(Relation rel, Oid index, Snapshot snapshot, int nfixed, ScanKeyData *keys,
		 AttrNumber number, AttrNumber hash, int64 from, int n, uint8 *hashes)
{
	Relation	index_rel = index_open(index, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	int			found = 0;

	ScanKeyInit(&keys[nfixed], number, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(from));
	ScanKeyInit(&keys[nfixed + 1], number, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(from + n));
	scan = systable_beginscan_ordered(rel, index_rel, snapshot, nfixed + 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		bool		isnull;
		int64		at = DatumGetInt64(heap_getattr(tuple, number, RelationGetDescr(rel), &isnull)) - from;
		Datum		value = heap_getattr(tuple, hash, RelationGetDescr(rel), &isnull);

		if (at >= 0 && at < n &&
			copy_bytes(value, isnull, hashes + at * AUDIT_HASH_SIZE, AUDIT_HASH_SIZE))
			found++;
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	return found;
}

int
tile_read_leaves(const TileReader *reader, int64 from, int n, uint8 *hashes)
{
	ScanKeyData keys[2];

	return read_run(reader->event, reader->event_index, reader->snapshot, 0, keys,
					TRAIL_SEQ, TRAIL_LEAF_HASH, from, n, hashes);
}

static int
read_roots(Relation tile, Oid index, Snapshot snapshot, int level, int64 from, int n, uint8 *roots)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], TILE_LEVEL, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(level));
	return read_run(tile, index, snapshot, 1, keys, TILE_INDEX, TILE_ROOT, from, n, roots);
}

/* A merkle_node_type over a TileReader. */
bool
tile_node(void *arg, int level, uint64_t index, uint8_t *hash)
{
	const TileReader *reader = arg;
	int			tile_level = level / TILE_HEIGHT;
	int			width = 1 << (level % TILE_HEIGHT);
	int64		first = (int64) index * width;	/* hashes of the level that it stands for */
	uint8	   *hashes = palloc(TILE_BYTES);
	uint8	   *mine = hashes + (first % TILE_WIDTH) * AUDIT_HASH_SIZE;
	bool		ok;

	if (width == 1 && tile_level > 0)
		ok = tile_read(reader, tile_level - 1, first, NULL, mine);
	else if (tile_read(reader, tile_level, first / TILE_WIDTH, hashes, NULL))
		ok = true;
	else if (tile_level == 0)
		ok = tile_read_leaves(reader, first + 1, width, mine) == width;
	else
		ok = read_roots(reader->tile, reader->tile_index, reader->snapshot,
						tile_level - 1, first, width, mine) == width;
	for (int n = width / 2; ok && n >= 1; n /= 2)
	{
		for (int i = 0; ok && i < n; i++)
			ok = merkle_node(mine + (size_t) 2 * i * AUDIT_HASH_SIZE,
							 mine + (size_t) (2 * i + 1) * AUDIT_HASH_SIZE,
							 mine + (size_t) i * AUDIT_HASH_SIZE);
	}
	if (ok)
		memcpy(hash, mine, AUDIT_HASH_SIZE);
	pfree(hashes);
	return ok;
}

int64
tile_count(const TileReader *reader, int level)
{
	Relation	index_rel = index_open(reader->tile_index, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	int64		n = 0;

	ScanKeyInit(&key, TILE_LEVEL, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(level));
	scan = systable_beginscan_ordered(reader->tile, index_rel, reader->snapshot, 1, &key);
	while (HeapTupleIsValid(systable_getnext_ordered(scan, ForwardScanDirection)))
		n++;
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	return n;
}

/* ---- writing, in the writer's transaction ---- */

/*
 * A row of that number that is there already was put there with enforcement
 * off, or belongs to a future that was rewound: ours takes its place.
 */
static void
write_tile(Relation rel, Oid index, int level, int64 number, const uint8 *hashes, uint8 *root)
{
	Datum		values[TILE_COLUMN_COUNT];
	bool		nulls[TILE_COLUMN_COUNT] = {false};
	bytea	   *body = palloc(VARHDRSZ + TILE_BYTES);
	bytea	   *top = palloc(VARHDRSZ + AUDIT_HASH_SIZE);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	old;
	HeapTuple	tuple;

	if (!tile_root(hashes, root))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of a tile of the audit trail")));
	SET_VARSIZE(body, VARHDRSZ + TILE_BYTES);
	memcpy(VARDATA(body), hashes, TILE_BYTES);
	SET_VARSIZE(top, VARHDRSZ + AUDIT_HASH_SIZE);
	memcpy(VARDATA(top), root, AUDIT_HASH_SIZE);
	values[TILE_LEVEL - 1] = Int32GetDatum(level);
	values[TILE_INDEX - 1] = Int64GetDatum(number);
	values[TILE_HASHES - 1] = PointerGetDatum(body);
	values[TILE_ROOT - 1] = PointerGetDatum(top);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);

	ScanKeyInit(&keys[0], TILE_LEVEL, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(level));
	ScanKeyInit(&keys[1], TILE_INDEX, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(number));
	scan = systable_beginscan(rel, index, true, SnapshotSelf, 2, keys);
	old = systable_getnext(scan);
	if (HeapTupleIsValid(old))
		CatalogTupleUpdate(rel, &old->t_self, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	systable_endscan(scan);
	heap_freetuple(tuple);
	pfree(body);
	pfree(top);
}

/* The tile is complete; so may be those above it. */
static void
write_tiles(int64 number, const uint8 *leaves)
{
	Oid			index = trail_relid("tile_pkey");
	Relation	rel = table_open(trail_relid("tile"), RowExclusiveLock);
	uint8	   *hashes = palloc(TILE_BYTES);
	uint8		root[AUDIT_HASH_SIZE];

	if (RelationGetDescr(rel)->natts != TILE_COLUMN_COUNT || !OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("The tables of the trail have not the columns they were created with.")));
	write_tile(rel, index, 0, number, leaves, root);
	for (int level = 1; (number + 1) % TILE_WIDTH == 0; level++)
	{
		memset(hashes, 0, TILE_BYTES);
		number /= TILE_WIDTH;
		(void) read_roots(rel, index, SnapshotSelf, level - 1, number * TILE_WIDTH, TILE_WIDTH, hashes);
		write_tile(rel, index, level, number, hashes, root);
	}
	pfree(hashes);
	table_close(rel, NoLock);
}

void
tile_append(TrailHead *head, const uint8 *leaf)
{
	if (!merkle_append(&head->frontier, leaf))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of the tree over the audit trail")));
	memcpy(head->tail[head->ntail++], leaf, AUDIT_HASH_SIZE);
	if (head->ntail < TILE_WIDTH)
		return;
	write_tiles((int64) (head->frontier.size / TILE_WIDTH) - 1, &head->tail[0][0]);
	head->ntail = 0;
}

/* Leaf hashes behind the last complete tile; zero bytes for those that are gone. */
static void
load_tail(TrailHead *head)
{
	int64		first = (int64) (head->frontier.size / TILE_WIDTH) * TILE_WIDTH + 1;
	int			n = (int) (head->frontier.size % TILE_WIDTH);
	TileReader	reader;

	memset(head->tail, 0, sizeof(head->tail));
	head->ntail = n;
	if (n == 0)
		return;
	tile_reader_open(&reader, SnapshotSelf);
	(void) tile_read_leaves(&reader, first, n, &head->tail[0][0]);
	tile_reader_close(&reader);
}

/*
 * Before records are added: after a rewind the trail goes on behind the
 * highest number that was ever given out.  Zero bytes stand in the tree for
 * what is lost, so that it has a leaf for each number.
 */
void
tile_prepare(TrailHead *head)
{
	static const uint8 lost[AUDIT_HASH_SIZE] = {0};

	if (head->ntail != (int) (head->frontier.size % TILE_WIDTH))
		load_tail(head);
	while (head->frontier.size < (uint64_t) head->seq)
	{
		CHECK_FOR_INTERRUPTS();
		tile_append(head, head->frontier.size + 1 == (uint64_t) head->seq ? head->hash : lost);
	}
}

/* The tree anew, over what the tables hold, up to the last record. */
void
tile_rebuild(TrailHead *head, Snapshot snapshot, int64 last_seq)
{
	TileReader	reader;
	uint8	   *hashes = palloc(TILE_BYTES);

	tile_reader_open(&reader, snapshot);
	merkle_init(&head->frontier);
	for (int64 seq = 1; seq <= last_seq; seq += TILE_WIDTH)
	{
		int			n = (int) Min(TILE_WIDTH, last_seq - seq + 1);

		CHECK_FOR_INTERRUPTS();
		memset(hashes, 0, TILE_BYTES);
		/* Records may be archived: their hashes are in the tile. */
		if (tile_read_leaves(&reader, seq, n, hashes) == 0)
			(void) tile_read(&reader, 0, (seq - 1) / TILE_WIDTH, hashes, NULL);
		for (int i = 0; i < n; i++)
			(void) merkle_append(&head->frontier, hashes + (size_t) i * AUDIT_HASH_SIZE);
	}
	tile_reader_close(&reader);
	pfree(hashes);
	head->ntail = -1;
}

bool
tile_tree_root(const TileReader *reader, int64 size, uint8 *root)
{
	return size >= 0 && merkle_range_root(tile_node, unconstify(TileReader *, reader), 0, (uint64_t) size, root);
}
