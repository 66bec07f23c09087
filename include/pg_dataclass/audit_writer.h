/*-------------------------------------------------------------------------
 *
 * audit_writer.h
 *		What the files of the writer share: audit_writer.c, audit_begin.c,
 *		audit_import.c, audit_position.c and audit_window.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_WRITER_H
#define PG_DATACLASS_AUDIT_WRITER_H

#include "storage/lockdefs.h"

#include "pg_dataclass/audit_internal.h"

extern TrailHead *writer_trail_head(void);

/* audit_begin.c: read the head, inside of a transaction; raises */
extern void writer_recover_head(TrailHead *head);
/* First record of a new trail, note about one that was tampered with or copied here. */
extern void writer_begin(void);
extern bool writer_found_tampering(void);

/* ---- audit_position.c: rows of journal_position; all raise ---- */

typedef struct JournalPosition
{
	bool		exists;
	ItemPointerData tid;
	uint8		id[AUDIT_ID_SIZE];
	int64		created;		/* unix time, microseconds */
	int64		bytes;			/* of the file that were imported */
	bool		has_link;
	uint8		link[AUDIT_HASH_SIZE];	/* chain value there */
	int64		records;
	int64		damages;
	bool		complete;		/* everything that the file had */
	char		node[NAMEDATALEN + 1];
	int64		unreported;		/* events that no window was recorded of; the next three are about these */
	TimestampTz first_time;
	TimestampTz last_time;
	int32		reasons;		/* a bit for each JournalReason */
} JournalPosition;

extern Relation position_open(LOCKMODE mode);
extern void position_read(Relation rel, const uint8 *journal_id, JournalPosition *position);
extern void position_write(Relation rel, const JournalPosition *position);
extern List *position_unreported(Relation rel);

/* ---- audit_window.c ---- */

extern void window_record(TrailBatch *batch, Relation rel, bool force);
extern bool window_is_pending(void);
extern long window_tick(TimestampTz now);

/*
 * A stage follows up on records: incidents, checkpoints.  Stages run in the
 * order of the list in audit_stage.c; any member may be NULL.
 */
typedef struct WriterStage
{
	/*
	 * In the transaction that inserts the records.  records: TrailInserted, not
	 * those that stages insert themselves.  What it raises fails the
	 * transaction, and the events go to the journal: raise for the situation
	 * only, never for what a record says.
	 */
	void		(*in_transaction) (TrailBatch *batch, List *records);
	/* After the commit of a transaction that had records; must not raise. */
	void		(*after_commit) (const TrailHead *head);
	/* Between transactions, each turn of the loop; ms until it wants another, -1: no wish.  Must not raise. */
	long		(*tick) (TimestampTz now);
} WriterStage;

extern const WriterStage notice_stage;	/* notice_stage.c */

extern void stage_in_transaction(TrailBatch *batch);
extern void stage_after_commit(const TrailHead *head);
extern long stage_tick(TimestampTz now);

#endif							/* PG_DATACLASS_AUDIT_WRITER_H */
