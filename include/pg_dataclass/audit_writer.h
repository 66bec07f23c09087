/*-------------------------------------------------------------------------
 *
 * audit_writer.h
 *		What the files of the writer share: audit_writer.c, audit_begin.c and
 *		audit_import.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_WRITER_H
#define PG_DATACLASS_AUDIT_WRITER_H

#include "pg_dataclass/audit_internal.h"

extern TrailHead *writer_trail_head(void);

/* audit_begin.c: read the head, inside of a transaction; raises */
extern void writer_recover_head(TrailHead *head);
/* First record of a new trail, note about one that was tampered with or copied here. */
extern void writer_begin(void);
extern bool writer_found_tampering(void);

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
