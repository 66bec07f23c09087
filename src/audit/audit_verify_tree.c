/*-------------------------------------------------------------------------
 *
 * audit_verify_tree.c
 *		What was built over the records: tiles and checkpoints.
 *
 * The tree is built anew from the leaf hashes of the records, and for archived
 * records from the tiles that keep them.  Each complete tile must be in the
 * table as it comes out here, each checkpoint must have the root of its size
 * and be signed by a key that the trail names before it, and nothing must be
 * left over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_verify.h"
#include "pg_dataclass/verify_progress.h"

/* Checkpoints in order of size, read as the tree grows. */
typedef struct VerifyCheckpoints
{
	Relation	rel;
	Relation	index;
	SysScanDesc scan;
	MemoryContext caller;		/* of the scan, which allocates as it goes on */
	MemoryContext context;		/* of the texts of next */
	Checkpoint	next;			/* size PG_INT64_MAX: there is no more */
	int			nkeys;
	NoteKey		keys[VERIFY_KEYS];	/* that the trail names; newest last */
} VerifyCheckpoints;

void
verify_bad(Verify *v, int64 seq, const char *reason)
{
	if (v->reason == NULL)
	{
		v->first_bad = seq;
		v->reason = pstrdup(reason);
	}
}

static void
add_key(VerifyCheckpoints *c, const NoteKey *key)
{
	if (c->nkeys == VERIFY_KEYS)
		memmove(&c->keys[0], &c->keys[1], (size_t) --c->nkeys * sizeof(NoteKey));
	c->keys[c->nkeys++] = *key;
}

static void
next_checkpoint(Verify *v)
{
	VerifyCheckpoints *c = v->checkpoints;
	MemoryContext old = MemoryContextSwitchTo(c->caller);
	HeapTuple	tuple = systable_getnext_ordered(c->scan, ForwardScanDirection);
	int64		before = c->next.size;

	if (!HeapTupleIsValid(tuple))
	{
		MemoryContextSwitchTo(old);
		c->next.size = PG_INT64_MAX;
		return;
	}
	MemoryContextReset(c->context);
	MemoryContextSwitchTo(c->context);
	if (!checkpoint_deform(tuple, RelationGetDescr(c->rel), &c->next) || c->next.size <= before)
		c->next.size = 0;
	MemoryContextSwitchTo(old);
	if (c->next.size == 0)
	{
		verify_bad(v, v->last_seq + 1, "a row of the table of checkpoints is not what was written");
		c->next.size = PG_INT64_MAX;
	}
}

void
verify_tree_open(Verify *v)
{
	VerifyTree *tree = palloc0(sizeof(VerifyTree));
	VerifyCheckpoints *c = palloc0(sizeof(VerifyCheckpoints));
	Oid			relid = trail_relid("checkpoint");
	Oid			index = trail_relid("checkpoint_pkey");

	tile_reader_open(&tree->reader, v->snapshot);
	merkle_init(&tree->lower);
	merkle_init(&tree->upper);
	v->tree = tree;
	if (!OidIsValid(relid) || !OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("table of checkpoints of the audit trail does not exist"),
				 errhint("Somebody removed it below SQL; restore the database from a backup.")));
	c->rel = table_open(relid, AccessShareLock);
	c->index = index_open(index, AccessShareLock);
	c->scan = systable_beginscan_ordered(c->rel, c->index, v->snapshot, 0, NULL);
	c->caller = CurrentMemoryContext;
	c->context = AllocSetContextCreate(CurrentMemoryContext, "dataclass verify checkpoint", ALLOCSET_SMALL_SIZES);
	v->checkpoints = c;
	next_checkpoint(v);
}

void
verify_tree_close(Verify *v)
{
	VerifyCheckpoints *c = v->checkpoints;

	systable_endscan_ordered(c->scan);
	index_close(c->index, AccessShareLock);
	table_close(c->rel, AccessShareLock);
	tile_reader_close(&v->tree->reader);
}

bool
verify_tree_root(const VerifyTree *tree, uint8 *root)
{
	MerkleFrontier all = tree->upper;

	memcpy(all.root[all.nroots], tree->lower.root, (size_t) tree->lower.nroots * AUDIT_HASH_SIZE);
	all.nroots += tree->lower.nroots;
	return merkle_root(&all, root);
}

/* First record under a hash of a tile. */
static int64
first_record(int level, int64 tile, int hash)
{
	int64		at = tile * TILE_WIDTH + hash;

	return (at << (TILE_HEIGHT * level)) + 1;
}

/* The tile that was just completed, against the one in the table. */
static void
check_tile(Verify *v, int level, int64 index, const uint8 *root)
{
	VerifyTree *tree = v->tree;
	const uint8 *mine = &tree->pending[level][0][0];
	static uint8 hashes[TILE_BYTES];
	uint8		stored_root[AUDIT_HASH_SIZE];
	int			i = 0;

	tree->ntiles++;
	if (!tile_read(&tree->reader, level, index, hashes, stored_root))
	{
		verify_bad(v, first_record(level, index, 0),
				   psprintf("tile %lld of level %d of the tree is missing or malformed", (long long) index, level));
		return;
	}
	while (i < TILE_WIDTH && memcmp(hashes + i * AUDIT_HASH_SIZE, mine + i * AUDIT_HASH_SIZE, AUDIT_HASH_SIZE) == 0)
		i++;
	if (i < TILE_WIDTH)
		verify_bad(v, first_record(level, index, i),
				   psprintf("tile %lld of level %d of the tree does not fit the record", (long long) index, level));
	else if (memcmp(root, stored_root, AUDIT_HASH_SIZE) != 0)
		verify_bad(v, first_record(level, index, 0),
				   psprintf("the root of tile %lld of level %d of the tree does not fit its hashes", (long long) index, level));
}

/* The root of a complete tile goes into the level above. */
static void
append_tile_root(Verify *v, const uint8 *root)
{
	VerifyTree *tree = v->tree;
	uint8		hash[AUDIT_HASH_SIZE];

	memcpy(hash, root, AUDIT_HASH_SIZE);
	if (!merkle_append(&tree->upper, root))
	{
		verify_bad(v, v->last_seq, "the hash of the tree could not be computed");
		return;
	}
	for (int level = 1; level < VERIFY_LEVELS; level++)
	{
		int64		index = (int64) (tree->upper.size >> (TILE_HEIGHT * level)) - 1;

		memcpy(tree->pending[level][tree->npending[level]++], hash, AUDIT_HASH_SIZE);
		if (tree->npending[level] < TILE_WIDTH)
			return;
		if (!tile_root(&tree->pending[level][0][0], hash))
			verify_bad(v, v->last_seq, "the hash of the tree could not be computed");
		check_tile(v, level, index, hash);
		tree->npending[level] = 0;
	}
}

/* A key is named by a record before the first checkpoint that it signs. */
static void
look_for_key(Verify *v, const AuditRecord *record)
{
	const AuditText *kind = &record->text[AUDIT_KIND];
	const AuditText *action = &record->text[AUDIT_ACTION];
	const AuditText *identity = &record->text[AUDIT_OBJECT_IDENTITY];
	NoteKey		key;

	if (kind->len != strlen("checkpoint") || memcmp(kind->data, "checkpoint", kind->len) != 0 ||
		action->data == NULL || action->len != strlen(CHECKPOINT_KEY) ||
		memcmp(action->data, CHECKPOINT_KEY, action->len) != 0 || identity->data == NULL)
		return;
	if (note_key_parse(identity->data, identity->len, &key))
		add_key(v->checkpoints, &key);
}

/*
 * Archived records name keys, too, and are not here any more: the keys of the
 * checkpoints over them are taken as they stand.
 */
static void
learn_key(Verify *v, const Checkpoint *checkpoint)
{
	NoteKey		key;

	if (checkpoint->size <= v->archived && note_key_parse(checkpoint->key, strlen(checkpoint->key), &key))
		add_key(v->checkpoints, &key);
}

static const char *
checkpoint_fault(Verify *v, const Checkpoint *checkpoint, const uint8 *root)
{
	VerifyCheckpoints *c = v->checkpoints;
	CheckpointNote note;
	const char *error;
	NoteVerdict verdict = NOTE_UNSIGNED;
	size_t		len = strlen(checkpoint->note);

	if (memcmp(checkpoint->root, root, AUDIT_HASH_SIZE) != 0)
		return "has another root";
	if (!checkpoint_parse(checkpoint->note, len, &note, &error))
		return "is malformed";
	if (note.size != (uint64_t) checkpoint->size || memcmp(note.root, root, AUDIT_HASH_SIZE) != 0)
		return "is another one than it is kept as";
	learn_key(v, checkpoint);
	for (int i = c->nkeys - 1; i >= 0 && verdict == NOTE_UNSIGNED; i--)
		verdict = checkpoint_verify(checkpoint->note, len, &note, &c->keys[i]);
	switch (verdict)
	{
		case NOTE_GOOD:
			return NULL;
		case NOTE_BAD:
			return "has a wrong signature";
		case NOTE_UNSIGNED:
			return "is signed by no key that the trail names before";
	}
	return NULL;
}

static void
check_checkpoint(Verify *v)
{
	Checkpoint *checkpoint = &v->checkpoints->next;
	uint8		root[AUDIT_HASH_SIZE];
	const char *fault = verify_tree_root(v->tree, root) ?
		checkpoint_fault(v, checkpoint, root) : "cannot be checked";

	if (fault)
		verify_bad(v, checkpoint->size, psprintf("the checkpoint over the records up to this one %s", fault));
	next_checkpoint(v);
}

void
verify_tree_append(Verify *v, const uint8 *leaf, const AuditRecord *record)
{
	VerifyTree *tree = v->tree;
	int64		size;

	memcpy(tree->pending[0][tree->npending[0]++], leaf, AUDIT_HASH_SIZE);
	if (!merkle_append(&tree->lower, leaf))
	{
		verify_bad(v, v->last_seq, "the hash of the tree could not be computed");
		return;
	}
	if (tree->npending[0] == TILE_WIDTH)
	{
		uint8		root[AUDIT_HASH_SIZE];

		/* 256 leaves: the one root that the frontier has is that of the tile */
		memcpy(root, tree->lower.root[0], AUDIT_HASH_SIZE);
		check_tile(v, 0, (int64) tree->upper.size, root);
		tree->npending[0] = 0;
		merkle_init(&tree->lower);
		append_tile_root(v, root);
	}
	if (record)
		look_for_key(v, record);
	size = (int64) tree->upper.size * TILE_WIDTH + tree->npending[0];
	if (v->reason == NULL && v->checkpoints->next.size == size)
		check_checkpoint(v);
}

/* ---- archived records ---- */

int64
verify_archived(Verify *v)
{
	Oid			relid = trail_relid("archived_range");
	Oid			index = trail_relid("archived_range_pkey");
	Relation	rel;
	Relation	index_rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		last = 0;

	if (!OidIsValid(relid) || !OidIsValid(index))
		return 0;
	rel = table_open(relid, AccessShareLock);
	index_rel = index_open(index, AccessShareLock);
	scan = systable_beginscan_ordered(rel, index_rel, v->snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		bool		isnull;
		int64		from = DatumGetInt64(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));
		int64		to = DatumGetInt64(heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull));

		if (from != last + 1 || to < from || to % TILE_WIDTH != 0)
		{
			verify_bad(v, last + 1, "the archived ranges do not follow one another in whole tiles");
			break;
		}
		last = to;
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return last;
}

void
verify_archived_tiles(Verify *v)
{
	uint8	   *hashes = palloc(TILE_BYTES);

	verify_progress_phase(VERIFY_ARCHIVED);
	for (int64 tile = 0; tile < v->archived / TILE_WIDTH && v->last_seq < v->to && v->reason == NULL; tile++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!tile_read(&v->tree->reader, 0, tile, hashes, NULL))
		{
			verify_bad(v, first_record(0, tile, 0),
					   psprintf("the record is archived, and tile %lld of level 0 of the tree is missing", (long long) tile));
			return;
		}
		for (int i = 0; i < TILE_WIDTH && v->last_seq < v->to; i++)
		{
			v->last_seq++;
			verify_tree_append(v, hashes + (size_t) i * AUDIT_HASH_SIZE, NULL);
		}
		memcpy(v->last_hash, hashes + (size_t) (TILE_WIDTH - 1) * AUDIT_HASH_SIZE, AUDIT_HASH_SIZE);
		v->prev_known = true;
	}
	pfree(hashes);
	verify_progress_phase(VERIFY_RECORDS);
}

/* ---- the end ---- */

void
verify_tree_end(Verify *v)
{
	int64		rows;

	verify_progress_phase(VERIFY_CHECKPOINTS);
	if (v->checkpoints->next.size != PG_INT64_MAX)
		verify_bad(v, v->last_seq + 1, psprintf("the trail was rewound: there is a checkpoint over %lld records",
												(long long) v->checkpoints->next.size));
	verify_progress_phase(VERIFY_TILES);
	rows = verify_count_rows(v->tree->reader.tile, v->snapshot);
	if (rows != v->tree->ntiles)
		verify_bad(v, v->last_seq + 1, psprintf("the tree has %lld tiles, its table %lld",
												(long long) v->tree->ntiles, (long long) rows));
}
