/*-------------------------------------------------------------------------
 *
 * fuzz_trail.c
 *		Fuzz target of what the stand-alone verifier reads.
 *
 * The first byte says what the rest is: t a trail, k a key, c a checkpoint, i
 * and o proofs.  What is accepted must be the one text that its meaning has.
 *
 * LINK: src/audit/trail_format.c src/audit/audit_encode.c src/audit/audit_merkle.c tools/verify/verify_note.c tools/verify/verify_proof.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "../../tools/verify/verify.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(TrailReader *reader, const char *line, size_t len)
{
	char		text[TRAIL_LINE_MAX + 1];
	uint8_t		prev_hash[AUDIT_HASH_SIZE];
	uint8_t		payload[AUDIT_PAYLOAD_MAX];
	uint8_t		leaf[AUDIT_LEAF_MAX];
	size_t		n = 0;

	memcpy(prev_hash, reader->prev_hash, AUDIT_HASH_SIZE);
	switch (trail_reader_line(reader, line, len))
	{
		case TRAIL_BAD:
			FUZZ_CHECK(reader->error != NULL && reader->bad >= 0);
			return;
		case TRAIL_HEADER:
			n = trail_header_text(reader->next, reader->prev_hash, &reader->frontier, text, sizeof(text));
			FUZZ_CHECK(n < TRAIL_HEADER_MAX);
			break;
		case TRAIL_RECORD:
			FUZZ_CHECK(reader->place.seq == reader->next - 1 && reader->frontier.size == reader->next - 1);
			FUZZ_CHECK(reader->broken || memcmp(prev_hash, reader->place.prev_hash, AUDIT_HASH_SIZE) == 0);
			n = audit_payload_encode(&reader->record, payload, sizeof(payload));
			n = audit_leaf_encode(&reader->place, payload, n, leaf, sizeof(leaf));
			n = trail_base64_encode(leaf, n, text, sizeof(text));
			break;
		case TRAIL_END:
			n = trail_end_text(reader->next - 1, reader->root, text, sizeof(text));
			FUZZ_CHECK(n < TRAIL_END_MAX);
			break;
	}
	FUZZ_CHECK(n == len && memcmp(text, line, len) == 0);
}

static void
check_trail(const char *text, size_t size)
{
	static TrailReader reader;

	trail_reader_init(&reader);
	while (size > 0 && reader.error == NULL)
	{
		const char *newline = memchr(text, '\n', size);
		size_t		len = newline ? (size_t) (newline - text) : size;

		check_line(&reader, text, len);
		len += newline ? 1 : 0;
		text += len;
		size -= len;
	}
	FUZZ_CHECK(trail_reader_finish(&reader) || reader.error != NULL);
}

static void
check_proof(const char *text, size_t size, bool inclusion)
{
	Proof		proof;
	Checkpoint	checkpoint;
	uint8_t		hash[AUDIT_HASH_SIZE] = {1};
	const char *error = NULL;

	if (!(inclusion ? inclusion_parse : consistency_parse) (text, size, &proof, &error))
	{
		FUZZ_CHECK(error != NULL);
		return;
	}
	FUZZ_CHECK(proof.number >= 0 && proof.nhashes <= PROOF_HASHES_MAX);
	FUZZ_CHECK(proof.note + proof.note_len == text + size);
	if (!checkpoint_parse(proof.note, proof.note_len, &checkpoint, &error))
		return;
	/* Nobody finds the preimage. */
	if (inclusion)
		FUZZ_CHECK(!inclusion_holds(&proof, hash, checkpoint.size, hash, &error) || checkpoint.size == 1);
	else
		FUZZ_CHECK(!consistency_holds(&proof, hash, checkpoint.size, hash, &error) || checkpoint.size == proof.number);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VerifyKey	key;
	Checkpoint	checkpoint;
	const char *error = NULL;
	char	   *text;

	if (size < 1)
		return 0;
	/* Of the exact size, so that a sanitizer can watch its end. */
	text = malloc(size > 1 ? size - 1 : 1);
	memcpy(text, data + 1, size - 1);
	size--;
	memset(&key, 0, sizeof(key));
	if (data[0] == 't')
		check_trail(text, size);
	else if (data[0] == 'k')
		FUZZ_CHECK(key_parse(text, size, &key, &error) || error != NULL);
	else if (data[0] == 'c')
		FUZZ_CHECK(!checkpoint_verify(text, size, &key, 1, &checkpoint, &error) && error != NULL);
	else if (data[0] == 'i' || data[0] == 'o')
		check_proof(text, size, data[0] == 'i');
	free(text);
	return 0;
}
