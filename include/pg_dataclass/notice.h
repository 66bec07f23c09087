/*-------------------------------------------------------------------------
 *
 * notice.h
 *		The worker that tells: notices of the outbox, response rules.
 *
 * notice_shmem.c keeps which databases want a worker, notice_launch.c starts
 * them, notice_worker.c is their loop.  It hands notices over (notice_outbox.c,
 * notice_notify.c, notice_command.c, with texts of notice_payload.c) and
 * applies response rules (response.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_NOTICE_H
#define PG_DATACLASS_NOTICE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#define NOTICE_CHANNEL		"dataclass_breach"

extern char *guc_breach_command;
extern int	guc_breach_command_timeout; /* ms */
extern int	guc_breach_command_retry;	/* s, the longest pause */

/* ---- notice_launch.c ---- */

extern void notice_init(void);	/* settings, from audit_init() */
/* In the audit launcher, each turn of its loop. */
extern void notice_launch(void);
/* Let go of a database, for statements that need it to have no connection; waits for the exit. */
extern void notice_release_database(Oid dbid);
extern PGDLLEXPORT void dataclass_notice_worker_main(Datum arg);

/* ---- notice_shmem.c ---- */

extern Size notice_shmem_size(void);
extern void notice_shmem_init(void);

/* Something was committed that the worker of this database has to look at.  Never raises. */
extern void notice_wake(Oid dbid);
extern int	notice_worker_pid(Oid dbid);
extern int	notice_hold(Oid dbid, int milliseconds);	/* returns the pid of a worker, 0: none */

/* Launcher side */
extern void notice_attach_launcher(void);
extern int	notice_take_due(Oid *dbids, int max);
extern void notice_not_started(Oid dbid);	/* its worker could not be registered, or ended before it attached */
extern void notice_forget_database(Oid dbid);

/* Worker side */
extern bool notice_attach_worker(Oid dbid);
/* Was there a wake-up since the last call? */
/* Is there a wake-up to take? */
extern bool notice_wake_waits(void);
extern bool notice_take_wake(void);
/* Leave until due (0: until the next wake-up); false: there was a wake-up. */
extern bool notice_leave(TimestampTz due);
extern void notice_detach_worker(void); /* at exit; one that did not leave is started again */

/* ---- notice_stage.c: in the writer of the trail ---- */

/* The transaction put something into the outbox: wake the worker afterwards. */
extern void notice_stage_want(void);

/* ---- notice_outbox.c: notices and what became of them ---- */

typedef enum NoticeChannel
{
	NOTICE_NOTIFY,
	NOTICE_COMMAND
} NoticeChannel;

#define NOTICE_CHANNELS		2

/* One that is not handed over on some channel yet. */
typedef struct PendingNotice
{
	int64		id;
	bool		waits[NOTICE_CHANNELS];
	bool		running;		/* a command is at it, or succeeded and is not recorded */
	int			attempts[NOTICE_CHANNELS];
	TimestampTz next[NOTICE_CHANNELS];	/* 0: at once */
} PendingNotice;

typedef struct Notice
{
	int64		id;
	TimestampTz created_at;
	int64		incident;		/* 0: none */
	int64		seq;			/* 0: none */
	char	   *subject;
	char	   *body;			/* text of a JSON object */
	char	   *class;			/* of the body, NULL: none */
} Notice;

/* Read what was added; needs a transaction.  Then the list is complete, or full. */
extern void notice_outbox_load(void);
extern List *notice_outbox_pending(void);	/* PendingNotice *, by id */
extern bool notice_outbox_full(void);	/* there may be more, once some of these are handed over */
extern void notice_outbox_save(void);	/* where to begin next time; needs a transaction */
extern bool notice_read(int64 id, Notice *notice);

/* Write the row of an attempt; needs a transaction.  exit_status -1: none. */
extern void notice_record_attempt(PendingNotice *pending, NoticeChannel channel, bool delivered,
								  int exit_status, const char *detail);
/* After its commit. */
extern void notice_attempt_done(PendingNotice *pending, NoticeChannel channel, bool delivered);
extern TimestampTz notice_retry_at(int attempts);
extern const char *notice_channel_name(NoticeChannel channel);
extern bool notice_command_configured(void);

/* Of what is in the tables, whatever this process knows. */
typedef struct NoticeSummary
{
	int64		pending;
	int64		oldest;
	TimestampTz oldest_at;
	int64		failing;
	char	   *last_error;		/* NULL: none */
	TimestampTz last_error_at;
	TimestampTz last_delivered_at;
} NoticeSummary;

extern void notice_outbox_summary(NoticeChannel channel, NoticeSummary *summary);

/* ---- notice_payload.c ---- */

/* The whole of it, for the command. */
extern char *notice_payload(const Notice *notice);
/*
 * Is a checkpoint that covers a breach of the highest class on its way?  It is
 * worth a moment, no more.
 */
extern bool notice_awaits_checkpoint(const Notice *notice);
/* In less than limit bytes. */
extern char *notice_payload_within(const Notice *notice, int limit);

/* ---- notice_command.c: children ---- */

#define NOTICE_COMMANDS_AT_ONCE 4

typedef struct NoticeResult
{
	int64		notice;
	bool		delivered;
	int			exit_status;	/* as a shell gives it; -1: it could not be started */
	char		detail[160];
} NoticeResult;

extern void notice_command_init(void);	/* in the worker */
extern int	notice_commands_running(void);
/* False: it could not be started, *result says why. */
extern bool notice_command_start(int64 notice, const char *command, const char *input, NoticeResult *result);
/* One that ended since; feeds and times out the others. */
extern bool notice_command_ended(NoticeResult *result);
/* ms until something has to be done, -1: nothing runs. */
extern long notice_command_wait(void);

#endif							/* PG_DATACLASS_NOTICE_H */
