/*-------------------------------------------------------------------------
 *
 * worker_pool.c
 *		Background processes: launchers, and the workers they start per database.
 *
 * Owns how such a process begins and which settings it pins, and a launcher's
 * list of what it started.  When a worker is wanted, and what it does, is each
 * module's own.
 *
 * Launchers are connected to no database, so they never stand in the way of
 * DROP DATABASE.  Workers connect also where connections are not allowed, and
 * run no SQL of anybody.
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
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/worker_pool.h"

#define RELEASE_WAIT	5000	/* ms to wait for the end of a worker */

static void
set_setting(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

static void
handle_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	BackgroundWorkerUnblockSignals();
}

static void
describe(BackgroundWorker *worker, const char *type, const char *function)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "pg_dataclass", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_name, type, sizeof(worker->bgw_name));
	strlcpy(worker->bgw_type, type, sizeof(worker->bgw_type));
}

/* ------------------------------------------------------------------------
 * Launchers
 * ------------------------------------------------------------------------
 */

void
pool_register_launcher(const char *name, const char *function)
{
	BackgroundWorker worker;

	describe(&worker, name, function);
	worker.bgw_restart_time = 1;
	RegisterBackgroundWorker(&worker);
}

void
pool_launcher_begin(pg_on_exit_callback at_exit)
{
	handle_signals();
	before_shmem_exit(at_exit, (Datum) 0);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	set_setting("search_path", "pg_catalog");
}

bool
pool_launcher_turn(void)
{
	ResetLatch(MyLatch);

	/* Quietly, at shutdown; a restart follows pg_terminate_backend. */
	if (ProcDiePending)
		proc_exit(1);
	CHECK_FOR_INTERRUPTS();
	if (!ConfigReloadPending)
		return false;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	return true;
}

bool
pool_database_exists(Oid dbid)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		exists;

	StartTransactionCommand();
	exists = SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(dbid));
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	return exists;
}

/* ------------------------------------------------------------------------
 * What a launcher started
 * ------------------------------------------------------------------------
 */

bool
pool_start(PoolWorker *place, Oid dbid, const char *type, const char *function)
{
	MemoryContext caller;
	BackgroundWorker worker;
	bool		registered;

	describe(&worker, type, function);
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s for database %u", type, dbid);
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(dbid);
	worker.bgw_notify_pid = MyProcPid;
	/* the handle outlives this turn of the launcher's loop */
	caller = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &place->handle);
	MemoryContextSwitchTo(caller);
	if (!registered)
		return false;
	place->dbid = dbid;
	place->started = GetCurrentTimestamp();
	return true;
}

bool
pool_has_ended(const PoolWorker *place)
{
	pid_t		pid;

	return OidIsValid(place->dbid) && GetBackgroundWorkerPid(place->handle, &pid) == BGWH_STOPPED;
}

void
pool_forget(PoolWorker *place)
{
	pfree(place->handle);
	memset(place, 0, sizeof(*place));
}

static bool
started_twice(const PoolWorker *places, int n, int index)
{
	for (int i = 0; i < n; i++)
	{
		if (i != index && places[i].dbid == places[index].dbid)
			return true;
	}
	return false;
}

int
pool_reap(PoolWorker *places, int n, void (*not_started) (Oid dbid))
{
	int			running = 0;

	for (int i = 0; i < n; i++)
	{
		if (!OidIsValid(places[i].dbid))
			continue;
		if (!pool_has_ended(&places[i]))
		{
			running++;
			continue;
		}
		/* a successor may be on its way already */
		if (!started_twice(places, n, i))
			not_started(places[i].dbid);
		pool_forget(&places[i]);
	}
	return running;
}

void
pool_release(Oid dbid, int (*hold) (Oid dbid))
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RELEASE_WAIT);
	int			pid;

	while ((pid = hold(dbid)) != 0 && kill(pid, SIGTERM) == 0 && GetCurrentTimestamp() < deadline)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ------------------------------------------------------------------------
 * Workers
 * ------------------------------------------------------------------------
 */

void
pool_worker_begin(Oid dbid, pg_on_exit_callback at_exit)
{
	handle_signals();
	/* runs after the abort of an open transaction: callbacks run last in, first out */
	before_shmem_exit(at_exit, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
}

/* Settings of a role or database, or of a superuser for all, must not change what is found or written. */
void
pool_pin_settings(const char *name, const char *synchronous_commit, const char *lock_timeout)
{
	set_setting("search_path", "pg_catalog");
	set_setting("synchronous_commit", synchronous_commit);
	set_setting("lock_timeout", lock_timeout);
	set_setting("statement_timeout", "0");
	set_setting("idle_in_transaction_session_timeout", "0");
	set_setting("session_replication_role", "origin");
	set_setting("row_security", "off");
	set_setting("default_transaction_read_only", "off");
	set_setting("default_transaction_isolation", "read committed");
	set_setting("default_transaction_deferrable", "off");
	set_setting("zero_damaged_pages", "off");
	set_setting("ignore_checksum_failure", "off");
	set_setting("application_name", name);
}
