/*-------------------------------------------------------------------------
 *
 * unit_merkle_proof.c
 *		Proofs of RFC 9162 for every tree up to 130 leaves: each true one is
 *		accepted, each other one is not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_merkle.h"
#include "tap.h"

#define LEAVES 130

static uint8_t leaves[LEAVES][AUDIT_HASH_SIZE];
static uint8_t roots[LEAVES + 1][AUDIT_HASH_SIZE];

/* Complete subtrees by their definition. */
static bool
node(void *arg, int level, uint64_t index, uint8_t *hash)
{
	uint8_t		left[AUDIT_HASH_SIZE];
	uint8_t		right[AUDIT_HASH_SIZE];

	if (((index + 1) << level) > LEAVES)
		return false;
	if (level == 0)
	{
		memcpy(hash, leaves[index], AUDIT_HASH_SIZE);
		return true;
	}
	return node(arg, level - 1, 2 * index, left) && node(arg, level - 1, 2 * index + 1, right) &&
		merkle_node(left, right, hash);
}

static void
make_trees(void)
{
	MerkleFrontier frontier;

	merkle_init(&frontier);
	merkle_root(&frontier, roots[0]);
	for (int n = 0; n < LEAVES; n++)
	{
		merkle_leaf((const uint8_t *) &n, sizeof(n), leaves[n]);
		merkle_append(&frontier, leaves[n]);
		merkle_root(&frontier, roots[n + 1]);
	}
}

/* How many altered forms of a proof that holds are accepted all the same. */
typedef bool (*holds_type) (const MerkleProof *proof, int a, int b);

static int
accepted_forgeries(holds_type holds, const MerkleProof *proof, int a, int b)
{
	MerkleProof other;
	int			accepted = 0;

	for (int i = 0; i < proof->nhashes; i++)
	{
		other = *proof;			/* a bit flipped */
		other.hash[i][(i * 7) % AUDIT_HASH_SIZE] ^= 0x40;
		accepted += holds(&other, a, b);
		other = *proof;			/* a hash left out */
		memmove(other.hash[i], other.hash[i + 1], (size_t) (MERKLE_PROOF_MAX - i - 1) * AUDIT_HASH_SIZE);
		other.nhashes--;
		accepted += holds(&other, a, b);
	}
	for (int i = 0; i <= proof->nhashes; i++)
	{
		other = *proof;			/* a hash put in: zero bytes, and one that is there */
		memmove(other.hash[i + 1], other.hash[i], (size_t) (MERKLE_PROOF_MAX - i - 1) * AUDIT_HASH_SIZE);
		memset(other.hash[i], 0, AUDIT_HASH_SIZE);
		other.nhashes++;
		accepted += holds(&other, a, b);
		memcpy(other.hash[i], proof->nhashes ? proof->hash[0] : leaves[0], AUDIT_HASH_SIZE);
		accepted += holds(&other, a, b);
		memcpy(other.hash[i], roots[b], AUDIT_HASH_SIZE);
		accepted += holds(&other, a, b);
	}
	for (int n = 0; n < proof->nhashes; n++)
	{
		other = *proof;			/* cut short */
		other.nhashes = n;
		accepted += holds(&other, a, b);
	}
	return accepted;
}

static bool
inclusion_holds(const MerkleProof *proof, int index, int size)
{
	return merkle_verify_inclusion(index, size, leaves[index], proof, roots[size]);
}

static bool
consistency_holds(const MerkleProof *proof, int old_size, int new_size)
{
	return merkle_verify_consistency(old_size, new_size, roots[old_size], roots[new_size], proof);
}

static void
inclusion(void)
{
	int			wrong = 0;
	int			forged = 0;
	int			misplaced = 0;
	MerkleProof proof;

	for (int n = 1; n <= LEAVES; n++)
	{
		for (int i = 0; i < n; i++)
		{
			wrong += !merkle_inclusion_proof(node, NULL, i, n, &proof) || !inclusion_holds(&proof, i, n);
			forged += accepted_forgeries(inclusion_holds, &proof, i, n);
			for (int j = 0; j < LEAVES; j++)
			{
				misplaced += j != i && merkle_verify_inclusion(j, n, leaves[i], &proof, roots[n]);
				misplaced += j != i && merkle_verify_inclusion(i, n, leaves[j], &proof, roots[n]);
				misplaced += j + 1 != n && merkle_verify_inclusion(i, n, leaves[i], &proof, roots[j + 1]);
			}
			/* An inner node is no leaf. */
			if (proof.nhashes > 0)
			{
				MerkleProof shorter = proof;
				uint8_t		inner[AUDIT_HASH_SIZE];

				merkle_node(i % 2 ? proof.hash[0] : leaves[i], i % 2 ? leaves[i] : proof.hash[0], inner);
				memmove(shorter.hash[0], shorter.hash[1], (size_t) (MERKLE_PROOF_MAX - 1) * AUDIT_HASH_SIZE);
				shorter.nhashes--;
				forged += merkle_verify_inclusion(i, n, inner, &shorter, roots[n]);
			}
		}
	}
	tap_is_int(wrong, 0, "each leaf of each tree has a proof that holds");
	tap_is_int(forged, 0, "no altered proof holds");
	tap_is_int(misplaced, 0, "no proof holds for another place, leaf or root");
	tap_ok(!merkle_inclusion_proof(node, NULL, 5, 5, &proof), "no proof for a leaf behind the end");
	proof.nhashes = 0;
	tap_ok(!merkle_verify_inclusion(0, 0, leaves[0], &proof, roots[0]), "nothing is in the empty tree");
	tap_ok(!merkle_verify_inclusion(1, 1, leaves[0], &proof, leaves[0]), "an index behind the end does not hold");
	tap_ok(!merkle_verify_inclusion(UINT64_MAX, 1, leaves[0], &proof, leaves[0]), "nor does the largest one");
}

static void
consistency(void)
{
	int			wrong = 0;
	int			forged = 0;
	int			forked = 0;
	MerkleProof proof;

	for (int n = 1; n <= LEAVES; n++)
	{
		for (int m = 1; m <= n; m++)
		{
			wrong += !merkle_consistency_proof(node, NULL, m, n, &proof) || !consistency_holds(&proof, m, n);
			forged += accepted_forgeries(consistency_holds, &proof, m, n);
			for (int j = 1; j <= LEAVES; j++)
			{
				forked += j != m && merkle_verify_consistency(m, n, roots[j], roots[n], &proof);
				forked += j != n && merkle_verify_consistency(m, n, roots[m], roots[j], &proof);
				forked += j != m && j <= n && merkle_verify_consistency(j, n, roots[m], roots[n], &proof);
			}
		}
	}
	tap_is_int(wrong, 0, "each tree is consistent with each smaller one");
	tap_is_int(forged, 0, "no altered proof holds");
	tap_is_int(forked, 0, "no proof holds for another size or root");
	tap_ok(!merkle_consistency_proof(node, NULL, 6, 5, &proof), "no proof that a tree shrank");
	proof.nhashes = 0;
	tap_ok(!merkle_verify_consistency(6, 5, roots[6], roots[5], &proof), "nor does an empty one hold");
	tap_ok(!merkle_verify_consistency(4, 8, roots[4], roots[8], &proof), "an empty proof shows nothing");
	tap_ok(merkle_verify_consistency(0, 8, roots[0], roots[8], &proof), "the empty tree is consistent with all");
	tap_ok(!merkle_verify_consistency(0, 8, roots[1], roots[8], &proof), "if its root is that of the empty tree");
	proof.nhashes = 1;
	tap_ok(!merkle_verify_consistency(5, 5, roots[5], roots[5], &proof), "equal trees need no hash");
}

int
main(void)
{
	make_trees();
	inclusion();
	consistency();
	return tap_done();
}
