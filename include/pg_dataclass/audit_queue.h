/*-------------------------------------------------------------------------
 *
 * audit_queue.h
 *		The queue's shared memory, for the two files that own it:
 *		audit_queue.c (backends) and audit_queue_writer.c (writers, launcher).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_QUEUE_H
#define PG_DATACLASS_AUDIT_QUEUE_H

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#include "pg_dataclass/audit_internal.h"

#define AUDIT_MAX_DATABASES		256
#define AUDIT_BLOCK_SIZE		256 /* payloads lie in chains of blocks */
#define AUDIT_BLOCKS_PER_SLOT	4	/* on average; long payloads use what short ones leave */
#define AUDIT_DELIVER_MAX		32	/* payloads that one backend has under way */

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_QUEUED,
	SLOT_TAKEN,
	SLOT_DONE,
	SLOT_FAILED					/* not recorded, and will not be: journal it, see reason */
} SlotState;

typedef struct AuditSlot
{
	pg_atomic_uint32 state;
	Oid			dbid;
	Latch	   *owner;			/* who waits; NULL: nobody */
	bool		orphan;			/* nobody ever waited: the taker answers for it */
	bool		sealed;			/* taken, and its transaction is about to commit */
	TransactionId sealed_by;	/* which; Invalid: none, it goes to the journal */
	bool		retry;			/* an earlier taker may have committed it */
	uint8		reason;			/* JournalReason of SLOT_FAILED */
	int			taker;			/* pid */
	int			next;			/* slot after this one in its list */
	uint64		ticket;			/* order of arrival */
	uint32		len;
	int			first_block;	/* of the payload */
} AuditSlot;

/* Events recorded nowhere but in the server log. */
typedef struct AuditLost
{
	int64		number;
	TimestampTz from;
	TimestampTz to;
} AuditLost;

typedef enum WriterState
{
	WRITER_NONE,
	WRITER_WANTED,				/* launcher: please start one */
	WRITER_STARTING,			/* registered, not there yet */
	WRITER_RUNNING
} WriterState;

typedef struct AuditDatabase
{
	Oid			dbid;			/* InvalidOid: unused */
	WriterState state;
	int			writer_pid;
	Latch	   *writer_latch;
	TimestampTz held_until;		/* no writer before that */
	bool		failed;			/* because one could not start */
	TimestampTz wake_at;		/* a writer that left has something to do then; 0: nothing */
	bool		no_extension;	/* nothing to write to, until the extension is created */
	bool		import_wanted;	/* there is, or may be, a journal */
	int			head;			/* queued slots, -1: none */
	int			tail;
	int			queued;
	int			taken;
	AuditLost	lost;			/* see audit_lost.c */
} AuditDatabase;

typedef struct AuditQueue
{
	int			tranche;
	LWLock		lock;
	LWLock		lost_lock;		/* of audit_lost.c */
	int			launcher_pid;
	Latch	   *launcher_latch;
	uint64		last_ticket;
	bool		room_wanted;	/* somebody waits for it, see audit_queue_tell_room() */
	ConditionVariable room;
	int			nslots;
	int			slots_used;
	int			free_head;		/* first free slot, -1: none */
	int			nblocks;
	int			blocks_used;
	int			free_block;		/* first free block, -1: none */
	AuditSlot  *slots;
	int		   *block_next;		/* block after this one, in a chain or in the free list */
	uint8	   *blocks;
	AuditDatabase databases[AUDIT_MAX_DATABASES];
} AuditQueue;

extern AuditQueue *audit_queue;

/* audit_queue_slot.c: slots and blocks.  The lock is held, but for audit_slot_copy(). */
extern Size audit_slot_shmem_size(void);
extern void audit_slot_shmem_init(char *place);
extern int	audit_slot_fill(const AuditPayload *payload);	/* a slot with the payload; -1: no place */
extern void audit_slot_free(int index);
extern void audit_slot_free_blocks(AuditSlot *slot);
extern uint8 *audit_slot_copy(const AuditSlot *slot, uint8 *to);	/* returns where the copy ends */
extern int	audit_slot_percent(void);	/* of slots or of blocks, whichever is scarcer */

/* The lock is held by the caller of these. */
extern AuditDatabase *audit_queue_database(Oid dbid, bool make);
extern void audit_queue_wake_writer(AuditDatabase *db);

/* Wakes those who wait for room once there is enough of it.  The lock is not held. */
extern void audit_queue_tell_room(void);

#endif							/* PG_DATACLASS_AUDIT_QUEUE_H */
