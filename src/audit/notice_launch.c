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

#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/event.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/worker_pool.h"

#define WORKERS_AT_ONCE	256
#define RELEASE_HOLD	2000	/* ms that no worker is started */

char	   *guc_breach_command = NULL;
int			guc_breach_command_timeout = 30000;
int			guc_breach_command_retry = 300;

static PoolWorker launched[WORKERS_AT_ONCE];
static bool no_slots_told = false;
static bool looked = false;

static void
start_worker(PoolWorker *place, Oid dbid)
{
	if (!pool_database_exists(dbid))
	{
		notice_not_started(dbid);
		notice_forget_database(dbid);
		return;
	}
	if (pool_start(place, dbid, "dataclass notices", "dataclass_notice_worker_main"))
	{
		no_slots_told = false;
		return;
	}
	if (!no_slots_told)
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start the worker for notices of database %u", dbid),
				 errhint("Increase max_worker_processes; it is tried again.")));
	no_slots_told = true;
	notice_not_started(dbid);
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
	Oid			due[WORKERS_AT_ONCE];
	int			n;

	if (!looked)
	{
		notice_attach_launcher();
		look_for_databases();
		looked = true;
	}
	n = notice_take_due(due, WORKERS_AT_ONCE - pool_reap(launched, WORKERS_AT_ONCE, notice_not_started));
	for (int i = 0, at = 0; i < n; i++)
	{
		while (OidIsValid(launched[at].dbid))
			at++;
		start_worker(&launched[at], due[i]);
	}
}

static int
hold(Oid dbid)
{
	return notice_hold(dbid, RELEASE_HOLD);
}

void
notice_release_database(Oid dbid)
{
	pool_release(dbid, hold);
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
