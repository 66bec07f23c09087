/*-------------------------------------------------------------------------
 *
 * notice_worker.c
 *		The worker that tells, one per database: its loop.
 *
 * Woken by the writer of the trail after its commits, never part of them: what
 * is slow or fails out there, a full notification queue or a command that
 * hangs, is recorded and tried again, and holds up neither recording nor what
 * else there is to tell.  Runs no SQL.  Each piece of work is a transaction of
 * its own; one that fails is logged and tried again after a moment.
 *
 * A notice is handed over at least once: a crash after the command succeeded
 * and before that is committed has it run again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/incident.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/notice_expand.h"
#include "pg_dataclass/response.h"
#include "pg_dataclass/worker_pool.h"

#define PASS_APART			25	/* ms between passes over the trail */
#define NOTIFY_MOST		7999	/* bytes of a payload that core takes */
#define FAILED_PAUSE	1000	/* ms after a transaction that failed */
#define CHECKPOINT_PAUSE 20		/* ms until a checkpoint on its way is looked for again */
#define RECORD_TRIES	120		/* to record that a command succeeded, before it is run again */
#define NOTIFY_PAUSE	1000	/* ms without NOTIFY after one that failed, of whichever notice */
#define IDLE_MOST		10		/* s after which it gives its slot back: writers need them more */

typedef void (*work_type) (void *arg);

static bool outbox_gone = false;	/* the extension was dropped */
static TimestampTz notify_not_before = 0;

/* False after its error was logged; message, if wanted, gets its text. */
static bool
in_transaction(work_type work, void *arg, char *message, size_t size)
{
	volatile bool ok = false;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		work(arg);
		PopActiveSnapshot();
		CommitTransactionCommand();
		ok = true;
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		outbox_gone = geterrcode() == ERRCODE_UNDEFINED_TABLE;
		if (message != NULL)
		{
			ErrorData  *error;

			MemoryContextSwitchTo(TopMemoryContext);
			error = CopyErrorData();
			strlcpy(message, error->message ? error->message : "unknown error", size);
			FreeErrorData(error);
		}
		if (!outbox_gone)
			EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopMemoryContext);
	return ok;
}

/* ------------------------------------------------------------------------
 * Response rules, the list of notices
 * ------------------------------------------------------------------------
 */

static void
respond(void *arg)
{
	*(bool *) arg = response_pass();
}

/* False: it failed. */
static bool
apply_rules(void)
{
	bool		more = true;

	while (more && !ProcDiePending)
	{
		if (!in_transaction(respond, &more, NULL, 0))
		{
			response_forget();
			return false;
		}
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static void
load(void *arg)
{
	notice_outbox_load();
}

static void
save(void *arg)
{
	notice_outbox_save();
}

/* ------------------------------------------------------------------------
 * Attempts
 * ------------------------------------------------------------------------
 */

typedef struct Attempt
{
	PendingNotice *pending;
	NoticeChannel channel;
	bool		delivered;
	bool		waits;			/* not made yet */
	int			exit_status;
	const char *detail;
} Attempt;

/* Not one for each retry: what fails for hours must not flood the trail. */
static void
record_disclosure(const Attempt *attempt, const Notice *notice)
{
	AuditEvent	event = {0};

	event.kind = EVENT_DISCLOSURE;
	event.severity = attempt->delivered ? SEVERITY_NOTICE : SEVERITY_HIGH;
	event.outcome = OUTCOME_OBSERVED;
	event.action = notice_channel_name(attempt->channel);
	event.object_type = "notice";
	event.object_identity = psprintf("%lld", (long long) notice->id);
	if (attempt->delivered)
		event.detail = psprintf("Notice %lld of incident %lld was handed over at attempt %d, exit status %d.",
								(long long) notice->id, (long long) notice->incident,
								attempt->pending->attempts[attempt->channel] + 1, attempt->exit_status);
	else
		event.detail = psprintf("Notice %lld of incident %lld could not be handed over and is tried again: %s",
								(long long) notice->id, (long long) notice->incident, attempt->detail);
	if (!event_record_at_commit(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record a disclosure in the audit trail")));
}

/* An incident that somebody moved on meanwhile stays where it is. */
static void
mark_notified(const Notice *notice)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	if (notice->incident == 0 || strcmp(notice->subject, "breach") != 0)
		return;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		incident_add_step(notice->incident, INCIDENT_NOTIFIED, INCIDENT_BY_EXTENSION,
						  psprintf("notice %lld was handed over to dataclass.breach_command", (long long) notice->id));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE &&
			error->sqlerrcode != ERRCODE_INVALID_PARAMETER_VALUE)
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

static void
record_attempt(void *arg)
{
	Attempt    *attempt = arg;
	bool		first = attempt->pending->attempts[attempt->channel] == 0;
	Notice		notice;

	notice_record_attempt(attempt->pending, attempt->channel, attempt->delivered,
						  attempt->exit_status, attempt->detail);
	if (!notice_read(attempt->pending->id, &notice))
		return;
	if (attempt->channel == NOTICE_COMMAND && attempt->delivered)
		mark_notified(&notice);
	if (attempt->channel == NOTICE_COMMAND ? (attempt->delivered || first) : (!attempt->delivered && first))
		record_disclosure(attempt, &notice);
}

typedef struct Unrecorded
{
	Attempt		attempt;
	int			tries;
	TimestampTz next;
} Unrecorded;

static List *unrecorded = NIL;	/* commands that succeeded, in TopMemoryContext */

/*
 * What was told is not told again because somebody holds a lock on the incident
 * for a while, as an auditor does who has not committed his step.
 */
static void
keep_unrecorded(const Attempt *attempt)
{
	Unrecorded *kept = palloc0(sizeof(Unrecorded));

	kept->attempt = *attempt;
	kept->next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FAILED_PAUSE);
	attempt->pending->running = true;
	unrecorded = lappend(unrecorded, kept);
}

/* In TopMemoryContext, where in_transaction() leaves us. */
static void
finish_attempt(Attempt *attempt)
{
	bool		recorded = in_transaction(record_attempt, attempt, NULL, 0);

	if (!recorded && !outbox_gone && attempt->channel == NOTICE_COMMAND && attempt->delivered)
		keep_unrecorded(attempt);
	else
		notice_attempt_done(attempt->pending, attempt->channel, attempt->delivered && recorded);
}

static void
record_late(void)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	foreach(cell, unrecorded)
	{
		Unrecorded *kept = lfirst(cell);
		bool		recorded;

		if (kept->next > now)
			continue;
		recorded = in_transaction(record_attempt, &kept->attempt, NULL, 0);
		kept->next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FAILED_PAUSE);
		if (!recorded && ++kept->tries < RECORD_TRIES)
			continue;
		kept->attempt.pending->running = false;
		notice_attempt_done(kept->attempt.pending, NOTICE_COMMAND, recorded);
		unrecorded = foreach_delete_current(unrecorded, cell);
		pfree(kept);
	}
}

static void
notify(void *arg)
{
	Attempt    *attempt = arg;
	Notice		notice;

	bool		found = notice_read(attempt->pending->id, &notice);

	attempt->waits = found && notice_awaits_checkpoint(&notice);
	if (attempt->waits)
		return;
	if (found)
		Async_Notify(NOTICE_CHANNEL, notice_payload_within(&notice, NOTIFY_MOST + 1));
	notice_record_attempt(attempt->pending, NOTICE_NOTIFY, true, -1, NULL);
}

static void
try_notify(PendingNotice *pending)
{
	Attempt		attempt = {.pending = pending, .channel = NOTICE_NOTIFY, .exit_status = -1};
	char		message[160];

	/* the row that says so is committed with it, or neither is */
	if (in_transaction(notify, &attempt, message, sizeof(message)))
	{
		if (attempt.waits)
			pending->next[NOTICE_NOTIFY] = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CHECKPOINT_PAUSE);
		else
			notice_attempt_done(pending, NOTICE_NOTIFY, true);
	}
	else if (!outbox_gone)
	{
		attempt.detail = message;
		notify_not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), NOTIFY_PAUSE);
		finish_attempt(&attempt);
	}
}

typedef struct Start
{
	int64		notice;
	bool		waits;
	bool		started;
	NoticeResult result;
} Start;

static void
start_command(void *arg)
{
	Start	   *start = arg;
	Notice		notice;
	char	   *payload;
	char	   *command;
	size_t		len;

	if (!notice_read(start->notice, &notice))
	{
		snprintf(start->result.detail, sizeof(start->result.detail), "The notice is not there.");
		return;
	}
	if (notice_awaits_checkpoint(&notice))
	{
		start->waits = true;
		return;
	}
	payload = notice_payload(&notice);
	len = notice_expand_command(NULL, 0, guc_breach_command, notice.incident, notice.class) + 1;
	command = palloc(len);
	(void) notice_expand_command(command, len, guc_breach_command, notice.incident, notice.class);
	start->started = notice_command_start(notice.id, command, payload, &start->result);
}

static void
try_command(PendingNotice *pending)
{
	Start		start = {.notice = pending->id};
	Attempt		attempt = {.pending = pending, .channel = NOTICE_COMMAND, .exit_status = -1};
	char		message[160] = "";

	(void) in_transaction(start_command, &start, message, sizeof(message));
	if (start.started)
		pending->running = true;	/* whatever became of the transaction, which only read */
	else if (start.waits)
		pending->next[NOTICE_COMMAND] = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CHECKPOINT_PAUSE);
	else if (!outbox_gone)
	{
		attempt.detail = message[0] ? message : start.result.detail;
		finish_attempt(&attempt);
	}
}

static PendingNotice *
pending_of(int64 id)
{
	ListCell   *cell;

	foreach(cell, notice_outbox_pending())
	{
		if (((PendingNotice *) lfirst(cell))->id == id)
			return lfirst(cell);
	}
	return NULL;
}

static void
take_results(void)
{
	NoticeResult result;

	while (notice_command_ended(&result))
	{
		PendingNotice *pending = pending_of(result.notice);
		Attempt		attempt = {.pending = pending, .channel = NOTICE_COMMAND};

		if (pending == NULL)
			continue;
		attempt.delivered = result.delivered;
		attempt.exit_status = result.exit_status;
		attempt.detail = result.delivered ? NULL : result.detail;
		pending->running = false;
		finish_attempt(&attempt);
	}
}

/* Due now: first those never tried, oldest first; then the one that has waited longest. */
static PendingNotice *
next_due(NoticeChannel channel, TimestampTz now, TimestampTz *soonest)
{
	PendingNotice *best = NULL;
	ListCell   *cell;

	foreach(cell, notice_outbox_pending())
	{
		PendingNotice *pending = lfirst(cell);

		if (!pending->waits[channel] || (channel == NOTICE_COMMAND && pending->running))
			continue;
		if (pending->next[channel] > now)
		{
			if (*soonest == 0 || pending->next[channel] < *soonest)
				*soonest = pending->next[channel];
		}
		else if (best == NULL || pending->next[channel] < best->next[channel])
			best = pending;
	}
	return best;
}

/* Returns when the next one is due, 0: none waits. */
static TimestampTz
hand_over(void)
{
	TimestampTz soonest = 0;
	PendingNotice *pending;

	take_results();
	record_late();
	while (!ProcDiePending && notice_command_configured() && notice_commands_running() < NOTICE_COMMANDS_AT_ONCE &&
		   (pending = next_due(NOTICE_COMMAND, GetCurrentTimestamp(), &soonest)) != NULL)
		try_command(pending);
	while (!ProcDiePending && !outbox_gone && GetCurrentTimestamp() >= notify_not_before &&
		   (pending = next_due(NOTICE_NOTIFY, GetCurrentTimestamp(), &soonest)) != NULL)
	{
		try_notify(pending);
		take_results();
	}
	return soonest;
}

/* ------------------------------------------------------------------------
 * The loop
 * ------------------------------------------------------------------------
 */

static bool
idle_for_long(TimestampTz last_work, TimestampTz due, TimestampTz now)
{
	int			most = guc_writer_idle_timeout > 0 ? Min(guc_writer_idle_timeout, IDLE_MOST) * 1000 : IDLE_MOST * 1000;

	if (notice_commands_running() > 0 || unrecorded != NIL || !TimestampDifferenceExceeds(last_work, now, most))
		return false;
	return due == 0 || TimestampDifferenceExceeds(now, due, most);
}

static long
time_to_wait(TimestampTz due, bool failed)
{
	TimestampTz now = GetCurrentTimestamp();
	long		wait = 1000;	/* to notice that it is idle for long */
	long		command = notice_command_wait();

	if (due != 0)
		wait = Min(wait, TimestampDifferenceMilliseconds(now, due) + 1);
	if (command >= 0)
		wait = Min(wait, command);
	return failed ? FAILED_PAUSE : Max(wait, 1);
}

static void
worker_loop(void)
{
	TimestampTz last_work = GetCurrentTimestamp();
	bool		failed = false;
	bool		full = false;
	bool		reloaded = false;
	bool		woken_early = false;
	TimestampTz passed_at = 0;

	while (!outbox_gone)
	{
		TimestampTz due;
		bool		woken;

		ResetLatch(MyLatch);
		/* quietly, at shutdown and for DROP DATABASE */
		if (ProcDiePending)
			proc_exit(0);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			reloaded = true;
		}
		/* Under load one pass takes what several commits brought. */
		woken_early = !TimestampDifferenceExceeds(passed_at, GetCurrentTimestamp(), PASS_APART) &&
			notice_wake_waits();
		woken = !woken_early && notice_take_wake();
		if (woken || failed)
		{
			passed_at = last_work = GetCurrentTimestamp();
			failed = !apply_rules();
		}
		if (woken || failed || full || reloaded)
			failed = !in_transaction(load, NULL, NULL, 0) || failed;
		full = notice_outbox_full();
		/* a list that is in use is made anew later */
		reloaded = reloaded && (notice_commands_running() > 0 || unrecorded != NIL);
		due = hand_over();
		full = full && !notice_outbox_full();
		if (full || outbox_gone)
			continue;
		if (!woken_early && idle_for_long(last_work, due, GetCurrentTimestamp()) && !failed &&
			in_transaction(save, NULL, NULL, 0) && notice_leave(due))
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 woken_early ? PASS_APART : time_to_wait(due, failed), PG_WAIT_EXTENSION);
	}
	(void) notice_leave(0);
}

static void
worker_exit(int code, Datum arg)
{
	notice_detach_worker();
}

static void
check_installed(void *arg)
{
	*(bool *) arg = trail_installed() && OidIsValid(trail_relid("delivery"));
}

void
dataclass_notice_worker_main(Datum arg)
{
	Oid			dbid = DatumGetObjectId(arg);
	bool		installed = false;

	event_from_system = true;
	pool_worker_begin(dbid, worker_exit);

	/*
	 * Nobody is told earlier because a standby is away.  Somebody may hold the lock
	 * of the notification queue; commands wait for us meanwhile.
	 */
	pool_pin_settings("pg_dataclass notices", "local", "300ms");
	if (!notice_attach_worker(dbid))
		proc_exit(0);
	pgstat_report_appname("pg_dataclass notices");
	notice_command_init();
	(void) in_transaction(check_installed, &installed, NULL, 0);
	if (!installed)
	{
		(void) notice_take_wake();
		(void) notice_leave(0);
		proc_exit(0);
	}
	worker_loop();
	proc_exit(0);
}
