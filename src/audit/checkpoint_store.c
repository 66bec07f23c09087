/*-------------------------------------------------------------------------
 *
 * checkpoint_store.c
 *		Where checkpoints are kept: dataclass_audit.checkpoint, and the last one
 *		in the head file.
 *
 * The writer alone writes both.  A checkpoint is made over records that are
 * committed, goes into the head file, flushed, and only then into the table,
 * where others see it: so the file never knows of less than anybody was given,
 * and never of a record that a crash could take back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_journal_format.h"
#include "pg_dataclass/checkpoint.h"

#define CHECKPOINT_FILE_MAGIC	0x44434350	/* "DCCP" */
#define CHECKPOINT_FILE_VERSION 1
#define CHECKPOINT_FILE_OFFSET	1024	/* behind the images of the head */
#define CHECKPOINT_FILE_SLOTS	2
#define CHECKPOINT_FILE_SLOT	512

typedef struct CheckpointFileImage
{
	uint32		magic;
	uint32		version;
	uint64		system_identifier;
	int64		size;
	uint8		root[AUDIT_HASH_SIZE];
	uint32		crc;
	uint32		padding;
} CheckpointFileImage;

/* Columns of dataclass_audit.checkpoint. */
typedef enum CheckpointColumn
{
	CHECKPOINT_SIZE = 1,
	CHECKPOINT_ROOT,
	CHECKPOINT_MADE_AT,
	CHECKPOINT_REASON,
	CHECKPOINT_KEY_NAME,
	CHECKPOINT_NOTE,
	CHECKPOINT_KEY_TEXT,
	CHECKPOINT_COLUMN_COUNT = CHECKPOINT_KEY_TEXT
} CheckpointColumn;

/* ---- the table ---- */

static Relation
open_table(LOCKMODE mode, Oid *index)
{
	Oid			relid = trail_relid("checkpoint");
	Relation	rel;

	*index = trail_relid("checkpoint_pkey");
	if (!OidIsValid(relid) || !OidIsValid(*index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table of checkpoints of the audit trail does not exist")));
	rel = table_open(relid, mode);
	if (RelationGetDescr(rel)->natts != CHECKPOINT_COLUMN_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("Table dataclass_audit.checkpoint has not the columns it was created with.")));
	return rel;
}

bool
checkpoint_deform(HeapTuple tuple, TupleDesc desc, Checkpoint *out)
{
	Datum		values[CHECKPOINT_COLUMN_COUNT];
	bool		nulls[CHECKPOINT_COLUMN_COUNT];
	bytea	   *root;

	memset(out, 0, sizeof(*out));
	if (desc->natts != CHECKPOINT_COLUMN_COUNT)
		return false;
	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < CHECKPOINT_COLUMN_COUNT; i++)
	{
		if (nulls[i])
			return false;
	}
	out->size = DatumGetInt64(values[CHECKPOINT_SIZE - 1]);
	root = DatumGetByteaPP(values[CHECKPOINT_ROOT - 1]);
	if (VARSIZE_ANY_EXHDR(root) != AUDIT_HASH_SIZE)
		return false;
	memcpy(out->root, VARDATA_ANY(root), AUDIT_HASH_SIZE);
	out->made_at = DatumGetTimestampTz(values[CHECKPOINT_MADE_AT - 1]);
	out->key = TextDatumGetCString(values[CHECKPOINT_KEY_TEXT - 1]);
	out->note = TextDatumGetCString(values[CHECKPOINT_NOTE - 1]);
	return out->size > 0;
}

/* The first one in a direction; nkeys conditions on size. */
static bool
read_first(Snapshot snapshot, int nkeys, ScanKeyData *keys, ScanDirection direction, Checkpoint *out)
{
	Oid			index;
	Relation	rel = open_table(AccessShareLock, &index);
	Relation	index_rel = index_open(index, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index_rel, snapshot, nkeys, keys);
	HeapTuple	tuple = systable_getnext_ordered(scan, direction);
	bool		found = HeapTupleIsValid(tuple) && checkpoint_deform(tuple, RelationGetDescr(rel), out);

	if (!found)
		memset(out, 0, sizeof(*out));
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return found;
}

bool
checkpoint_read(Snapshot snapshot, int64 size, Checkpoint *out)
{
	ScanKeyData key;

	if (size == 0)
		return read_first(snapshot, 0, NULL, BackwardScanDirection, out);
	ScanKeyInit(&key, CHECKPOINT_SIZE, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(size));
	return read_first(snapshot, 1, &key, ForwardScanDirection, out);
}

bool
checkpoint_read_covering(Snapshot snapshot, int64 seq, Checkpoint *out)
{
	/* The newest: who holds it can check all older records against it. */
	return checkpoint_read(snapshot, 0, out) && out->size >= seq;
}

void
checkpoint_insert(const Checkpoint *checkpoint, const char *reason, const char *key_name)
{
	Oid			index;
	Relation	rel = open_table(RowExclusiveLock, &index);
	Datum		values[CHECKPOINT_COLUMN_COUNT];
	bool		nulls[CHECKPOINT_COLUMN_COUNT] = {false};
	bytea	   *root = palloc(VARHDRSZ + AUDIT_HASH_SIZE);
	HeapTuple	tuple;

	SET_VARSIZE(root, VARHDRSZ + AUDIT_HASH_SIZE);
	memcpy(VARDATA(root), checkpoint->root, AUDIT_HASH_SIZE);
	values[CHECKPOINT_SIZE - 1] = Int64GetDatum(checkpoint->size);
	values[CHECKPOINT_ROOT - 1] = PointerGetDatum(root);
	values[CHECKPOINT_MADE_AT - 1] = TimestampTzGetDatum(checkpoint->made_at);
	values[CHECKPOINT_REASON - 1] = CStringGetTextDatum(reason);
	values[CHECKPOINT_KEY_NAME - 1] = CStringGetTextDatum(key_name);
	values[CHECKPOINT_NOTE - 1] = CStringGetTextDatum(checkpoint->note);
	values[CHECKPOINT_KEY_TEXT - 1] = CStringGetTextDatum(checkpoint->key);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
}

int
checkpoint_count_key(Snapshot snapshot, const char *key, int max)
{
	Oid			index;
	Relation	rel = open_table(AccessShareLock, &index);
	Relation	index_rel = index_open(index, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index_rel, snapshot, 0, NULL);
	HeapTuple	tuple;
	Checkpoint	checkpoint;
	int			n = 0;

	while (n < max && HeapTupleIsValid(tuple = systable_getnext_ordered(scan, BackwardScanDirection)) &&
		   checkpoint_deform(tuple, RelationGetDescr(rel), &checkpoint) && strcmp(checkpoint.key, key) == 0)
		n++;
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return n;
}

/* Keys that signed before, newest first; each is tried once. */
bool
checkpoint_key_known(Snapshot snapshot, const char *note, size_t len,
					 const CheckpointNote *parsed, NoteVerdict *verdict)
{
	Oid			index;
	Relation	rel = open_table(AccessShareLock, &index);
	Relation	index_rel = index_open(index, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index_rel, snapshot, 0, NULL);
	HeapTuple	tuple;
	char		tried[NOTE_VERIFIER_MAX] = "";

	*verdict = NOTE_UNSIGNED;
	while (*verdict == NOTE_UNSIGNED &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, BackwardScanDirection)))
	{
		Checkpoint	checkpoint;
		NoteKey		key;

		CHECK_FOR_INTERRUPTS();
		if (!checkpoint_deform(tuple, RelationGetDescr(rel), &checkpoint))
			continue;
		if (strcmp(checkpoint.key, tried) != 0 &&
			note_key_parse(checkpoint.key, strlen(checkpoint.key), &key))
		{
			*verdict = checkpoint_verify(note, len, parsed, &key);
			strlcpy(tried, checkpoint.key, sizeof(tried));
		}
		pfree(unconstify(char *, checkpoint.key));
		pfree(unconstify(char *, checkpoint.note));
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return *verdict != NOTE_UNSIGNED;
}

/* ---- the head file ---- */

static int
open_head_file(Oid dbid, int flags)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/head-%u", AUDIT_DIRECTORY, dbid);
	return BasicOpenFile(path, flags | PG_BINARY);
}

static off_t
slot_offset(int slot)
{
	return CHECKPOINT_FILE_OFFSET + (off_t) slot * CHECKPOINT_FILE_SLOT;
}

static bool
image_sound(const CheckpointFileImage *image)
{
	return image->magic == CHECKPOINT_FILE_MAGIC && image->version == CHECKPOINT_FILE_VERSION &&
		image->crc == journal_crc32c((const uint8_t *) image, offsetof(CheckpointFileImage, crc)) &&
		image->system_identifier == GetSystemIdentifier();
}

/* The larger one of those that are sound; *slot: where it was. */
static bool
read_images(int fd, CheckpointFileImage *best, int *slot)
{
	*slot = -1;
	for (int i = 0; i < CHECKPOINT_FILE_SLOTS; i++)
	{
		CheckpointFileImage image;

		if (pg_pread(fd, &image, sizeof(image), slot_offset(i)) != (ssize_t) sizeof(image) ||
			!image_sound(&image) || (*slot >= 0 && image.size <= best->size))
			continue;
		*best = image;
		*slot = i;
	}
	return *slot >= 0;
}

bool
checkpoint_file_read(Oid dbid, int64 *size, uint8 *root)
{
	CheckpointFileImage image;
	int			slot;
	int			fd = open_head_file(dbid, O_RDONLY);
	bool		found = fd >= 0 && read_images(fd, &image, &slot);

	if (fd >= 0)
		close(fd);
	if (!found)
		return false;
	*size = image.size;
	memcpy(root, image.root, AUDIT_HASH_SIZE);
	return true;
}

/* The image that counts stays until the new one is on disk. */
bool
checkpoint_file_write(Oid dbid, int64 size, const uint8 *root)
{
	CheckpointFileImage image = {0};
	CheckpointFileImage former;
	int			slot;
	int			fd = open_head_file(dbid, O_RDWR);
	bool		fresh = false;
	bool		ok;

	if (fd < 0 && errno == ENOENT)
	{
		fresh = true;
		fd = audit_make_directory() ? open_head_file(dbid, O_RDWR | O_CREAT) : -1;
	}
	if (fd < 0)
		return false;
	(void) read_images(fd, &former, &slot);
	image.magic = CHECKPOINT_FILE_MAGIC;
	image.version = CHECKPOINT_FILE_VERSION;
	image.system_identifier = GetSystemIdentifier();
	image.size = size;
	memcpy(image.root, root, AUDIT_HASH_SIZE);
	image.crc = journal_crc32c((const uint8_t *) &image, offsetof(CheckpointFileImage, crc));
	ok = pg_pwrite(fd, &image, sizeof(image), slot_offset(slot == 0 ? 1 : 0)) == (ssize_t) sizeof(image) &&
		pg_fdatasync(fd) == 0;
	close(fd);
	return ok && (!fresh || audit_sync_directory());
}

char *
checkpoint_contradiction(int64 seq, Snapshot snapshot, int64 *size)
{
	TileReader	reader;
	uint8		expected[AUDIT_HASH_SIZE];
	uint8		root[AUDIT_HASH_SIZE];
	bool		same;

	*size = 0;
	if (!checkpoint_file_read(MyDatabaseId, size, expected))
		return NULL;
	if (*size > seq)
		return psprintf("The trail ends at record %lld, but a checkpoint over %lld records was handed out: it was rewound.",
						(long long) seq, (long long) *size);
	tile_reader_open(&reader, snapshot);
	same = tile_tree_root(&reader, *size, root) && memcmp(root, expected, AUDIT_HASH_SIZE) == 0;
	tile_reader_close(&reader);
	if (same)
		return NULL;
	return psprintf("The tree over the first %lld records is not the one that the last checkpoint was made of: the trail was replaced.",
					(long long) *size);
}
