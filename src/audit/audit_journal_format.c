/*-------------------------------------------------------------------------
 *
 * audit_journal_format.c
 *		Writing and reading the bytes of a journal file.
 *
 * Pure: no palloc, no ereport, no file.  The reader takes any bytes: it never
 * reads outside of them and always comes to an end.  It goes on after damage
 * at the next sound frame, so that one bad sector costs the frames in it and
 * no more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_journal_format.h"
#include "pg_dataclass/audit_merkle.h"

#define HEADER_VERSION		2
#define FRAME_PAYLOAD_AT	40	/* magic, length, link */

#define MAGIC_SIZE			8
#define MAGIC_VERSION_AT	7

static const uint8_t header_magic[MAGIC_SIZE] = {'D', 'C', 'J', 'R', 'N', 'L', 0, HEADER_VERSION};
static const uint8_t frame_magic[4] = {'D', 'C', 'F', 'R'};

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

const char *
journal_reason_text(unsigned reason)
{
	static const char *const text[JOURNAL_REASON_COUNT] = {
		[JOURNAL_DIRECT] = "written there directly",
		[JOURNAL_NO_TRAIL] = "no trail in the database",
		[JOURNAL_NO_WRITER] = "writer not running",
		[JOURNAL_WRITER_HELD] = "writer kept away",
		[JOURNAL_QUEUE_FULL] = "queue full",
		[JOURNAL_TIMEOUT] = "timeout",
		[JOURNAL_WRITER_FAILED] = "writer failed",
		[JOURNAL_NO_SPACE] = "no space",
		[JOURNAL_STANDBY] = "standby",
		[JOURNAL_TOO_MANY_DATABASES] = "too many databases",
		[JOURNAL_SINGLE_USER] = "single-user mode"
	};

	return reason < JOURNAL_REASON_COUNT ? text[reason] : "unknown reason";
}

bool
journal_reason_impaired(unsigned reason)
{
	return reason != JOURNAL_DIRECT && reason != JOURNAL_NO_TRAIL;
}

/* Castagnoli polynomial, reflected. */
uint32_t
journal_crc32c(const uint8_t *data, size_t len)
{
	static uint32_t table[256];
	static bool table_made = false;
	uint32_t	crc = 0xffffffffU;

	if (!table_made)
	{
		for (uint32_t i = 0; i < 256; i++)
		{
			uint32_t	c = i;

			for (int bit = 0; bit < 8; bit++)
				c = (c & 1) ? (c >> 1) ^ 0x82f63b78U : c >> 1;
			table[i] = c;
		}
		table_made = true;
	}
	for (size_t i = 0; i < len; i++)
		crc = (crc >> 8) ^ table[(crc ^ data[i]) & 0xff];
	return crc ^ 0xffffffffU;
}

bool
journal_header_encode(const JournalHeader *header, uint8_t *out, uint8_t *link)
{
	memset(out, 0, JOURNAL_HEADER_SIZE);
	memcpy(out, header_magic, sizeof(header_magic));
	put_u32(out + 8, header->database);
	put_u64(out + 16, (uint64_t) header->created);
	memcpy(out + 24, header->id, AUDIT_ID_SIZE);
	put_u64(out + 40, header->system_identifier);
	put_u32(out + 48, journal_crc32c(out, 48));
	return merkle_sha256(out, JOURNAL_HEADER_SIZE, link);
}

/* By the version alone; 0 if it is none of a journal. */
static size_t
header_size(const uint8_t *data, size_t len)
{
	size_t		size;

	if (len < MAGIC_SIZE || memcmp(data, header_magic, MAGIC_VERSION_AT) != 0)
		return 0;
	switch (data[MAGIC_VERSION_AT])
	{
		case 1:
			size = JOURNAL_HEADER_SIZE_1;
			break;
		case HEADER_VERSION:
			size = JOURNAL_HEADER_SIZE;
			break;
		default:
			return 0;
	}
	return len >= size ? size : 0;
}

bool
journal_header_decode(const uint8_t *data, size_t len, JournalHeader *header)
{
	size_t		size = header_size(data, len);

	if (size == 0 || get_u32(data + 12) != 0 ||
		get_u32(data + size - 4) != journal_crc32c(data, size - 4))
		return false;
	header->database = get_u32(data + 8);
	header->created = (int64_t) get_u64(data + 16);
	memcpy(header->id, data + 24, AUDIT_ID_SIZE);
	header->system_identifier = size == JOURNAL_HEADER_SIZE_1 ? 0 : get_u64(data + 40);
	header->size = size;
	return true;
}

size_t
journal_frame_encode(const uint8_t *payload, size_t len, JournalReason reason,
					 uint8_t *link, uint8_t *out, size_t size)
{
	size_t		total = JOURNAL_FRAME_OVERHEAD + len;

	if (len == 0 || len > AUDIT_PAYLOAD_MAX || size < total)
		return 0;
	memcpy(out, frame_magic, sizeof(frame_magic));
	put_u32(out + 4, ((uint32_t) reason << 16) | (uint32_t) len);
	memcpy(out + 8, link, AUDIT_HASH_SIZE);
	memcpy(out + FRAME_PAYLOAD_AT, payload, len);
	put_u32(out + FRAME_PAYLOAD_AT + len, journal_crc32c(out, FRAME_PAYLOAD_AT + len));
	if (!merkle_sha256(out, total, link))
		return 0;
	return total;
}

/* Length of the sound frame at this place, or 0. */
static size_t
frame_at(const uint8_t *data, size_t size, size_t at)
{
	size_t		left = size - at;
	uint32_t	len;

	if (left < JOURNAL_FRAME_OVERHEAD || memcmp(data + at, frame_magic, sizeof(frame_magic)) != 0)
		return 0;
	len = get_u32(data + at + 4) & 0xffff;
	if (len == 0 || len > AUDIT_PAYLOAD_MAX || left - JOURNAL_FRAME_OVERHEAD < len)
		return 0;
	if (get_u32(data + at + FRAME_PAYLOAD_AT + len) !=
		journal_crc32c(data + at, FRAME_PAYLOAD_AT + len))
		return 0;
	return JOURNAL_FRAME_OVERHEAD + len;
}

void
journal_reader_init(JournalReader *reader, const uint8_t *data, size_t size, size_t offset)
{
	memset(reader, 0, sizeof(*reader));
	reader->data = data;
	reader->size = size;
	reader->offset = offset < size ? offset : size;
	if (offset != 0 && offset == header_size(data, size))
		reader->link_known = merkle_sha256(data, offset, reader->link);
}

JournalStep
journal_next(JournalReader *reader)
{
	size_t		len;

	reader->payload = NULL;
	reader->payload_len = 0;
	reader->reason = 0;
	reader->link_broken = false;
	reader->from = reader->to = reader->offset;
	if (reader->offset >= reader->size)
		return JOURNAL_END;

	len = frame_at(reader->data, reader->size, reader->offset);
	if (len > 0)
	{
		const uint8_t *frame = reader->data + reader->offset;

		reader->payload = frame + FRAME_PAYLOAD_AT;
		reader->payload_len = len - JOURNAL_FRAME_OVERHEAD;
		reader->reason = get_u32(frame + 4) >> 16;
		reader->link_broken = reader->link_known &&
			memcmp(frame + 8, reader->link, AUDIT_HASH_SIZE) != 0;
		reader->link_known = merkle_sha256(frame, len, reader->link);
		reader->offset += len;
		reader->to = reader->offset;
		return JOURNAL_FRAME;
	}

	/* The link after a gap is not known: the gap itself is what is reported. */
	reader->link_known = false;
	for (size_t at = reader->offset + 1; reader->size - at >= JOURNAL_FRAME_OVERHEAD && at < reader->size; at++)
	{
		const uint8_t *hit = memchr(reader->data + at, frame_magic[0], reader->size - at);

		if (hit == NULL)
			break;
		at = (size_t) (hit - reader->data);
		if (frame_at(reader->data, reader->size, at) > 0)
		{
			reader->offset = reader->to = at;
			return JOURNAL_DAMAGED;
		}
	}
	reader->offset = reader->to = reader->size;
	return JOURNAL_TORN;
}
