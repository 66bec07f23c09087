/*-------------------------------------------------------------------------
 *
 * audit_merkle.c
 *		Leaf, node and root hashes of RFC 9162 over SHA-256.
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
