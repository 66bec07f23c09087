/*-------------------------------------------------------------------------
 *
 * audit_handin.c
 *		dataclass_audit.import_journal(): a journal of another node of this
 *		cluster, a standby above all, is handed in.
 *
 * The trail has one writer, so the session imports nothing itself: it checks
 * the file, puts a copy of it beside the journals of this server, durably, and
 * waits until the writer is done with the copy.  Whatever happens to the
 * session after that, the copy is imported like any other journal.
 *
 * What a hostile caller could want: to read files of the server (nothing of
 * their content is ever shown, and what is no regular file is not opened), to
 * bring in events of another cluster or database, or of a damaged or edited
 * file (refused and recorded: the header, every checksum and every link are
 * checked), to bring in the same events twice (journal_position and the ids of
 * events), or to shut out a journal by something else under its id (see
 * find_place() in audit_import.c).  Checksums and links are no signature:
 * whoever can write files for the server can make a journal, so who handed in
 * what is a record.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/table.h"
#include "access/xlog.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_writer.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

#define HANDIN_FILE_MAX	((off_t) 256 * 1024 * 1024)
#define HANDIN_PATIENCE	60000	/* ms for the writer to be done */
#define HANDIN_LOOK		20		/* ms between looks */
#define HANDIN_COLUMNS	4

typedef struct HandIn
{
	char	   *path;
	uint8	   *data;
	size_t		size;			/* whole frames only, once it is checked */
	JournalHeader header;
	int64		events;
	char		copy[MAXPGPATH];	/* name below AUDIT_DIRECTORY */
} HandIn;

extern PGDLLEXPORT Datum dc_audit_import_journal(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_import_journal);

/* Officers and auditors only, whoever has the right to call it. */
static void
check_office(void)
{
	Oid			auditor = get_role_oid(DC_AUDITOR_ROLE, true);
	Refusal		refusal = {0};

	if (policy_is_officer() || (OidIsValid(auditor) && role_inherits(GetOuterUserId(), auditor)))
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "import_journal";
	refusal.event.object_type = "function";
	refusal.event.object_identity = DC_AUDIT_SCHEMA ".import_journal";
	refusal.event.rule = "officer";
	refusal.event.detail = "Only officers and auditors may hand in a journal.";
	refusal.message = "permission denied for function import_journal";
	refusal.detail = "Only officers and auditors may hand in a journal.";
	refusal.hint = "Ask a security officer or an auditor.";
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

/* The file is no journal of this database, or not one that can be believed. */
static void
refuse(const HandIn *handin, bool breach, const char *why)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_AUDIT_IMPAIRED;
	refusal.event.severity = breach ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	refusal.event.breach = breach;
	refusal.event.action = "import_journal";
	refusal.event.object_type = "file";
	refusal.event.object_identity = handin->path;
	refusal.event.rule = "journal";
	refusal.event.detail = why;
	refusal.sqlstate = breach ? ERRCODE_DATA_CORRUPTED : ERRCODE_INVALID_PARAMETER_VALUE;
	refusal.message = psprintf("cannot import file \"%s\" as an audit journal", handin->path);
	refusal.detail = why;
	refusal.hint = "Give the name of an undamaged journal file of a node of this cluster.";
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static void
read_whole_file(HandIn *handin)
{
	struct stat st;
	size_t		got = 0;
	int			fd;

	if (!is_absolute_path(handin->path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("name of an audit journal must be an absolute path")));
	/* Some devices do something when they are opened: look first. */
	if (stat(handin->path, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", handin->path)));
	if (!S_ISREG(st.st_mode))
		refuse(handin, false, "It is no regular file.");
	fd = OpenTransientFile(handin->path, O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", handin->path)));
	if (!S_ISREG(st.st_mode) || st.st_size > HANDIN_FILE_MAX)
		refuse(handin, false, S_ISREG(st.st_mode) ? "It is too large for a journal." : "It is no regular file.");
	handin->size = (size_t) st.st_size;
	handin->data = palloc_extended(handin->size + 1, MCXT_ALLOC_HUGE);
	while (got < handin->size)
	{
		ssize_t		n = read(fd, handin->data + got, handin->size - got);

		if (n < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", handin->path)));
		if (n == 0)
			break;
		got += (size_t) n;
		CHECK_FOR_INTERRUPTS();
	}
	handin->size = got;
	CloseTransientFile(fd);
}

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
 * Every frame sound, every link whole, every event readable.  A tail that is no
 * whole frame is left out: the node may be writing it now.
 */
static void
check_frames(HandIn *handin)
{
	JournalReader reader;
	JournalStep step;
	size_t		whole = handin->header.size;

	journal_reader_init(&reader, handin->data, handin->size, handin->header.size);
	while ((step = journal_next(&reader)) != JOURNAL_END)
	{
		AuditRecord record;
		const char *error;

		CHECK_FOR_INTERRUPTS();
		if (step == JOURNAL_TORN)
			break;
		if (step == JOURNAL_DAMAGED)
			refuse(handin, true, psprintf("Bytes %zu to %zu are damaged.", reader.from, reader.to));
		if (reader.link_broken)
			refuse(handin, true, psprintf("The record at byte %zu does not follow the one before it.", reader.from));
		if (!audit_payload_decode(reader.payload, reader.payload_len, &record, &error) || !texts_valid(&record))
			refuse(handin, true, psprintf("The record at byte %zu cannot be read.", reader.from));
		whole = reader.to;
		handin->events++;
	}
	handin->size = whole;
}

static void
check_file(HandIn *handin)
{
	if (!journal_header_decode(handin->data, handin->size, &handin->header))
		refuse(handin, false, "It is no audit journal, or its header is damaged.");
	if (handin->header.system_identifier != GetSystemIdentifier())
		refuse(handin, false, "It is the journal of another cluster.");
	if (handin->header.database != MyDatabaseId)
		refuse(handin, false, "It is the journal of another database.");
	check_frames(handin);
}

/* Among this server's journals, where it sorts by its age as they do. */
static void
put_copy(HandIn *handin)
{
	uint32		salt;

	if (!pg_strong_random(&salt, sizeof(salt)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random number")));
	snprintf(handin->copy, sizeof(handin->copy), "journal-%u-%016llx-%02x%02x%02x%02x-%08x",
			 MyDatabaseId, (unsigned long long) handin->header.created,
			 handin->header.id[0], handin->header.id[1], handin->header.id[2], handin->header.id[3], salt);
	if (!audit_write_file(handin->copy, handin->data, handin->size, true))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not copy file \"%s\" to the journals of this server", handin->path),
				 errhint("See the server log.")));
	audit_journal_recount();
}

static bool
copy_exists(const HandIn *handin)
{
	char		path[MAXPGPATH];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, handin->copy);
	return stat(path, &st) == 0;
}

static void
wait_for_writer(const HandIn *handin)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), HANDIN_PATIENCE);

	audit_queue_request_writer(MyDatabaseId, true, false);
	while (copy_exists(handin))
	{
		if (GetCurrentTimestamp() >= deadline)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("audit journal is not imported yet"),
					 errdetail("A copy of it is kept, and imported as soon as the writer of the trail comes to it."),
					 errhint("See SELECT * FROM dataclass_audit.status().")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 HANDIN_LOOK, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static int64
imported_records(const HandIn *handin)
{
	Relation	rel = position_open(AccessShareLock);
	JournalPosition position;

	position_read(rel, handin->header.id, &position);
	table_close(rel, AccessShareLock);
	return position.records;
}

static void
record_handin(const HandIn *handin, int64 imported)
{
	AuditEvent	event = {0};

	event.kind = EVENT_AUDIT_IMPAIRED;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_ALLOWED;
	event.action = "import_journal";
	event.object_type = "file";
	event.object_identity = handin->path;
	event.detail = psprintf("A journal of %lld events was handed in, %lld of them were new.",
							(long long) handin->events, (long long) imported);
	(void) event_record(&event);
}

Datum
dc_audit_import_journal(PG_FUNCTION_ARGS)
{
	HandIn		handin = {0};
	TupleDesc	desc;
	Datum		values[HANDIN_COLUMNS];
	bool		nulls[HANDIN_COLUMNS] = {false};
	pg_uuid_t	uuid;
	int64		before;
	int64		imported;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	check_office();
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot import an audit journal during recovery"),
				 errhint("Call dataclass_audit.import_journal() on the primary.")));
	handin.path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	canonicalize_path(handin.path);
	read_whole_file(&handin);
	check_file(&handin);

	before = imported_records(&handin);
	put_copy(&handin);
	wait_for_writer(&handin);
	imported = imported_records(&handin) - before;
	record_handin(&handin, imported);

	memcpy(uuid.data, handin.header.id, UUID_LEN);
	values[0] = UUIDPGetDatum(&uuid);
	values[1] = Int64GetDatum(handin.events);
	values[2] = Int64GetDatum(imported);
	values[3] = Int64GetDatum(handin.events - imported);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
