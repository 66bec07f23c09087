/*-------------------------------------------------------------------------
 *
 * watch_worker.c
 *		One pass over the places of one database, in a process of its own.
 *
 * Connects, makes the pass in one transaction, leaves: nothing of it stands
 * in the way of DROP DATABASE for long, and nothing is kept that could be out
 * of date.  Runs no SQL; reads catalogs and writes tables of the extension by
 * heap access, so no function, trigger or search path of anybody matters.
 *
 * A pass that fails, or whose process is ended, is made again soon; the third
 * in a row is recorded as a breach, since storage may be in any state by then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/watch.h"
#include "pg_dataclass/worker_pool.h"

static void
worker_exit(int code, Datum arg)
{
	watch_worker_exit();
}

/* Passes in a row could not be made: once per row. */
static void
tell_failures(const WatchStatus *status)
{
	AuditEvent	event = {0};

	if (status->failures < WATCH_FAILURES_TOLD || status->failure_told)
		return;
	event.kind = EVENT_AT_REST_VIOLATION;
	event.severity = SEVERITY_HIGH;
	event.outcome = OUTCOME_OBSERVED;
	event.breach = true;
	event.action = "watch";
	event.object_type = "database";
	event.rule = "at_rest";
	event.detail = psprintf("Storage could not be checked since %s: %d passes in a row failed or were ended.",
							timestamptz_to_str(status->failing_since), status->failures);
	if (event_record(&event))
		watch_worker_told();
}

/* False: the extension is not there. */
static bool
make_pass(bool complete, WatchResult *result)
{
	bool		installed;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "storage watch");
	installed = policy_current()->installed;
	if (installed)
		watch_pass(complete, result);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	return installed;
}

static void
serve(WatchStatus *status, uint64 changes)
{
	TimestampTz started = GetCurrentTimestamp();
	WatchResult result = {0};
	volatile bool installed = false;

	PG_TRY();
	{
		installed = make_pass(changes != 0, &result);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		if (status->failures++ == 0)
		{
			status->failing_since = started;
			status->failure_told = false;
		}
		tell_failures(status);
		proc_exit(1);
	}
	PG_END_TRY();

	if (!installed)
	{
		watch_worker_no_extension();
		return;
	}
	status->last_pass = GetCurrentTimestamp();
	status->duration_us = status->last_pass - started;
	status->places = result.places;
	status->changes = result.nchanges;
	status->due = TimestampTzPlusMilliseconds(status->last_pass, guc_watch_interval * INT64CONST(1000));
	if (result.next != 0 && result.next < status->due)
		status->due = result.next;
	watch_worker_done(status, changes, result.complete);
}

void
dataclass_watch_worker_main(Datum arg)
{
	Oid			dbid = DatumGetObjectId(arg);
	WatchStatus status;
	uint64		changes;

	event_from_system = true;
	pool_worker_begin(dbid, worker_exit);

	/*
	 * A quarantine must not wait for a standby that is away, nor for a lock that
	 * somebody holds on the catalogs or on our tables.
	 */
	pool_pin_settings("pg_dataclass storage watch", "local", "2s");
	if (!watch_attach_worker(dbid, &status, &changes))
		proc_exit(0);
	pgstat_report_appname("pg_dataclass storage watch");
	tell_failures(&status);
	serve(&status, changes);
	proc_exit(0);
}
