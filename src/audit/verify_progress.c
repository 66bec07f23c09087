/*-------------------------------------------------------------------------
 *
 * verify_progress.c
 *		How far calls of dataclass_audit.verify() are.
 *
 * Core's progress commands are a closed list, so this has slots of its own in
 * shared memory, one per backend, written by the backend alone.  Single words
 * are read and written at once; a reader may see the numbers of a call that
 * just began beside the phase of one that ended, which harms nobody.  No lock.
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
#include "pg_dataclass/verify_progress.h"

typedef struct VerifySlot
{
	pg_atomic_uint32 pid;		/* 0: nothing going on */
	pg_atomic_uint32 dbid;
	pg_atomic_uint32 phase;
	pg_atomic_uint64 total;
	pg_atomic_uint64 done;
	pg_atomic_uint64 started;
} VerifySlot;

static VerifySlot *slots = NULL;
static bool exit_registered = false;

extern PGDLLEXPORT Datum dc_verify_progress(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_verify_progress);

Size
verify_progress_shmem_size(void)
{
	return mul_size(compat_max_backends(), sizeof(VerifySlot));
}

void
verify_progress_shmem_init(void)
{
	bool		found;

	slots = ShmemInitStruct("pg_dataclass verify progress", verify_progress_shmem_size(), &found);
	if (found)
		return;
	for (int i = 0; i < compat_max_backends(); i++)
	{
		pg_atomic_init_u32(&slots[i].pid, 0);
		pg_atomic_init_u32(&slots[i].dbid, 0);
		pg_atomic_init_u32(&slots[i].phase, 0);
		pg_atomic_init_u64(&slots[i].total, 0);
		pg_atomic_init_u64(&slots[i].done, 0);
		pg_atomic_init_u64(&slots[i].started, 0);
	}
}

static VerifySlot *
own_slot(void)
{
	int			n = compat_my_backend_slot();

	return slots && n >= 0 && n < compat_max_backends() ? &slots[n] : NULL;
}

/* A backend that is told to end does not come through PG_FINALLY. */
static void
progress_at_exit(int code, Datum arg)
{
	verify_progress_end();
}

void
verify_progress_begin(int64 total)
{
	VerifySlot *slot = own_slot();

	if (slot == NULL)
		return;
	if (!exit_registered)
	{
		before_shmem_exit(progress_at_exit, (Datum) 0);
		exit_registered = true;
	}
	pg_atomic_write_u32(&slot->dbid, MyDatabaseId);
	pg_atomic_write_u32(&slot->phase, VERIFY_RECORDS);
	pg_atomic_write_u64(&slot->total, (uint64) total);
	pg_atomic_write_u64(&slot->done, 0);
	pg_atomic_write_u64(&slot->started, (uint64) GetCurrentTimestamp());
	pg_write_barrier();
	pg_atomic_write_u32(&slot->pid, (uint32) MyProcPid);
}

void
verify_progress_phase(VerifyPhase phase)
{
	VerifySlot *slot = own_slot();

	if (slot)
		pg_atomic_write_u32(&slot->phase, phase);
}

void
verify_progress_done(int64 done)
{
	VerifySlot *slot = own_slot();

	if (slot)
		pg_atomic_write_u64(&slot->done, (uint64) done);
}

void
verify_progress_end(void)
{
	VerifySlot *slot = own_slot();

	if (slot)
		pg_atomic_write_u32(&slot->pid, 0);
}

static const char *
phase_name(VerifyPhase phase)
{
	switch (phase)
	{
		case VERIFY_ARCHIVED:
			return "checking tiles of archived records";
		case VERIFY_RECORDS:
			return "checking records";
		case VERIFY_TILES:
			return "checking tiles";
		case VERIFY_CHECKPOINTS:
			return "checking checkpoints";
		case VERIFY_COUNTING:
			return "counting rows";
	}
	return "unknown";
}

Datum
dc_verify_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	for (int i = 0; slots && i < compat_max_backends(); i++)
	{
		int			pid = (int) pg_atomic_read_u32(&slots[i].pid);
		Datum		values[6];
		bool		nulls[6] = {false};

		if (pid == 0 || BackendPidGetProc(pid) == NULL)
			continue;
		pg_read_barrier();
		values[0] = Int32GetDatum(pid);
		values[1] = ObjectIdGetDatum(pg_atomic_read_u32(&slots[i].dbid));
		values[2] = CStringGetTextDatum(phase_name(pg_atomic_read_u32(&slots[i].phase)));
		values[3] = Int64GetDatum((int64) pg_atomic_read_u64(&slots[i].total));
		values[4] = Int64GetDatum((int64) pg_atomic_read_u64(&slots[i].done));
		values[5] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&slots[i].started));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
