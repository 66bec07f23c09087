/*-------------------------------------------------------------------------
 *
 * audit_merkle.c
 *		Leaf, node and root hashes of RFC 9162 over SHA-256, and proofs.
 *
 * Pure but for OpenSSL.  One digest context lives as long as the process:
 * fetching the algorithm for each hash costs more than the hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "pg_dataclass/audit_merkle.h"

static EVP_MD_CTX *digest_context = NULL;

static bool
hash_prefixed(int prefix, const uint8_t *a, size_t a_len,
			  const uint8_t *b, size_t b_len, uint8_t *hash)
{
	uint8_t		byte = (uint8_t) prefix;
	unsigned int out_len = 0;

	if (digest_context == NULL)
	{
		EVP_MD_CTX *fresh = EVP_MD_CTX_new();

		if (fresh == NULL)
			return false;
		if (EVP_DigestInit_ex(fresh, EVP_sha256(), NULL) != 1)
		{
			EVP_MD_CTX_free(fresh);
			return false;
		}
		digest_context = fresh;
	}
	/* A NULL type starts over with the algorithm that the context has. */
	return EVP_DigestInit_ex(digest_context, NULL, NULL) == 1 &&
		(prefix < 0 || EVP_DigestUpdate(digest_context, &byte, 1) == 1) &&
		EVP_DigestUpdate(digest_context, a, a_len) == 1 &&
		(b_len == 0 || EVP_DigestUpdate(digest_context, b, b_len) == 1) &&
		EVP_DigestFinal_ex(digest_context, hash, &out_len) == 1 &&
		out_len == AUDIT_HASH_SIZE;
}

bool
merkle_leaf(const uint8_t *data, size_t len, uint8_t *hash)
{
	return hash_prefixed(0x00, data, len, NULL, 0, hash);
}

bool
merkle_node(const uint8_t *left, const uint8_t *right, uint8_t *hash)
{
	return hash_prefixed(0x01, left, AUDIT_HASH_SIZE, right, AUDIT_HASH_SIZE, hash);
}

bool
merkle_sha256(const uint8_t *data, size_t len, uint8_t *hash)
{
	return hash_prefixed(-1, data, len, NULL, 0, hash);
}

int
merkle_nroots(uint64_t size)
{
	int			n = 0;

	for (; size != 0; size &= size - 1)
		n++;
	return n;
}

void
merkle_init(MerkleFrontier *frontier)
{
	frontier->size = 0;
	frontier->nroots = 0;
}

/* The new leaf joins each complete subtree of its own size, as a carry does. */
bool
merkle_append(MerkleFrontier *frontier, const uint8_t *leaf)
{
	uint8_t		hash[AUDIT_HASH_SIZE];
	int			nroots = frontier->nroots;

	memcpy(hash, leaf, AUDIT_HASH_SIZE);
	for (uint64_t carry = frontier->size; (carry & 1) != 0; carry >>= 1)
	{
		if (nroots == 0 || !merkle_node(frontier->root[nroots - 1], hash, hash))
			return false;
		nroots--;
	}
	if (nroots >= MERKLE_MAX_LEVELS)
		return false;
	memcpy(frontier->root[nroots], hash, AUDIT_HASH_SIZE);
	frontier->nroots = nroots + 1;
	frontier->size++;
	return true;
}

bool
merkle_root(const MerkleFrontier *frontier, uint8_t *hash)
{
	if (frontier->nroots == 0)
		return merkle_sha256((const uint8_t *) "", 0, hash);
	memcpy(hash, frontier->root[frontier->nroots - 1], AUDIT_HASH_SIZE);
	for (int i = frontier->nroots - 2; i >= 0; i--)
	{
		if (!merkle_node(frontier->root[i], hash, hash))
			return false;
	}
	return true;
}

/* Largest power of two below n, which is above 1; its exponent. */
static int
split_level(uint64_t n)
{
	int			level = 0;

	for (uint64_t k = (n - 1) >> 1; k != 0; k >>= 1)
		level++;
	return level;
}

/* Complete subtrees from left to right, joined from the right as merkle_root() does. */
bool
merkle_range_root(merkle_node_type node, void *arg, uint64_t start, uint64_t n, uint8_t *hash)
{
	MerkleFrontier parts;

	merkle_init(&parts);
	for (int level = 62; level >= 0; level--)
	{
		uint64_t	width = UINT64_C(1) << level;

		if ((n & width) == 0)
			continue;
		if (!node(arg, level, start >> level, parts.root[parts.nroots++]))
			return false;
		start += width;
	}
	return merkle_root(&parts, hash);
}

static bool
add_range(MerkleProof *proof, merkle_node_type node, void *arg, uint64_t start, uint64_t n)
{
	return proof->nhashes < MERKLE_PROOF_MAX &&
		merkle_range_root(node, arg, start, n, proof->hash[proof->nhashes++]);
}

/* The path is gathered from the root down; a proof begins at the leaf. */
static void
reverse(MerkleProof *proof)
{
	uint8_t		swap[AUDIT_HASH_SIZE];

	for (int i = 0, j = proof->nhashes - 1; i < j; i++, j--)
	{
		memcpy(swap, proof->hash[i], AUDIT_HASH_SIZE);
		memcpy(proof->hash[i], proof->hash[j], AUDIT_HASH_SIZE);
		memcpy(proof->hash[j], swap, AUDIT_HASH_SIZE);
	}
}

bool
merkle_inclusion_proof(merkle_node_type node, void *arg,
					   uint64_t index, uint64_t size, MerkleProof *proof)
{
	uint64_t	start = 0;
	uint64_t	n = size;

	proof->nhashes = 0;
	if (index >= size)
		return false;
	while (n > 1)
	{
		uint64_t	k = UINT64_C(1) << split_level(n);
		bool		left = index - start < k;

		if (!(left ? add_range(proof, node, arg, start + k, n - k) : add_range(proof, node, arg, start, k)))
			return false;
		start += left ? 0 : k;
		n = left ? k : n - k;
	}
	reverse(proof);
	return true;
}

bool
merkle_consistency_proof(merkle_node_type node, void *arg,
						 uint64_t old_size, uint64_t new_size, MerkleProof *proof)
{
	uint64_t	start = 0;
	uint64_t	n = new_size;
	uint64_t	m = old_size;

	proof->nhashes = 0;
	if (m == 0 || m > n)
		return false;
	while (m != n)
	{
		uint64_t	k = UINT64_C(1) << split_level(n);
		bool		left = m <= k;

		if (!(left ? add_range(proof, node, arg, start + k, n - k) : add_range(proof, node, arg, start, k)))
			return false;
		start += left ? 0 : k;
		m -= left ? 0 : k;
		n = left ? k : n - k;
	}
	/* The verifier has the root of the old tree: where it is a subtree of the new one, it needs no more. */
	if (start != 0 && !add_range(proof, node, arg, start, m))
		return false;
	reverse(proof);
	return true;
}

/* RFC 9162, section 2.1.3.2. */
bool
merkle_verify_inclusion(uint64_t index, uint64_t size, const uint8_t *leaf,
						const MerkleProof *proof, const uint8_t *root)
{
	uint64_t	fn = index;
	uint64_t	sn = size - 1;
	uint8_t		hash[AUDIT_HASH_SIZE];

	if (index >= size)
		return false;
	memcpy(hash, leaf, AUDIT_HASH_SIZE);
	for (int i = 0; i < proof->nhashes; i++)
	{
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn)
		{
			if (!merkle_node(proof->hash[i], hash, hash))
				return false;
			while ((fn & 1) == 0 && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else if (!merkle_node(hash, proof->hash[i], hash))
			return false;
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(hash, root, AUDIT_HASH_SIZE) == 0;
}

/* Steps 4 to 7 of section 2.1.4.2: from a node that both trees have up to both roots. */
static bool
climb(uint64_t fn, uint64_t sn, const uint8_t *seed, const MerkleProof *proof, int next,
	  const uint8_t *old_root, const uint8_t *new_root)
{
	uint8_t		old_hash[AUDIT_HASH_SIZE];
	uint8_t		new_hash[AUDIT_HASH_SIZE];

	memcpy(old_hash, seed, AUDIT_HASH_SIZE);
	memcpy(new_hash, seed, AUDIT_HASH_SIZE);
	for (int i = next; i < proof->nhashes; i++)
	{
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn)
		{
			if (!merkle_node(proof->hash[i], old_hash, old_hash) ||
				!merkle_node(proof->hash[i], new_hash, new_hash))
				return false;
			while ((fn & 1) == 0 && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else if (!merkle_node(new_hash, proof->hash[i], new_hash))
			return false;
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(old_hash, old_root, AUDIT_HASH_SIZE) == 0 &&
		memcmp(new_hash, new_root, AUDIT_HASH_SIZE) == 0;
}

/* RFC 9162, section 2.1.4.2. */
bool
merkle_verify_consistency(uint64_t old_size, uint64_t new_size,
						  const uint8_t *old_root, const uint8_t *new_root,
						  const MerkleProof *proof)
{
	uint8_t		empty[AUDIT_HASH_SIZE];
	uint64_t	fn;
	uint64_t	sn;
	bool		power_of_two;

	if (old_size > new_size)
		return false;
	if (old_size == 0)
		return proof->nhashes == 0 && merkle_sha256((const uint8_t *) "", 0, empty) &&
			memcmp(old_root, empty, AUDIT_HASH_SIZE) == 0;
	if (old_size == new_size)
		return proof->nhashes == 0 && memcmp(old_root, new_root, AUDIT_HASH_SIZE) == 0;
	if (proof->nhashes == 0)
		return false;
	power_of_two = (old_size & (old_size - 1)) == 0;
	fn = old_size - 1;
	sn = new_size - 1;
	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	return power_of_two ?
		climb(fn, sn, old_root, proof, 0, old_root, new_root) :
		climb(fn, sn, proof->hash[0], proof, 1, old_root, new_root);
}
