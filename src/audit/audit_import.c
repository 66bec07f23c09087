/*-------------------------------------------------------------------------
 *
 * audit_import.c
 *		Journal files into the trail: in order, each event once.
 *
 * How far a file was imported is a row of dataclass_audit.journal_position
 * (audit_position.c), changed in the transaction that inserts the records:
 * whenever a crash comes, the next import goes on where the committed one
 * ended.  The row stays, with the chain value of the place, so that neither a
 * copy of the file nor a longer one brings anything twice.  An event that is in
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

#include "access/table.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_throttle.h"
#include "pg_dataclass/audit_writer.h"

#define IMPORT_BATCH		256
#define JOURNAL_FILE_MAX	((off_t) 256 * 1024 * 1024)

typedef struct Import
{
	const char *name;
	uint8	   *data;
	size_t		size;
	JournalHeader header;
	bool		header_sound;
	bool		started;		/* the reader is where the position says */
	bool		last;			/* no other file follows in this pass */
	JournalReader reader;
	int64		damages;		/* found so far in this file */
	bool		complete;
} Import;

static void
note_damage(TrailBatch *batch, Import *import, JournalPosition *position, bool breach, const char *what)
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

/*
 * Go on behind what was imported before: only if the file, up to there, is the
 * very one that was imported.  Of another one with the same id everything is
 * looked at, and what the trail has is recognised by the ids of events; so
 * nobody can shut out a journal by handing in something else in its name.
 */
static void
find_place(TrailBatch *batch, Import *import, JournalPosition *position)
{
	JournalReader *reader = &import->reader;

	journal_reader_init(reader, import->data, import->size, import->header.size);
	import->started = true;
	if (!position->exists || position->bytes <= (int64) import->header.size)
		return;
	while (reader->offset < (size_t) position->bytes && journal_next(reader) != JOURNAL_END)
		CHECK_FOR_INTERRUPTS();
	if (reader->offset == (size_t) position->bytes &&
		(!position->has_link || memcmp(reader->link, position->link, AUDIT_HASH_SIZE) == 0))
		return;
	if (reader->offset >= (size_t) position->bytes)
		note_damage(batch, import, position, true, "It is not the file that was imported before under the same id.");
	journal_reader_init(reader, import->data, import->size, import->header.size);
	position->complete = false;
}

/* For the record of the window in which recording was not normal. */
static void
count_impaired(JournalPosition *position, const JournalReader *reader, const AuditRecord *record)
{
	TimestampTz at = audit_timestamp(record->number[AUDIT_TIME].value);

	if (!journal_reason_impaired(reader->reason))
		return;
	if (position->unreported == 0 || at < position->first_time)
		position->first_time = at;
	if (position->unreported == 0 || at > position->last_time)
		position->last_time = at;
	position->reasons = position->unreported == 0 ? 0 : position->reasons;
	position->reasons |= 1 << Min(reader->reason, JOURNAL_REASON_COUNT);
	position->unreported++;
	strlcpy(position->node, "", sizeof(position->node));
	if (record->text[AUDIT_NODE].data != NULL)
		snprintf(position->node, sizeof(position->node), "%.*s",
				 (int) record->text[AUDIT_NODE].len, record->text[AUDIT_NODE].data);
}

static void
import_frame(TrailBatch *batch, Import *import, JournalPosition *position)
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
	count_impaired(position, &import->reader, &record);
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

/* One frame, or what is there instead; true at the end of the file. */
static bool
import_step(TrailBatch *batch, Import *import, JournalPosition *position)
{
	switch (journal_next(&import->reader))
	{
		case JOURNAL_FRAME:
			import_frame(batch, import, position);
			break;
		case JOURNAL_DAMAGED:
			note_damage(batch, import, position, true,
						psprintf("Bytes %zu to %zu are damaged; the records around them are imported.",
								 import->reader.from, import->reader.to));
			break;
		case JOURNAL_TORN:
			/* A longer copy of the file may have the whole record: it starts here. */
			if (!position->complete)
				note_damage(batch, import, position, false,
							psprintf("The last %zu bytes are no complete record and were cut off.",
									 import->reader.to - import->reader.from));
			position->bytes = (int64) import->reader.from;
			return true;
		case JOURNAL_END:
			position->bytes = (int64) import->reader.offset;
			return true;
	}
	position->bytes = (int64) import->reader.offset;
	return false;
}

/* One transaction: up to IMPORT_BATCH frames, and how far that brought us. */
static void
import_work(TrailBatch *batch, void *arg)
{
	Import	   *import = arg;
	Relation	rel = position_open(RowExclusiveLock);
	JournalPosition position;
	bool		end = false;

	position_read(rel, import->header.id, &position);
	position.created = import->header.created;
	if (!import->started)
		find_place(batch, import, &position);
	for (int i = 0; i < IMPORT_BATCH && !end; i++)
		end = import_step(batch, import, &position);
	position.complete = end;
	position.has_link = true;
	memcpy(position.link, import->reader.link, AUDIT_HASH_SIZE);
	import->damages = position.damages;
	count_repeats();
	position_write(rel, &position);
	/* In the transaction that brings the last of them: who sees no journal any more sees the window. */
	if (end && import->last)
		window_record(batch, rel, false);
	table_close(rel, NoLock);
	import->complete = end;
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
	audit_journal_recount();
}

static bool
import_file(const char *name, bool last)
{
	Import		import = {0};
	int			sqlstate;

	import.name = name;
	import.last = last;

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
		ok = import_file(lfirst(lc), lnext(names, lc) == NULL);
		if (!ok)
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return ok;
}
