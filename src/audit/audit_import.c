/*-------------------------------------------------------------------------
 *
 * audit_import.c
 *		Journal files into the trail: in order, each event once.
 *
 * How far a file was imported is a row of dataclass_audit.journal_position,
 * changed in the transaction that inserts the records: whenever a crash comes,
 * the next import goes on where the committed one ended.  An event that is in
 * the trail already (its backend gave up on a writer that committed after all)
 * is recognised by its id.  Files go away after the commit of their last
 * record; damaged ones are kept under another name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_journal_format.h"
#include "pg_dataclass/audit_throttle.h"
#include "pg_dataclass/audit_writer.h"

#define IMPORT_BATCH		256
#define JOURNAL_FILE_MAX	((off_t) 256 * 1024 * 1024)

/* Columns of dataclass_audit.journal_position. */
typedef enum PositionColumn
{
	POSITION_JOURNAL = 1,
	POSITION_CREATED_AT,
	POSITION_BYTES,
	POSITION_RECORDS,
	POSITION_DAMAGES,
	POSITION_COMPLETE,
	POSITION_IMPORTED_AT,
	POSITION_COLUMN_COUNT = POSITION_IMPORTED_AT
} PositionColumn;

typedef struct Position
{
	bool		exists;
	int64		bytes;
	int64		records;
	int64		damages;
	bool		complete;
	ItemPointerData tid;
} Position;

typedef struct Import
{
	const char *name;
	uint8	   *data;
	size_t		size;
	JournalHeader header;
	bool		header_sound;
	JournalReader reader;
	int64		damages;		/* found so far in this file */
	bool		complete;
} Import;

static Relation
open_position(LOCKMODE mode)
{
	Oid			relid = trail_relid("journal_position");
	Relation	rel;

	if (!OidIsValid(relid) || !OidIsValid(trail_relid("journal_position_pkey")))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	rel = table_open(relid, mode);
	if (RelationGetDescr(rel)->natts != POSITION_COLUMN_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("Table dataclass_audit.journal_position has not the columns it was created with.")));
	return rel;
}

static void
read_position(Relation rel, const uint8 *journal_id, Position *position)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	pg_uuid_t	uuid;

	memset(position, 0, sizeof(*position));
	memcpy(uuid.data, journal_id, UUID_LEN);
	ScanKeyInit(&key, POSITION_JOURNAL, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&uuid));
	scan = systable_beginscan(rel, trail_relid("journal_position_pkey"), true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum		values[POSITION_COLUMN_COUNT];
		bool		nulls[POSITION_COLUMN_COUNT];

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		position->exists = true;
		position->bytes = DatumGetInt64(values[POSITION_BYTES - 1]);
		position->records = DatumGetInt64(values[POSITION_RECORDS - 1]);
		position->damages = DatumGetInt64(values[POSITION_DAMAGES - 1]);
		position->complete = DatumGetBool(values[POSITION_COMPLETE - 1]);
		position->tid = tuple->t_self;
	}
	systable_endscan(scan);
}

static void
write_position(Relation rel, const Import *import, const Position *position)
{
	Datum		values[POSITION_COLUMN_COUNT];
	bool		nulls[POSITION_COLUMN_COUNT] = {false};
	pg_uuid_t	uuid;
	HeapTuple	tuple;

	memcpy(uuid.data, import->header.id, UUID_LEN);
	values[POSITION_JOURNAL - 1] = UUIDPGetDatum(&uuid);
	values[POSITION_CREATED_AT - 1] = TimestampTzGetDatum(audit_timestamp(import->header.created));
	values[POSITION_BYTES - 1] = Int64GetDatum(position->bytes);
	values[POSITION_RECORDS - 1] = Int64GetDatum(position->records);
	values[POSITION_DAMAGES - 1] = Int64GetDatum(position->damages);
	values[POSITION_COMPLETE - 1] = BoolGetDatum(position->complete);
	values[POSITION_IMPORTED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (position->exists)
	{
		ItemPointerData tid = position->tid;

		CatalogTupleUpdate(rel, &tid, tuple);
	}
	else
		CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
}

static void
note_damage(TrailBatch *batch, Import *import, Position *position, bool breach, const char *what)
{
	import->damages++;
	position->damages++;
	writer_note(batch, EVENT_AUDIT_IMPAIRED, breach ? SEVERITY_CRITICAL : SEVERITY_WARNING, breach,
				psprintf("Journal %s: %s", import->name, what));
}

/* Is every text of the record one of this database's encoding? */
static bool
texts_valid(const AuditRecord *record)
{
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		if (record->text[i].data != NULL &&
			!pg_verify_mbstr(GetDatabaseEncoding(), record->text[i].data, (int) record->text[i].len, true))
			return false;
	}
	return true;
}

static void
import_frame(TrailBatch *batch, Import *import, Position *position)
{
	AuditPayload payload = {import->reader.payload, import->reader.payload_len};
	AuditRecord record;
	const char *error;

	if (import->reader.link_broken)
		note_damage(batch, import, position, true,
					psprintf("The record at byte %zu does not follow the one before it.", import->reader.from));
	if (!audit_payload_decode(payload.data, payload.len, &record, &error) || !texts_valid(&record))
	{
		note_damage(batch, import, position, true,
					psprintf("The record at byte %zu cannot be read.", import->reader.from));
		return;
	}
	if (trail_has_event(batch, record.event_id))
		return;
	(void) throttle_insert(batch, &payload, "journal");
	position->records++;
}

/* Nobody delivers them a second time: the position goes with the count. */
static void
count_repeats(void)
{
	int			n = throttle_held();
	bool	   *counts = palloc(Max(n, 1) * sizeof(bool));

	memset(counts, true, n * sizeof(bool));
	throttle_count(counts);
	pfree(counts);
}

/* One transaction: up to IMPORT_BATCH frames, and how far that brought us. */
static void
import_work(TrailBatch *batch, void *arg)
{
	Import	   *import = arg;
	Relation	rel = open_position(RowExclusiveLock);
	Position	position;

	read_position(rel, import->header.id, &position);
	if (position.complete)
	{
		import->complete = true;
		import->damages = position.damages;
		table_close(rel, NoLock);
		return;
	}
	import->damages = position.damages;
	journal_reader_init(&import->reader, import->data, import->size,
						position.exists ? (size_t) position.bytes : JOURNAL_HEADER_SIZE);
	for (int i = 0; i < IMPORT_BATCH && !position.complete; i++)
	{
		switch (journal_next(&import->reader))
		{
			case JOURNAL_FRAME:
				import_frame(batch, import, &position);
				break;
			case JOURNAL_DAMAGED:
				note_damage(batch, import, &position, true,
							psprintf("Bytes %zu to %zu are damaged; the records around them are imported.",
									 import->reader.from, import->reader.to));
				break;
			case JOURNAL_TORN:
				note_damage(batch, import, &position, false,
							psprintf("The last %zu bytes are no complete record and were cut off.",
									 import->reader.to - import->reader.from));
				break;
			case JOURNAL_END:
				position.complete = true;
				break;
		}
	}
	count_repeats();
	position.bytes = (int64) import->reader.offset;
	write_position(rel, import, &position);
	table_close(rel, NoLock);
	import->complete = position.complete;
}

/* A file without a header we can read: nothing in it can be believed. */
static void
unreadable_work(TrailBatch *batch, void *arg)
{
	Import	   *import = arg;

	writer_note(batch, EVENT_AUDIT_IMPAIRED, SEVERITY_CRITICAL, true,
				psprintf("Journal %s (%zu bytes) cannot be read; it is kept as damaged-%s.",
						 import->name, import->size, import->name));
}

/* Whole file into the current context; false after a LOG message. */
static bool
load_journal_file(Import *import)
{
	char		path[MAXPGPATH];
	struct stat st;
	size_t		got = 0;
	int			fd;

	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, import->name);
	fd = BasicOpenFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > JOURNAL_FILE_MAX)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not read audit journal \"%s\": %m", path)));
		if (fd >= 0)
			close(fd);
		return false;
	}
	import->size = (size_t) st.st_size;
	import->data = MemoryContextAllocExtended(CurrentMemoryContext, import->size + 1,
											  MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	while (import->data != NULL && got < import->size)
	{
		ssize_t		n = read(fd, import->data + got, import->size - got);

		if (n <= 0)
			break;
		got += (size_t) n;
	}
	close(fd);
	if (import->data == NULL || got < import->size)
	{
		ereport(LOG,
				(errmsg("could not read audit journal \"%s\"", path)));
		return false;
	}
	return true;
}

/* Only after the commit. */
static void
remove_file(const Import *import, bool keep)
{
	char		path[MAXPGPATH];
	char		kept[MAXPGPATH];
	int			rc;

	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, import->name);
	snprintf(kept, sizeof(kept), "%s/damaged-%s", AUDIT_DIRECTORY, import->name);
	rc = keep ? rename(path, kept) : unlink(path);
	if (rc != 0 && errno != ENOENT)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not remove audit journal \"%s\": %m", path)));
	(void) audit_sync_directory();
}

static bool
import_file(const char *name)
{
	Import		import = {0};
	int			sqlstate;

	import.name = name;

	/*
	 * The list may name a file that came into being after the last seal: from
	 * here on nothing is appended to it either.
	 */
	audit_journal_seal(MyDatabaseId);
	if (!load_journal_file(&import))
		return false;
	import.header_sound = journal_header_decode(import.data, import.size, &import.header) &&
		import.header.database == MyDatabaseId;
	if (!import.header_sound)
	{
		/* Created and never written: no event was ever acknowledged from it. */
		bool		empty = import.size == 0;

		if (!empty && !writer_transaction(unreadable_work, &import, &sqlstate))
			return false;
		remove_file(&import, !empty);
		return true;
	}
	while (!import.complete)
	{
		if (!writer_transaction(import_work, &import, &sqlstate))
			return false;
		/* Those who wait now come first. */
		(void) writer_serve_queue();
		if (ProcDiePending)
			return false;
	}
	remove_file(&import, import.damages > 0);
	return true;
}

bool
audit_import_all(void)
{
	MemoryContext work = AllocSetContextCreate(TopMemoryContext, "dataclass journal", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	bool		ok = true;
	List	   *names;
	ListCell   *lc;

	names = audit_files("journal-", MyDatabaseId);
	foreach(lc, names)
	{
		MemoryContextSwitchTo(work);
		ok = import_file(lfirst(lc));
		if (!ok)
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return ok;
}
