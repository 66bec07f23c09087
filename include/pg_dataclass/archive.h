/*-------------------------------------------------------------------------
 *
 * archive.h
 *		Copies of the trail as text, and ranges of it that were moved to files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ARCHIVE_H
#define PG_DATACLASS_ARCHIVE_H

#include "pg_dataclass/audit_tile.h"
#include "pg_dataclass/trail_format.h"

struct HeapTupleData;

/* ---- trail_export.c: records as lines ---- */

/* A record with the bytes under its hash; valid during the call. */
typedef struct TrailCopy
{
	struct HeapTupleData *tuple;
	TrailTuple	fields;
	const uint8 *leaf;
	size_t		leaf_len;
	uint8		leaf_hash[AUDIT_HASH_SIZE]; /* of leaf */
} TrailCopy;

/* False: enough. */
typedef bool (*trail_copy_type) (const TrailCopy *copy, void *arg);

/* Records from..to in order; raises for a gap and for what cannot be encoded. */
extern void trail_copy_records(const TileReader *reader, int64 from, int64 to, trail_copy_type work, void *arg);

/* The tree and the link before a record; raises if parts of the tree are missing. */
extern void trail_copy_start(TileReader *reader, int64 from, MerkleFrontier *frontier, uint8 *prev_hash);

/* Last record of the trail, 0 if it is empty. */
extern int64 trail_copy_last(const TileReader *reader);

/* ---- archive_range.c: dataclass_audit.archived_range ---- */

typedef struct ArchivedRange
{
	int64		from;
	int64		to;
	char	   *file;			/* name in the directory */
	int64		bytes;
	uint8		sha256[AUDIT_HASH_SIZE];
} ArchivedRange;

/* Palloc'd ArchivedRange, in order of from. */
extern List *archive_ranges(Snapshot snapshot);
/* Last record that was archived, 0: none. */
extern int64 archive_last(Snapshot snapshot);
extern void archive_range_insert(const ArchivedRange *range);

/* ---- archive_file.c: the files ---- */

extern char *guc_archive_directory;

typedef struct ArchiveWriter
{
	char		path[MAXPGPATH];	/* temporary name */
	int			fd;
	int64		bytes;
	struct pg_cryptohash_ctx *sha256;
} ArchiveWriter;

/* All raise; what is half written is removed at the end of the transaction, or by the next attempt. */
extern void archive_write_open(ArchiveWriter *writer, const char *name);
extern void archive_write(ArchiveWriter *writer, const char *data, size_t len);
extern void archive_write_line(ArchiveWriter *writer, const char *line, size_t len);
/* Flush, read back, give it its name.  A file of that name with other content is not replaced unless replace. */
extern void archive_write_close(ArchiveWriter *writer, const char *name, bool replace, uint8 *sha256);
extern void archive_write_abandon(ArchiveWriter *writer);

/* Called with each line that was read; false: stop. */
typedef bool (*archive_line_type) (const char *line, size_t len, void *arg);

/* Reads a file to its end; NULL, or why it is not sound. */
extern const char *archive_read(const char *name, int64 *bytes, uint8 *sha256, archive_line_type work, void *arg);

extern void archive_init(void);

#endif							/* PG_DATACLASS_ARCHIVE_H */
