/*-------------------------------------------------------------------------
 *
 * unit_checkpoint_note.c
 *		Signed notes against the published example, and the strictness of what
 *		reads checkpoints and proofs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "pg_dataclass/checkpoint_note.h"
#include "tap.h"

/* The example of the reference implementation (golang.org/x/mod/sumdb/note). */
static const char example_key[] =
"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char example_note[] =
"If you think cryptography is the answer to your problem,\n"
"then you don't know what your problem is.\n"
"\n"
"\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static void
published_example(void)
{
	NoteKey		key;
	CheckpointNote note = {.text_len = strstr(example_note, "\n\n") + 1 - example_note};
	char		text[NOTE_VERIFIER_MAX];
	char		changed[sizeof(example_note)];

	tap_ok(note_key_parse(example_key, strlen(example_key), &key), "published key is read");
	tap_is_string(key.name, "PeterNeumann", "its name");
	tap_is_int(note_key_format(&key, text, sizeof(text)), strlen(example_key), "and written");
	tap_is_string(text, example_key, "as it was");
	tap_ok(checkpoint_verify(example_note, strlen(example_note), &note, &key) == NOTE_GOOD, "published note verifies");
	memcpy(changed, example_note, sizeof(changed));
	changed[3] = 'Y';
	tap_ok(checkpoint_verify(changed, strlen(changed), &note, &key) == NOTE_BAD, "not when it was changed");
	key.id[0]++;
	tap_ok(checkpoint_verify(example_note, strlen(example_note), &note, &key) == NOTE_UNSIGNED, "nor by another key");
	strcpy(text, example_key);
	text[14] = 'd';
	tap_ok(!note_key_parse(text, strlen(text), &key), "a key id that does not follow from the key");
	tap_ok(!note_key_parse(example_key, strlen(example_key) - 1, &key), "a key cut short");
	tap_ok(!note_name_valid("a b") && !note_name_valid("a+b") && !note_name_valid("") && !note_name_valid("a\n"),
		   "names that cannot be");
}

static size_t
sign(EVP_PKEY *pkey, const NoteKey *key, uint64_t size, const uint8_t *root, char *out)
{
	uint8_t		signature[NOTE_SIGNATURE_SIZE];
	size_t		signature_len = sizeof(signature);
	size_t		len = checkpoint_text(key->name, size, root, out, NOTE_MAX);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey);
	EVP_DigestSign(ctx, signature, &signature_len, (unsigned char *) out, len);
	EVP_MD_CTX_free(ctx);
	return note_finish(out, len, NOTE_MAX, key, signature);
}

/* One byte of a note in each of its other values; how many are still good. */
static int
changed_accepted(const char *note, size_t len, const NoteKey *key)
{
	char		copy[NOTE_MAX];
	CheckpointNote parsed;
	const char *error;
	int			accepted = 0;

	for (size_t at = 0; at < len; at++)
	{
		memcpy(copy, note, len);
		for (int v = 1; v < 256; v++)
		{
			copy[at] = (char) (note[at] ^ v);
			accepted += checkpoint_parse(copy, len, &parsed, &error) &&
				checkpoint_verify(copy, len, &parsed, key) == NOTE_GOOD;
		}
	}
	return accepted;
}

static void
own_checkpoints(void)
{
	EVP_PKEY   *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	uint8_t		public_key[NOTE_KEY_SIZE];
	size_t		public_len = sizeof(public_key);
	uint8_t		root[AUDIT_HASH_SIZE] = {1, 2, 250};
	NoteKey		key;
	CheckpointNote parsed;
	char		note[NOTE_MAX];
	char		other[NOTE_MAX];
	const char *error;
	size_t		len;
	static const struct
	{
		const char *text;
		const char *error;
	}			bad[] =
	{
		{"", "first line of the checkpoint is no origin"},
		{"o\n", "second line of the checkpoint is no size"},
		{"o\n01\n", "second line of the checkpoint is no size"},
		{"o\n-1\n", "second line of the checkpoint is no size"},
		{"o\n9223372036854775808\n", "second line of the checkpoint is no size"},
		{"o\n1\nAAAA\n", "third line of the checkpoint is no root"},
		{"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\n", "third line of the checkpoint is no root"},
		{"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n\n", "checkpoint has no blank line before its signatures"},
		{"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n", "checkpoint has no signature"},
		{"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n- o AAAAAAAA\n", "signature of the checkpoint is malformed"},
		{"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 o AAAAAAAA", "signature of the checkpoint is malformed"},
		{"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 o AAAA\n", "signature of the checkpoint is malformed"},
	};

	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_keygen(ctx, &pkey);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_get_raw_public_key(pkey, public_key, &public_len);
	tap_ok(note_key_init(&key, "pg_dataclass/7/5", public_key), "key");
	len = sign(pkey, &key, 1234, root, note);
	tap_ok(len > 0 && strncmp(note, "pg_dataclass/7/5\n1234\nAQL6", 26) == 0, "checkpoint is written");
	tap_ok(checkpoint_parse(note, len, &parsed, &error), "and read");
	tap_ok(parsed.size == 1234 && memcmp(parsed.root, root, sizeof(root)) == 0 &&
		   strcmp(parsed.origin, "pg_dataclass/7/5") == 0, "as it was");
	tap_ok(checkpoint_verify(note, len, &parsed, &key) == NOTE_GOOD, "signature verifies");
	tap_is_int(changed_accepted(note, len, &key), 0, "no byte of it can be another");

	/* A witness adds a line of its own, before or after ours. */
	strcat(strcpy(other, note), "\xe2\x80\x94 witness AAAAAAAAAAAA\n");
	tap_ok(checkpoint_parse(other, strlen(other), &parsed, &error) &&
		   checkpoint_verify(other, strlen(other), &parsed, &key) == NOTE_GOOD, "lines of others are passed over");
	for (int i = 0; i < (int) lengthof(bad); i++)
	{
		tap_ok(!checkpoint_parse(bad[i].text, strlen(bad[i].text), &parsed, &error), "malformed checkpoint %d", i);
		tap_is_string(error ? error : "", bad[i].error, "and why");
	}
	tap_is_int(checkpoint_text("o", UINT64_C(18446744073709551615), root, other, 10), 0, "no room, no text");
	EVP_PKEY_free(pkey);
}

static void
proofs(void)
{
	MerkleProof proof = {.nhashes = 2};
	ProofText	read;
	const char *error;
	char		text[PROOF_TEXT_MAX];
	size_t		len;

	memset(proof.hash, 0, sizeof(proof.hash));
	proof.hash[1][31] = 1;
	len = inclusion_text(42, &proof, "note\n", 5, text, sizeof(text));
	tap_is_string(text, "c2sp.org/tlog-proof@v1\nindex 42\n"
				  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n\nnote\n", "proof of inclusion is written");
	tap_ok(inclusion_parse(text, len, &read, &error), "and read");
	tap_ok(read.number == 42 && read.proof.nhashes == 2 && read.proof.hash[1][31] == 1 &&
		   read.checkpoint_len == 5 && memcmp(read.checkpoint, "note\n", 5) == 0, "as it was");
	tap_ok(!consistency_parse(text, len, &read, &error), "it is no proof of consistency");
	len = consistency_text(7, &proof, "note\n", 5, text, sizeof(text));
	tap_ok(strncmp(text, "old 7\nAAAA", 10) == 0 && consistency_parse(text, len, &read, &error) &&
		   read.number == 7, "proof of consistency is written and read");
	tap_ok(!consistency_parse("old 07\n\n", 8, &read, &error), "a number with a leading zero");
	tap_ok(!consistency_parse("old 7\nAAAA\n\n", 12, &read, &error), "a short hash");
	tap_ok(!consistency_parse("old 7\n", 6, &read, &error), "no blank line");
}

int
main(void)
{
	published_example();
	own_checkpoints();
	proofs();
	return tap_done();
}
