/*-------------------------------------------------------------------------
 *
 * audit_merkle.h
 *		Merkle tree hashes of RFC 9162, section 2.1, over SHA-256.  Pure.
 *
 * A frontier is all one needs to go on with a tree: the roots of its complete
 * subtrees, largest first, as many as the size has one bits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_MERKLE_H
#define PG_DATACLASS_AUDIT_MERKLE_H

#include "pg_dataclass/audit_record.h"

#define MERKLE_MAX_LEVELS	63

typedef struct MerkleFrontier
{
	uint64_t	size;			/* leaves */
	int			nroots;			/* number of one bits of size */
	uint8_t		root[MERKLE_MAX_LEVELS][AUDIT_HASH_SIZE];
} MerkleFrontier;

/* All return false only when the crypto library fails. */
extern bool merkle_leaf(const uint8_t *data, size_t len, uint8_t *hash);
extern bool merkle_node(const uint8_t *left, const uint8_t *right, uint8_t *hash);
extern bool merkle_sha256(const uint8_t *data, size_t len, uint8_t *hash);

extern void merkle_init(MerkleFrontier *frontier);
extern bool merkle_append(MerkleFrontier *frontier, const uint8_t *leaf);
extern bool merkle_root(const MerkleFrontier *frontier, uint8_t *hash);

/* Number of subtree roots of a tree of this size. */
extern int	merkle_nroots(uint64_t size);

#endif							/* PG_DATACLASS_AUDIT_MERKLE_H */
