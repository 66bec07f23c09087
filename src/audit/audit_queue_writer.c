/*-------------------------------------------------------------------------
 *
 * audit_queue_writer.c
 *		The queue as its writers and the launcher see it.
 *
 * See audit_queue.c for the states of a slot and the lock.  A database has one
 * writer at most: the entry's writer_pid is set and cleared under the lock,
 * and a second writer finds it set and leaves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"

static Oid	attached_database = InvalidOid;
static bool import_taken = false;	/* asked for, and not known to be done */

/*
 * Payloads that this process has taken, one after the other.  No more is taken
 * than fits, and what was taken is finished before more is.
 */
#define TAKEN_BYTES		(256 * 1024)
static uint8 taken_bytes[TAKEN_BYTES];

bool
audit_queue_attach_writer(Oid dbid)
{
	AuditDatabase *db;
	bool		attached = false;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, true);
	if (db != NULL && db->writer_pid == 0 && db->held_until <= GetCurrentTimestamp())
	{
		db->state = WRITER_RUNNING;
		db->writer_pid = MyProcPid;
		db->writer_latch = MyLatch;
		db->wake_at = 0;
		attached = true;
	}
	LWLockRelease(&audit_queue->lock);
	if (attached)
		attached_database = dbid;
	return attached;
}

/* Put a slot back where its ticket belongs; the lock is held. */
static void
requeue(AuditDatabase *db, int index)
{
	AuditSlot  *slot = &audit_queue->slots[index];
	int			prev = -1;
	int			at = db->head;

	while (at >= 0 && audit_queue->slots[at].ticket < slot->ticket)
	{
		prev = at;
		at = audit_queue->slots[at].next;
	}
	slot->next = at;
	slot->retry = true;
	slot->sealed = false;
	slot->taker = 0;
	if (prev >= 0)
		audit_queue->slots[prev].next = index;
	else
		db->head = index;
	if (at < 0)
		db->tail = index;
	db->queued++;
	pg_atomic_write_u32(&slot->state, SLOT_QUEUED);
}

/* A taken slot is recorded, or will not be; the lock is held.  Whom to wake, NULL: nobody. */
static Latch *
settle(int index, bool recorded)
{
	AuditSlot  *slot = &audit_queue->slots[index];

	slot->sealed = false;
	if (slot->owner != NULL)
	{
		slot->reason = JOURNAL_WRITER_FAILED;
		pg_atomic_write_u32(&slot->state, recorded ? SLOT_DONE : SLOT_FAILED);
		return slot->owner;
	}
	audit_slot_free(index);
	return NULL;
}

void
audit_queue_seal(const AuditTaken *taken, int n, TransactionId xid, bool *gone)
{
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		AuditSlot  *slot = &audit_queue->slots[taken[i].slot];

		gone[i] = slot->owner == NULL && !slot->orphan;
		slot->sealed = !gone[i];
		slot->sealed_by = xid;
	}
	LWLockRelease(&audit_queue->lock);
}

/* The lock is held. */
static void
release_taken(void)
{
	for (int i = 0; i < audit_queue->nslots; i++)
	{
		AuditSlot  *slot = &audit_queue->slots[i];
		AuditDatabase *db;

		if (pg_atomic_read_u32(&slot->state) != SLOT_TAKEN || slot->taker != MyProcPid)
			continue;
		db = audit_queue_database(slot->dbid, true);
		if (db == NULL)
			continue;
		db->taken--;
		if (slot->sealed && TransactionIdDidCommit(slot->sealed_by))
		{
			Latch	   *owner = settle(i, true);

			if (owner != NULL)
				SetLatch(owner);
		}
		else if (slot->owner == NULL && !slot->orphan)
			audit_slot_free(i);	/* its backend went to the journal */
		else
			requeue(db, i);
	}
}

void
audit_queue_release_taken(void)
{
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	release_taken();
	LWLockRelease(&audit_queue->lock);
}

static void
detach(AuditDatabase *db)
{
	db->state = WRITER_NONE;
	db->writer_pid = 0;
	db->writer_latch = NULL;
	attached_database = InvalidOid;
}

/* Events that wait for a writer which will not come: their backends journal them.  The lock is held. */
static void
fail_queued(AuditDatabase *db, JournalReason why)
{
	int			at = db->head;
	int			last_orphan = -1;

	db->head = db->tail = -1;
	db->queued = 0;
	while (at >= 0)
	{
		AuditSlot  *slot = &audit_queue->slots[at];
		int			next = slot->next;

		slot->next = -1;
		if (slot->orphan)
		{
			/* Nobody waits for it: it stays for whoever drains the queue. */
			if (last_orphan >= 0)
				audit_queue->slots[last_orphan].next = at;
			else
				db->head = at;
			last_orphan = db->tail = at;
			db->queued++;
		}
		else
		{
			Latch	   *owner = slot->owner;

			slot->reason = why;
			pg_atomic_write_u32(&slot->state, SLOT_FAILED);
			if (owner != NULL)
				SetLatch(owner);
		}
		at = next;
	}
}

void
audit_queue_detach_writer(void)
{
	AuditDatabase *db;

	if (!OidIsValid(attached_database))
		return;
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	release_taken();
	db = audit_queue_database(attached_database, false);
	if (db != NULL)
	{
		detach(db);
		if (import_taken)
			db->import_wanted = true;
		if (db->held_until > GetCurrentTimestamp())
			fail_queued(db, db->failed ? JOURNAL_NO_WRITER : JOURNAL_WRITER_HELD);
		else if (audit_queue->launcher_pid == 0)
			fail_queued(db, JOURNAL_NO_WRITER);
		else if (db->queued > 0 || db->import_wanted)
			audit_queue_wake_writer(db);
	}
	LWLockRelease(&audit_queue->lock);
}

bool
audit_queue_try_detach_idle(void)
{
	AuditDatabase *db;
	bool		idle = true;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(attached_database, false);
	if (db != NULL)
	{
		idle = db->queued == 0;
		if (idle)
			detach(db);
	}
	LWLockRelease(&audit_queue->lock);
	return idle;
}

int
audit_queue_take(Oid dbid, AuditTaken *taken, int max)
{
	AuditDatabase *db;
	uint8	   *end = taken_bytes;
	uint32		bytes = 0;
	int			n = 0;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, false);
	while (db != NULL && n < max && db->head >= 0)
	{
		int			index = db->head;
		AuditSlot  *slot = &audit_queue->slots[index];

		if (bytes + slot->len > TAKEN_BYTES)
			break;
		bytes += slot->len;
		db->head = slot->next;
		if (db->head < 0)
			db->tail = -1;
		db->queued--;
		db->taken++;
		slot->next = -1;
		slot->taker = MyProcPid;
		pg_atomic_write_u32(&slot->state, SLOT_TAKEN);
		taken[n].slot = index;
		taken[n].retry = slot->retry;
		taken[n].payload.len = slot->len;
		n++;
	}
	LWLockRelease(&audit_queue->lock);

	/* Without the lock: they are ours until they are finished. */
	for (int i = 0; i < n; i++)
	{
		taken[i].payload.data = end;
		end = audit_slot_copy(&audit_queue->slots[taken[i].slot], end);
	}
	return n;
}

void
audit_queue_finish(const AuditTaken *taken, int n, bool recorded)
{
	Latch	   *owners[AUDIT_BATCH_MAX];
	int			nowners = 0;
	int			nlost = 0;
	Oid			lost_of = InvalidOid;	/* all are of one database */

	Assert(n <= AUDIT_BATCH_MAX);
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		AuditSlot  *slot = &audit_queue->slots[taken[i].slot];
		AuditDatabase *db = audit_queue_database(slot->dbid, false);
		Latch	   *owner;

		if (db != NULL)
			db->taken--;
		/* nobody waited for it, so nobody else journals it */
		if (slot->orphan && !recorded)
		{
			nlost++;
			lost_of = slot->dbid;
		}
		owner = settle(taken[i].slot, recorded);
		if (owner != NULL)
			owners[nowners++] = owner;
	}
	LWLockRelease(&audit_queue->lock);

	/* Only now: those who wake up want the lock.  Latches stay valid whoever owns them by then. */
	for (int i = 0; i < nowners; i++)
		SetLatch(owners[i]);
	audit_queue_tell_room();
	if (nlost > 0)
		audit_lost_add(lost_of, nlost);
}

/* Journal the orphans that fail_queued() left. */
static void
drain_orphans(Oid dbid, JournalReason why)
{
	AuditTaken	taken[16];
	int			n;

	while ((n = audit_queue_take(dbid, taken, lengthof(taken))) > 0)
	{
		AuditPayload payloads[16];
		JournalReason reasons[16];

		for (int i = 0; i < n; i++)
		{
			payloads[i] = taken[i].payload;
			reasons[i] = why;
		}
		audit_queue_finish(taken, n, audit_journal_keep(dbid, payloads, reasons, n));
	}
}

void
audit_queue_no_extension(Oid dbid)
{
	AuditDatabase *db;

	import_taken = false;
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, false);
	if (db != NULL)
	{
		db->no_extension = true;
		db->import_wanted = false;
		fail_queued(db, JOURNAL_NO_TRAIL);
	}
	LWLockRelease(&audit_queue->lock);
	drain_orphans(dbid, JOURNAL_NO_TRAIL);
}

bool
audit_queue_import_wanted(bool clear)
{
	AuditDatabase *db;
	bool		wanted = false;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(attached_database, false);
	if (db != NULL)
	{
		wanted = db->import_wanted;
		if (clear)
		{
			db->import_wanted = false;
			import_taken = wanted;
		}
	}
	LWLockRelease(&audit_queue->lock);
	return wanted;
}

/* Nothing is left of what was asked for; a writer that ends before leaves it to the next. */
void
audit_queue_import_done(void)
{
	import_taken = false;
}

int64
audit_queue_lost(TimestampTz *from, TimestampTz *to)
{
	AuditDatabase *db;
	int64		lost = 0;

	LWLockAcquire(&audit_queue->lock, LW_SHARED);
	db = audit_queue_database(attached_database, false);
	if (db != NULL)
	{
		lost = db->lost.number;
		*from = db->lost.from;
		*to = db->lost.to;
	}
	LWLockRelease(&audit_queue->lock);
	return lost;
}

void
audit_queue_attach_launcher(void)
{
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	audit_queue->launcher_pid = MyProcPid;
	audit_queue->launcher_latch = MyLatch;
	/* Whatever an earlier launcher registered either runs or never will. */
	for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
	{
		AuditDatabase *db = &audit_queue->databases[i];

		if (db->state == WRITER_STARTING)
			db->state = WRITER_WANTED;
	}
	LWLockRelease(&audit_queue->lock);
}

void
audit_queue_detach_launcher(void)
{
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	release_taken();
	if (audit_queue->launcher_pid == MyProcPid)
	{
		audit_queue->launcher_pid = 0;
		audit_queue->launcher_latch = NULL;
		/* Nobody starts a writer for these now: let them use the journal. */
		for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
		{
			AuditDatabase *db = &audit_queue->databases[i];

			if (OidIsValid(db->dbid) && db->state != WRITER_RUNNING)
				fail_queued(db, JOURNAL_NO_WRITER);
		}
	}
	LWLockRelease(&audit_queue->lock);
}

int
audit_queue_wanted(Oid *dbids, int max)
{
	TimestampTz now = GetCurrentTimestamp();
	int			n = 0;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < AUDIT_MAX_DATABASES && n < max; i++)
	{
		AuditDatabase *db = &audit_queue->databases[i];

		if (!OidIsValid(db->dbid) || db->no_extension || db->held_until > now)
			continue;
		/* A hold may have swallowed the request. */
		if (db->state == WRITER_NONE && (db->queued > 0 || db->import_wanted ||
										 (db->wake_at != 0 && db->wake_at <= now)))
			db->state = WRITER_WANTED;
		if (db->state == WRITER_WANTED)
			dbids[n++] = db->dbid;
	}
	LWLockRelease(&audit_queue->lock);
	return n;
}

void
audit_queue_wake_at(Oid dbid, TimestampTz at)
{
	AuditDatabase *db;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, true);
	if (db != NULL)
		db->wake_at = at;
	LWLockRelease(&audit_queue->lock);
}

void
audit_queue_writer_starting(Oid dbid)
{
	AuditDatabase *db;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, false);
	if (db != NULL && db->state == WRITER_WANTED)
	{
		db->state = WRITER_STARTING;
		db->wake_at = 0;
	}
	LWLockRelease(&audit_queue->lock);
}

/*
 * A writer that never attached, or that could not stay: keep off for a moment,
 * so that a fault does not become a loop of processes.
 */
void
audit_queue_writer_failed(Oid dbid, bool short_lived)
{
	AuditDatabase *db;
	bool		failed = false;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, false);
	if (db != NULL && (db->state == WRITER_STARTING ||
					   (short_lived && db->state == WRITER_WANTED)))
	{
		db->state = WRITER_NONE;
		db->held_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 1000);
		db->failed = true;
		fail_queued(db, JOURNAL_NO_WRITER);
		failed = true;
	}
	LWLockRelease(&audit_queue->lock);
	if (failed)
		drain_orphans(dbid, JOURNAL_NO_WRITER);
}
