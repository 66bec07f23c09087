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

/* ---- proofs, RFC 9162 sections 2.1.3 and 2.1.4 ---- */

#define MERKLE_PROOF_MAX	64

typedef struct MerkleProof
{
	int			nhashes;
	uint8_t		hash[MERKLE_PROOF_MAX][AUDIT_HASH_SIZE];
} MerkleProof;

/*
 * Hash of the complete subtree over leaves index * 2^level to
 * (index + 1) * 2^level - 1; false if it is not to be had.
 */
typedef bool (*merkle_node_type) (void *arg, int level, uint64_t index, uint8_t *hash);

/* Root over n leaves from start on, start a multiple of a power of two that is not below n. */
extern bool merkle_range_root(merkle_node_type node, void *arg, uint64_t start, uint64_t n, uint8_t *hash);

/* index counts from 0 and is below size; 0 < old_size <= new_size. */
extern bool merkle_inclusion_proof(merkle_node_type node, void *arg,
								   uint64_t index, uint64_t size, MerkleProof *proof);
extern bool merkle_consistency_proof(merkle_node_type node, void *arg,
									 uint64_t old_size, uint64_t new_size, MerkleProof *proof);

/*
 * What anybody claims.  A proof of another length than the sizes ask for is
 * none.  The empty tree is consistent with every tree, by an empty proof.
 */
extern bool merkle_verify_inclusion(uint64_t index, uint64_t size, const uint8_t *leaf,
									const MerkleProof *proof, const uint8_t *root);
extern bool merkle_verify_consistency(uint64_t old_size, uint64_t new_size,
									  const uint8_t *old_root, const uint8_t *new_root,
									  const MerkleProof *proof);

#endif							/* PG_DATACLASS_AUDIT_MERKLE_H */
