/*-------------------------------------------------------------------------
 *
 * audit_verify.h
 *		What the files of dataclass_audit.verify() share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_VERIFY_H
#define PG_DATACLASS_AUDIT_VERIFY_H

#include "pg_dataclass/checkpoint.h"

#define VERIFY_LEVELS	8		/* of tiles: 256^8 records */
#define VERIFY_KEYS		256		/* keys of checkpoints that are remembered */

/* The tree as it grows over what is checked, tile by tile. */
typedef struct VerifyTree
{
	TileReader	reader;
	MerkleFrontier lower;		/* over the hashes of the tile that is not complete */
	MerkleFrontier upper;		/* over the roots of complete tiles */
	uint8		pending[VERIFY_LEVELS][TILE_WIDTH][AUDIT_HASH_SIZE];
	int			npending[VERIFY_LEVELS];
	int64		ntiles;			/* complete ones, of all levels */
} VerifyTree;

typedef struct Verify
{
	Relation	rel;
	Oid			index;
	Snapshot	snapshot;
	bool		whole;			/* from the first record on, to the last one */
	int64		from;
	int64		to;				/* PG_INT64_MAX: to the end */
	int64		archived;		/* records that are not in the table any more */
	int64		checked;
	int64		last_seq;		/* last one found sound */
	uint8		last_hash[AUDIT_HASH_SIZE];
	bool		prev_known;
	bool		counted;		/* the table was met row by row */
	VerifyTree *tree;			/* if whole */
	struct VerifyCheckpoints *checkpoints;	/* if whole */
	int64		first_bad;
	char	   *reason;			/* NULL: sound so far */
} Verify;

/* The first finding counts. */
extern void verify_bad(Verify *v, int64 seq, const char *reason);

/* ---- audit_verify_chain.c: records ---- */

extern void verify_chain(Verify *v);
extern int64 verify_count_rows(Relation rel, Snapshot snapshot);

/* ---- audit_verify_tree.c: tiles, checkpoints, archived records ---- */

extern void verify_tree_open(Verify *v);
extern void verify_tree_close(Verify *v);
/* How many records were archived, from the first one on; ranges must leave no gap. */
extern int64 verify_archived(Verify *v);
/* Leaves of archived records, from tiles. */
extern void verify_archived_tiles(Verify *v);
/* The next leaf, after the record was found sound; record NULL: archived. */
extern void verify_tree_append(Verify *v, const uint8 *leaf, const AuditRecord *record);
extern bool verify_tree_root(const VerifyTree *tree, uint8 *root);
/* Behind the last record: nothing is left over. */
extern void verify_tree_end(Verify *v);

#endif							/* PG_DATACLASS_AUDIT_VERIFY_H */
