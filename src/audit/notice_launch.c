/*-------------------------------------------------------------------------
 *
 * notice_launch.c
 *		Settings of the worker that tells, and its start.
 *
 * Workers are started by the audit launcher, which is connected to no database:
 * when somebody committed something to be told of, when a retry is due, and
 * once for every database with a trail when the launcher itself starts, since
 * an outbox may be full from an earlier life of the server.  Where there is no
 * free worker slot it is tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/event.h"
#include "pg_dataclass/notice.h"

#define WORKERS_AT_ONCE	256
#define RELEASE_HOLD	2000	/* ms that no worker is started */
#define RELEASE_WAIT	5000	/* ms to wait for the end of one */

typedef struct LaunchedTeller
{
	Oid			dbid;			/* InvalidOid: unused */
	BackgroundWorkerHandle *handle;
} LaunchedTeller;

char	   *guc_breach_command = NULL;
int			guc_breach_command_timeout = 30000;
int			guc_breach_command_retry = 300;

static LaunchedTeller launched[WORKERS_AT_ONCE];
static bool no_slots_told = false;
static bool looked = false;

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
start_worker(LaunchedTeller *place, Oid dbid)
{
	BackgroundWorker worker;

	if (!database_exists(dbid))
	{
		notice_not_started(dbid);
		notice_forget_database(dbid);
		return;
	}
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_dataclass", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "dataclass_notice_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "dataclass notices of database %u", dbid);
	strlcpy(worker.bgw_type, "dataclass notices", sizeof(worker.bgw_type));
	worker.bgw_main_arg = ObjectIdGetDatum(dbid);
	worker.bgw_notify_pid = MyProcPid;
	/* the handle outlives this turn of the launcher's loop */
	MemoryContextSwitchTo(TopMemoryContext);
	if (!RegisterDynamicBackgroundWorker(&worker, &place->handle))
	{
		if (!no_slots_told)
			ereport(LOG,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("could not start the worker for notices of database %u", dbid),
					 errhint("Increase max_worker_processes; it is tried again.")));
		no_slots_told = true;
		notice_not_started(dbid);
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
			notice_not_started(launched[i].dbid);
		pfree(launched[i].handle);
		launched[i].handle = NULL;
		launched[i].dbid = InvalidOid;
	}
	return running;
}

static void
look_for_databases(void)
{
	ListCell   *cell;

	if (event_databases == NULL)
		return;
	foreach(cell, event_databases())
		notice_wake(lfirst_oid(cell));
}

void
notice_launch(void)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			due[WORKERS_AT_ONCE];
	int			n;

	if (!looked)
	{
		notice_attach_launcher();
		look_for_databases();
		looked = true;
	}
	n = notice_take_due(due, WORKERS_AT_ONCE - reap_workers());
	for (int i = 0, at = 0; i < n; i++)
	{
		while (OidIsValid(launched[at].dbid))
			at++;
		start_worker(&launched[at], due[i]);
	}
	MemoryContextSwitchTo(caller);
}

void
notice_release_database(Oid dbid)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RELEASE_WAIT);
	int			pid;

	while ((pid = notice_hold(dbid, RELEASE_HOLD)) != 0 && kill(pid, SIGTERM) == 0 &&
		   GetCurrentTimestamp() < deadline)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
notice_init(void)
{
	DefineCustomStringVariable("dataclass.breach_command",
							   "Sets the shell command that is told of each breach.",
							   "It gets a JSON document on standard input; %i is the number of the incident, %c the data class, %% a percent sign. An exit status of zero says that it was told. Empty: notices wait.",
							   &guc_breach_command, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.breach_command_timeout",
							"Sets after how long the breach command and all processes of its group are ended.",
							NULL,
							&guc_breach_command_timeout, 30000, 100, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.breach_command_retry",
							"Sets the longest pause between attempts to hand a notice over.",
							"The first pause is a second, each further one twice as long up to this; it is never given up.",
							&guc_breach_command_retry, 300, 1, 86400,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
}
