/*-------------------------------------------------------------------------
 *
 * audit_internal.h
 *		What the files of src/audit/ share; nobody else includes it.
 *
 * Life of an event: audit_event.c makes a payload, audit_sink.c hands it to
 * audit_queue.c and waits, audit_writer.c takes it from there and has
 * audit_trail.c insert it.  Where that does not work audit_journal.c keeps the
 * payload in a file that audit_import.c brings into the trail later.
 *
 * Locks: the queue lock and the journal lock, never both at once.  Nothing
 * waits or does I/O under the queue lock; the journal lock is held over one
 * append with its fdatasync and guards nothing that the writer's transaction
 * needs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_INTERNAL_H
#define PG_DATACLASS_AUDIT_INTERNAL_H

#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "pg_dataclass/audit.h"
#include "pg_dataclass/audit_journal_format.h"
#include "pg_dataclass/audit_merkle.h"
#include "pg_dataclass/audit_record.h"

#define AUDIT_DIRECTORY			"pg_dataclass"
#define AUDIT_BATCH_MAX			256 /* records in one transaction of the writer */
#define AUDIT_EPOCH_OFFSET		INT64CONST(946684800000000) /* 1970 to 2000, microseconds */

typedef struct AuditPayload
{
	const uint8_t *data;
	uint32_t	len;
} AuditPayload;

/* ---- settings, audit_settings.c ---- */

typedef enum AuditDurability
{
	AUDIT_DURABILITY_SYNC,		/* wait until the record is flushed */
	AUDIT_DURABILITY_ASYNC		/* put it into the queue and go on */
} AuditDurability;

typedef enum AuditFailureMode
{
	AUDIT_FAILURE_REFUSE,
	AUDIT_FAILURE_CONTINUE
} AuditFailureMode;

extern int	guc_audit_durability;
extern int	guc_on_audit_failure;
extern int	guc_audit_timeout;	/* ms */
extern int	guc_audit_queue_size;	/* slots */
extern int	guc_journal_size_limit; /* kB, 0: none */
extern int	guc_writer_idle_timeout;	/* s */
extern int	guc_repeat_window;	/* ms; 0: repeats are records as all others */
extern char *guc_node_name;

/* dataclass.node_name, else cluster_name, else the name of the host. */
extern const char *audit_node_name(void);

extern void audit_settings_init(void);

/* ---- audit_event.c: from facts to bytes ---- */

/*
 * Fill in who, when, where, statement, and encode into out (AUDIT_PAYLOAD_MAX
 * bytes).  Never raises.  Returns 0 only if the crypto library gives no id.
 * database: name for the record, NULL: the one of this backend.
 */
extern size_t audit_event_encode(const AuditEvent *event, const char *database, uint8_t *out);

/* UUID of version 7; false if the crypto library gives no random bytes. */
extern bool audit_make_event_id(uint8 *id, int64 unix_time);

/* When the event with this id happened, to the millisecond; unix time, microseconds. */
extern int64 audit_event_id_time(const uint8 *id);

#define AUDIT_STATEMENT_MAX		1024	/* bytes of a statement that are kept */

/* Statement with its values replaced; never raises.  Returns its length. */
extern size_t audit_normalise(const char *query, char *out, size_t size);

static inline int64
audit_unix_time(TimestampTz t)
{
	return t + AUDIT_EPOCH_OFFSET;
}

static inline TimestampTz
audit_timestamp(int64 unix_time)
{
	return unix_time - AUDIT_EPOCH_OFFSET;
}

/* ---- audit_sink.c ---- */

extern void audit_sink_init(void);

/* Does the delivery under way wait until its records are flushed? */
extern bool audit_waits(void);

/* Deliver payloads to the trail of a database, by whatever way works.  Never raises. */
extern bool audit_deliver(Oid dbid, const AuditPayload *payloads, int n);

/* ---- audit_lost.c: events of a database that are recorded nowhere but in the server log ---- */

#define AUDIT_LOST_PREFIX	"lost-"
extern void audit_lost_prepare(Oid dbid);	/* its file is there when it is needed */
extern void audit_lost_add(Oid dbid, int64 n);	/* n < 0: so many are recorded as lost */
extern int64 audit_lost_restore(Oid dbid);	/* what an earlier life of the server left; returns how many */
extern void audit_lost_retire(Oid dbid);	/* the database is gone */

/* ---- audit_queue.c ---- */

extern Size audit_queue_shmem_size(void);
extern void audit_queue_shmem_init(void);

/* Backend side: done[i] tells whether payload i is in the trail; why[i], if it is not, what was in the way. */
extern void audit_queue_deliver(Oid dbid, const AuditPayload *payloads, int n, bool *done, JournalReason *why);

/* Ask for a writer; import: it has a journal to import; installed: the extension is there now. */
extern void audit_queue_request_writer(Oid dbid, bool import, bool installed);

/* Writer side */
typedef struct AuditTaken
{
	int			slot;
	bool		retry;			/* may be in the trail already */
	AuditPayload payload;		/* a copy in this process, until the next take */
} AuditTaken;

extern bool audit_queue_attach_writer(Oid dbid);
extern void audit_queue_detach_writer(void);	/* before exit; taken slots go back */
extern bool audit_queue_try_detach_idle(void);	/* false: there is work */
extern int	audit_queue_take(Oid dbid, AuditTaken *taken, int max);

/*
 * From now on no backend lets go of these.  gone[i]: its backend already has,
 * and journals it.  xid: the transaction that is about to commit with them.
 */
extern void audit_queue_seal(const AuditTaken *taken, int n, TransactionId xid, bool *gone);
extern void audit_queue_finish(const AuditTaken *taken, int n, bool recorded);
extern void audit_queue_no_extension(Oid dbid);
extern bool audit_queue_import_wanted(bool clear);
extern void audit_queue_import_done(void);
extern int64 audit_queue_lost(TimestampTz *from, TimestampTz *to);

/* Launcher side */
extern void audit_queue_attach_launcher(void);
extern void audit_queue_detach_launcher(void);
extern int	audit_queue_wanted(Oid *dbids, int max);
extern void audit_queue_wake_at(Oid dbid, TimestampTz at);	/* start a writer then; 0: no need */
extern void audit_queue_writer_starting(Oid dbid);
extern void audit_queue_writer_failed(Oid dbid, bool short_lived);	/* holds off, queued events go to the journal */
extern void audit_queue_release_taken(void);

/* Keep the writer away for a while; returns its pid, 0 if none. */
extern int	audit_queue_hold(Oid dbid, int milliseconds);

typedef struct AuditQueueStatus
{
	int			writer_pid;
	int			queued;
	int			percent;		/* how full the queue is, with all databases' events */
	bool		held;
	bool		no_extension;
	int64		lost;
} AuditQueueStatus;

extern void audit_queue_status(Oid dbid, AuditQueueStatus *status);

/* ---- audit_journal.c ---- */

extern Size audit_journal_shmem_size(void);
extern void audit_journal_shmem_init(void);

/*
 * Append and flush; false after a LOG message if that is impossible, or if the
 * journals have reached dataclass.journal_size_limit.  Never raises.
 */
extern bool audit_journal_keep(Oid dbid, const AuditPayload *payloads, const JournalReason *reasons, int n);
/* For events whose ordinary way is the journal. */
extern bool audit_journal_append(Oid dbid, const AuditPayload *payloads, int n);
/* Bytes of all journals may have changed: count them again before the next append. */
extern void audit_journal_recount(void);
/* Bytes of all journals in the directory, as last counted, and what was appended since. */
extern int64 audit_journal_bytes(void);
/* From now on appends go to a new file. */
extern void audit_journal_seal(Oid dbid);
/* Journals of a database that wait for their import. */
extern void audit_journal_measure(Oid dbid, int32 *files, int64 *bytes);
extern bool audit_make_directory(void);
extern bool audit_sync_directory(void);
/* Write a small file beside the final name, flush, rename.  False after a LOG message. */
extern bool audit_write_file(const char *name, const void *data, size_t len, bool sync);
/* Bytes read, -1 if it cannot be read. */
extern ssize_t audit_read_file(const char *name, void *data, size_t size);

/* ---- audit_limit.c: warnings before something is full ---- */

typedef enum AuditLimit
{
	LIMIT_QUEUE,
	LIMIT_JOURNAL,
	LIMIT_DATABASES,
	LIMIT_COUNT
} AuditLimit;

#define LIMIT_QUEUE_LEAST	8	/* a smaller queue is full all the time, and meant to be */

extern Size audit_limit_shmem_size(void);
extern void audit_limit_shmem_init(void);
/* Note how full something is; cheap, takes no lock. */
extern void audit_limit_note(AuditLimit limit, int percent);
/* Warn, and record, if something crossed its mark since; never raises. */
extern void audit_limit_report(void);

/* ---- audit_import.c ---- */

/* Sorted, palloc'd names of files of a database in AUDIT_DIRECTORY; InvalidOid: all databases. */
extern List *audit_files(const char *prefix, Oid dbid);
extern Oid	audit_file_database(const char *name, const char *prefix);
/* Databases that have a head file, hence a trail; oids, palloc'd. */
extern List *audit_databases(void);
/* Import all journals of this database; false: something is left for later. */
extern bool audit_import_all(void);

/* ---- audit_file.c: the head file ---- */

typedef struct AuditHeadFile
{
	uint64		system_identifier;
	int64		seq;
	uint8		hash[AUDIT_HASH_SIZE];
} AuditHeadFile;

#define AUDIT_ENDED_PREFIX		"ended" /* head of a trail whose extension was dropped */
#define AUDIT_DROPPED_PREFIX	"dropped"	/* head of a trail whose database was dropped */

extern bool audit_head_read(const char *prefix, Oid dbid, AuditHeadFile *head);
extern void audit_head_retire(Oid dbid, const char *prefix);
extern void audit_head_write(Oid dbid, const AuditHeadFile *head, bool sync);

/* ---- audit_trail.c: the tables, as the writer changes them ---- */

/* Columns of dataclass_audit.event. */
typedef enum TrailColumn
{
	TRAIL_SEQ = 1,
	TRAIL_EVENT_ID,
	TRAIL_TIME,
	TRAIL_RECORDED_AT,
	TRAIL_KIND,
	TRAIL_SEVERITY,
	TRAIL_OUTCOME,
	TRAIL_BREACH,
	TRAIL_ACTION,
	TRAIL_SUBJECT,
	TRAIL_SESSION_USER,
	TRAIL_CURRENT_USER,
	TRAIL_AUTHENTICATED_USER,
	TRAIL_CLIENT_ADDR,
	TRAIL_CLIENT_PORT,
	TRAIL_APPLICATION,
	TRAIL_BACKEND_PID,
	TRAIL_SESSION_ID,
	TRAIL_TRANSACTION_ID,
	TRAIL_DATABASE,
	TRAIL_OBJECT_TYPE,
	TRAIL_OBJECT_IDENTITY,
	TRAIL_CLASS_ID,
	TRAIL_OBJECT_ID,
	TRAIL_OBJECT_SUBID,
	TRAIL_LABEL,
	TRAIL_RULE,
	TRAIL_REQUIRED_TIER,
	TRAIL_FOUND_TIER,
	TRAIL_STATEMENT,
	TRAIL_DETAIL,
	TRAIL_REPEATS,
	TRAIL_NODE,
	TRAIL_ORIGIN,
	TRAIL_FORMAT_VERSION,
	TRAIL_PREV_HASH,
	TRAIL_LEAF_HASH,
	TRAIL_COLUMN_COUNT = TRAIL_LEAF_HASH
} TrailColumn;

/* Columns of dataclass_audit.head. */
typedef enum HeadColumn
{
	HEAD_SEQ = 1,
	HEAD_HASH,
	HEAD_ROOT,
	HEAD_FRONTIER,
	HEAD_DATABASE,
	HEAD_SYSTEM_IDENTIFIER,
	HEAD_UPDATED_AT,
	HEAD_COLUMN_COUNT = HEAD_UPDATED_AT
} HeadColumn;

#define TILE_WIDTH	256		/* hashes in a tile of the tree, audit_tile.c */

typedef struct TrailHead
{
	bool		valid;
	int64		seq;
	uint8		hash[AUDIT_HASH_SIZE];
	uint8		root[AUDIT_HASH_SIZE];
	MerkleFrontier frontier;
	int			ntail;			/* hashes in tail; -1: not read yet */
	uint8		tail[TILE_WIDTH][AUDIT_HASH_SIZE];	/* leaves behind the last complete tile */
	Oid			database;
	uint64		system_identifier;
	ItemPointerData tid;		/* of the row */
	Oid			relid;			/* of the head table: another one is another trail */
} TrailHead;

/* Where a text or number field of the record lives. */
extern const int trail_text_column[AUDIT_TEXT_COUNT];
extern const int trail_number_column[AUDIT_NUMBER_COUNT];

/* A palloc'd copy as a value for a column. */
extern struct varlena *trail_make_bytea(const uint8 *data, size_t len);

extern Oid	trail_relid(const char *name);	/* in dataclass_audit; InvalidOid if missing */
extern bool trail_installed(void);	/* needs a transaction */
extern bool trail_head_read(Snapshot snapshot, TrailHead *head);
extern bool trail_last(Relation rel, Oid index, Snapshot snapshot, int64 *seq, uint8 *hash);

/* One transaction's worth of records; all raise. */
typedef struct TrailBatch TrailBatch;
extern TrailBatch *trail_open(const TrailHead *head);
extern bool trail_has_event(TrailBatch *batch, const uint8 *event_id);
extern void trail_insert(TrailBatch *batch, const AuditPayload *payload, const char *origin);

/* What the batch has inserted so far; payloads are copies that live as long as the batch. */
typedef struct TrailInserted
{
	int64		seq;
	int64		recorded_at;	/* unix time, microseconds */
	AuditRecord record;			/* texts point into the batch's copy of the payload */
	uint8		leaf[AUDIT_HASH_SIZE];
} TrailInserted;

extern List *trail_inserted(TrailBatch *batch); /* of TrailInserted */
extern const TrailHead *trail_batch_head(TrailBatch *batch);	/* root is that of the last commit */
extern void trail_close(TrailBatch *batch, TrailHead *after);	/* writes the head row */

/* Rebuild payload and place from a tuple; texts may be detoasted copies. */
struct HeapTupleData;
typedef struct TrailTuple
{
	AuditRecord record;
	AuditPlace	place;
	int			format_version;
	const uint8 *leaf_hash;		/* NULL: of a wrong length */
	const uint8 *prev_hash;
} TrailTuple;

extern void trail_deform(struct HeapTupleData *tuple, TupleDesc desc, TrailTuple *out);

/* ---- audit_writer.c ---- */

extern PGDLLEXPORT void dataclass_audit_writer_main(Datum arg);

/* The writer and the launcher: their events name no role and no statement. */
extern bool audit_own_process;

/*
 * Run work in a transaction of the writer; false after its error was logged,
 * *sqlstate tells which.  The head follows the commit.
 */
typedef void (*writer_work_type) (TrailBatch *batch, void *arg);
extern bool writer_transaction(writer_work_type work, void *arg, int *sqlstate);

/* Insert an event of the writer itself. */
extern void writer_note(TrailBatch *batch, EventKind kind, EventSeverity severity,
						bool breach, const char *detail);

extern void writer_note_object(TrailBatch *batch, EventKind kind, EventSeverity severity, const char *action,
							   const char *object_type, const char *object_identity, const char *detail);

/* Record what is queued now; true if there was anything. */
extern bool writer_serve_queue(void);

/* ---- audit_state.c ---- */

/* Compare settings with the state file, record differences, keep the new state. */
extern void audit_state_check(void);
extern char *audit_state_text(void);

/* ---- audit_login.c ---- */

extern Size audit_login_shmem_size(void);
extern void audit_login_shmem_init(void);
extern void audit_login_init(void);
extern void audit_login_tick(void);	/* the launcher, each turn */

/* ---- audit_guard.c ---- */

extern void audit_guard_init(void);

/* ---- audit_launcher.c ---- */

extern PGDLLEXPORT void dataclass_audit_launcher_main(Datum arg);
extern void audit_launcher_init(void);

#endif							/* PG_DATACLASS_AUDIT_INTERNAL_H */
