/*-------------------------------------------------------------------------
 *
 * audit_queue.c
 *		Events on their way from backends to the writers, in shared memory.
 *
 * A slot stands for one payload, whose bytes lie in a chain of blocks
 * (audit_queue_slot.c):
 *
 *		FREE -> QUEUED -> TAKEN -> DONE | FAILED -> FREE
 *
 * Only the backend that filled a slot withdraws it (QUEUED -> FREE, after a
 * timeout) and takes it back (DONE, FAILED -> FREE).  Only the writer of its
 * database moves QUEUED -> TAKEN -> DONE.  A writer that goes away puts what
 * it had taken back to QUEUED, marked "retry": its transaction may have
 * committed, so the next writer looks for the event's id first.
 *
 * A backend whose slot is TAKEN when its patience ends lets go of it
 * (owner = NULL) and journals the event: the import looks for the id, so
 * whether or not the writer's transaction commits the trail has it once.
 * With durability async nobody owns the slot from the start; then the writer's
 * side answers for it ("orphan") and must not drop it.
 *
 * Everything is under one lock, held for copies of a few kilobytes and list
 * work; waiting and I/O are done without it.  States are atomics only so that
 * a waiting backend may look at its own without the lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "portability/instr_time.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"
#include "pg_dataclass/stat.h"

#define ROOM_PATIENCE	20		/* ms that an event which nobody waits for may wait for room */
#define ROOM_PERCENT	75		/* of the queue in use, at most, for those to be woken */
#define HOLD_APART	60000	/* ms between holds of a writer that has something to do */

AuditQueue *audit_queue = NULL;

Size
audit_queue_shmem_size(void)
{
	return add_size(MAXALIGN(sizeof(AuditQueue)), audit_slot_shmem_size());
}

void
audit_queue_shmem_init(void)
{
	bool		found;

	audit_queue = ShmemInitStruct("pg_dataclass audit queue", audit_queue_shmem_size(), &found);
	if (!found)
	{
		memset(audit_queue, 0, sizeof(AuditQueue));
		audit_queue->tranche = LWLockNewTrancheId();
		LWLockInitialize(&audit_queue->lock, audit_queue->tranche);
		LWLockInitialize(&audit_queue->lost_lock, audit_queue->tranche);
		ConditionVariableInit(&audit_queue->room);
		audit_slot_shmem_init((char *) audit_queue + MAXALIGN(sizeof(AuditQueue)));
		for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
			audit_queue->databases[i].head = audit_queue->databases[i].tail = -1;
	}
	LWLockRegisterTranche(audit_queue->tranche, "pg_dataclass_audit_queue");
}

/* Entry of a database; the lock is held.  make: NULL only if the table is full. */
AuditDatabase *
audit_queue_database(Oid dbid, bool make)
{
	AuditDatabase *idle = NULL;
	int			unused = 0;

	for (int i = 0; i < AUDIT_MAX_DATABASES; i++)
	{
		AuditDatabase *db = &audit_queue->databases[i];

		if (db->dbid == dbid)
			return db;
		if (!OidIsValid(db->dbid))
		{
			idle = db;
			unused++;
		}
		else if (db->state == WRITER_NONE && db->queued == 0 &&
				 db->taken == 0 && db->lost.number == 0 && !db->import_wanted && db->wake_at == 0)
		{
			if (idle == NULL)
				idle = db;
			unused++;
		}
	}
	if (make)
		audit_limit_note(LIMIT_DATABASES, 100 * (AUDIT_MAX_DATABASES - unused) / AUDIT_MAX_DATABASES);
	if (!make || idle == NULL)
		return NULL;
	memset(idle, 0, sizeof(*idle));
	idle->dbid = dbid;
	idle->head = idle->tail = -1;
	return idle;
}

/*
 * Whom to wake so that something is done for this database, NULL: nobody.  The
 * lock is held; whoever wakes up wants it, so wake without it where that matters.
 */
static Latch *
who_works(AuditDatabase *db)
{
	if (db->state == WRITER_RUNNING)
		return db->writer_latch;
	if (db->state != WRITER_NONE)
		return NULL;
	db->state = WRITER_WANTED;
	return audit_queue->launcher_latch;
}

void
audit_queue_wake_writer(AuditDatabase *db)
{
	Latch	   *latch = who_works(db);

	if (latch != NULL)
		SetLatch(latch);
}

/*
 * Can an event of this database reach a writer soon?  If not, *why says what is
 * in the way.  The lock is held.
 */
static bool
reachable(const AuditDatabase *db, TimestampTz now, JournalReason *why)
{
	if (db == NULL)
		*why = JOURNAL_TOO_MANY_DATABASES;
	else if (db->no_extension)
		*why = JOURNAL_NO_TRAIL;
	else if (db->held_until > now)
		*why = db->failed ? JOURNAL_NO_WRITER : JOURNAL_WRITER_HELD;
	else if (db->state != WRITER_RUNNING && audit_queue->launcher_pid == 0)
		*why = JOURNAL_NO_WRITER;
	else
		return true;
	return false;
}

/* Put one payload at the end of its database's list; -1 if there is no place. */
static int
enqueue(AuditDatabase *db, const AuditPayload *payload, Latch *owner)
{
	int			index = audit_slot_fill(payload);
	AuditSlot  *slot;

	if (index < 0)
		return -1;
	slot = &audit_queue->slots[index];
	slot->dbid = db->dbid;
	slot->owner = owner;
	slot->orphan = owner == NULL;
	slot->retry = false;
	slot->sealed = false;
	slot->reason = JOURNAL_TIMEOUT;
	slot->taker = 0;
	slot->ticket = ++audit_queue->last_ticket;
	if (db->tail >= 0)
		audit_queue->slots[db->tail].next = index;
	else
		db->head = index;
	db->tail = index;
	db->queued++;
	pg_atomic_write_u32(&slot->state, SLOT_QUEUED);
	return index;
}

/* Take a queued slot out of its database's list; the lock is held. */
static void
withdraw(AuditDatabase *db, int index)
{
	int			prev = -1;

	for (int at = db->head; at >= 0; prev = at, at = audit_queue->slots[at].next)
	{
		if (at != index)
			continue;
		if (prev >= 0)
			audit_queue->slots[prev].next = audit_queue->slots[at].next;
		else
			db->head = audit_queue->slots[at].next;
		if (db->tail == at)
			db->tail = prev;
		db->queued--;
		return;
	}
}

/* Wait until none of the slots is under way, or the timeout passes. */
static void
wait_for_slots(const int *slots, int n)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), guc_audit_timeout);

	for (;;)
	{
		long		remaining;
		int			rc;
		bool		pending = false;

		ResetLatch(MyLatch);
		for (int i = 0; i < n && !pending; i++)
		{
			uint32		state;

			if (slots[i] < 0)
				continue;
			state = pg_atomic_read_u32(&audit_queue->slots[slots[i]].state);
			pending = state != SLOT_DONE && state != SLOT_FAILED;
		}
		remaining = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (!pending || remaining <= 0)
			break;

		/*
		 * No CHECK_FOR_INTERRUPTS: a cancelled or terminated backend still
		 * has its denial recorded.  Interrupts stay pending for later.
		 */
		rc = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_POSTMASTER_DEATH,
					   remaining, PG_WAIT_EXTENSION);
		if (rc & WL_POSTMASTER_DEATH)
			break;
	}
	/* Others may have set our latch meanwhile: let them find it set. */
	SetLatch(MyLatch);
}

/*
 * Settle the slots of this backend after the wait.  False: a sealed one is
 * about to be committed and cannot be let go of.
 */
static bool
collect(Oid dbid, int *slots, int n, bool *done, JournalReason *why)
{
	AuditDatabase *db;
	bool		settled = true;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, false);
	for (int i = 0; i < n; i++)
	{
		AuditSlot  *slot;

		if (slots[i] < 0)
			continue;
		slot = &audit_queue->slots[slots[i]];
		switch ((SlotState) pg_atomic_read_u32(&slot->state))
		{
			case SLOT_DONE:
				done[i] = true;
				audit_slot_free(slots[i]);
				break;
			case SLOT_FAILED:
				why[i] = slot->reason;
				audit_slot_free(slots[i]);
				break;
			case SLOT_QUEUED:
				why[i] = JOURNAL_TIMEOUT;
				withdraw(db, slots[i]);
				audit_slot_free(slots[i]);
				break;
			case SLOT_TAKEN:
				if (slot->sealed)
				{
					settled = false;
					continue;
				}
				why[i] = JOURNAL_TIMEOUT;
				slot->owner = NULL;
				break;
			case SLOT_FREE:
				break;
		}
		slots[i] = -1;
	}
	LWLockRelease(&audit_queue->lock);
	return settled;
}

/*
 * Queue what finds a place, from the first on: later ones must not overtake one
 * that found none.  Returns how many; *latch is whom to wake, or NULL.  If the
 * caller has *patience and a writer is about to make room, it is put down for
 * being woken then; otherwise its patience is of no use.
 */
static int
enqueue_some(Oid dbid, const AuditPayload *payloads, int n, Latch *owner, bool *patience,
			 int *slots, JournalReason *why, Latch **latch)
{
	TimestampTz now = GetCurrentTimestamp();
	AuditDatabase *db;
	int			nqueued = 0;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, true);
	for (int i = 0; i < n; i++)
	{
		slots[i] = -1;
		if (!reachable(db, now, &why[i]))
			continue;
		why[i] = JOURNAL_QUEUE_FULL;
		if (nqueued < i)
			continue;
		slots[i] = enqueue(db, &payloads[i], owner);
		if (slots[i] >= 0)
			nqueued++;
	}
	audit_limit_note(LIMIT_QUEUE, audit_queue->nslots < LIMIT_QUEUE_LEAST ? 0 : audit_slot_percent());
	*latch = nqueued > 0 ? who_works(db) : NULL;
	*patience = *patience && nqueued < n && why[nqueued] == JOURNAL_QUEUE_FULL && db->state == WRITER_RUNNING;
	if (*patience)
	{
		audit_queue->room_wanted = true;
		ConditionVariablePrepareToSleep(&audit_queue->room);
	}
	LWLockRelease(&audit_queue->lock);
	return nqueued;
}

/* The lock is not held. */
void
audit_queue_tell_room(void)
{
	bool		tell = false;

	if (!audit_queue->room_wanted)
		return;
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	if (audit_queue->room_wanted && audit_slot_percent() <= ROOM_PERCENT)
	{
		audit_queue->room_wanted = false;
		tell = true;
	}
	LWLockRelease(&audit_queue->lock);
	if (tell)
		ConditionVariableBroadcast(&audit_queue->room);
}

/*
 * Events that nobody waits for.  Where they come faster than the writer takes
 * them, a short wait for room costs less than the journal would; a writer that
 * makes none is not waited for long.
 */
static void
deliver_and_leave(Oid dbid, const AuditPayload *payloads, int n, bool *done, JournalReason *why)
{
	TimestampTz deadline = 0;
	int			slots[AUDIT_DELIVER_MAX];
	int			at = 0;
	bool		patience = true;

	for (;;)
	{
		Latch	   *latch;
		TimestampTz now;

		at += enqueue_some(dbid, payloads + at, n - at, NULL, &patience, slots, why + at, &latch);
		if (latch != NULL)
			SetLatch(latch);
		if (!patience)
			break;
		now = GetCurrentTimestamp();
		if (deadline == 0)
			deadline = TimestampTzPlusMilliseconds(now, ROOM_PATIENCE);
		patience = !ConditionVariableTimedSleep(&audit_queue->room,
												Max(TimestampDifferenceMilliseconds(now, deadline), 1),
												PG_WAIT_EXTENSION);
	}
	for (int i = 0; i < at; i++)
		done[i] = true;
	if (deadline != 0)
	{
		ConditionVariableCancelSleep();
		SetLatch(MyLatch);
	}
}

void
audit_queue_deliver(Oid dbid, const AuditPayload *payloads, int n, bool *done, JournalReason *why)
{
	int			slots[AUDIT_DELIVER_MAX];
	bool		patience = false;
	Latch	   *latch;
	instr_time	waited;
	instr_time	now_time;

	Assert(n <= AUDIT_DELIVER_MAX);
	memset(done, 0, n * sizeof(bool));
	if (!audit_waits())
	{
		deliver_and_leave(dbid, payloads, n, done, why);
		return;
	}
	if (enqueue_some(dbid, payloads, n, MyLatch, &patience, slots, why, &latch) == 0)
		return;
	if (latch != NULL)
		SetLatch(latch);
	INSTR_TIME_SET_CURRENT(waited);
	PG_TRY();
	{
		wait_for_slots(slots, n);
	}
	PG_CATCH();
	{
		(void) collect(dbid, slots, n, done, why);
		PG_RE_THROW();
	}
	PG_END_TRY();
	while (!collect(dbid, slots, n, done, why))
		wait_for_slots(slots, n);
	audit_queue_tell_room();
	INSTR_TIME_SET_CURRENT(now_time);
	INSTR_TIME_SUBTRACT(now_time, waited);
	stat_add(STAT_WAITS, 1);
	stat_add(STAT_WAIT_TIME, INSTR_TIME_GET_MICROSEC(now_time));
}

void
audit_queue_request_writer(Oid dbid, bool import, bool installed)
{
	AuditDatabase *db;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, true);
	if (db != NULL)
	{
		if (import)
			db->import_wanted = true;
		if (installed)
			db->no_extension = false;
		if (!db->no_extension)
			audit_queue_wake_writer(db);
	}
	LWLockRelease(&audit_queue->lock);
}

int
audit_queue_hold(Oid dbid, int milliseconds)
{
	TimestampTz now = GetCurrentTimestamp();
	AuditDatabase *db;
	int			pid = 0;

	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	db = audit_queue_database(dbid, true);
	/* Again and again, it would keep records away from the trail: what waits goes first. */
	if (db != NULL && !((db->import_wanted || db->queued > 0) && db->held_until != 0 &&
						!TimestampDifferenceExceeds(db->held_until, now, HOLD_APART)))
	{
		db->held_until = TimestampTzPlusMilliseconds(now, milliseconds);
		db->failed = false;
		pid = db->writer_pid;
	}
	LWLockRelease(&audit_queue->lock);
	return pid;
}

void
audit_queue_status(Oid dbid, AuditQueueStatus *status)
{
	AuditDatabase *db;

	memset(status, 0, sizeof(*status));
	LWLockAcquire(&audit_queue->lock, LW_SHARED);
	db = audit_queue_database(dbid, false);
	if (db != NULL)
	{
		status->writer_pid = db->writer_pid;
		status->queued = db->queued + db->taken;
		status->percent = audit_slot_percent();
		status->held = db->held_until > GetCurrentTimestamp();
		status->no_extension = db->no_extension;
		status->lost = db->lost.number;
	}
	LWLockRelease(&audit_queue->lock);
}
