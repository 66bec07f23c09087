/*-------------------------------------------------------------------------
 *
 * notice_shmem.c
 *		Which databases want a worker that tells, in shared memory.
 *
 * An entry goes IDLE -> STARTING (launcher) -> RUNNING (worker) -> IDLE.  wanted
 * is set by whoever committed something to be told of; a worker that leaves
 * finds it set and stays, so that no wake-up is lost in between.  A database
 * has one worker at most: response rules count on it.
 *
 * One lock over everything, held for a walk over the entries; nothing waits,
 * allocates or does I/O under it.  It is taken with no other lock of ours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/notice.h"

#define MAX_DATABASES	256
#define RETRY_AFTER		500		/* ms after a worker that failed, once for each in a row */
#define RETRY_MOST		3000
#define LONG_LIFE		10000	/* ms after which a worker that ends has not failed in a row */
#define HOLDS_MOST		20000	/* ms for which holds are heeded ... */
#define HOLDS_AGAIN		60000	/* ... within this time */

typedef enum NoticeState
{
	NOTICE_IDLE,
	NOTICE_STARTING,
	NOTICE_RUNNING
} NoticeState;

typedef struct NoticeEntry
{
	Oid			dbid;			/* InvalidOid: unused */
	NoticeState state;
	int			worker_pid;
	Latch	   *worker_latch;
	bool		wanted;
	TimestampTz due;			/* of a retry, 0: none */
	TimestampTz not_before;
	TimestampTz started;		/* of the worker */
	TimestampTz held_since;		/* first of the holds that are counted, 0: none */
	TimestampTz held_until;
	int			failures;		/* in a row */
} NoticeEntry;

typedef struct NoticeShared
{
	int			tranche;
	LWLock		lock;
	Latch	   *launcher_latch;
	int			launcher_pid;
	NoticeEntry entries[MAX_DATABASES];
} NoticeShared;

static NoticeShared *shared = NULL;
static NoticeEntry *attached = NULL;	/* of this worker */

Size
notice_shmem_size(void)
{
	return MAXALIGN(sizeof(NoticeShared));
}

void
notice_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pg_dataclass notices", notice_shmem_size(), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(NoticeShared));
		shared->tranche = LWLockNewTrancheId();
		LWLockInitialize(&shared->lock, shared->tranche);
	}
	LWLockRegisterTranche(shared->tranche, "pg_dataclass_notices");
}

/* The lock is held.  NULL: not known, or with make that all entries are in use. */
static NoticeEntry *
find_entry(Oid dbid, bool make)
{
	NoticeEntry *unused = NULL;

	for (int i = 0; i < MAX_DATABASES; i++)
	{
		NoticeEntry *entry = &shared->entries[i];

		if (entry->dbid == dbid)
			return entry;
		if (unused == NULL && (!OidIsValid(entry->dbid) ||
							   (entry->state == NOTICE_IDLE && !entry->wanted && entry->due == 0)))
			unused = entry;
	}
	if (!make || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(*unused));
	unused->dbid = dbid;
	return unused;
}

void
notice_wake(Oid dbid)
{
	NoticeEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, true);
	if (entry != NULL)
	{
		/* it looks again before it sleeps for long */
		if (entry->state == NOTICE_RUNNING && !entry->wanted)
			SetLatch(entry->worker_latch);
		else if (entry->state != NOTICE_RUNNING && shared->launcher_latch != NULL)
			SetLatch(shared->launcher_latch);
		entry->wanted = true;
	}
	LWLockRelease(&shared->lock);
}

int
notice_worker_pid(Oid dbid)
{
	NoticeEntry *entry;
	int			pid;

	LWLockAcquire(&shared->lock, LW_SHARED);
	entry = find_entry(dbid, false);
	pid = entry ? entry->worker_pid : 0;
	LWLockRelease(&shared->lock);
	return pid;
}

/*
 * Whoever may name a database in a command can ask for this, again and again:
 * that must not keep the worker away from what waits.  Core waits some seconds
 * for a worker to end by itself.
 */
int
notice_hold(Oid dbid, int milliseconds)
{
	TimestampTz now = GetCurrentTimestamp();
	NoticeEntry *entry;
	int			pid = 0;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, false);
	if (entry != NULL)
	{
		if (entry->held_since == 0 || TimestampDifferenceExceeds(entry->held_since, now, HOLDS_AGAIN))
			entry->held_since = now;
		if (!TimestampDifferenceExceeds(entry->held_since, now, HOLDS_MOST))
		{
			entry->held_until = TimestampTzPlusMilliseconds(now, milliseconds);
			pid = entry->worker_pid;
		}
	}
	LWLockRelease(&shared->lock);
	return pid;
}

/* ------------------------------------------------------------------------
 * Launcher
 * ------------------------------------------------------------------------
 */

static void
detach_launcher(int code, Datum arg)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (shared->launcher_pid == MyProcPid)
	{
		shared->launcher_latch = NULL;
		shared->launcher_pid = 0;
	}
	LWLockRelease(&shared->lock);
}

void
notice_attach_launcher(void)
{
	before_shmem_exit(detach_launcher, (Datum) 0);
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	shared->launcher_latch = MyLatch;
	shared->launcher_pid = MyProcPid;
	/* What an earlier launcher registered either runs or leaves when it finds itself not wanted. */
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		if (shared->entries[i].state == NOTICE_STARTING)
			shared->entries[i].state = NOTICE_IDLE;
	}
	LWLockRelease(&shared->lock);
}

int
notice_take_due(Oid *dbids, int max)
{
	TimestampTz now = GetCurrentTimestamp();
	int			n = 0;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_DATABASES && n < max; i++)
	{
		NoticeEntry *entry = &shared->entries[i];

		if (!OidIsValid(entry->dbid) || entry->state != NOTICE_IDLE ||
			entry->not_before > now || entry->held_until > now ||
			!(entry->wanted || (entry->due != 0 && entry->due <= now)))
			continue;
		entry->state = NOTICE_STARTING;
		dbids[n++] = entry->dbid;
	}
	LWLockRelease(&shared->lock);
	return n;
}

/* The lock is held. */
static void
count_failure(NoticeEntry *entry)
{
	entry->failures++;
	entry->wanted = true;
	entry->not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													Min((int64) RETRY_AFTER * entry->failures, RETRY_MOST));
}

void
notice_not_started(Oid dbid)
{
	NoticeEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, false);
	if (entry != NULL && entry->state == NOTICE_STARTING)
	{
		entry->state = NOTICE_IDLE;
		count_failure(entry);
	}
	LWLockRelease(&shared->lock);
}

void
notice_forget_database(Oid dbid)
{
	NoticeEntry *entry;

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
notice_attach_worker(Oid dbid)
{
	NoticeEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find_entry(dbid, false);
	if (entry != NULL && entry->state == NOTICE_STARTING && entry->held_until <= GetCurrentTimestamp())
	{
		entry->state = NOTICE_RUNNING;
		entry->worker_pid = MyProcPid;
		entry->worker_latch = MyLatch;
		entry->wanted = true;
		entry->due = 0;
		entry->started = GetCurrentTimestamp();
		attached = entry;
	}
	LWLockRelease(&shared->lock);
	return attached != NULL;
}

bool
notice_wake_waits(void)
{
	bool		wanted;

	LWLockAcquire(&shared->lock, LW_SHARED);
	wanted = attached->wanted;
	LWLockRelease(&shared->lock);
	return wanted;
}

bool
notice_take_wake(void)
{
	bool		wanted;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	wanted = attached->wanted;
	attached->wanted = false;
	LWLockRelease(&shared->lock);
	return wanted;
}

/* The lock is held. */
static void
detach(void)
{
	attached->state = NOTICE_IDLE;
	attached->worker_pid = 0;
	attached->worker_latch = NULL;
	if (shared->launcher_latch != NULL)
		SetLatch(shared->launcher_latch);
	attached = NULL;
}

bool
notice_leave(TimestampTz due)
{
	bool		stays;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	stays = attached->wanted;
	if (!stays)
	{
		attached->failures = 0;
		attached->not_before = 0;
		attached->due = due;
		detach();
	}
	LWLockRelease(&shared->lock);
	return !stays;
}

void
notice_detach_worker(void)
{
	if (attached == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (TimestampDifferenceExceeds(attached->started, GetCurrentTimestamp(), LONG_LIFE))
		attached->failures = 0;
	count_failure(attached);
	detach();
	LWLockRelease(&shared->lock);
}
