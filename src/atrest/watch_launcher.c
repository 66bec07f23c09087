/*-------------------------------------------------------------------------
 *
 * watch_launcher.c
 *		Starts a worker for each database whose pass is due.
 *
 * Connected to no database, so it never stands in the way of DROP DATABASE.
 * Databases are those with a trail, which the audit layer knows of without
 * connecting, and those where a session changed labels or policy.  Runs on a
 * primary only: a standby cannot write what it finds (see watch_start.c for
 * what sessions do there).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
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
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/watch.h"

#define WORKERS_AT_ONCE		2	/* of the server's max_worker_processes */
#define FIND_AFTER			10000	/* ms between looks for new databases */
#define RELEASE_HOLD		5000	/* ms that no worker is started */
#define RELEASE_WAIT		5000	/* ms to wait for the end of one */

typedef struct LaunchedWorker
{
	Oid			dbid;			/* InvalidOid: unused */
	BackgroundWorkerHandle *handle;
} LaunchedWorker;

int			guc_watch_interval = 60;

static LaunchedWorker launched[WORKERS_AT_ONCE];
static bool no_slots_told = false;

static void
launcher_exit(int code, Datum arg)
{
	watch_detach_launcher();
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

static void
start_worker(LaunchedWorker *place, Oid dbid)
{
	BackgroundWorker worker;

	if (!database_exists(dbid))
	{
		watch_not_started(dbid);
		watch_forget_database(dbid);
		return;
	}
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_dataclass", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "dataclass_watch_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "dataclass storage watch for database %u", dbid);
	strlcpy(worker.bgw_type, "dataclass storage watch", sizeof(worker.bgw_type));
	worker.bgw_main_arg = ObjectIdGetDatum(dbid);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &place->handle))
	{
		if (!no_slots_told)
			ereport(LOG,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("could not start the storage watch of database %u", dbid),
					 errhint("Increase max_worker_processes.")));
		no_slots_told = true;
		watch_not_started(dbid);
		return;
	}
	no_slots_told = false;
	place->dbid = dbid;
}

static bool
launched_twice(int index)
{
	for (int i = 0; i < WORKERS_AT_ONCE; i++)
	{
		if (i != index && launched[i].dbid == launched[index].dbid)
			return true;
	}
	return false;
}

/* Forget workers that ended; returns the number of those that did not. */
static int
reap_workers(void)
{
	int			running = 0;

	for (int i = 0; i < WORKERS_AT_ONCE; i++)
	{
		pid_t		pid;

		if (!OidIsValid(launched[i].dbid))
			continue;
		if (GetBackgroundWorkerPid(launched[i].handle, &pid) != BGWH_STOPPED)
		{
			running++;
			continue;
		}
		/* if it never attached; a successor may be on its way already */
		if (!launched_twice(i))
			watch_not_started(launched[i].dbid);
		pfree(launched[i].handle);
		launched[i].handle = NULL;
		launched[i].dbid = InvalidOid;
	}
	return running;
}

static void
find_databases(void)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "dataclass watch launcher",
											   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	ListCell   *cell;

	if (event_databases != NULL)
	{
		foreach(cell, event_databases())
			watch_know_database(lfirst_oid(cell), false);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

/* Start what is due, as far as there is room; returns the ms to wait. */
static long
launch(void)
{
	Oid			due[WORKERS_AT_ONCE];
	long		wait = FIND_AFTER;
	int			n = watch_take_due(due, WORKERS_AT_ONCE - reap_workers(), &wait);

	for (int i = 0, at = 0; i < n; i++)
	{
		while (OidIsValid(launched[at].dbid))
			at++;
		start_worker(&launched[at], due[i]);
	}
	return wait;
}

void
dataclass_watch_launcher_main(Datum arg)
{
	TimestampTz found_at = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(launcher_exit, (Datum) 0);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	SetConfigOption("search_path", "pg_catalog", PGC_SUSET, PGC_S_OVERRIDE);
	watch_attach_launcher();

	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		long		wait;

		ResetLatch(MyLatch);

		/* Quietly, at shutdown; a restart follows pg_terminate_backend. */
		if (ProcDiePending)
			proc_exit(1);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			watch_hasten_all();
		}
		if (found_at == 0 || TimestampDifferenceExceeds(found_at, now, FIND_AFTER))
		{
			find_databases();
			found_at = now;
		}
		MemoryContextSwitchTo(TopMemoryContext);
		wait = launch();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 wait, PG_WAIT_EXTENSION);
	}
}

/*
 * In a backend, after a commit that changed labels or policy.  While storage is
 * not enforced nothing is urgent; the next pass sees it.
 */
static void
policy_committed(bool hasten)
{
	watch_hasten(MyDatabaseId, hasten && watch_mode() != ENFORCEMENT_OFF);
}

void
watch_release_database(Oid dbid)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RELEASE_WAIT);
	int			pid;

	while ((pid = watch_hold(dbid, RELEASE_HOLD)) != 0 && kill(pid, SIGTERM) == 0 &&
		   GetCurrentTimestamp() < deadline)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
watch_init(void)
{
	BackgroundWorker worker;

	DefineCustomIntVariable("dataclass.watch_interval",
							"Sets how often the places of governed data are looked at.",
							"A reload of the configuration, a change of the policy and the end of an accepted risk have it done at once.",
							&guc_watch_interval, 60, 1, 86400,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	policy_committed_hook = policy_committed;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "pg_dataclass", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "dataclass_watch_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "dataclass storage watch launcher", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "dataclass storage watch launcher", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}
