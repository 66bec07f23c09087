/*-------------------------------------------------------------------------
 *
 * verify_proof.c
 *		Inclusion and consistency proofs of RFC 9162.
 *
 * Files as in C2SP tlog-proof and in the body of an add-checkpoint request of
 * C2SP tlog-witness.  The number of hashes must be exactly the one that index
 * and size ask for: hashes that nothing needs are refused, too.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "verify.h"

static const char inclusion_magic[] = "c2sp.org/tlog-proof@v1\n";

/* "word number\n", base64 lines, an empty line, the rest. */
static bool
parse_proof(const char *text, size_t len, const char *word, Proof *proof, const char **error)
{
	size_t		word_len = strlen(word);
	const char *newline = memchr(text, '\n', len);

	proof->nhashes = 0;
	*error = "the proof names no number";
	if (newline == NULL || (size_t) (newline - text) <= word_len || memcmp(text, word, word_len) != 0 ||
		!trail_number(text + word_len, (size_t) (newline - text) - word_len, &proof->number))
		return false;
	for (;;)
	{
		len -= (size_t) (newline + 1 - text);
		text = newline + 1;
		newline = len > 0 ? memchr(text, '\n', len) : NULL;
		*error = "the proof breaks off";
		if (newline == NULL)
			return false;
		if (newline == text)
			break;
		*error = "the proof has too many hashes";
		if (proof->nhashes >= PROOF_HASHES_MAX)
			return false;
		*error = "the proof has a line that is no hash";
		if (newline - text != TRAIL_HASH_CHARS ||
			trail_base64_decode(text, TRAIL_HASH_CHARS, proof->hash[proof->nhashes], AUDIT_HASH_SIZE) != AUDIT_HASH_SIZE)
			return false;
		proof->nhashes++;
	}
	proof->note = text + 1;
	proof->note_len = len - 1;
	*error = NULL;
	return true;
}

bool
inclusion_parse(const char *text, size_t len, Proof *proof, const char **error)
{
	size_t		magic_len = strlen(inclusion_magic);

	if (len <= magic_len || memcmp(text, inclusion_magic, magic_len) != 0)
	{
		*error = "the file is no proof of c2sp.org/tlog-proof@v1";
		return false;
	}
	return parse_proof(text + magic_len, len - magic_len, "index ", proof, error);
}

bool
consistency_parse(const char *text, size_t len, Proof *proof, const char **error)
{
	if (len == 0)
	{
		*error = "the file is empty";
		return false;
	}
	return parse_proof(text, len, "old ", proof, error);
}

bool
inclusion_holds(const Proof *proof, const uint8_t *leaf_hash, int64_t size,
				const uint8_t *root, const char **error)
{
	uint64_t	fn = (uint64_t) proof->number;
	uint64_t	sn = (uint64_t) size - 1;
	uint8_t		r[AUDIT_HASH_SIZE];

	*error = "the index lies outside of the tree of the checkpoint";
	if (proof->number < 0 || size < 1 || proof->number >= size)
		return false;
	memcpy(r, leaf_hash, AUDIT_HASH_SIZE);
	for (int i = 0; i < proof->nhashes; i++)
	{
		*error = "the proof has more hashes than its index and size ask for";
		if (sn == 0)
			return false;
		*error = "the hash could not be computed";
		if ((fn & 1) != 0 || fn == sn)
		{
			if (!merkle_node(proof->hash[i], r, r))
				return false;
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		}
		else if (!merkle_node(r, proof->hash[i], r))
			return false;
		fn >>= 1;
		sn >>= 1;
	}
	*error = "the proof has fewer hashes than its index and size ask for";
	if (sn != 0)
		return false;
	*error = "the proof does not lead from the record to the root of the checkpoint";
	return memcmp(r, root, AUDIT_HASH_SIZE) == 0;
}

/* Sizes differ, neither is 0; fr and sr: the roots of old and new tree by the proof. */
static bool
consistency_roots(const Proof *proof, const uint8_t *old_root, int64_t size,
				  uint8_t *fr, uint8_t *sr, const char **error)
{
	uint64_t	fn = (uint64_t) proof->number - 1;
	uint64_t	sn = (uint64_t) size - 1;
	int			i = 0;

	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	*error = "the proof has fewer hashes than its sizes ask for";
	if (fn == 0)
		memcpy(fr, old_root, AUDIT_HASH_SIZE);	/* the old tree is a complete one, its root comes first */
	else if (proof->nhashes == 0)
		return false;
	else
		memcpy(fr, proof->hash[i++], AUDIT_HASH_SIZE);
	memcpy(sr, fr, AUDIT_HASH_SIZE);
	for (; i < proof->nhashes; i++)
	{
		*error = "the proof has more hashes than its sizes ask for";
		if (sn == 0)
			return false;
		*error = "the hash could not be computed";
		if ((fn & 1) != 0 || fn == sn)
		{
			if (!merkle_node(proof->hash[i], fr, fr) || !merkle_node(proof->hash[i], sr, sr))
				return false;
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		}
		else if (!merkle_node(sr, proof->hash[i], sr))
			return false;
		fn >>= 1;
		sn >>= 1;
	}
	*error = "the proof has fewer hashes than its sizes ask for";
	return sn == 0;
}

bool
consistency_holds(const Proof *proof, const uint8_t *old_root, int64_t size,
				  const uint8_t *root, const char **error)
{
	uint8_t		fr[AUDIT_HASH_SIZE];
	uint8_t		sr[AUDIT_HASH_SIZE];

	*error = "the new checkpoint is of a shorter trail: it was rewound";
	if (proof->number < 0 || size < proof->number)
		return false;
	if (proof->number == 0 || proof->number == size)
	{
		*error = "the proof has hashes that its sizes do not ask for";
		if (proof->nhashes != 0)
			return false;
		if (proof->number == 0 && !merkle_sha256((const uint8_t *) "", 0, fr))
			return false;
		*error = "the root of the old checkpoint is not that of an empty trail";
		if (proof->number == 0 && memcmp(old_root, fr, AUDIT_HASH_SIZE) != 0)
			return false;
		*error = "two checkpoints of one size have different roots: there are two histories";
		return size != proof->number || memcmp(old_root, root, AUDIT_HASH_SIZE) == 0;
	}
	if (!consistency_roots(proof, old_root, size, fr, sr, error))
		return false;
	*error = "the proof does not lead to the root of the old checkpoint: there are two histories";
	if (memcmp(fr, old_root, AUDIT_HASH_SIZE) != 0)
		return false;
	*error = "the proof does not lead to the root of the new checkpoint";
	return memcmp(sr, root, AUDIT_HASH_SIZE) == 0;
}
