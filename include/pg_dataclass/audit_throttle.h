/*-------------------------------------------------------------------------
 *
 * audit_throttle.h
 *		Repeats of a denial, as the writer and the import count them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_THROTTLE_H
#define PG_DATACLASS_AUDIT_THROTTLE_H

#include "pg_dataclass/audit_internal.h"

/* In the transaction of the batch, before anything else; raises. */
extern void throttle_begin(TrailBatch *batch);

/*
 * Insert the payload, or hold it as a repeat of a denial whose window is open:
 * then true, and the caller says with throttle_count() that it counts.
 */
extern bool throttle_insert(TrailBatch *batch, const AuditPayload *payload, const char *origin);

/* The held payloads of the batch, in their order: does the i-th one count? */
extern int	throttle_held(void);
extern void throttle_count(const bool *counts);

/* Write what was counted; raises. */
extern void throttle_close(TrailBatch *batch);

/* The transaction of the batch ended. */
extern void throttle_end(bool committed);

/* Summaries of windows that are over, or of all; ms until the next one ends, -1: none is open. */
extern long throttle_summarize(TimestampTz now, bool all);

#endif							/* PG_DATACLASS_AUDIT_THROTTLE_H */
