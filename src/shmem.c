/*-------------------------------------------------------------------------
 *
 * shmem.c
 *		Shared memory of all modules: one request, one start-up.
 *
 * Lock order (take in this order, release before any wait or I/O):
 *		0. lock of lost events	(audit_lost.c; held over the write of its file)
 *		1. audit queue lock		(audit_queue.c)
 *		2. audit journal lock	(audit_journal.c; held over the append only)
 * The locks of the storage watch (watch_shmem.c), of notices (notice_shmem.c)
 * and of the counters (stat_counter.c) are taken with none of these.
 * So is the spinlock of audit_login.c, under which nothing else is done.
 * Session facts are written by their own backend before any parallel worker
 * of it exists, with its process id, and read by workers only: no lock.  Slots of protect_progress.c
 * are written by their own backend under a change counter: no lock either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/stat.h"
#include "pg_dataclass/watch.h"

static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
shmem_request(void)
{
	RequestAddinShmemSpace(session_facts_shmem_size());
	RequestAddinShmemSpace(audit_shmem_size());
	RequestAddinShmemSpace(protect_progress_shmem_size());
	RequestAddinShmemSpace(watch_shmem_size());
	RequestAddinShmemSpace(stat_shmem_size());
}

static void
shmem_startup(void)
{
	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	session_facts_shmem_init();
	audit_shmem_init();
	protect_progress_shmem_init();
	watch_shmem_init();
	stat_shmem_init();
	LWLockRelease(AddinShmemInitLock);
}

void
shmem_init(void)
{
	compat_on_shmem_request(shmem_request);
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}
