/*-------------------------------------------------------------------------
 *
 * verify_progress.h
 *		What view dataclass_audit.verify_progress shows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_VERIFY_PROGRESS_H
#define PG_DATACLASS_VERIFY_PROGRESS_H

typedef enum VerifyPhase
{
	VERIFY_ARCHIVED,
	VERIFY_RECORDS,
	VERIFY_TILES,
	VERIFY_CHECKPOINTS,
	VERIFY_COUNTING
} VerifyPhase;

extern Size verify_progress_shmem_size(void);
extern void verify_progress_shmem_init(void);

/* total: records to check */
extern void verify_progress_begin(int64 total);
extern void verify_progress_phase(VerifyPhase phase);
extern void verify_progress_done(int64 done);
extern void verify_progress_end(void);

#endif							/* PG_DATACLASS_VERIFY_PROGRESS_H */
