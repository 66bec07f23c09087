/*-------------------------------------------------------------------------
 *
 * audit_writer.c
 *		The one process that writes the trail of a database.
 *
 * Takes everything queued for its database into one transaction, commits and
 * flushes it, acknowledges.  What cannot be inserted goes to the journal.
 * Touches no object outside of dataclass_audit, runs no SQL, and pins every
 * setting its work depends on.
 *
 * The head of the trail lives here between transactions and is read again
 * after any that failed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/syncrep.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"
#include "pg_dataclass/audit_throttle.h"
#include "pg_dataclass/audit_writer.h"
#include "pg_dataclass/stat.h"
#include "pg_dataclass/worker_pool.h"

#define SYNC_REP_PATIENCE	2000	/* ms that a commit may wait for a standby */
#define SYNC_REP_RETRY		30000	/* ms until it is tried again */
#define SUCCESSOR_DELAY		5000	/* ms after a writer that was told to go */
#define IMPORT_RETRY		2000	/* ms after an import that failed */

bool		audit_own_process = false;

static bool am_writer = false;
static TrailHead writer_head;
static TimestampTz local_commit_until = 0;
static bool note_local_commit = false;
static bool trail_gone = false; /* the extension was dropped */
static TimestampTz import_not_before = 0;
static TimestampTz head_synced_at = 0;

bool
audit_is_writer(void)
{
	return am_writer;
}

TrailHead *
writer_trail_head(void)
{
	return &writer_head;
}

/*
 * Commit, but do not wait for a synchronous standby for ever: the record is
 * durable here by then.  The timeout interrupts nothing but that wait.
 */
static void
commit(void)
{
	bool		standby = SyncRepStandbyNames != NULL && SyncRepStandbyNames[0] != '\0';
	TimestampTz now = GetCurrentTimestamp();

	if (!standby || local_commit_until > now)
	{
		CommitTransactionCommand();
		return;
	}
	if (local_commit_until != 0)
	{
		local_commit_until = 0;
		SetConfigOption("synchronous_commit", "on", PGC_SUSET, PGC_S_OVERRIDE);
	}
	enable_timeout_after(STATEMENT_TIMEOUT, SYNC_REP_PATIENCE);
	CommitTransactionCommand();
	if (get_timeout_indicator(STATEMENT_TIMEOUT, true))
	{
		local_commit_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SYNC_REP_RETRY);
		note_local_commit = true;
		SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
		ereport(LOG,
				(errmsg("audit writer goes on without synchronous standby"),
				 errdetail("No standby confirmed a commit of the audit trail within %d ms.", SYNC_REP_PATIENCE)));
	}
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false;
}

static void
write_head_file(bool sync)
{
	AuditHeadFile file;

	if (!writer_head.valid || writer_head.seq == 0)
		return;
	file.system_identifier = GetSystemIdentifier();
	file.seq = writer_head.seq;
	memcpy(file.hash, writer_head.hash, AUDIT_HASH_SIZE);
	audit_head_write(MyDatabaseId, &file, sync);
}

/* The file may lag behind: it is flushed from time to time only. */
static void
follow_commit(void)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		sync = TimestampDifferenceExceeds(head_synced_at, now, 10000);

	write_head_file(sync);
	if (sync)
		head_synced_at = now;
}

bool
writer_transaction(writer_work_type work, void *arg, int *sqlstate)
{
	TrailHead	after;
	volatile bool ok = false;
	volatile int nrecords = 0;

	*sqlstate = 0;
	PG_TRY();
	{
		TrailBatch *batch;

		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (!writer_head.valid)
			writer_recover_head(&writer_head);
		batch = trail_open(&writer_head);
		throttle_begin(batch);
		work(batch, arg);
		throttle_close(batch);
		stage_in_transaction(batch);
		nrecords = list_length(trail_inserted(batch));
		trail_close(batch, &after);
		PopActiveSnapshot();
		commit();
		ok = true;
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		*sqlstate = geterrcode();
		trail_gone = *sqlstate == ERRCODE_UNDEFINED_TABLE;
		EmitErrorReport();
		disable_timeout(STATEMENT_TIMEOUT, false);
		QueryCancelPending = false;
		AbortCurrentTransaction();
		FlushErrorState();
		writer_head.valid = false;
		throttle_end(false);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	if (ok)
	{
		writer_head = after;
		throttle_end(true);
		follow_commit();
		if (nrecords > 0)
			stage_after_commit(&writer_head);
	}
	MemoryContextSwitchTo(TopMemoryContext);
	return ok;
}

static void
insert_note(TrailBatch *batch, AuditEvent *event)
{
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;
	char	   *database = get_database_name(MyDatabaseId);

	event->outcome = OUTCOME_OBSERVED;
	payload.data = bytes;
	payload.len = audit_event_encode(event, database, bytes);
	trail_insert(batch, &payload, "writer");
}

void
writer_note(TrailBatch *batch, EventKind kind, EventSeverity severity,
			bool breach, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = kind;
	event.severity = severity;
	event.breach = breach;
	event.detail = detail;
	insert_note(batch, &event);
}

void
writer_note_object(TrailBatch *batch, EventKind kind, EventSeverity severity, const char *action,
				   const char *object_type, const char *object_identity, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = kind;
	event.severity = severity;
	event.action = action;
	event.object_type = object_type;
	event.object_identity = object_identity;
	event.detail = detail;
	insert_note(batch, &event);
}

typedef struct QueueWork
{
	const AuditTaken *taken;
	int			n;
	int64		lost;			/* recorded as such by this transaction */
} QueueWork;

static void
note_impairments(TrailBatch *batch, QueueWork *work)
{
	TimestampTz from;
	TimestampTz to;

	work->lost = audit_queue_lost(&from, &to);
	if (work->lost > 0)
	{
		char	   *from_text = pstrdup(timestamptz_to_str(from));

		writer_note(batch, EVENT_AUDIT_IMPAIRED, SEVERITY_CRITICAL, true,
					psprintf("Events recorded nowhere but in the server log: %lld, from %s to %s.",
							 (long long) work->lost, from_text, timestamptz_to_str(to)));
	}
	if (note_local_commit)
		writer_note(batch, EVENT_AUDIT_IMPAIRED, SEVERITY_WARNING, false,
					"No synchronous standby confirmed a record in time: records are flushed on this server alone for a while.");
}

static void
insert_taken(TrailBatch *batch, void *arg)
{
	QueueWork  *work = arg;
	int			repeat[AUDIT_BATCH_MAX];
	int			nrepeats = 0;
	bool		gone[AUDIT_BATCH_MAX];
	bool		counts[AUDIT_BATCH_MAX];

	for (int i = 0; i < work->n; i++)
	{
		/* The id follows the four bytes of the format. */
		if (work->taken[i].retry &&
			trail_has_event(batch, work->taken[i].payload.data + 4))
			continue;
		if (throttle_insert(batch, &work->taken[i].payload, "queue"))
			repeat[nrepeats++] = i;
	}
	/* A repeat is counted only if its backend can no longer let go of it. */
	audit_queue_seal(work->taken, work->n, GetTopTransactionId(), gone);
	for (int i = 0; i < nrepeats; i++)
		counts[i] = !gone[repeat[i]];
	throttle_count(counts);
	note_impairments(batch, work);
}

/* The id of an event begins with its time, in milliseconds. */
static void
count_lag(const AuditTaken *taken, int n)
{
	int64		now = audit_unix_time(GetCurrentTimestamp());
	int64		sum = 0;
	int64		longest = 0;

	for (int i = 0; i < n; i++)
	{
		int64		lag = Max(now - audit_event_id_time(taken[i].payload.data + AUDIT_ID_OFFSET), 0);

		sum += lag;
		longest = Max(longest, lag);
	}
	stat_add(STAT_RECORDS, n);
	stat_add(STAT_COMMITS, 1);
	stat_add(STAT_LAG, sum);
	stat_set(STAT_LAST_LAG, longest);
}

static bool
record_taken(const AuditTaken *taken, int n, int *sqlstate)
{
	QueueWork	work = {taken, n, 0};
	bool		noted = note_local_commit;

	if (!writer_transaction(insert_taken, &work, sqlstate))
		return false;
	count_lag(taken, n);
	if (noted)
		note_local_commit = false;
	if (work.lost > 0)
		audit_lost_add(MyDatabaseId, -work.lost);
	return true;
}

static void
journal_taken(const AuditTaken *taken, int n, int sqlstate)
{
	AuditPayload payloads[AUDIT_BATCH_MAX];
	bool		gone[AUDIT_BATCH_MAX];
	int			npayloads = 0;
	JournalReason reasons[AUDIT_BATCH_MAX];
	bool		ok;

	audit_queue_seal(taken, n, InvalidTransactionId, gone);
	for (int i = 0; i < n; i++)
	{
		if (gone[i])
			continue;
		reasons[npayloads] = sqlstate == ERRCODE_DISK_FULL ? JOURNAL_NO_SPACE : JOURNAL_WRITER_FAILED;
		payloads[npayloads++] = taken[i].payload;
	}
	ok = npayloads == 0 || audit_journal_keep(MyDatabaseId, payloads, reasons, npayloads);
	if (ok)
	{
		audit_queue_request_writer(MyDatabaseId, true, false);
		import_not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), IMPORT_RETRY);
	}
	audit_queue_finish(taken, n, ok);
}

/* Is the error one of these records, rather than of the whole situation? */
static bool
worth_single_tries(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

/* The extension was dropped: events wait in the journal until there is a trail again. */
static void
leave_without_trail(void)
{
	audit_queue_no_extension(MyDatabaseId);
	proc_exit(0);
}

bool
writer_serve_queue(void)
{
	AuditTaken	taken[AUDIT_BATCH_MAX];
	int			n = audit_queue_take(MyDatabaseId, taken, AUDIT_BATCH_MAX);
	int			sqlstate = 0;
	TimestampTz from;
	TimestampTz to;

	/* What could not be recorded is told as soon as something can be. */
	if (n == 0)
		return audit_queue_lost(&from, &to) > 0 && record_taken(taken, 0, &sqlstate);
	if (record_taken(taken, n, &sqlstate))
		audit_queue_finish(taken, n, true);
	else if (n > 1 && worth_single_tries(sqlstate))
	{
		for (int i = 0; i < n; i++)
		{
			if (record_taken(&taken[i], 1, &sqlstate))
				audit_queue_finish(&taken[i], 1, true);
			else
				journal_taken(&taken[i], 1, sqlstate);
		}
	}
	else
		journal_taken(taken, n, sqlstate);
	return true;
}

static void
writer_exit(int code, Datum arg)
{
	/* What its stages and open windows wanted later, the next one looks after. */
	if (ProcDiePending && !trail_gone)
		audit_queue_wake_at(MyDatabaseId, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SUCCESSOR_DELAY));
	audit_queue_detach_writer();
}

static bool
extension_installed(void)
{
	bool		installed;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	installed = trail_installed();
	PopActiveSnapshot();
	CommitTransactionCommand();
	return installed;
}

static void
leave(int code)
{
	write_head_file(true);
	proc_exit(code);
}

static bool
import_journals(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (import_not_before > now || !audit_queue_import_wanted(true))
		return false;
	if (audit_import_all())
	{
		audit_queue_import_done();
		return true;
	}
	if (trail_gone)
		leave_without_trail();
	audit_queue_request_writer(MyDatabaseId, true, false);
	import_not_before = TimestampTzPlusMilliseconds(now, IMPORT_RETRY);
	return false;
}

static void
writer_loop(void)
{
	TimestampTz last_work = GetCurrentTimestamp();

	for (;;)
	{
		TimestampTz now;
		bool		stopping = ProcDiePending;
		long		timeout = 10000;
		long		wish;
		long		summary;

		ResetLatch(MyLatch);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (!stopping)
			CHECK_FOR_INTERRUPTS();

		summary = throttle_summarize(GetCurrentTimestamp(), false);
		if (writer_serve_queue())
		{
			last_work = GetCurrentTimestamp();
			if (!stopping && !trail_gone)
			{
				/* under load too: those who waited have been answered */
				(void) stage_tick(last_work);
				continue;
			}
		}
		if (stopping)
		{
			(void) throttle_summarize(GetCurrentTimestamp(), true);
			leave(0);
		}
		if (trail_gone)
			leave_without_trail();
		if (writer_found_tampering())
			writer_begin();
		if (import_journals())
		{
			last_work = GetCurrentTimestamp();
			continue;
		}

		now = GetCurrentTimestamp();
		wish = stage_tick(now);
		if (wish >= 0)
			timeout = Min(timeout, wish);
		if (summary >= 0)
			timeout = Min(timeout, summary);
		if (import_not_before <= now)
		{
			long		window = window_tick(now);

			if (window >= 0)
				timeout = Min(timeout, window);
		}
		if (import_not_before > now)
			timeout = Min(timeout, TimestampDifferenceMilliseconds(now, import_not_before) + 1);
		if (guc_writer_idle_timeout > 0)
		{
			TimestampTz leave_at = TimestampTzPlusMilliseconds(last_work, guc_writer_idle_timeout * INT64CONST(1000));

			/* what a stage wants soon keeps it, what it wants later brings it back */
			if (now >= leave_at && summary < 0 && !window_is_pending() && (wish < 0 || wish > guc_writer_idle_timeout * INT64CONST(1000)) &&
				!audit_queue_import_wanted(false))
			{
				audit_queue_wake_at(MyDatabaseId, wish < 0 ? 0 : TimestampTzPlusMilliseconds(now, wish));
				if (audit_queue_try_detach_idle())
					leave(0);
			}
			timeout = Min(timeout, TimestampDifferenceMilliseconds(now, leave_at) + 1);
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(timeout, 1), PG_WAIT_EXTENSION);
	}
}

/*
 * die() only sets flags, and the loop leaves in good order; the signal of a
 * release before DROP DATABASE is the same.
 */
void
dataclass_audit_writer_main(Datum arg)
{
	Oid			dbid = DatumGetObjectId(arg);

	am_writer = true;
	audit_own_process = true;
	pool_worker_begin(dbid, writer_exit);
	pool_pin_settings("pg_dataclass audit writer", "on", "2s");
	if (!audit_queue_attach_writer(dbid))
		proc_exit(0);
	if (!extension_installed())
	{
		audit_queue_no_extension(dbid);
		proc_exit(0);
	}
	pgstat_report_appname("pg_dataclass audit writer");
	audit_lost_prepare(dbid);
	writer_begin();
	writer_loop();
}
