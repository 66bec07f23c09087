/*-------------------------------------------------------------------------
 *
 * watch.h
 *		The storage watch: looks again and again at the places of data.
 *
 * A launcher (watch_launcher.c) starts a short-lived worker (watch_worker.c)
 * per database and pass; watch_pass.c makes the pass, watch_judge.c judges
 * relations, watch_state.c keeps what was found, watch_shmem.c what is due.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_WATCH_H
#define PG_DATACLASS_WATCH_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

#include "pg_dataclass/place.h"

#define WATCH_MAX_DATABASES		256
#define WATCH_FAILURES_TOLD		3	/* passes in a row that fail before it is recorded */

extern int	guc_watch_interval; /* s */

extern void watch_init(void);	/* settings, launcher, hook on commits of the policy */
extern Size watch_shmem_size(void);
extern void watch_shmem_init(void);
extern PGDLLEXPORT void dataclass_watch_launcher_main(Datum arg);
extern PGDLLEXPORT void dataclass_watch_worker_main(Datum arg);

/*
 * Let go of a database, for statements that need it to have no connection: a
 * worker exits and none is started for a moment.  Waits for the exit.
 */
extern void watch_release_database(Oid dbid);

/* ---- watch_shmem.c ---- */

typedef struct WatchStatus
{
	Oid			dbid;
	TimestampTz last_pass;		/* 0: none since the server started */
	TimestampTz last_complete;
	TimestampTz due;			/* 0: at once */
	int64		duration_us;
	int			places;
	int			changes;
	int64		passes;
	int			failures;		/* in a row */
	TimestampTz failing_since;
	bool		failure_told;
} WatchStatus;

extern void watch_know_database(Oid dbid, bool installed);	/* installed: the extension is there now */
extern void watch_hasten(Oid dbid, bool soon);	/* labels or policy changed; soon: do not wait for the interval */
extern void watch_hasten_all(void);
extern bool watch_passed_since_start(Oid dbid);
extern bool watch_is_dirty(Oid dbid);	/* labels or policy changed since relations were looked at */
extern int	watch_statuses(WatchStatus *statuses, int max);

/* Launcher side */
extern void watch_attach_launcher(void);
extern void watch_detach_launcher(void);
/* Databases to look at now, marked as being started; *wait becomes the ms until the next is due. */
extern int	watch_take_due(Oid *dbids, int max, long *wait);
extern void watch_not_started(Oid dbid);	/* its worker could not be registered, or ended before it attached */
extern void watch_forget_database(Oid dbid);

/* Worker side */
extern bool watch_attach_worker(Oid dbid, WatchStatus *status, uint64 *changes);
extern void watch_worker_done(const WatchStatus *result, uint64 changes, bool complete);
extern void watch_worker_no_extension(void);
extern void watch_worker_told(void);
extern void watch_worker_exit(void);	/* counts a failure unless done */
/* Have a worker leave and none start for a while; returns its pid, 0: none. */
extern int	watch_hold(Oid dbid, int milliseconds);

/* ---- watch_pass.c ---- */

typedef struct WatchChange
{
	const char *place;			/* NULL: about a relation alone */
	const char *path;
	const char *change;			/* evidence, violation, healed, quarantined, released, risk ended */
	const char *class;
	const char *before;
	const char *after;
	int64		relations;
} WatchChange;

typedef struct WatchResult
{
	int			places;
	bool		complete;		/* relations were looked at */
	TimestampTz next;			/* when an accepted risk ends; 0: none */
	int			nchanges;
	List	   *changes;		/* WatchChange *, in the memory of the pass */
} WatchResult;

/* One pass in the current transaction.  Raises; the caller commits. */
extern void watch_pass(bool complete, WatchResult *result);

/* ---- watch_state.c: dataclass.place_state ---- */

typedef struct WatchPlace
{
	Place	   *place;			/* NULL: known from the table only, not there any more */
	char	   *device;			/* NULL: not found */
	bool		kept;			/* there is a row */
	ItemPointerData tid;
	const char *kind;
	Oid			tablespace;
	char	   *name;			/* of the row */
	char	   *before;			/* evidence of the row in words; NULL: never looked at */
	bool		changed;		/* evidence differs from the row's, or there is none */
	bool		moved;			/* only the device, or the name, does */
	int64		policy;
	TimestampTz since;
	List	   *violates;		/* of the row: char * */
	List	   *violates_now;
} WatchPlace;

/* Places of the server beside their rows; WatchPlace *.  *rel is locked against other passes. */
extern List *watch_state_read(Relation *rel);
extern void watch_state_write(Relation rel, WatchPlace *place, int64 policy);
extern void watch_state_delete(Relation rel, WatchPlace *place);
extern char *watch_evidence_text(const Place *place);

/* ---- watch_judge.c ---- */

/* A relation that lies where its class may not. */
typedef struct WatchFinding
{
	Oid			relid;
	int			class;			/* index into PolicySnapshot.classes */
	int			place;			/* index into the list of places, the first that is not good enough */
} WatchFinding;

/* What is asked of each place by each class, worked out when first needed. */
typedef struct WatchJudge
{
	const PolicySnapshot *p;
	List	   *places;			/* WatchPlace * */
	int			nplaces;
	char	  **reasons;		/* [place * nclasses + class]; NULL: satisfied, or not binding */
	int64	   *counts;			/* relations of the class that are in violation there */
} WatchJudge;

extern WatchJudge *watch_judge_begin(List *places);
/* All relations in violation; WatchFinding *.  Counts them. */
extern List *watch_judge_relations(WatchJudge *judge);
/* Does the requirement of a place of this kind lead to quarantine, or to a record alone? */
extern bool watch_kind_quarantines(PlaceKind kind);

/*
 * One relation, probed afresh.  True: it lies where it may not; *reason, *place
 * and *class (NULL: not in the policy) tell why, palloc'd.
 */
extern bool watch_judge_relation(Oid relid, char **place, char **reason, const PolicyClass **class);

extern EnforcementMode watch_mode(void);

/* ---- watch_start.c: the first governed access ---- */

extern bool watch_passed;		/* known to this backend: nothing to do any more */

/*
 * While policy_setting check_at_start is on and no pass was made since the
 * server started: does the storage of the relation do?  report: refuse and
 * record if not.
 */
extern bool watch_check_access(Oid relid, const char *command, bool report);

#endif							/* PG_DATACLASS_WATCH_H */
