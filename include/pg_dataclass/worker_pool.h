/*-------------------------------------------------------------------------
 *
 * worker_pool.h
 *		Background processes: launchers, and the workers they start per database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_WORKER_POOL_H
#define PG_DATACLASS_WORKER_POOL_H

#include "datatype/timestamp.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"

/* ---- Launchers: connected to no database ---- */

/* While the library is preloaded.  The name is also the type that pg_stat_activity shows. */
extern void pool_register_launcher(const char *name, const char *function);
/* Signals, connection and settings of the process. */
extern void pool_launcher_begin(pg_on_exit_callback at_exit);
/* Begin a turn of its loop; true: the configuration was loaded again. */
extern bool pool_launcher_turn(void);
/* In a transaction of its own. */
extern bool pool_database_exists(Oid dbid);

/* ---- What a launcher started ---- */

typedef struct PoolWorker
{
	Oid			dbid;			/* InvalidOid: unused */
	TimestampTz started;
	BackgroundWorkerHandle *handle;
} PoolWorker;

/* Into an unused place; false: the server has no free slot, and the place stays unused. */
extern bool pool_start(PoolWorker *place, Oid dbid, const char *type, const char *function);
extern bool pool_has_ended(const PoolWorker *place);
extern void pool_forget(PoolWorker *place);
/*
 * Forget workers that ended and tell of those without a successor, as they may
 * have ended before they attached; returns the number of those that run.
 */
extern int	pool_reap(PoolWorker *places, int n, void (*not_started) (Oid dbid));
/*
 * Have the worker of a database end, for a statement that needs it to have no
 * connection.  hold keeps others from being started and returns the pid of the
 * worker, 0: none.  Waits for its end, within limits.
 */
extern void pool_release(Oid dbid, int (*hold) (Oid dbid));

/* ---- Workers ---- */

/* Signals, connection and settings of the process. */
extern void pool_worker_begin(Oid dbid, pg_on_exit_callback at_exit);
/* Every setting that its work depends on. */
extern void pool_pin_settings(const char *name, const char *synchronous_commit, const char *lock_timeout);

#endif							/* PG_DATACLASS_WORKER_POOL_H */
