/*-------------------------------------------------------------------------
 *
 * audit_queue_slot.c
 *		Slots of the queue, and the blocks that hold their payloads.
 *
 * A payload lies in a chain of blocks of one size.  All blocks are alike, so
 * that no sequence of long and short records can leave room that cannot be
 * used, and taking a chain is list work that either finds enough blocks or
 * leaves everything as it was.  The number of slots is
 * dataclass.audit_queue_size; there are AUDIT_BLOCKS_PER_SLOT blocks for each,
 * and never fewer than the longest payload needs.
 *
 * The queue lock is held by all callers.  Only audit_slot_copy() may do
 * without: a slot that was taken is changed by nobody but its taker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"

#define BLOCKS_OF(len)	(((int) (len) + AUDIT_BLOCK_SIZE - 1) / AUDIT_BLOCK_SIZE)

static int
block_count(void)
{
	return Max(guc_audit_queue_size * AUDIT_BLOCKS_PER_SLOT, BLOCKS_OF(AUDIT_PAYLOAD_MAX));
}

Size
audit_slot_shmem_size(void)
{
	Size		size = mul_size(guc_audit_queue_size, sizeof(AuditSlot));

	size = add_size(size, MAXALIGN(mul_size(block_count(), sizeof(int))));
	return add_size(size, mul_size(block_count(), AUDIT_BLOCK_SIZE));
}

void
audit_slot_shmem_init(char *place)
{
	audit_queue->nslots = guc_audit_queue_size;
	audit_queue->nblocks = block_count();
	audit_queue->slots = (AuditSlot *) place;
	place += audit_queue->nslots * sizeof(AuditSlot);
	audit_queue->block_next = (int *) place;
	place += MAXALIGN(audit_queue->nblocks * sizeof(int));
	audit_queue->blocks = (uint8 *) place;

	for (int i = 0; i < audit_queue->nslots; i++)
	{
		AuditSlot  *slot = &audit_queue->slots[i];

		memset(slot, 0, sizeof(AuditSlot));
		pg_atomic_init_u32(&slot->state, SLOT_FREE);
		slot->first_block = -1;
		slot->next = i + 1 < audit_queue->nslots ? i + 1 : -1;
	}
	for (int i = 0; i < audit_queue->nblocks; i++)
		audit_queue->block_next[i] = i + 1 < audit_queue->nblocks ? i + 1 : -1;
	audit_queue->free_head = 0;
	audit_queue->free_block = 0;
}

/* The slot is out of the free list afterwards, its state is the caller's to set. */
int
audit_slot_fill(const AuditPayload *payload)
{
	int			index = audit_queue->free_head;
	int			needed = BLOCKS_OF(payload->len);
	AuditSlot  *slot;
	int		   *link;
	uint32		at = 0;

	if (index < 0 || audit_queue->nblocks - audit_queue->blocks_used < needed)
		return -1;
	slot = &audit_queue->slots[index];
	audit_queue->free_head = slot->next;
	audit_queue->slots_used++;
	audit_queue->blocks_used += needed;
	slot->next = -1;
	slot->len = payload->len;
	link = &slot->first_block;
	*link = -1;
	while (at < payload->len)
	{
		int			block = audit_queue->free_block;
		uint32		part = Min(AUDIT_BLOCK_SIZE, payload->len - at);

		audit_queue->free_block = audit_queue->block_next[block];
		memcpy(audit_queue->blocks + (Size) block * AUDIT_BLOCK_SIZE, payload->data + at, part);
		at += part;
		*link = block;
		link = &audit_queue->block_next[block];
		*link = -1;
	}
	return index;
}

void
audit_slot_free_blocks(AuditSlot *slot)
{
	int			block = slot->first_block;

	slot->first_block = -1;
	while (block >= 0)
	{
		int			next = audit_queue->block_next[block];

		audit_queue->block_next[block] = audit_queue->free_block;
		audit_queue->free_block = block;
		audit_queue->blocks_used--;
		block = next;
	}
}

void
audit_slot_free(int index)
{
	AuditSlot  *slot = &audit_queue->slots[index];

	audit_slot_free_blocks(slot);
	pg_atomic_write_u32(&slot->state, SLOT_FREE);
	slot->owner = NULL;
	slot->dbid = InvalidOid;
	slot->next = audit_queue->free_head;
	audit_queue->free_head = index;
	audit_queue->slots_used--;
}

uint8 *
audit_slot_copy(const AuditSlot *slot, uint8 *to)
{
	uint32		left = slot->len;

	for (int block = slot->first_block; block >= 0 && left > 0; block = audit_queue->block_next[block])
	{
		uint32		part = Min(AUDIT_BLOCK_SIZE, left);

		memcpy(to, audit_queue->blocks + (Size) block * AUDIT_BLOCK_SIZE, part);
		to += part;
		left -= part;
	}
	return to;
}

int
audit_slot_percent(void)
{
	return Max((int) (INT64CONST(100) * audit_queue->slots_used / audit_queue->nslots),
			   (int) (INT64CONST(100) * audit_queue->blocks_used / audit_queue->nblocks));
}
