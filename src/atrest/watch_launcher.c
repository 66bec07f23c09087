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

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/watch.h"
#include "pg_dataclass/worker_pool.h"

#define WORKERS_AT_ONCE		2	/* of the server's max_worker_processes */
#define FIND_AFTER			10000	/* ms between looks for new databases */
#define RELEASE_HOLD		5000	/* ms that no worker is started */

int			guc_watch_interval = 60;

static PoolWorker launched[WORKERS_AT_ONCE];
static bool no_slots_told = false;

static void
launcher_exit(int code, Datum arg)
{
	watch_detach_launcher();
}

static void
start_worker(PoolWorker *place, Oid dbid)
{
	if (!pool_database_exists(dbid))
	{
		watch_not_started(dbid);
		watch_forget_database(dbid);
		return;
	}
	if (pool_start(place, dbid, "dataclass storage watch", "dataclass_watch_worker_main"))
	{
		no_slots_told = false;
		return;
	}
	if (!no_slots_told)
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start the storage watch of database %u", dbid),
				 errhint("Increase max_worker_processes.")));
	no_slots_told = true;
	watch_not_started(dbid);
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
	int			room = WORKERS_AT_ONCE - pool_reap(launched, WORKERS_AT_ONCE, watch_not_started);
	int			n = watch_take_due(due, room, &wait);

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

	pool_launcher_begin(launcher_exit);
	watch_attach_launcher();

	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		long		wait;

		if (pool_launcher_turn())
			watch_hasten_all();
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

static int
hold(Oid dbid)
{
	return watch_hold(dbid, RELEASE_HOLD);
}

void
watch_release_database(Oid dbid)
{
	pool_release(dbid, hold);
}

void
watch_init(void)
{
	DefineCustomIntVariable("dataclass.watch_interval",
							"Sets how often the places of governed data are looked at.",
							"A reload of the configuration, a change of the policy and the end of an accepted risk have it done at once.",
							&guc_watch_interval, 60, 1, 86400,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	policy_committed_hook = policy_committed;
	pool_register_launcher("dataclass storage watch launcher", "dataclass_watch_launcher_main");
}
