/*-------------------------------------------------------------------------
 *
 * watch_shmem.c
 *		What the watch knows of each database, in shared memory.
 *
 * An entry goes IDLE -> STARTING (launcher) -> RUNNING (worker) -> IDLE.  A
 * database has one worker at most.  changes is moved by every commit that
 * changed labels or policy; judged is what it was when relations were looked
 * at last, so that they are looked at again only when it moved.
 *
 * One lock over everything, held for a walk over the entries; nothing waits,
 * allocates or does I/O under it.  It is taken with no other lock of ours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/watch.h"

typedef enum WatchState
{
	WATCH_IDLE,
	WATCH_STARTING,
	WATCH_RUNNING
} WatchState;

typedef struct WatchEntry
{
	WatchStatus status;			/* dbid InvalidOid: unused */
	WatchState	state;
	int			worker_pid;
	bool		again;			/* asked for while one was running */
	bool		no_extension;
	TimestampTz held_until;
	TimestampTz held_since;		/* first hold since the last pass, 0: none */
	uint64		changes;		/* from 1 */
	uint64		judged;			/* 0: never since the server started */
} WatchEntry;

typedef struct WatchShared
{
	int			tranche;
	LWLock		lock;
	Latch	   *launcher_latch;
	int			launcher_pid;
	WatchEntry	entries[WATCH_MAX_DATABASES];
} WatchShared;

#define RETRY_AFTER		1000	/* ms after a pass that failed, once for each in a row */
#define RETRY_MOST		10000
#define HOLDS_MOST		3		/* intervals without a pass for which holds are heeded */

static WatchShared *shared = NULL;
static WatchEntry *attached = NULL; /* of this worker */

Size
watch_shmem_size(void)
{
	return MAXALIGN(sizeof(WatchShared));
}

void
watch_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pg_dataclass storage watch", watch_shmem_size(), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(WatchShared));
		shared->tranche = LWLockNewTrancheId();
		LWLockInitialize(&shared->lock, shared->tranche);
	}
	LWLockRegisterTranche(shared->tranche, "pg_dataclass_storage_watch");
}

/* The lock is held.  NULL: not known, or with make that all entries are taken. */
static WatchEntry *
find_entry(Oid dbid, bool make)
{
	WatchEntry *unused = NULL;

	for (int i = 0; i < WATCH_MAX_DATABASES; i++)
	{
		WatchEntry *entry = &shared->entries[i];

		if (entry->status.dbid == dbid)
			return entry;
		if (!OidIsValid(entry->status.dbid) && unused == NULL)
			unused = entry;
	}
	if (!make || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(*unused));
	unused->status.dbid = dbid;
	unused->changes = 1;
	return unused;
}

static void
wake_launcher(void)
{
	if (shared->launcher_latch != NULL)
		SetLatch(shared->launcher_latch);
}

/* As soon as possible, or once more. */
static void
make_due(WatchEntry *entry)
{
	entry->status.due = 0;
	entry->again = entry->state != WATCH_IDLE;
}

void
watch_know_database(Oid dbid, bool installed)
{
	WatchEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, true);
	if (entry != NULL && installed && entry->no_extension)
	{
		entry->no_extension = false;
		make_due(entry);
		wake_launcher();
	}
	LWLockRelease(&shared->lock);
}

void
watch_hasten(Oid dbid, bool soon)
{
	WatchEntry *entry;

	if (!OidIsValid(dbid))
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, true);
	if (entry != NULL)
	{
		entry->changes++;
		if (soon)
		{
			entry->no_extension = false;
			make_due(entry);
			wake_launcher();
		}
	}
	LWLockRelease(&shared->lock);
}

void
watch_hasten_all(void)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < WATCH_MAX_DATABASES; i++)
	{
		if (OidIsValid(shared->entries[i].status.dbid))
			make_due(&shared->entries[i]);
	}
	LWLockRelease(&shared->lock);
}

bool
watch_passed_since_start(Oid dbid)
{
	WatchEntry *entry;
	bool		passed;

	LWLockAcquire(&shared->lock, LW_SHARED);
	entry = find_entry(dbid, false);
	passed = entry != NULL && entry->status.last_pass != 0;
	LWLockRelease(&shared->lock);
	return passed;
}

bool
watch_is_dirty(Oid dbid)
{
	WatchEntry *entry;
	bool		dirty;

	LWLockAcquire(&shared->lock, LW_SHARED);
	entry = find_entry(dbid, false);
	dirty = entry == NULL || entry->judged != entry->changes;
	LWLockRelease(&shared->lock);
	return dirty;
}

int
watch_statuses(WatchStatus *statuses, int max)
{
	int			n = 0;

	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < WATCH_MAX_DATABASES && n < max; i++)
	{
		if (OidIsValid(shared->entries[i].status.dbid) && !shared->entries[i].no_extension)
			statuses[n++] = shared->entries[i].status;
	}
	LWLockRelease(&shared->lock);
	return n;
}

/*
 * Whoever may name a database in a command can ask for this, again and again:
 * that must not keep the watch away.  Core waits some seconds for a worker to
 * end by itself.
 */
int
watch_hold(Oid dbid, int milliseconds)
{
	TimestampTz now = GetCurrentTimestamp();
	WatchEntry *entry;
	int			pid = 0;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, true);
	if (entry != NULL && entry->held_since == 0)
		entry->held_since = now;
	if (entry != NULL &&
		!TimestampDifferenceExceeds(entry->held_since, now, HOLDS_MOST * guc_watch_interval * 1000))
	{
		entry->held_until = TimestampTzPlusMilliseconds(now, milliseconds);
		pid = entry->worker_pid;
	}
	LWLockRelease(&shared->lock);
	return pid;
}

/* ------------------------------------------------------------------------
 * Launcher
 * ------------------------------------------------------------------------
 */

void
watch_attach_launcher(void)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	shared->launcher_latch = MyLatch;
	shared->launcher_pid = MyProcPid;
	/* What an earlier launcher registered either runs or leaves when it finds itself not wanted. */
	for (int i = 0; i < WATCH_MAX_DATABASES; i++)
	{
		if (shared->entries[i].state == WATCH_STARTING)
			shared->entries[i].state = WATCH_IDLE;
	}
	LWLockRelease(&shared->lock);
}

void
watch_detach_launcher(void)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (shared->launcher_pid == MyProcPid)
	{
		shared->launcher_latch = NULL;
		shared->launcher_pid = 0;
	}
	LWLockRelease(&shared->lock);
}

int
watch_take_due(Oid *dbids, int max, long *wait)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = TimestampTzPlusMilliseconds(now, *wait);
	int			n = 0;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < WATCH_MAX_DATABASES; i++)
	{
		WatchEntry *entry = &shared->entries[i];
		TimestampTz due = Max(entry->status.due, entry->held_until);

		if (!OidIsValid(entry->status.dbid) || entry->no_extension || entry->state != WATCH_IDLE)
			continue;
		if (due <= now && n < max)
		{
			entry->state = WATCH_STARTING;
			dbids[n++] = entry->status.dbid;
		}
		/* one that finds no room is taken once another worker has ended, which wakes us */
		else if (due > now && due < next)
			next = due;
	}
	LWLockRelease(&shared->lock);
	*wait = TimestampDifferenceMilliseconds(now, next) + 1;
	return n;
}

/* The lock is held. */
static void
count_failure(WatchEntry *entry)
{
	TimestampTz now = GetCurrentTimestamp();

	if (entry->status.failures++ == 0)
	{
		entry->status.failing_since = now;
		entry->status.failure_told = false;
	}
	entry->status.due = TimestampTzPlusMilliseconds(now, Min((int64) RETRY_AFTER * entry->status.failures,
															 RETRY_MOST));
}

void
watch_not_started(Oid dbid)
{
	WatchEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, false);
	if (entry != NULL && entry->state == WATCH_STARTING)
	{
		entry->state = WATCH_IDLE;
		if (entry->held_until <= GetCurrentTimestamp())
			count_failure(entry);
	}
	LWLockRelease(&shared->lock);
}

void
watch_forget_database(Oid dbid)
{
	WatchEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, false);
	if (entry != NULL && entry->worker_pid == 0)
		memset(entry, 0, sizeof(*entry));
	LWLockRelease(&shared->lock);
}

/* ------------------------------------------------------------------------
 * Worker
 * ------------------------------------------------------------------------
 */

bool
watch_attach_worker(Oid dbid, WatchStatus *status, uint64 *changes)
{
	WatchEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, false);
	if (entry != NULL && entry->state == WATCH_STARTING && entry->held_until <= GetCurrentTimestamp())
	{
		entry->state = WATCH_RUNNING;
		entry->worker_pid = MyProcPid;
		entry->again = false;
		*status = entry->status;
		*changes = entry->judged == entry->changes ? 0 : entry->changes;
		attached = entry;
	}
	LWLockRelease(&shared->lock);
	return attached != NULL;
}

/* The lock is held. */
static void
detach(void)
{
	attached->state = WATCH_IDLE;
	attached->worker_pid = 0;
	if (attached->again)
		attached->status.due = 0;
	attached->again = false;
	attached = NULL;
	wake_launcher();
}

void
watch_worker_done(const WatchStatus *result, uint64 changes, bool complete)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	attached->status.last_pass = result->last_pass;
	attached->status.duration_us = result->duration_us;
	attached->status.places = result->places;
	attached->status.changes = result->changes;
	attached->status.due = result->due;
	attached->status.passes++;
	attached->status.failures = 0;
	attached->held_since = 0;
	if (complete)
	{
		attached->status.last_complete = result->last_pass;
		if (changes != 0)
			attached->judged = changes;
	}
	detach();
	LWLockRelease(&shared->lock);
}

void
watch_worker_no_extension(void)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	attached->no_extension = true;
	detach();
	LWLockRelease(&shared->lock);
}

void
watch_worker_told(void)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	attached->status.failure_told = true;
	LWLockRelease(&shared->lock);
}

void
watch_worker_exit(void)
{
	if (attached == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (attached->held_until <= GetCurrentTimestamp())
		count_failure(attached);
	attached->again = false;
	detach();
	LWLockRelease(&shared->lock);
}
