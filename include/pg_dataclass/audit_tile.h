/*-------------------------------------------------------------------------
 *
 * audit_tile.h
 *		The tree over the trail in tiles: dataclass_audit.tile.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_TILE_H
#define PG_DATACLASS_AUDIT_TILE_H

#include "pg_dataclass/audit_internal.h"

#define TILE_HEIGHT		8
#define TILE_BYTES		(TILE_WIDTH * AUDIT_HASH_SIZE)

/* Reads tiles and the leaf hashes behind them, as a snapshot sees them. */
typedef struct TileReader
{
	Relation	tile;
	Oid			tile_index;
	Relation	event;
	Oid			event_index;
	Snapshot	snapshot;
} TileReader;

extern void tile_reader_open(TileReader *reader, Snapshot snapshot);
extern void tile_reader_close(TileReader *reader);
extern bool tile_read(const TileReader *reader, int level, int64 index, uint8 *hashes, uint8 *root);
extern int	tile_read_leaves(const TileReader *reader, int64 from, int n, uint8 *hashes);
extern int64 tile_count(const TileReader *reader, int level);
extern bool tile_node(void *arg, int level, uint64_t index, uint8_t *hash);

/* Root over records 1 to size; false if parts of the tree are missing. */
extern bool tile_tree_root(const TileReader *reader, int64 size, uint8 *root);

/* Root of 256 hashes. */
extern bool tile_root(const uint8 *hashes, uint8 *root);

/* The writer's side; all raise. */
extern void tile_prepare(TrailHead *head);
extern void tile_append(TrailHead *head, const uint8 *leaf);
extern void tile_rebuild(TrailHead *head, Snapshot snapshot, int64 last_seq);

#endif							/* PG_DATACLASS_AUDIT_TILE_H */
