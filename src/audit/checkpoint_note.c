/*-------------------------------------------------------------------------
 *
 * checkpoint_note.c
 *		Texts that leave the server: checkpoints and proofs.
 *
 * Owns the text formats of docs/audit-format.md.  Pure but for OpenSSL: no
 * palloc, no ereport, so that unit tests, the fuzz target and a stand-alone
 * verifier can use it.
 *
 * Everything is read strictly, because what is read came from outside: numbers
 * have no sign and no leading zero, base64 is padded and canonical, lines end
 * with one newline, nothing follows the last signature.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "pg_dataclass/checkpoint_note.h"

#define ED25519_ALGORITHM	0x01
#define DASH				"\xe2\x80\x94 " /* em dash and a space begin a signature */
#define DASH_LEN			4
#define PROOF_HEADER		"c2sp.org/tlog-proof@v1\n"
#define HASH_BASE64_LEN		44
#define SIGNATURES_MAX		16

/* Text as it grows; full: something did not fit. */
typedef struct TextOut
{
	char	   *data;
	size_t		len;
	size_t		size;
	bool		full;
} TextOut;

/* Text as it is read. */
typedef struct TextIn
{
	const char *at;
	const char *end;
} TextIn;

static void
put(TextOut *out, const void *data, size_t len)
{
	if (out->full || out->size - out->len <= len)
	{
		out->full = true;
		return;
	}
	memcpy(out->data + out->len, data, len);
	out->len += len;
	out->data[out->len] = '\0';
}

static void
put_string(TextOut *out, const char *text)
{
	put(out, text, strlen(text));
}

static void
put_number(TextOut *out, uint64_t value)
{
	char		digits[20];
	int			at = sizeof(digits);

	do
	{
		digits[--at] = (char) ('0' + value % 10);
		value /= 10;
	} while (value != 0);
	put(out, digits + at, sizeof(digits) - at);
}

/* At most 96 bytes. */
static void
put_base64(TextOut *out, const uint8_t *data, size_t len)
{
	unsigned char text[132];
	int			n = EVP_EncodeBlock(text, data, (int) len);

	put(out, text, n);
}

static size_t
put_end(const TextOut *out)
{
	return out->full ? 0 : out->len;
}

/* The next line without its newline; false if there is none that ends with one. */
static bool
next_line(TextIn *in, const char **line, size_t *len)
{
	const char *newline = in->at < in->end ? memchr(in->at, '\n', in->end - in->at) : NULL;

	if (newline == NULL)
		return false;
	*line = in->at;
	*len = newline - in->at;
	in->at = newline + 1;
	return true;
}

static bool
read_number(const char *text, size_t len, uint64_t *value)
{
	uint64_t	n = 0;

	if (len == 0 || len > 19 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t) (text[i] - '0');
	}
	/* 19 digits fit into 64 bits; places in the trail are signed. */
	if (n > INT64_MAX)
		return false;
	*value = n;
	return true;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 * Padded and canonical: bits that belong to no byte are zero, so that no two
 * texts stand for the same bytes.  OpenSSL's decoder takes more than that.
 */
static bool
read_base64(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	size_t		pad = 0;
	size_t		n = 0;
	uint32_t	bits = 0;

	if (len == 0 || len % 4 != 0)
		return false;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	if (len / 4 * 3 - pad > size)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		int			v = i >= len - pad ? 0 : base64_value(text[i]);

		if (v < 0)
			return false;
		bits = (bits << 6) | (uint32_t) v;
		if (i % 4 != 3)
			continue;
		for (int shift = 16; shift >= 0; shift -= 8)
		{
			uint8_t		byte = (uint8_t) (bits >> shift);

			if (n < len / 4 * 3 - pad)
				out[n++] = byte;
		}
		bits &= 0xffffff;
	}
	*out_len = n;
	/* What the last group held beyond its bytes. */
	return pad == 0 || (bits & ((UINT32_C(1) << (8 * pad)) - 1)) == 0;
}

static bool
read_hash(const char *text, size_t len, uint8_t *hash)
{
	size_t		n;

	return len == HASH_BASE64_LEN && read_base64(text, len, hash, AUDIT_HASH_SIZE, &n) &&
		n == AUDIT_HASH_SIZE;
}

/* Printable ASCII without spaces and plus signs: less than signed-note allows. */
static bool
name_is_valid(const char *name, size_t len)
{
	if (len == 0 || len > NOTE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (name[i] <= 0x20 || name[i] >= 0x7f || name[i] == '+')
			return false;
	}
	return true;
}

bool
note_name_valid(const char *name)
{
	return name_is_valid(name, strlen(name));
}

bool
note_key_init(NoteKey *key, const char *name, const uint8_t *public_key)
{
	uint8_t		bytes[NOTE_NAME_MAX + 2 + NOTE_KEY_SIZE];
	uint8_t		hash[AUDIT_HASH_SIZE];
	size_t		len = strlen(name);

	memset(key, 0, sizeof(*key));
	if (!name_is_valid(name, len))
		return false;
	memcpy(key->name, name, len + 1);
	memcpy(key->public_key, public_key, NOTE_KEY_SIZE);
	memcpy(bytes, name, len + 1);
	bytes[len] = '\n';
	bytes[len + 1] = ED25519_ALGORITHM;
	memcpy(bytes + len + 2, public_key, NOTE_KEY_SIZE);
	if (!merkle_sha256(bytes, len + 2 + NOTE_KEY_SIZE, hash))
		return false;
	memcpy(key->id, hash, NOTE_ID_SIZE);
	return true;
}

size_t
note_key_format(const NoteKey *key, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	TextOut		text = {out, 0, size, false};
	uint8_t		bytes[1 + NOTE_KEY_SIZE];

	put_string(&text, key->name);
	put_string(&text, "+");
	for (int i = 0; i < NOTE_ID_SIZE; i++)
	{
		put(&text, &digits[key->id[i] >> 4], 1);
		put(&text, &digits[key->id[i] & 15], 1);
	}
	put_string(&text, "+");
	bytes[0] = ED25519_ALGORITHM;
	memcpy(bytes + 1, key->public_key, NOTE_KEY_SIZE);
	put_base64(&text, bytes, sizeof(bytes));
	return put_end(&text);
}

bool
note_key_parse(const char *text, size_t len, NoteKey *key)
{
	const char *plus = memchr(text, '+', len);
	char		name[NOTE_NAME_MAX + 1];
	char		again[NOTE_VERIFIER_MAX];
	uint8_t		bytes[1 + NOTE_KEY_SIZE];
	size_t		name_len;
	size_t		n;

	if (plus == NULL)
		return false;
	name_len = plus - text;
	/* name, plus, eight digits, plus, base64 */
	if (!name_is_valid(text, name_len) || len < name_len + 10 || text[name_len + 9] != '+' ||
		!read_base64(text + name_len + 10, len - name_len - 10, bytes, sizeof(bytes), &n) ||
		n != sizeof(bytes) || bytes[0] != ED25519_ALGORITHM)
		return false;
	memcpy(name, text, name_len);
	name[name_len] = '\0';
	/* The id follows from the rest; so does the whole text. */
	return note_key_init(key, name, bytes + 1) &&
		note_key_format(key, again, sizeof(again)) == len && memcmp(again, text, len) == 0;
}

size_t
checkpoint_text(const char *origin, uint64_t size, const uint8_t *root, char *out, size_t out_size)
{
	TextOut		text = {out, 0, out_size, false};

	put_string(&text, origin);
	put_string(&text, "\n");
	put_number(&text, size);
	put_string(&text, "\n");
	put_base64(&text, root, AUDIT_HASH_SIZE);
	put_string(&text, "\n");
	return put_end(&text);
}

size_t
note_finish(char *note, size_t text_len, size_t size, const NoteKey *key, const uint8_t *signature)
{
	TextOut		text = {note, text_len, size, text_len >= size};
	uint8_t		bytes[NOTE_ID_SIZE + NOTE_SIGNATURE_SIZE];

	memcpy(bytes, key->id, NOTE_ID_SIZE);
	memcpy(bytes + NOTE_ID_SIZE, signature, NOTE_SIGNATURE_SIZE);
	put_string(&text, "\n" DASH);
	put_string(&text, key->name);
	put_string(&text, " ");
	put_base64(&text, bytes, sizeof(bytes));
	put_string(&text, "\n");
	return put_end(&text);
}

/* Splits "— name base64"; bytes: the id of the key and what follows it. */
static bool
read_signature(const char *line, size_t len, const char **name, size_t *name_len,
			   uint8_t *bytes, size_t size, size_t *n)
{
	const char *space;

	if (len <= DASH_LEN || memcmp(line, DASH, DASH_LEN) != 0)
		return false;
	*name = line + DASH_LEN;
	space = memchr(*name, ' ', len - DASH_LEN);
	if (space == NULL)
		return false;
	*name_len = space - *name;
	return name_is_valid(*name, *name_len) &&
		read_base64(space + 1, line + len - (space + 1), bytes, size, n) && *n > NOTE_ID_SIZE;
}

/* Signatures of others may be longer than ours; witnesses add a time to theirs. */
#define ANY_SIGNATURE_MAX	512

bool
checkpoint_parse(const char *note, size_t len, CheckpointNote *out, const char **error)
{
	TextIn		in = {note, note + len};
	const char *line;
	size_t		n;
	int			signatures = 0;

	memset(out, 0, sizeof(*out));
	*error = "checkpoint is too long or holds a zero byte";
	if (len >= NOTE_MAX || memchr(note, 0, len) != NULL)
		return false;
	*error = "first line of the checkpoint is no origin";
	if (!next_line(&in, &line, &n) || !name_is_valid(line, n))
		return false;
	memcpy(out->origin, line, n);
	*error = "second line of the checkpoint is no size";
	if (!next_line(&in, &line, &n) || !read_number(line, n, &out->size))
		return false;
	*error = "third line of the checkpoint is no root";
	if (!next_line(&in, &line, &n) || !read_hash(line, n, out->root))
		return false;
	/* Ours have no extension lines, and what is not understood is not vouched for. */
	*error = "checkpoint has no blank line before its signatures";
	out->text_len = in.at - note;
	if (!next_line(&in, &line, &n) || n != 0)
		return false;
	*error = "signature of the checkpoint is malformed";
	while (in.at < in.end)
	{
		const char *name;
		size_t		name_len;
		uint8_t		bytes[ANY_SIGNATURE_MAX];
		size_t		bytes_len;

		if (!next_line(&in, &line, &n) || ++signatures > SIGNATURES_MAX ||
			!read_signature(line, n, &name, &name_len, bytes, sizeof(bytes), &bytes_len))
			return false;
	}
	*error = "checkpoint has no signature";
	if (signatures == 0)
		return false;
	*error = NULL;
	return true;
}

static bool
signature_is_good(const char *text, size_t len, const uint8_t *signature, const NoteKey *key)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, NOTE_KEY_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		good = pkey != NULL && ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestVerify(ctx, signature, NOTE_SIGNATURE_SIZE, (const unsigned char *) text, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}

NoteVerdict
checkpoint_verify(const char *note, size_t len, const CheckpointNote *parsed, const NoteKey *key)
{
	TextIn		in = {note + parsed->text_len + 1, note + len};
	NoteVerdict verdict = NOTE_UNSIGNED;
	const char *line;
	size_t		n;

	while (next_line(&in, &line, &n))
	{
		const char *name;
		size_t		name_len;
		uint8_t		bytes[ANY_SIGNATURE_MAX];
		size_t		bytes_len;

		if (!read_signature(line, n, &name, &name_len, bytes, sizeof(bytes), &bytes_len) ||
			name_len != strlen(key->name) || memcmp(name, key->name, name_len) != 0 ||
			memcmp(bytes, key->id, NOTE_ID_SIZE) != 0)
			continue;
		/* One wrong signature of a key that is known spoils the note. */
		if (bytes_len != NOTE_ID_SIZE + NOTE_SIGNATURE_SIZE ||
			!signature_is_good(note, parsed->text_len, bytes + NOTE_ID_SIZE, key))
			return NOTE_BAD;
		verdict = NOTE_GOOD;
	}
	return verdict;
}

static void
put_proof(TextOut *out, const MerkleProof *proof, const char *checkpoint, size_t checkpoint_len)
{
	for (int i = 0; i < proof->nhashes; i++)
	{
		put_base64(out, proof->hash[i], AUDIT_HASH_SIZE);
		put_string(out, "\n");
	}
	put_string(out, "\n");
	put(out, checkpoint, checkpoint_len);
}

size_t
inclusion_text(uint64_t index, const MerkleProof *proof,
			   const char *checkpoint, size_t checkpoint_len, char *out, size_t size)
{
	TextOut		text = {out, 0, size, false};

	put_string(&text, PROOF_HEADER "index ");
	put_number(&text, index);
	put_string(&text, "\n");
	put_proof(&text, proof, checkpoint, checkpoint_len);
	return put_end(&text);
}

size_t
consistency_text(uint64_t old_size, const MerkleProof *proof,
				 const char *checkpoint, size_t checkpoint_len, char *out, size_t size)
{
	TextOut		text = {out, 0, size, false};

	put_string(&text, "old ");
	put_number(&text, old_size);
	put_string(&text, "\n");
	put_proof(&text, proof, checkpoint, checkpoint_len);
	return put_end(&text);
}

/* "WORD number", hashes, a blank line; the rest is a checkpoint. */
static bool
read_proof(TextIn *in, const char *word, ProofText *out, const char **error)
{
	size_t		word_len = strlen(word);
	const char *line;
	size_t		n;

	memset(out, 0, sizeof(*out));
	*error = "proof has no number where it should";
	if (!next_line(in, &line, &n) || n <= word_len || memcmp(line, word, word_len) != 0 ||
		!read_number(line + word_len, n - word_len, &out->number))
		return false;
	for (;;)
	{
		*error = "proof has no blank line before its checkpoint";
		if (!next_line(in, &line, &n))
			return false;
		if (n == 0)
			break;
		*error = "hash of the proof is malformed";
		if (out->proof.nhashes == MERKLE_PROOF_MAX ||
			!read_hash(line, n, out->proof.hash[out->proof.nhashes]))
			return false;
		out->proof.nhashes++;
	}
	out->checkpoint = in->at;
	out->checkpoint_len = in->end - in->at;
	*error = NULL;
	return true;
}

bool
inclusion_parse(const char *text, size_t len, ProofText *out, const char **error)
{
	TextIn		in = {text, text + len};
	size_t		header = sizeof(PROOF_HEADER) - 1;

	*error = "proof is of an unknown format";
	if (len < header || memcmp(text, PROOF_HEADER, header) != 0)
		return false;
	in.at += header;
	return read_proof(&in, "index ", out, error);
}

bool
consistency_parse(const char *text, size_t len, ProofText *out, const char **error)
{
	TextIn		in = {text, text + len};

	return read_proof(&in, "old ", out, error);
}
