/*-------------------------------------------------------------------------
 *
 * audit_sql.c
 *		SQL functions about recording itself, and the release of a database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>
#include <sys/stat.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/policy.h"

#define RELEASE_HOLD	5000	/* ms that a writer stays away */
#define RELEASE_WAIT	5000	/* ms to wait for its end */

extern PGDLLEXPORT Datum dc_audit_status(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_audit_begin_trail(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_status);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_begin_trail);

static bool begin_at_commit = false;
static bool begin_registered = false;

/* Ask the writer to leave and to stay away for a while; false if there is none. */
static bool
stop_writer(Oid dbid, int hold)
{
	int			pid = audit_queue_hold(dbid, hold);

	return pid != 0 && kill(pid, SIGTERM) == 0;
}

static void
begin_xact_callback(XactEvent event, void *arg)
{
	if (!begin_at_commit)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot prepare a transaction that created extension pg_dataclass"),
					 errhint("Commit it with COMMIT.")));
			break;
		case XACT_EVENT_COMMIT:
			begin_at_commit = false;
			/* A trail that was here before ended with its extension. */
			audit_head_retire(MyDatabaseId, AUDIT_ENDED_PREFIX);
			stop_writer(MyDatabaseId, 0);
			audit_queue_request_writer(MyDatabaseId, true, true);
			break;
		case XACT_EVENT_ABORT:
			begin_at_commit = false;
			break;
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;
	}
}

/* Only the installation script of the extension may call it. */
Datum
dc_audit_begin_trail(PG_FUNCTION_ARGS)
{
	if (!creating_extension || CurrentExtensionObject != get_extension_oid(DC_EXTENSION, true))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dataclass_audit.begin_trail() can only be called by CREATE EXTENSION pg_dataclass")));
	if (!begin_registered)
		RegisterXactCallback(begin_xact_callback, NULL);
	begin_registered = true;
	begin_at_commit = true;
	PG_RETURN_VOID();
}

void
audit_journal_measure(Oid dbid, int32 *files, int64 *bytes)
{
	List	   *names = audit_files("journal-", dbid);
	ListCell   *lc;

	*files = 0;
	*bytes = 0;
	foreach(lc, names)
	{
		char		path[MAXPGPATH];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, (char *) lfirst(lc));
		if (stat(path, &st) != 0)
			continue;
		(*files)++;
		*bytes += st.st_size;
	}
}

Datum
dc_audit_status(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[6] = {0};
	bool		nulls[6] = {false};
	AuditQueueStatus status;
	int32		files;
	int64		bytes;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	audit_queue_status(MyDatabaseId, &status);
	audit_journal_measure(MyDatabaseId, &files, &bytes);
	values[0] = Int32GetDatum(status.writer_pid);
	nulls[0] = status.writer_pid == 0;
	values[1] = Int32GetDatum(status.queued);
	values[2] = Int32GetDatum(files);
	values[3] = Int64GetDatum(bytes);
	values[4] = Int64GetDatum(status.lost);
	if (RecoveryInProgress())
		values[5] = CStringGetTextDatum("hot standby: events are kept in this node's journal until it is promoted or dataclass_audit.import_journal() brings them into the trail on the primary");
	else if (status.no_extension)
		values[5] = CStringGetTextDatum("no trail in this database: events wait in the journal");
	else if (status.held)
		values[5] = CStringGetTextDatum("the writer is kept away for a moment: events go to the journal");
	else
		nulls[5] = true;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * Statements that need a database to have no other connection call this
 * first.  Waits, up to a few seconds, until the writer is gone.
 */
void
audit_release_database(Oid dbid)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RELEASE_WAIT);

	notice_release_database(dbid);
	while (stop_writer(dbid, RELEASE_HOLD) && GetCurrentTimestamp() < deadline)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
