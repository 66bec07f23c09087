/*-------------------------------------------------------------------------
 *
 * rowversion.h
 *		Old label against new, for each row that a statement changes.
 *
 * Owned by src/policy/policy_rowversion.c (the checks) and
 * src/hooks/hook_rowversion.c (frames, and the trigger that shows the former
 * version of a row to plain UPDATEs).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ROWVERSION_H
#define PG_DATACLASS_ROWVERSION_H

#include "nodes/pg_list.h"

#include "pg_dataclass/rowfilter.h"

typedef enum RowVersion
{
	ROW_VERSION_FORMER,			/* about to be changed by ON CONFLICT or MERGE: judged and remembered */
	ROW_VERSION_SUCCESSOR,		/* what ON CONFLICT or MERGE makes of it */
	ROW_VERSION_UPDATED			/* what UPDATE makes of a row; the former one is known where frames say so */
} RowVersion;

/*
 * One per running statement that changes rows, on the C stack of its
 * ExecutorRun or ExecutorFinish.  Statements inside triggers have their own.
 */
typedef struct RowVersionFrame
{
	struct RowVersionFrame *outer;
	List	   *watched;		/* Oids: targets of plain UPDATEs whose rows pass our trigger */
	bool		known;			/* the former version of the row in hand: */
	uint64		former;
	bool		judged;			/* the change from former to this was judged already: */
	uint64		judged_new;
} RowVersionFrame;

extern RowVersionFrame *row_version_frame;

/* Proof that a call of row_version_check() was put into a plan by us. */
extern Datum row_version_secret(void);

/*
 * Judge a row on its way into a table, knowing what it replaces; raises as
 * row_check() does.  target is the table that the statement names, relid the
 * one whose ceiling binds the row: itself or a partition.
 */
extern void row_version_check(uint64 id, bool isnull, Oid target, Oid relid, RowVersion version);

#endif							/* PG_DATACLASS_ROWVERSION_H */
