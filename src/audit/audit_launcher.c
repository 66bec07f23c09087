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

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/worker_pool.h"

#define SHORT_LIFE	200			/* ms; a writer that ends sooner is not started again at once */
#define WAKE_APART	1000		/* ms between writers that are started for no event */
#define WAKE_RETRY	30000		/* ms until one that found no place is tried again */

static PoolWorker launched[AUDIT_MAX_DATABASES];

static void
launcher_exit(int code, Datum arg)
{
	audit_queue_detach_launcher();
}

static PoolWorker *
free_place(Oid dbid)
{
	PoolWorker *place = NULL;

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
	PoolWorker *place = free_place(dbid);

	if (place == NULL)
		return;
	audit_queue_writer_starting(dbid);
	if (pool_start(place, dbid, "dataclass audit writer", "dataclass_audit_writer_main"))
		return;
	ereport(LOG,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("could not start the audit writer of database %u", dbid),
			 errhint("Increase max_worker_processes; events go to the journal meanwhile.")));
	audit_queue_writer_failed(dbid, false);
	audit_queue_wake_at(dbid, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WAKE_RETRY));
}

/* Forget writers that ended; one that never came up makes way for the journal. */
static void
reap_writers(void)
{
	for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
	{
		if (!pool_has_ended(&launched[i]))
			continue;
		audit_queue_writer_failed(launched[i].dbid,
								  !TimestampDifferenceExceeds(launched[i].started, GetCurrentTimestamp(), SHORT_LIFE));
		pool_forget(&launched[i]);
	}
}

static void
start_wanted(void)
{
	Oid			wanted[AUDIT_MAX_DATABASES];
	int			n = audit_queue_wanted(wanted, AUDIT_MAX_DATABASES);

	for (int i = 0; i < n; i++)
	{
		if (pool_database_exists(wanted[i]))
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

		if (pool_database_exists(dbid))
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
	names = audit_files(AUDIT_LOST_PREFIX, InvalidOid);
	foreach(lc, names)
	{
		Oid			dbid = audit_file_database(lfirst(lc), AUDIT_LOST_PREFIX);

		if (!pool_database_exists(dbid))
			audit_lost_retire(dbid);
		else if (audit_lost_restore(dbid) > 0)
			audit_queue_request_writer(dbid, false, false);
	}
	names = audit_files("head-", InvalidOid);
	foreach(lc, names)
	{
		Oid			dbid = audit_file_database(lfirst(lc), "head-");

		if (!pool_database_exists(dbid))
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
	pool_launcher_begin(launcher_exit);
	(void) audit_make_directory();
	audit_queue_attach_launcher();

	for (;;)
	{
		(void) pool_launcher_turn();
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
	pool_register_launcher("dataclass audit launcher", "dataclass_audit_launcher_main");
}
