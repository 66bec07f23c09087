/*-------------------------------------------------------------------------
 *
 * verify_note.c
 *		Verifier keys, signed notes and checkpoints.
 *
 * C2SP signed-note with Ed25519, C2SP tlog-checkpoint.  A signature line that
 * names a known key and its id must be right, or the whole note is refused;
 * lines of other keys say nothing.  The origin of a checkpoint must be the
 * name of the key that signed it: a key of another log speaks for that log.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "verify.h"

#define SIGNATURE_SIZE		64
#define ALGORITHM_ED25519	0x01

/* EM DASH and a space */
static const char signature_prefix[] = "\xe2\x80\x94 ";

bool
key_id(const char *name, size_t name_len, const uint8_t *public_key, uint8_t *id)
{
	uint8_t		bytes[KEY_NAME_MAX + 2 + KEY_PUBLIC_SIZE];
	uint8_t		hash[AUDIT_HASH_SIZE];

	if (name_len >= KEY_NAME_MAX)
		return false;
	memcpy(bytes, name, name_len);
	bytes[name_len] = '\n';
	bytes[name_len + 1] = ALGORITHM_ED25519;
	memcpy(bytes + name_len + 2, public_key, KEY_PUBLIC_SIZE);
	if (!merkle_sha256(bytes, name_len + 2 + KEY_PUBLIC_SIZE, hash))
		return false;
	memcpy(id, hash, KEY_ID_SIZE);
	return true;
}

/* Not empty, no space, no plus sign, nothing that does not print. */
static bool
name_valid(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) name[i] <= ' ' || name[i] == '+' || name[i] == 0x7f)
			return false;
	}
	return len > 0 && len < KEY_NAME_MAX;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_pem(const char *text, size_t len, VerifyKey *key, const char **error)
{
	BIO		   *bio = BIO_new_mem_buf(text, (int) len);
	EVP_PKEY   *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	size_t		size = KEY_PUBLIC_SIZE;
	bool		ok = pkey != NULL && EVP_PKEY_id(pkey) == EVP_PKEY_ED25519 &&
		EVP_PKEY_get_raw_public_key(pkey, key->public_key, &size) == 1 && size == KEY_PUBLIC_SIZE;

	key->name[0] = '\0';
	if (!ok)
		*error = "the PEM file holds no Ed25519 public key";
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return ok;
}

bool
key_parse(const char *text, size_t len, VerifyKey *key, const char **error)
{
	const char *plus;
	uint8_t		bytes[1 + KEY_PUBLIC_SIZE];
	uint8_t		id[KEY_ID_SIZE];
	size_t		name_len;
	size_t		at;

	memset(key, 0, sizeof(*key));
	if (len > NOTE_MAX)
	{
		*error = "the key is too long";
		return false;
	}
	if (len > 5 && memcmp(text, "-----", 5) == 0)
		return parse_pem(text, len, key, error);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	*error = "the key is no verifier key of the form name+id+base64";
	plus = memchr(text, '+', len);
	if (plus == NULL)
		return false;
	name_len = (size_t) (plus - text);
	at = name_len + 1;
	if (!name_valid(text, name_len) || len - at < 2 * KEY_ID_SIZE + 1 || text[at + 2 * KEY_ID_SIZE] != '+')
		return false;
	for (int i = 0; i < KEY_ID_SIZE; i++, at += 2)
	{
		int			high = hex_digit(text[at]);
		int			low = hex_digit(text[at + 1]);

		if (high < 0 || low < 0)
			return false;
		id[i] = (uint8_t) (high << 4 | low);
	}
	at++;
	if (trail_base64_decode(text + at, len - at, bytes, sizeof(bytes)) != (ssize_t) sizeof(bytes) ||
		bytes[0] != ALGORITHM_ED25519)
	{
		*error = "the verifier key is not of an Ed25519 key";
		return false;
	}
	memcpy(key->name, text, name_len);
	memcpy(key->public_key, bytes + 1, KEY_PUBLIC_SIZE);
	*error = "the id of the verifier key is not that of its name and key";
	return key_id(key->name, name_len, key->public_key, bytes) && memcmp(bytes, id, KEY_ID_SIZE) == 0;
}

/* The line at *at; *at moves behind its newline.  False: there is no whole line. */
static bool
next_line(const char *text, size_t len, size_t *at, const char **line, size_t *line_len)
{
	const char *newline = *at < len ? memchr(text + *at, '\n', len - *at) : NULL;

	if (newline == NULL)
		return false;
	*line = text + *at;
	*line_len = (size_t) (newline - *line);
	*at += *line_len + 1;
	return true;
}

bool
checkpoint_parse(const char *text, size_t len, Checkpoint *checkpoint, const char **error)
{
	size_t		at = 0;
	const char *line;
	size_t		n;

	*error = "the checkpoint has no origin line";
	if (!next_line(text, len, &at, &checkpoint->origin, &checkpoint->origin_len) || checkpoint->origin_len == 0)
		return false;
	*error = "the checkpoint has no size";
	if (!next_line(text, len, &at, &line, &n) || !trail_number(line, n, &checkpoint->size))
		return false;
	*error = "the checkpoint has no root";
	if (!next_line(text, len, &at, &line, &n) || n != TRAIL_HASH_CHARS ||
		trail_base64_decode(line, n, checkpoint->root, AUDIT_HASH_SIZE) != AUDIT_HASH_SIZE)
		return false;
	*error = "the checkpoint has an empty or unfinished line";
	while (at < len)
	{
		if (!next_line(text, len, &at, &line, &n) || n == 0)
			return false;
	}
	*error = NULL;
	return true;
}

static bool
signature_right(const VerifyKey *key, const char *text, size_t len, const uint8_t *signature)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, KEY_PUBLIC_SIZE);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		ok = pkey != NULL && context != NULL &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const unsigned char *) text, len) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return ok;
}

typedef struct SignatureLine
{
	const char *name;
	size_t		name_len;
	uint8_t		bytes[TRAIL_LINE_MAX];	/* id and signature; those of witnesses may be long */
	size_t		size;
} SignatureLine;

static bool
parse_signature(const char *line, size_t len, SignatureLine *signature)
{
	size_t		prefix = strlen(signature_prefix);
	const char *space;
	ssize_t		n;

	if (len <= prefix || memcmp(line, signature_prefix, prefix) != 0)
		return false;
	line += prefix;
	len -= prefix;
	space = memchr(line, ' ', len);
	if (space == NULL || !name_valid(line, (size_t) (space - line)))
		return false;
	signature->name = line;
	signature->name_len = (size_t) (space - line);
	n = trail_base64_decode(space + 1, len - signature->name_len - 1, signature->bytes, sizeof(signature->bytes));
	signature->size = n < 0 ? 0 : (size_t) n;
	return n > KEY_ID_SIZE;
}

/* Does this line claim to be by this key? */
static bool
names_key(const SignatureLine *signature, const VerifyKey *key)
{
	uint8_t		id[KEY_ID_SIZE];

	if (key->name[0] != '\0' &&
		(strlen(key->name) != signature->name_len || memcmp(key->name, signature->name, signature->name_len) != 0))
		return false;
	return key_id(signature->name, signature->name_len, key->public_key, id) &&
		memcmp(id, signature->bytes, KEY_ID_SIZE) == 0;
}

/* Where the signatures begin: behind the last empty line.  0: there is none. */
static size_t
body_length(const char *text, size_t len)
{
	for (size_t at = len; at >= 2; at--)
	{
		if (text[at - 1] == '\n' && text[at - 2] == '\n')
			return at - 1;
	}
	return 0;
}

/* Control characters would let one note look like another. */
static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (((unsigned char) text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
			return false;
	}
	return true;
}

bool
checkpoint_verify(const char *text, size_t len, const VerifyKey *keys, int nkeys,
				  Checkpoint *checkpoint, const char **error)
{
	size_t		body = body_length(text, len);
	size_t		at = body + 1;
	bool		found = false;
	int			lines = 0;
	const char *line;
	size_t		n;

	*error = "the checkpoint is no signed note";
	if (len > NOTE_MAX || body == 0 || at >= len || text[len - 1] != '\n' || !is_plain(text, len))
		return false;
	if (!checkpoint_parse(text, body, checkpoint, error))
		return false;
	while (next_line(text, len, &at, &line, &n))
	{
		SignatureLine signature;

		*error = "the checkpoint has a line among its signatures that is none";
		if (++lines > NOTE_SIGNATURES_MAX || !parse_signature(line, n, &signature))
			return false;
		for (int i = 0; i < nkeys; i++)
		{
			if (!names_key(&signature, &keys[i]))
				continue;
			*error = "the signature of the checkpoint is wrong";
			if (signature.size != KEY_ID_SIZE + SIGNATURE_SIZE ||
				!signature_right(&keys[i], text, body, signature.bytes + KEY_ID_SIZE))
				return false;
			if (signature.name_len == checkpoint->origin_len &&
				memcmp(signature.name, checkpoint->origin, signature.name_len) == 0)
				found = true;
		}
	}
	*error = found ? NULL : "the checkpoint is not signed with the key in the name of its origin";
	return found;
}
