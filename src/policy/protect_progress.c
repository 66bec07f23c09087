/*-------------------------------------------------------------------------
 *
 * protect_progress.c
 *		How far protect(), unprotect() and renew_ceilings() are.
 *
 * Core's progress commands are a closed list, so this has slots of its own in
 * shared memory, one per backend.  Only the backend itself writes its slot.
 *
 * No lock: a counter that is odd while its slot is being written tells a reader
 * that it has to look again, as core does for pg_stat_activity.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"

typedef struct ProgressState
{
	int			pid;			/* 0: nothing going on */
	Oid			dbid;
	Oid			relid;
	ProtectPhase phase;
	uint64		blocks_total;
	uint64		blocks_done;
	TimestampTz started;
} ProgressState;

typedef struct ProgressSlot
{
	pg_atomic_uint32 changes;	/* odd: being written */
	ProgressState state;
} ProgressSlot;

static ProgressSlot *slots = NULL;
static bool exit_registered = false;

PG_FUNCTION_INFO_V1(dc_protect_progress);

Size
protect_progress_shmem_size(void)
{
	return mul_size(compat_max_backends(), sizeof(ProgressSlot));
}

void
protect_progress_shmem_init(void)
{
	bool		found;

	slots = ShmemInitStruct("pg_dataclass protect progress", protect_progress_shmem_size(), &found);
	if (found)
		return;
	memset(slots, 0, protect_progress_shmem_size());
	for (int i = 0; i < compat_max_backends(); i++)
		pg_atomic_init_u32(&slots[i].changes, 0);
}

static ProgressSlot *
own_slot(void)
{
	int			n = compat_my_backend_slot();

	return slots && n >= 0 && n < compat_max_backends() ? &slots[n] : NULL;
}

static void
publish(const ProgressState *state)
{
	ProgressSlot *slot = own_slot();

	if (slot == NULL)
		return;
	/* nothing between these can be interrupted by an error */
	pg_atomic_fetch_add_u32(&slot->changes, 1);
	slot->state = *state;
	pg_write_barrier();
	pg_atomic_fetch_add_u32(&slot->changes, 1);
}

/* What this backend has published. */
static ProgressState own;

/* A backend that is told to end does not come through PG_FINALLY. */
static void
progress_at_exit(int code, Datum arg)
{
	protect_progress_end();
}

void
protect_progress_begin(Oid relid)
{
	if (!exit_registered)
	{
		before_shmem_exit(progress_at_exit, (Datum) 0);
		exit_registered = true;
	}
	memset(&own, 0, sizeof(own));
	own.pid = MyProcPid;
	own.dbid = MyDatabaseId;
	own.relid = relid;
	own.phase = PROTECT_LOCKING;
	own.started = GetCurrentTimestamp();
	publish(&own);
}

void
protect_progress_phase(ProtectPhase phase)
{
	own.phase = phase;
	own.blocks_total = 0;
	own.blocks_done = 0;
	publish(&own);
}

void
protect_progress_blocks(uint64 total, uint64 done)
{
	own.blocks_total = total;
	own.blocks_done = done;
	publish(&own);
}

void
protect_progress_end(void)
{
	memset(&own, 0, sizeof(own));
	publish(&own);
}

static const char *
phase_name(ProtectPhase phase)
{
	switch (phase)
	{
		case PROTECT_LOCKING:
			return "waiting for locks";
		case PROTECT_CHECKING_ROWS:
			return "checking rows";
		case PROTECT_ADDING_COLUMN:
			return "adding column";
		case PROTECT_LABELING_ROWS:
			return "labeling rows";
		case PROTECT_ADDING_CEILING:
			return "adding ceiling constraint";
		case PROTECT_BUILDING_INDEX:
			return "building index";
		case PROTECT_LABELING_TABLE:
			return "labeling table";
		case PROTECT_REMOVING:
			return "removing row labels";
	}
	return "unknown";
}

/* A consistent copy; false if nothing goes on there. */
static bool
read_slot(ProgressSlot *slot, ProgressState *state)
{
	for (;;)
	{
		uint32		before = pg_atomic_read_u32(&slot->changes);

		pg_read_barrier();
		*state = slot->state;
		pg_read_barrier();
		if ((before & 1) == 0 && before == pg_atomic_read_u32(&slot->changes))
			return state->pid != 0 && BackendPidGetProc(state->pid) != NULL;
		CHECK_FOR_INTERRUPTS();
	}
}

/* The rows of view dataclass.protect_progress. */
Datum
dc_protect_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	for (int i = 0; slots && i < compat_max_backends(); i++)
	{
		ProgressState state;
		Datum		values[7];
		bool		nulls[7] = {false};

		if (!read_slot(&slots[i], &state))
			continue;
		values[0] = Int32GetDatum(state.pid);
		values[1] = ObjectIdGetDatum(state.dbid);
		/* an oid of another database would be shown under a name of this one */
		values[2] = ObjectIdGetDatum(state.relid);
		nulls[2] = state.dbid != MyDatabaseId || !OidIsValid(state.relid);
		values[3] = CStringGetTextDatum(phase_name(state.phase));
		values[4] = Int64GetDatum((int64) state.blocks_total);
		values[5] = Int64GetDatum((int64) state.blocks_done);
		values[6] = TimestampTzGetDatum(state.started);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
