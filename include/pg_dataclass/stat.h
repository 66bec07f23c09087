/*-------------------------------------------------------------------------
 *
 * stat.h
 *		Counters of what the extension does, always on.
 *
 * Each backend counts in a slot of its own, without locks or atomic
 * read-modify-write; readers add the slots up.  Counts live in shared memory:
 * they start over with the server, and are no evidence.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_STAT_H
#define PG_DATACLASS_STAT_H

#include "utils/timestamp.h"

typedef enum StatCounter
{
	STAT_DECISIONS,				/* about relations and columns */
	STAT_ROW_DECISIONS,			/* about row labels: once per label and subject, not per row */
	STAT_DENIALS,
	STAT_PERMITTED,				/* denials that permissive mode let pass */
	STAT_EVENTS,				/* handed to recording */
	STAT_WAITS,					/* for a record to be durable */
	STAT_WAIT_TIME,				/* microseconds of these */
	STAT_JOURNALED,				/* events that went to a journal */
	STAT_JOURNAL_BYTES,			/* written for them */
	STAT_UNRECORDED,			/* events that could be recorded nowhere but in the server log */
	STAT_RECORDS,				/* added to the trail by its writer */
	STAT_COMMITS,				/* of the writer that added any */
	STAT_LAG,					/* microseconds, summed over records: from event to commit */
	STAT_LAST_LAG,				/* of the oldest event of the writer's last batch; set, not added to */
	STAT_COUNTER_COUNT
} StatCounter;

#define STAT_MAX_RULES		48	/* rules told apart; later ones count as "other" */
#define STAT_RULE_LEN		32

typedef struct StatCounts
{
	uint64		counter[STAT_COUNTER_COUNT];
	uint64		denied[STAT_MAX_RULES];
	uint64		permitted[STAT_MAX_RULES];
} StatCounts;

extern Size stat_shmem_size(void);
extern void stat_shmem_init(void);

extern void stat_add(StatCounter counter, uint64 n);
extern void stat_set(StatCounter counter, uint64 value);
/* A denial by a rule; NULL counts as "none". */
extern void stat_refused(const char *rule, bool permitted);

/* Databases that anything was counted in, palloc'd; their number is the result. */
extern int	stat_databases(Oid **dbids);
/* Since the last reset; false if nothing was ever counted. */
extern bool stat_read(Oid dbid, StatCounts *counts, TimestampTz *reset_at);
extern const char *stat_rule_name(int i);	/* NULL from the first unused number on */
extern void stat_reset(Oid dbid);

#endif							/* PG_DATACLASS_STAT_H */
