/*-------------------------------------------------------------------------
 *
 * unit_audit_encode.c
 *		Encoding of audit records against golden bytes, and its strictness.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_merkle.h"
#include "audit_golden.h"
#include "tap.h"

static void
set_text(AuditRecord *r, int field, const char *text)
{
	r->text[field].data = text;
	r->text[field].len = strlen(text);
}

static void
set_number(AuditRecord *r, int field, int64_t value)
{
	r->number[field].present = true;
	r->number[field].value = value;
}

static void
first_record(AuditRecord *r)
{
	memset(r, 0, sizeof(*r));
	set_number(r, AUDIT_TIME, 0);
	set_number(r, AUDIT_BREACH, 0);
	set_text(r, AUDIT_KIND, "ddl");
	set_text(r, AUDIT_SEVERITY, "info");
	set_text(r, AUDIT_OUTCOME, "allowed");
}

static void
second_record(AuditRecord *r)
{
	static const uint8_t id[AUDIT_ID_SIZE] = {0x01, 0x92, 0xf0, 0xc3, 0xa4, 0xb5, 0x7c, 0xde,
		0x8f, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};
	static const int64_t number[AUDIT_NUMBER_COUNT] = {INT64_C(1732406400123456), 1, 54321, 4242,
		18446744, 1259, INT64_C(4294967295), -1, 17};
	static const char *const text[AUDIT_TEXT_COUNT] = {
		"access_denied", "high", "denied", "SELECT", "doctor", "app", "app", "app", "192.0.2.7",
		"", "67431200.1092", "health", "column", "clinic.patient.name", "secret:health,punjab|sindh",
		"dominance", "highest", "baseline", "select name from clinic.patient where id = ?",
		"No clearance of the role dominates the label of the object. \xc3\xa9",
		"db-1"
	};

	memset(r, 0, sizeof(*r));
	memcpy(r->event_id, id, AUDIT_ID_SIZE);
	for (int i = 0; i < AUDIT_NUMBER_COUNT; i++)
		set_number(r, i, number[i]);
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
		set_text(r, i, text[i]);
}

static void
check_golden(const AuditRecord *r, AuditPlace *place,
			 const char *payload, size_t payload_len, const char *leaf, size_t leaf_len,
			 const char *hash, const char *name)
{
	uint8_t		bytes[AUDIT_PAYLOAD_MAX];
	uint8_t		leaf_bytes[AUDIT_LEAF_MAX];
	uint8_t		digest[AUDIT_HASH_SIZE];
	AuditRecord again;
	const char *error;
	size_t		n = audit_payload_encode(r, bytes, sizeof(bytes));

	tap_ok(n == payload_len && memcmp(bytes, payload, n) == 0, "%s: payload", name);
	tap_ok(audit_payload_encode(r, leaf_bytes, n - 1) == 0, "%s: does not fit into one byte less", name);
	tap_ok(audit_payload_decode(bytes, n, &again, &error) &&
		   audit_payload_encode(&again, leaf_bytes, sizeof(leaf_bytes)) == n &&
		   memcmp(bytes, leaf_bytes, n) == 0, "%s: decoded and encoded again", name);
	n = audit_leaf_encode(place, bytes, n, leaf_bytes, sizeof(leaf_bytes));
	tap_ok(n == leaf_len && memcmp(leaf_bytes, leaf, n) == 0, "%s: leaf", name);
	tap_ok(merkle_leaf(leaf_bytes, n, digest) && memcmp(digest, hash, AUDIT_HASH_SIZE) == 0, "%s: hash", name);
	memcpy(place->prev_hash, digest, AUDIT_HASH_SIZE);
}

/* Nothing but what the encoder makes is accepted. */
static void
check_strict(void)
{
	uint8_t		bytes[AUDIT_PAYLOAD_MAX + 1];
	uint8_t		again[AUDIT_PAYLOAD_MAX];
	AuditRecord r;
	AuditRecord decoded;
	const char *error;
	size_t		n;
	int			wrong = 0;

	second_record(&r);
	n = audit_payload_encode(&r, bytes, sizeof(bytes));
	for (size_t len = 0; len < n; len++)
		wrong += audit_payload_decode(bytes, len, &decoded, &error);
	tap_is_int(wrong, 0, "no proper prefix is a record");
	bytes[n] = 0;
	tap_ok(!audit_payload_decode(bytes, n + 1, &decoded, &error), "nor is one with a byte more");
	wrong = 0;
	for (size_t at = 0; at < n; at++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			bytes[at] ^= 1 << bit;
			if (audit_payload_decode(bytes, n, &decoded, &error) &&
				(audit_payload_encode(&decoded, again, sizeof(again)) != n || memcmp(again, bytes, n) != 0))
				wrong++;
			bytes[at] ^= 1 << bit;
		}
	}
	tap_is_int(wrong, 0, "whatever is accepted after a bit flip encodes to the same bytes");

	first_record(&r);
	r.text[AUDIT_KIND].data = NULL;
	n = audit_payload_encode(&r, bytes, sizeof(bytes));
	tap_ok(!audit_payload_decode(bytes, n, &decoded, &error), "a record without a kind is refused: %s", error);
	first_record(&r);
	set_number(&r, AUDIT_BREACH, 2);
	n = audit_payload_encode(&r, bytes, sizeof(bytes));
	tap_ok(!audit_payload_decode(bytes, n, &decoded, &error), "a boolean of 2 is refused: %s", error);
	first_record(&r);
	r.text[AUDIT_DETAIL].data = "a\0b";
	r.text[AUDIT_DETAIL].len = 3;
	n = audit_payload_encode(&r, bytes, sizeof(bytes));
	tap_ok(!audit_payload_decode(bytes, n, &decoded, &error), "a zero byte is refused: %s", error);
}

static void
check_limits(void)
{
	static char filler[65536];
	uint8_t		bytes[AUDIT_PAYLOAD_MAX];
	AuditRecord r;
	AuditRecord decoded;
	const char *error;
	size_t		n;

	memset(filler, 'x', sizeof(filler));
	second_record(&r);
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		r.text[i].data = filler;
		r.text[i].len = audit_text_limit[i];
	}
	n = audit_payload_encode(&r, bytes, sizeof(bytes));
	tap_ok(n > 0 && audit_payload_decode(bytes, n, &decoded, &error), "the longest record fits");
	tap_note("%zu of %d bytes", n, AUDIT_PAYLOAD_MAX);
	r.text[AUDIT_KIND].len++;
	tap_ok(audit_payload_encode(&r, bytes, sizeof(bytes)) == 0, "a text over its limit is not encoded");

	tap_is_int(audit_text_clip("abcdef", 6, 4), 4, "clip ASCII");
	tap_is_int(audit_text_clip("abc", 3, 4), 3, "nothing to clip");
	tap_is_int(audit_text_clip("ab\xc3\xa9", 4, 3), 2, "a character of two bytes is not split");
	tap_is_int(audit_text_clip("a\xf0\x9f\x98\x80", 5, 4), 1, "a character of four bytes is not split");
	tap_is_int(audit_text_clip("\x80\x80\x80\x80\x80\x80", 6, 5), 5, "no character at all");
}

/* Records that differ in where an absent, empty or equal text stands encode differently. */
static void
check_unambiguous(void)
{
	uint8_t		a[AUDIT_PAYLOAD_MAX];
	uint8_t		b[AUDIT_PAYLOAD_MAX];
	AuditRecord r;
	size_t		na;
	size_t		nb;
	int			same = 0;

	for (int i = AUDIT_ACTION; i < AUDIT_TEXT_COUNT; i++)
	{
		first_record(&r);
		set_text(&r, i, "");
		na = audit_payload_encode(&r, a, sizeof(a));
		first_record(&r);
		nb = audit_payload_encode(&r, b, sizeof(b));
		same += na == nb && memcmp(a, b, na) == 0;
		for (int j = AUDIT_ACTION; j < i; j++)
		{
			first_record(&r);
			set_text(&r, j, "");
			nb = audit_payload_encode(&r, b, sizeof(b));
			same += na == nb && memcmp(a, b, na) == 0;
		}
	}
	tap_is_int(same, 0, "absent, empty, and elsewhere are three things");
}

int
main(void)
{
	AuditRecord r;
	AuditPlace	place = {0};

	first_record(&r);
	place.seq = 1;
	place.recorded_at = 0;
	place.origin = "queue";
	place.origin_len = 5;
	check_golden(&r, &place, golden_payload1, GOLDEN_PAYLOAD1_LEN, golden_leaf1, GOLDEN_LEAF1_LEN,
				 golden_hash1, "smallest record");
	second_record(&r);
	place.seq = 2;
	place.recorded_at = INT64_C(1732406400123999);
	place.origin = "journal";
	place.origin_len = 7;
	check_golden(&r, &place, golden_payload2, GOLDEN_PAYLOAD2_LEN, golden_leaf2, GOLDEN_LEAF2_LEN,
				 golden_hash2, "full record");
	check_strict();
	check_limits();
	check_unambiguous();
	return tap_done();
}
