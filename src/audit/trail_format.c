/*-------------------------------------------------------------------------
 *
 * trail_format.c
 *		Lines of an exported trail, and the check of a whole one.
 *
 * Owns the text format of exports and archives.  Pure but for OpenSSL: the
 * server, the stand-alone verifier, unit test and fuzz target share it.  No
 * length that a line names is trusted; memory does not grow with the trail.
 *
 * A changed record shows in the link of the one behind it, a changed link in
 * the link of that one too.  So the reader looks up to two records further
 * before it says which one was changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "pg_dataclass/trail_format.h"

#define HEADER_WORDS	"pg_dataclass trail 1 "
#define END_WORD		"end "

ssize_t
trail_base64_decode(const char *text, size_t len, uint8_t *out, size_t size)
{
	unsigned char bytes[TRAIL_LINE_MAX];
	unsigned char again[TRAIL_LINE_MAX + 1];
	size_t		n;

	if (len == 0 || len % 4 != 0 || len > TRAIL_LINE_MAX)
		return -1;
	if (EVP_DecodeBlock(bytes, (const unsigned char *) text, (int) len) != (int) (len / 4 * 3))
		return -1;
	n = len / 4 * 3 - (text[len - 1] == '=') - (text[len - 2] == '=');
	/* OpenSSL is lax about white space and the last bits: only what it writes itself counts. */
	if (EVP_EncodeBlock(again, bytes, (int) n) != (int) len || memcmp(again, text, len) != 0)
		return -1;
	if (n > size)
		return -1;
	memcpy(out, bytes, n);
	return (ssize_t) n;
}

size_t
trail_base64_encode(const uint8_t *data, size_t len, char *out, size_t size)
{
	size_t		chars = (len + 2) / 3 * 4;

	if (len > TRAIL_LINE_MAX || chars + 1 > size)
		return 0;
	EVP_EncodeBlock((unsigned char *) out, data, (int) len);
	return chars;
}

bool
trail_number(const char *text, size_t len, int64_t *value)
{
	int64_t		n = 0;

	if (len == 0 || len > 19 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		int			digit = text[i] - '0';

		if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

static bool
decode_hash(const char *text, size_t len, uint8_t *hash)
{
	return len == TRAIL_HASH_CHARS &&
		trail_base64_decode(text, len, hash, AUDIT_HASH_SIZE) == AUDIT_HASH_SIZE;
}

/* Append a space and a hash; *at is 0 once something did not fit. */
static void
put_hash(const uint8_t *hash, char *out, size_t size, size_t *at)
{
	size_t		n;

	if (*at == 0 || *at + 1 >= size)
	{
		*at = 0;
		return;
	}
	out[*at] = ' ';
	n = trail_base64_encode(hash, AUDIT_HASH_SIZE, out + *at + 1, size - *at - 1);
	*at = n == 0 ? 0 : *at + 1 + n;
}

/* Words and a decimal; 0 if they do not fit. */
static size_t
put_number(const char *words, int64_t value, char *out, size_t size)
{
	char		digits[20];
	size_t		n = 0;
	size_t		len = strlen(words);

	do
	{
		digits[n++] = (char) ('0' + value % 10);
		value /= 10;
	} while (value > 0 && n < sizeof(digits));
	if (len + n + 1 > size)
		return 0;
	memcpy(out, words, len);
	while (n > 0)
		out[len++] = digits[--n];
	out[len] = '\0';
	return len;
}

size_t
trail_header_text(int64_t from, const uint8_t *prev_hash, const MerkleFrontier *frontier,
				  char *out, size_t size)
{
	size_t		at = put_number(HEADER_WORDS, from, out, size);

	put_hash(prev_hash, out, size, &at);
	for (int i = 0; i < frontier->nroots; i++)
		put_hash(frontier->root[i], out, size, &at);
	return at;
}

size_t
trail_end_text(int64_t to, const uint8_t *root, char *out, size_t size)
{
	size_t		at = put_number(END_WORD, to, out, size);

	put_hash(root, out, size, &at);
	return at;
}

void
trail_reader_init(TrailReader *reader)
{
	memset(reader, 0, sizeof(*reader));
}

static TrailLine
bad(TrailReader *r, int64_t seq, const char *error)
{
	r->bad = seq;
	r->error = error;
	return TRAIL_BAD;
}

/* A link did not fit and there is no more to tell which record was changed. */
static TrailLine
bad_link(TrailReader *r)
{
	return bad(r, r->broken - 1, "the record, or the link of the one behind it, was changed: they do not fit each other");
}

/* The word from *at to the next space or the end; *at moves behind it. */
static const char *
next_word(const char *line, size_t len, size_t *at, size_t *word_len)
{
	const char *word = line + *at;
	const char *space = *at < len ? memchr(word, ' ', len - *at) : NULL;

	*word_len = space ? (size_t) (space - word) : len - *at;
	*at += *word_len + (space ? 1 : 0);
	return word;
}

/* *at is behind the words.  Strict: one space between words, none at the end. */
static const char *
parse_header(const char *line, size_t len, int64_t *from, uint8_t *prev_hash, MerkleFrontier *frontier)
{
	static const uint8_t zero[AUDIT_HASH_SIZE];
	size_t		at = strlen(HEADER_WORDS);
	size_t		n;
	const char *word = next_word(line, len, &at, &n);
	int			nroots;

	if (!trail_number(word, n, from) || *from < 1)
		return "the header names no record to begin with";
	word = next_word(line, len, &at, &n);
	if (!decode_hash(word, n, prev_hash))
		return "the header has no hash of the record before";
	nroots = merkle_nroots((uint64_t) *from - 1);
	merkle_init(frontier);
	for (int i = 0; i < nroots; i++)
	{
		word = next_word(line, len, &at, &n);
		if (!decode_hash(word, n, frontier->root[i]))
			return "the header has not the hashes of the tree before the range";
	}
	if (at != len || line[len - 1] == ' ')
		return "the header has more on it than belongs there";
	frontier->nroots = nroots;
	frontier->size = (uint64_t) *from - 1;
	if (*from == 1 && memcmp(prev_hash, zero, AUDIT_HASH_SIZE) != 0)
		return "record 1 can have none before it";
	return NULL;
}

static TrailLine
read_header(TrailReader *r, const char *line, size_t len)
{
	int64_t		from;
	uint8_t		prev_hash[AUDIT_HASH_SIZE];
	MerkleFrontier frontier;
	const char *error;

	if (len < strlen(HEADER_WORDS) || memcmp(line, HEADER_WORDS, strlen(HEADER_WORDS)) != 0)
		return bad(r, r->started ? r->next : 0, r->started ?
				   "nothing but a further range may follow the end line" :
				   "this is no trail of a version that is known: the header line is missing");
	error = parse_header(line, len, &from, prev_hash, &frontier);
	if (error)
		return bad(r, 0, error);
	if (!r->started)
	{
		r->started = true;
		r->from = r->next = from;
		r->frontier = frontier;
		memcpy(r->prev_hash, prev_hash, AUDIT_HASH_SIZE);
	}
	else if (from > r->next)
		return bad(r, r->next, "the record is missing: the next range begins behind it");
	else if (from < r->next)
		return bad(r, from, "there is more than one record of this number: the next range begins with it");
	else if (memcmp(prev_hash, r->prev_hash, AUDIT_HASH_SIZE) != 0)
		return bad(r, from, "the range does not follow the one before it: its link does not fit");
	else if (frontier.nroots != r->frontier.nroots ||
			 memcmp(frontier.root, r->frontier.root, (size_t) frontier.nroots * AUDIT_HASH_SIZE) != 0)
		return bad(r, from, "the range does not follow the one before it: its tree does not fit");
	r->inside = true;
	return TRAIL_HEADER;
}

static TrailLine
read_end(TrailReader *r, const char *line, size_t len)
{
	size_t		at = strlen(END_WORD);
	size_t		n;
	const char *word = next_word(line, len, &at, &n);
	int64_t		to;
	uint8_t		root[AUDIT_HASH_SIZE];

	if (r->broken != 0)
		return bad_link(r);
	if (!trail_number(word, n, &to))
		return bad(r, 0, "the end line names no record");
	word = next_word(line, len, &at, &n);
	if (!decode_hash(word, n, root) || at != len || line[len - 1] == ' ')
		return bad(r, 0, "the end line has no root, or more on it than belongs there");
	if (to > r->next - 1)
		return bad(r, r->next, "the record is missing: the range ends before its end line says");
	if (to < r->next - 1)
		return bad(r, to + 1, "the record stands behind the end that the end line names");
	if (!merkle_root(&r->frontier, r->root))
		return bad(r, 0, "the crypto library failed");
	/* All links fit, and no link leads to the last record. */
	if (memcmp(root, r->root, AUDIT_HASH_SIZE) != 0)
		return bad(r, r->next - 1, "the record, or the first or last line of the range, was changed: the root does not fit");
	r->inside = false;
	return TRAIL_END;
}

/* The link of the record that was just read, number r->next. */
static TrailLine
check_link(TrailReader *r)
{
	bool		fits = memcmp(r->place.prev_hash, r->prev_hash, AUDIT_HASH_SIZE) == 0;

	if (r->broken == 0 && fits)
		return TRAIL_RECORD;
	if (r->broken == 0)
	{
		if (r->next == r->from)
			return bad(r, r->next, "the record does not follow the one before the range: its link does not fit");
		r->broken = r->next;
		r->broken_links = 1;
		return TRAIL_RECORD;
	}
	if (!fits)
	{
		/* Three in a row: everything from there on was made anew. */
		return ++r->broken_links < 3 ? TRAIL_RECORD : bad_link(r);
	}
	if (r->broken_links == 1)
		return bad(r, r->broken - 1, "the record was changed: the link of the one behind it does not fit");
	return bad(r, r->broken, "the record does not follow the one before it: its link does not fit");
}

static TrailLine
read_record(TrailReader *r, const char *line, size_t len)
{
	const uint8_t *payload;
	size_t		payload_len;
	const char *error;
	TrailLine	result;
	ssize_t		n = trail_base64_decode(line, len, r->leaf, sizeof(r->leaf));

	if (n < 0)
		return r->broken ? bad_link(r) : bad(r, r->next, "the line is not the base64 of a record");
	r->leaf_len = (size_t) n;
	if (!audit_leaf_decode(r->leaf, r->leaf_len, &r->place, &payload, &payload_len, &error) ||
		!audit_payload_decode(payload, payload_len, &r->record, &error))
		return r->broken ? bad_link(r) : bad(r, r->next, error);
	if (r->place.seq != r->next && r->broken != 0)
		return bad_link(r);
	if (r->place.seq > r->next)
		return bad(r, r->next, "the record is missing: one of a higher number stands in its place");
	if (r->place.seq < r->next)
		return bad(r, r->next, "one of a lower number stands in the place of the record");
	result = check_link(r);
	if (result == TRAIL_BAD)
		return result;
	if (r->next == INT64_MAX || !merkle_leaf(r->leaf, r->leaf_len, r->leaf_hash) ||
		!merkle_append(&r->frontier, r->leaf_hash))
		return bad(r, r->next, "the hash could not be computed");
	memcpy(r->prev_hash, r->leaf_hash, AUDIT_HASH_SIZE);
	r->next++;
	return TRAIL_RECORD;
}

TrailLine
trail_reader_line(TrailReader *reader, const char *line, size_t len)
{
	if (len > TRAIL_LINE_MAX)
		return bad(reader, reader->started ? reader->next : 0, "the line is too long");
	if (!reader->inside)
		return read_header(reader, line, len);
	if (len >= strlen(END_WORD) && memcmp(line, END_WORD, strlen(END_WORD)) == 0)
		return read_end(reader, line, len);
	return read_record(reader, line, len);
}

bool
trail_reader_finish(TrailReader *reader)
{
	if (!reader->started)
		(void) bad(reader, 0, "there is no trail: the header line is missing");
	else if (reader->broken != 0)
		(void) bad_link(reader);
	else if (reader->inside)
		(void) bad(reader, reader->next, "the record is missing: the trail breaks off without an end line");
	else
		return true;
	return false;
}
