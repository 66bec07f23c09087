/*-------------------------------------------------------------------------
 *
 * audit_encode.c
 *		Canonical encoding of an audit record.
 *
 * Owns the byte format of docs/audit-format.md.  Pure: no palloc, no ereport,
 * no PostgreSQL function, so that the unit test, the fuzz target and a
 * stand-alone verifier can use it.
 *
 * Every field carries its length, absent fields the length 0xffffffff, all
 * integers are big-endian: two different records never encode to the same
 * bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_record.h"

#define ABSENT			0xffffffffU

static const uint8_t leaf_magic[4] = {'D', 'C', 'L', AUDIT_FORMAT_VERSION};
static const uint8_t payload_magic[4] = {'D', 'C', 'E', AUDIT_FORMAT_VERSION};

const uint16_t audit_text_limit[AUDIT_TEXT_COUNT] = {
	[AUDIT_KIND] = 32,
	[AUDIT_SEVERITY] = 16,
	[AUDIT_OUTCOME] = 16,
	[AUDIT_ACTION] = 64,
	[AUDIT_SUBJECT] = 64,
	[AUDIT_SESSION_USER] = 64,
	[AUDIT_CURRENT_USER] = 64,
	[AUDIT_AUTHENTICATED_USER] = 64,
	[AUDIT_CLIENT_ADDR] = 64,
	[AUDIT_APPLICATION] = 64,
	[AUDIT_SESSION_ID] = 32,
	[AUDIT_DATABASE] = 64,
	[AUDIT_OBJECT_TYPE] = 64,
	[AUDIT_OBJECT_IDENTITY] = 512,
	[AUDIT_LABEL] = 1152,
	[AUDIT_RULE] = 64,
	[AUDIT_REQUIRED_TIER] = 64,
	[AUDIT_FOUND_TIER] = 64,
	[AUDIT_STATEMENT] = 1024,
	[AUDIT_DETAIL] = 1024,
	[AUDIT_NODE] = 64
};

typedef struct NumberRange
{
	int64_t		low;
	int64_t		high;
	bool		required;
} NumberRange;

/* What the columns can hold: a decoded payload always fits into the table. */
static const NumberRange number_range[AUDIT_NUMBER_COUNT] = {
	/* PostgreSQL's timestamps, 4714 BC to 294276 AD */
	[AUDIT_TIME] = {INT64_C(-211813488000000000), INT64_C(9223371331199999999), true},
	[AUDIT_BREACH] = {0, 1, true},
	[AUDIT_CLIENT_PORT] = {INT32_MIN, INT32_MAX, false},
	[AUDIT_BACKEND_PID] = {INT32_MIN, INT32_MAX, false},
	[AUDIT_TRANSACTION_ID] = {0, INT64_MAX, false},
	[AUDIT_CLASS_ID] = {0, UINT32_MAX, false},
	[AUDIT_OBJECT_ID] = {0, UINT32_MAX, false},
	[AUDIT_OBJECT_SUBID] = {INT32_MIN, INT32_MAX, false},
	[AUDIT_REPEATS] = {1, INT64_MAX, false}
};

static bool
text_required(int field)
{
	return field == AUDIT_KIND || field == AUDIT_SEVERITY || field == AUDIT_OUTCOME;
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t) (v >> 24);
	p[1] = (uint8_t) (v >> 16);
	p[2] = (uint8_t) (v >> 8);
	p[3] = (uint8_t) v;
}

static void
put_u64(uint8_t *p, uint64_t v)
{
	put_u32(p, (uint32_t) (v >> 32));
	put_u32(p + 4, (uint32_t) v);
}

static uint32_t
get_u32(const uint8_t *p)
{
	return ((uint32_t) p[0] << 24) | ((uint32_t) p[1] << 16) | ((uint32_t) p[2] << 8) | p[3];
}

static uint64_t
get_u64(const uint8_t *p)
{
	return ((uint64_t) get_u32(p) << 32) | get_u32(p + 4);
}

uint32_t
audit_text_clip(const char *text, uint32_t len, uint32_t limit)
{
	uint32_t	at = limit;

	if (len <= limit)
		return len;
	/* Go back to the first byte of a character, three bytes at most. */
	while (at > 0 && limit - at < 4 && ((uint8_t) text[at] & 0xc0) == 0x80)
		at--;
	return ((uint8_t) text[at] & 0xc0) == 0x80 ? limit : at;
}

size_t
audit_payload_encode(const AuditRecord *record, uint8_t *out, size_t size)
{
	size_t		at = sizeof(payload_magic) + AUDIT_ID_SIZE;

	if (size < at)
		return 0;
	memcpy(out, payload_magic, sizeof(payload_magic));
	memcpy(out + sizeof(payload_magic), record->event_id, AUDIT_ID_SIZE);
	for (int i = 0; i < AUDIT_NUMBER_COUNT; i++)
	{
		const AuditNumber *number = &record->number[i];

		if (size - at < 12)
			return 0;
		put_u32(out + at, number->present ? 8 : ABSENT);
		at += 4;
		if (number->present)
		{
			put_u64(out + at, (uint64_t) number->value);
			at += 8;
		}
	}
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		const AuditText *text = &record->text[i];

		if (text->data == NULL)
		{
			if (size - at < 4)
				return 0;
			put_u32(out + at, ABSENT);
			at += 4;
			continue;
		}
		if (text->len > audit_text_limit[i] || size - at < (size_t) text->len + 4)
			return 0;
		put_u32(out + at, text->len);
		memcpy(out + at + 4, text->data, text->len);
		at += 4 + text->len;
	}
	return at;
}

static const char *
decode_number(const uint8_t *data, size_t len, size_t *at, int field, AuditNumber *number)
{
	uint32_t	width;

	number->present = false;
	number->value = 0;
	if (len - *at < 4)
		return "record ends inside a number";
	width = get_u32(data + *at);
	*at += 4;
	if (width == ABSENT)
		return number_range[field].required ? "a required number is absent" : NULL;
	if (width != 8)
		return "a number has a wrong width";
	if (len - *at < 8)
		return "record ends inside a number";
	number->present = true;
	number->value = (int64_t) get_u64(data + *at);
	*at += 8;
	if (number->value < number_range[field].low || number->value > number_range[field].high)
		return "a number is out of range";
	return NULL;
}

static const char *
decode_text(const uint8_t *data, size_t len, size_t *at, int field, AuditText *text)
{
	uint32_t	width;

	text->data = NULL;
	text->len = 0;
	if (len - *at < 4)
		return "record ends inside a text";
	width = get_u32(data + *at);
	*at += 4;
	if (width == ABSENT)
		return text_required(field) ? "a required text is absent" : NULL;
	if (width > audit_text_limit[field])
		return "a text is too long";
	if (len - *at < width)
		return "record ends inside a text";
	if (memchr(data + *at, 0, width) != NULL)
		return "a text holds a zero byte";
	text->data = (const char *) data + *at;
	text->len = width;
	*at += width;
	return NULL;
}

bool
audit_payload_decode(const uint8_t *data, size_t len, AuditRecord *record, const char **error)
{
	size_t		at = sizeof(payload_magic) + AUDIT_ID_SIZE;

	if (len < at || len > AUDIT_PAYLOAD_MAX)
	{
		*error = "record has a wrong length";
		return false;
	}
	if (memcmp(data, payload_magic, sizeof(payload_magic)) != 0)
	{
		*error = "record is of an unknown format";
		return false;
	}
	memcpy(record->event_id, data + sizeof(payload_magic), AUDIT_ID_SIZE);
	for (int i = 0; i < AUDIT_NUMBER_COUNT; i++)
	{
		*error = decode_number(data, len, &at, i, &record->number[i]);
		if (*error)
			return false;
	}
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		*error = decode_text(data, len, &at, i, &record->text[i]);
		if (*error)
			return false;
	}
	if (at != len)
	{
		*error = "record has bytes after its end";
		return false;
	}
	*error = NULL;
	return true;
}

/* What stands before the payload, but for its length; 0 if it does not fit. */
static size_t
leaf_head(const AuditPlace *place, uint8_t *out, size_t size)
{
	size_t		at = sizeof(leaf_magic);

	if (place->origin_len > 32 ||
		size < sizeof(leaf_magic) + 8 + AUDIT_HASH_SIZE + 8 + 4 + place->origin_len + 4)
		return 0;
	memcpy(out, leaf_magic, sizeof(leaf_magic));
	put_u64(out + at, (uint64_t) place->seq);
	at += 8;
	memcpy(out + at, place->prev_hash, AUDIT_HASH_SIZE);
	at += AUDIT_HASH_SIZE;
	put_u64(out + at, (uint64_t) place->recorded_at);
	at += 8;
	put_u32(out + at, place->origin_len);
	at += 4;
	memcpy(out + at, place->origin, place->origin_len);
	return at + place->origin_len + 4;
}

size_t
audit_leaf_encode(const AuditPlace *place, const uint8_t *payload, size_t payload_len,
				  uint8_t *out, size_t size)
{
	size_t		at = leaf_head(place, out, size);

	if (at == 0 || payload_len > AUDIT_PAYLOAD_MAX || size - at < payload_len)
		return 0;
	put_u32(out + at - 4, (uint32_t) payload_len);
	memcpy(out + at, payload, payload_len);
	return at + payload_len;
}

size_t
audit_leaf_encode_record(const AuditPlace *place, const AuditRecord *record,
						 uint8_t *out, size_t size)
{
	size_t		at = leaf_head(place, out, size);
	size_t		len = at == 0 ? 0 : audit_payload_encode(record, out + at, size - at);

	if (len == 0 || len > AUDIT_PAYLOAD_MAX)
		return 0;
	put_u32(out + at - 4, (uint32_t) len);
	return at + len;
}
