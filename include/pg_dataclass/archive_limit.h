/*-------------------------------------------------------------------------
 *
 * archive_limit.h
 *		Up to which record the trail may be archived.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ARCHIVE_LIMIT_H
#define PG_DATACLASS_ARCHIVE_LIMIT_H

#include "pg_dataclass/audit_tile.h"

typedef struct ArchiveLimit
{
	int64		before;			/* unix time, microseconds: younger ones stay */
	int64		last;			/* no record behind it may go */
	int64		first_open;		/* first record of incidents that are not closed; 0: not looked for */
	int64		checkpoint_size;	/* newest checkpoint */
	char	   *note;
} ArchiveLimit;

/*
 * False: there is no checkpoint yet, nothing may go.  Raises 22023 where policy
 * keeps records longer, XX001 where the tree is not the one under the checkpoint.
 */
extern bool archive_limit_find(ArchiveLimit *limit, const TileReader *reader, TimestampTz before);

/* Is the record too young? */
extern bool archive_limit_keeps(const ArchiveLimit *limit, const TrailTuple *record);

#endif							/* PG_DATACLASS_ARCHIVE_LIMIT_H */
