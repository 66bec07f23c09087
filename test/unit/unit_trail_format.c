/*-------------------------------------------------------------------------
 *
 * unit_trail_format.c
 *		The reader of exported trails, notes and proofs against the fixtures of
 *		test/fixtures/audit/, and each of their bits flipped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "../../tools/verify/verify.h"
#include "tap.h"

#include <stdlib.h>

#define DIRECTORY "test/fixtures/audit/"

static VerifyKey key;

static char *
slurp(const char *name, size_t *len)
{
	char		path[256];
	FILE	   *file;
	char	   *text = malloc(1 << 20);

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	file = fopen(path, "rb");
	if (file == NULL || text == NULL)
	{
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	*len = fread(text, 1, 1 << 20, file);
	fclose(file);
	return text;
}

/* The whole text is one trail; reader holds where it ended. */
static bool
read_trail(TrailReader *reader, const char *text, size_t len)
{
	trail_reader_init(reader);
	while (len > 0)
	{
		const char *newline = memchr(text, '\n', len);

		if (newline == NULL || trail_reader_line(reader, text, newline - text) == TRAIL_BAD)
			return false;
		len -= newline + 1 - text;
		text = newline + 1;
	}
	return trail_reader_finish(reader);
}

/* A trail that ends where the checkpoint says, and has its root. */
static bool
trail_signed(const char *text, size_t len, const char *note, size_t note_len)
{
	static TrailReader reader;
	Checkpoint	checkpoint;
	const char *error;

	return checkpoint_verify(note, note_len, &key, 1, &checkpoint, &error) &&
		read_trail(&reader, text, len) && reader.from == 1 && checkpoint.size == reader.next - 1 &&
		memcmp(checkpoint.root, reader.root, AUDIT_HASH_SIZE) == 0;
}

/* Records of the golden trail encode to what the fixture holds, and are in the range of their kinds. */
static void
check_golden(void)
{
	static TrailReader reader;
	size_t		len;
	char	   *text = slurp("trail.txt", &len);
	char	   *line = text;
	int			records = 0;
	int			same = 0;
	int			at_limit[AUDIT_TEXT_COUNT] = {0};
	int			absent[AUDIT_TEXT_COUNT] = {0};
	int			fields = 0;

	trail_reader_init(&reader);
	for (char *newline; (newline = memchr(line, '\n', len - (line - text))) != NULL; line = newline + 1)
	{
		uint8_t		payload[AUDIT_PAYLOAD_MAX];
		uint8_t		leaf[AUDIT_LEAF_MAX];
		size_t		n;

		if (trail_reader_line(&reader, line, newline - line) != TRAIL_RECORD)
			continue;
		records++;
		n = audit_payload_encode(&reader.record, payload, sizeof(payload));
		n = audit_leaf_encode(&reader.place, payload, n, leaf, sizeof(leaf));
		same += n == reader.leaf_len && memcmp(leaf, reader.leaf, n) == 0;
		for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
		{
			at_limit[i] += reader.record.text[i].len == audit_text_limit[i];
			absent[i] += reader.record.text[i].data == NULL;
		}
	}
	tap_ok(trail_reader_finish(&reader), "golden trail: read to its end");
	tap_is_int(records, 68, "golden trail: two records of each kind");
	tap_is_int(same, records, "golden trail: each encodes to the bytes that it was read from");
	for (int i = AUDIT_SEVERITY; i < AUDIT_TEXT_COUNT; i++)
		fields += at_limit[i] > 0 && (absent[i] > 0 || i <= AUDIT_OUTCOME);
	tap_is_int(fields, AUDIT_TEXT_COUNT - 1, "golden trail: each text is absent once and as long as it may be once");
	free(text);
}

/* Flip each bit of text; number of flips that nobody noticed. */
static int
flips_missed(char *text, size_t len, const char *trail, size_t trail_len, const char *note, size_t note_len)
{
	int			missed = 0;

	for (size_t at = 0; at < len; at++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			text[at] ^= 1 << bit;
			missed += trail_signed(trail, trail_len, note, note_len);
			text[at] ^= 1 << bit;
		}
	}
	return missed;
}

static void
check_flips(void)
{
	static TrailReader reader;
	size_t		len;
	size_t		note_len;
	char	   *text = slurp("short.txt", &len);
	char	   *note = slurp("short-checkpoint", &note_len);
	int			missed = 0;

	tap_ok(trail_signed(text, len, note, note_len), "a short trail under its checkpoint");
	tap_is_int(flips_missed(text, len, text, len, note, note_len), 0, "each bit of the trail flipped: found");
	tap_is_int(flips_missed(note, note_len, text, len, note, note_len), 0, "each bit of the checkpoint flipped: found");
	for (size_t at = 0; at < len; at++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			text[at] ^= 1 << bit;
			missed += read_trail(&reader, text, len);
			text[at] ^= 1 << bit;
		}
	}
	tap_is_int(missed, 0, "each bit of the trail flipped, without a checkpoint: found by the end line");
	missed = 0;
	for (size_t cut = 0; cut < len; cut++)
		missed += read_trail(&reader, text, cut);
	tap_is_int(missed, 0, "cut off at each byte: found");
	free(text);
	free(note);
}

/* Bits of proofs: number, hashes, checkpoint; all are found. */
static void
check_proof_flips(bool inclusion)
{
	static TrailReader reader;
	const char *name = inclusion ? "inclusion-11" : "consistency-40";
	size_t		len;
	size_t		other_len;
	char	   *text = slurp(name, &len);
	char	   *other = slurp(inclusion ? "record-11.txt" : "part-1.txt", &other_len);
	int			missed = 0;
	int			held = 0;

	(void) read_trail(&reader, other, other_len);
	for (size_t i = 0; i <= len * 8; i++)
	{
		Proof		proof;
		Checkpoint	checkpoint;
		const char *error;
		bool		holds;

		if (i < len * 8)
			text[i / 8] ^= 1 << (i % 8);
		holds = (inclusion ? inclusion_parse : consistency_parse) (text, len, &proof, &error) &&
			checkpoint_verify(proof.note, proof.note_len, &key, 1, &checkpoint, &error) &&
			proof.number == (inclusion ? reader.place.seq - 1 : reader.place.seq) &&
			(inclusion ? inclusion_holds(&proof, reader.leaf_hash, checkpoint.size, checkpoint.root, &error) :
			 consistency_holds(&proof, reader.root, checkpoint.size, checkpoint.root, &error));
		if (i < len * 8)
		{
			text[i / 8] ^= 1 << (i % 8);
			missed += holds;
		}
		else
			held = holds;
	}
	tap_ok(held, "%s holds", name);
	tap_is_int(missed, 0, "each bit of it flipped: found");
	free(text);
	free(other);
}

static void
check_base64(void)
{
	uint8_t		out[64];
	char		text[64];
	int64_t		n;

	tap_is_int(trail_base64_decode("AQID", 4, out, sizeof(out)), 3, "base64");
	tap_is_int(trail_base64_decode("AQI=", 4, out, sizeof(out)), 2, "base64 with padding");
	tap_is_int(trail_base64_decode("AQJ=", 4, out, sizeof(out)), -1, "bits behind the last byte");
	tap_is_int(trail_base64_decode(" QID", 4, out, sizeof(out)), -1, "white space");
	tap_is_int(trail_base64_decode("AQI", 3, out, sizeof(out)), -1, "no padding");
	tap_is_int(trail_base64_decode("====", 4, out, sizeof(out)), -1, "nothing but padding");
	tap_is_int(trail_base64_decode("", 0, out, sizeof(out)), -1, "nothing");
	tap_is_int(trail_base64_decode("AQIDAQID", 8, out, 5), -1, "does not fit");
	tap_is_int(trail_base64_encode((const uint8_t *) "ab", 2, text, 5), 4, "encoded");
	tap_is_int(trail_base64_encode((const uint8_t *) "ab", 2, text, 4), 0, "does not fit with its zero");
	tap_ok(trail_number("9223372036854775807", 19, &n) && n == INT64_MAX, "the highest number");
	tap_ok(!trail_number("9223372036854775808", 19, &n) && !trail_number("01", 2, &n) && !trail_number("-1", 2, &n) &&
		   !trail_number("", 0, &n) && !trail_number("99999999999999999999", 20, &n), "what is no number");
}

int
main(void)
{
	size_t		len;
	char	   *text = slurp("key.vkey", &len);
	const char *error;

	tap_ok(key_parse(text, len, &key, &error), "verifier key");
	for (size_t i = 0; i < len * 8; i++)
	{
		VerifyKey	other;

		text[i / 8] ^= 1 << (i % 8);
		if (key_parse(text, len, &other, &error))
		{
			tap_ok(false, "flipped bit %zu of the key", i);
			break;
		}
		text[i / 8] ^= 1 << (i % 8);
	}
	free(text);
	check_golden();
	check_flips();
	check_proof_flips(true);
	check_proof_flips(false);
	check_base64();
	return tap_done();
}
