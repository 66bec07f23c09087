/*-------------------------------------------------------------------------
 *
 * fuzz_checkpoint.c
 *		Fuzz target of what reads checkpoints, keys and proofs.
 *
 * What is accepted must come out again as the same bytes.
 *
 * LINK: src/audit/checkpoint_note.c src/audit/audit_merkle.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/checkpoint_note.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_checkpoint(const char *text, size_t len)
{
	CheckpointNote note;
	const char *error;
	char		again[NOTE_MAX];
	NoteKey		key;

	if (!checkpoint_parse(text, len, &note, &error))
	{
		FUZZ_CHECK(error != NULL);
		return;
	}
	FUZZ_CHECK(checkpoint_text(note.origin, note.size, note.root, again, sizeof(again)) == note.text_len);
	FUZZ_CHECK(memcmp(again, text, note.text_len) == 0);
	FUZZ_CHECK(note_key_init(&key, note.origin, note.root));
	FUZZ_CHECK(checkpoint_verify(text, len, &note, &key) != NOTE_GOOD);
}

static void
try_proof(const char *text, size_t len, bool inclusion)
{
	ProofText	proof;
	const char *error;
	char		again[PROOF_TEXT_MAX];
	size_t		n;

	if (!(inclusion ? inclusion_parse : consistency_parse) (text, len, &proof, &error))
	{
		FUZZ_CHECK(error != NULL);
		return;
	}
	FUZZ_CHECK(proof.proof.nhashes <= MERKLE_PROOF_MAX && proof.checkpoint + proof.checkpoint_len == text + len);
	n = (inclusion ? inclusion_text : consistency_text) (proof.number, &proof.proof, proof.checkpoint,
														 proof.checkpoint_len, again, sizeof(again));
	FUZZ_CHECK(n == 0 || (n == len && memcmp(again, text, len) == 0));
	try_checkpoint(proof.checkpoint, proof.checkpoint_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy without anything behind it, so that a sanitizer sees every step too far. */
	char	   *text = malloc(size > 0 ? size : 1);
	NoteKey		key;
	char		again[NOTE_VERIFIER_MAX];

	if (size > 0)
		memcpy(text, data, size);
	try_checkpoint(text, size);
	try_proof(text, size, true);
	try_proof(text, size, false);
	if (note_key_parse(text, size, &key))
		FUZZ_CHECK(note_key_format(&key, again, sizeof(again)) == size && memcmp(again, text, size) == 0);
	free(text);
	return 0;
}
