/*-------------------------------------------------------------------------
 *
 * audit_launcher.c
 *		Starts the writers of the databases that have events or journals, and
 *		keeps an eye on the settings that switch protection off.
 *
 * Connected to no database, so it never stands in the way of DROP DATABASE.
 * A writer is started when somebody asked for it in the queue's table of
 * databases; one that cannot start holds its database off for a moment, and
 * the events waiting for it go to the journal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"
#include "pg_dataclass/notice.h"

typedef struct LaunchedWriter
{
	Oid			dbid;			/* InvalidOid: unused */
	TimestampTz started;
	BackgroundWorkerHandle *handle;
} LaunchedWriter;

#define SHORT_LIFE	200			/* ms; a writer that ends sooner is not started again at once */
#define WAKE_APART	1000		/* ms between writers that are started for no event */
#define WAKE_RETRY	30000		/* ms until one that found no place is tried again */

static LaunchedWriter launched[AUDIT_MAX_DATABASES];

static void
launcher_exit(int code, Datum arg)
{
	audit_queue_detach_launcher();
}

static bool
database_exists(Oid dbid)
{
	bool		exists;

	StartTransactionCommand();
	exists = SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(dbid));
	CommitTransactionCommand();
	return exists;
}

static LaunchedWriter *
free_place(Oid dbid)
{
	LaunchedWriter *place = NULL;

	for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
	{
		if (launched[i].dbid == dbid)
			return NULL;		/* its end was not noticed yet */
		if (!OidIsValid(launched[i].dbid) && place == NULL)
			place = &launched[i];
	}
	return place;
}

static void
start_writer(Oid dbid)
{
	LaunchedWriter *place = free_place(dbid);
	BackgroundWorker worker;

	if (place == NULL)
		return;
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_dataclass", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "dataclass_audit_writer_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "dataclass audit writer for database %u", dbid);
	strlcpy(worker.bgw_type, "dataclass audit writer", sizeof(worker.bgw_type));
	worker.bgw_main_arg = ObjectIdGetDatum(dbid);
	worker.bgw_notify_pid = MyProcPid;

	audit_queue_writer_starting(dbid);
	if (!RegisterDynamicBackgroundWorker(&worker, &place->handle))
	{
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start the audit writer of database %u", dbid),
				 errhint("Increase max_worker_processes; events go to the journal meanwhile.")));
		audit_queue_writer_failed(dbid, false);
		audit_queue_wake_at(dbid, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WAKE_RETRY));
		return;
	}
	place->dbid = dbid;
	place->started = GetCurrentTimestamp();
}

/* Forget writers that ended; one that never came up makes way for the journal. */
static void
reap_writers(void)
{
	for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
	{
		pid_t		pid;

		if (!OidIsValid(launched[i].dbid) ||
			GetBackgroundWorkerPid(launched[i].handle, &pid) != BGWH_STOPPED)
			continue;
		audit_queue_writer_failed(launched[i].dbid,
								  !TimestampDifferenceExceeds(launched[i].started, GetCurrentTimestamp(), SHORT_LIFE));
		pfree(launched[i].handle);
		launched[i].handle = NULL;
		launched[i].dbid = InvalidOid;
	}
}

static void
start_wanted(void)
{
	Oid			wanted[AUDIT_MAX_DATABASES];
	int			n = audit_queue_wanted(wanted, AUDIT_MAX_DATABASES);

	for (int i = 0; i < n; i++)
	{
		if (database_exists(wanted[i]))
			start_writer(wanted[i]);
		else
		{
			audit_queue_writer_starting(wanted[i]);
			audit_queue_writer_failed(wanted[i], false);
		}
	}
}

/* Journals left by an earlier life of the server, and those of databases that are gone. */
static void
find_journals(void)
{
	List	   *names = audit_files("journal-", InvalidOid);
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		Oid			dbid = audit_file_database(name, "journal-");

		if (database_exists(dbid))
			audit_queue_request_writer(dbid, true, false);
		else
		{
			char		path[MAXPGPATH];
			char		kept[MAXPGPATH];

			snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, name);
			snprintf(kept, sizeof(kept), "%s/orphan-%s", AUDIT_DIRECTORY, name);
			if (rename(path, kept) == 0)
				ereport(LOG,
						(errmsg("audit journal \"%s\" belongs to no database and is kept as \"%s\"", path, kept)));
		}
	}
	names = audit_files("head-", InvalidOid);
	foreach(lc, names)
	{
		Oid			dbid = audit_file_database(lfirst(lc), "head-");

		if (!database_exists(dbid))
			audit_head_retire(dbid, AUDIT_DROPPED_PREFIX);
		else
			/* its stages may have something to do; not all databases at once */
			audit_queue_wake_at(dbid, TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
																  foreach_current_index(lc) * WAKE_APART));
	}
}

static void
launcher_pass(bool look_for_files)
{
	MemoryContext work = AllocSetContextCreate(TopMemoryContext, "dataclass launcher", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);

	if (look_for_files)
		find_journals();
	MemoryContextSwitchTo(TopMemoryContext);
	reap_writers();
	start_wanted();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

void
dataclass_audit_launcher_main(Datum arg)
{
	bool		first = true;

	audit_own_process = true;
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(launcher_exit, (Datum) 0);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	SetConfigOption("search_path", "pg_catalog", PGC_SUSET, PGC_S_OVERRIDE);
	(void) audit_make_directory();
	audit_queue_attach_launcher();

	for (;;)
	{
		ResetLatch(MyLatch);

		/* Quietly, at shutdown; a restart follows pg_terminate_backend. */
		if (ProcDiePending)
			proc_exit(1);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		audit_state_check();
		audit_login_tick();
		launcher_pass(first);
		notice_launch();
		first = false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 1000, PG_WAIT_EXTENSION);
	}
}

void
audit_launcher_init(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "pg_dataclass", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "dataclass_audit_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "dataclass audit launcher", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "dataclass audit launcher", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}
