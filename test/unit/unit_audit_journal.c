/*-------------------------------------------------------------------------
 *
 * unit_audit_journal.c
 *		Journal files: read back, cut anywhere, damaged anywhere, reordered.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_journal_format.h"
#include "pg_dataclass/audit_merkle.h"
#include "tap.h"

#define FRAMES 5

static uint8_t file[4096];
static size_t frame_start[FRAMES + 1];

static size_t
make_file(void)
{
	JournalHeader header = {.database = 16384,.created = INT64_C(1732406400123456),.system_identifier = UINT64_C(0xfedcba9876543210)};
	uint8_t		link[AUDIT_HASH_SIZE];
	size_t		at = JOURNAL_HEADER_SIZE;

	for (int i = 0; i < AUDIT_ID_SIZE; i++)
		header.id[i] = (uint8_t) i;
	journal_header_encode(&header, file, link);
	for (int i = 0; i < FRAMES; i++)
	{
		char		payload[64];

		memset(payload, 'a' + i, sizeof(payload));
		frame_start[i] = at;
		at += journal_frame_encode((const uint8_t *) payload, 10 + i, (JournalReason) (i % JOURNAL_REASON_COUNT), link, file + at, sizeof(file) - at);
	}
	frame_start[FRAMES] = at;
	return at;
}

/* Count steps of each kind; the size copy lets a sanitizer see any step over the end. */
static void
read_all(const uint8_t *data, size_t size, int *steps, int *broken)
{
	uint8_t    *copy = malloc(size ? size : 1);
	JournalReader reader;
	JournalStep step;
	int			guard = 0;

	memcpy(copy, data, size);
	memset(steps, 0, 4 * sizeof(int));
	*broken = 0;
	journal_reader_init(&reader, copy, size, JOURNAL_HEADER_SIZE);
	while ((step = journal_next(&reader)) != JOURNAL_END && guard++ < 10000)
	{
		steps[step]++;
		*broken += reader.link_broken;
	}
	free(copy);
}

static void
check_whole(size_t size)
{
	JournalHeader header;
	int			steps[4];
	int			broken;
	int			wrong = 0;

	tap_is_int(journal_crc32c((const uint8_t *) "123456789", 9), 0xe3069283LL, "CRC-32C of the standard check string");
	tap_ok(journal_header_decode(file, size, &header), "header is read back");
	tap_ok(header.database == 16384 && header.created == INT64_C(1732406400123456) && header.id[15] == 15 &&
		   header.system_identifier == UINT64_C(0xfedcba9876543210) && header.size == JOURNAL_HEADER_SIZE,
		   "with what was put in");
	for (size_t at = 0; at < JOURNAL_HEADER_SIZE; at++)
	{
		file[at] ^= 0x20;
		wrong += journal_header_decode(file, size, &header);
		file[at] ^= 0x20;
	}
	tap_is_int(wrong, 0, "no damaged header is accepted");
	read_all(file, size, steps, &broken);
	tap_ok(steps[JOURNAL_FRAME] == FRAMES && steps[JOURNAL_DAMAGED] == 0 && steps[JOURNAL_TORN] == 0 && broken == 0,
		   "all frames, nothing else");
}

static void
check_cut(size_t size)
{
	int			wrong = 0;

	for (size_t cut = JOURNAL_HEADER_SIZE; cut < size; cut++)
	{
		int			steps[4];
		int			broken;
		int			whole = 0;
		bool		clean = false;

		for (int i = 0; i < FRAMES; i++)
			whole += frame_start[i + 1] <= cut;
		for (int i = 0; i <= FRAMES; i++)
			clean = clean || frame_start[i] == cut;
		read_all(file, cut, steps, &broken);
		if (steps[JOURNAL_FRAME] != whole || steps[JOURNAL_TORN] != !clean || steps[JOURNAL_DAMAGED] != 0 || broken)
			wrong++;
	}
	tap_is_int(wrong, 0, "cut anywhere: the whole frames, and one torn tail");
}

static void
check_damage(size_t size)
{
	int			wrong = 0;

	for (size_t at = JOURNAL_HEADER_SIZE; at < size; at++)
	{
		int			steps[4];
		int			broken;
		bool		last = at >= frame_start[FRAMES - 1];

		file[at] ^= 0x01;
		read_all(file, size, steps, &broken);
		file[at] ^= 0x01;
		if (steps[JOURNAL_FRAME] != FRAMES - 1 || steps[JOURNAL_TORN] != last || steps[JOURNAL_DAMAGED] != !last)
			wrong++;
	}
	tap_is_int(wrong, 0, "any byte damaged: its frame is lost, the others are not");
}

static void
check_removed(size_t size)
{
	uint8_t		copy[sizeof(file)];
	int			steps[4];
	int			broken;

	memcpy(copy, file, frame_start[1]);
	memcpy(copy + frame_start[1], file + frame_start[2], size - frame_start[2]);
	read_all(copy, size - (frame_start[2] - frame_start[1]), steps, &broken);
	tap_ok(steps[JOURNAL_FRAME] == FRAMES - 1 && broken == 1, "a frame taken out breaks one link");
	memcpy(copy, file, frame_start[2]);
	memcpy(copy + frame_start[2], file + frame_start[1], size - frame_start[1]);
	read_all(copy, size + (frame_start[2] - frame_start[1]), steps, &broken);
	tap_ok(steps[JOURNAL_FRAME] == FRAMES + 1 && broken == 1, "a frame replayed breaks one link");
}

/* Why an event is there comes with it, and with nothing else. */
static void
check_reasons(size_t size)
{
	JournalReader reader;
	int			wrong = 0;

	journal_reader_init(&reader, file, size, JOURNAL_HEADER_SIZE);
	for (int i = 0; journal_next(&reader) == JOURNAL_FRAME; i++)
		wrong += reader.reason != (unsigned) i || reader.payload_len != (size_t) (10 + i);
	tap_is_int(wrong, 0, "each frame has its reason and its length");
	for (unsigned i = 0; i < JOURNAL_REASON_COUNT; i++)
		wrong += journal_reason_text(i) == NULL || strcmp(journal_reason_text(i), journal_reason_text(65535)) == 0;
	tap_is_int(wrong, 0, "each reason has words of its own");
	tap_ok(!journal_reason_impaired(JOURNAL_DIRECT) && journal_reason_impaired(JOURNAL_STANDBY) &&
		   journal_reason_impaired(65535), "a reason of a later version is an impairment");
}

/* A file of version 1: shorter header, no reasons. */
static void
check_version_1(void)
{
	static const uint8_t magic[8] = {'D', 'C', 'J', 'R', 'N', 'L', 0, 1};
	uint8_t		old[512] = {0};
	uint8_t		link[AUDIT_HASH_SIZE];
	uint32_t	crc;
	size_t		size = JOURNAL_HEADER_SIZE_1;
	JournalHeader header;
	JournalReader reader;

	memcpy(old, magic, sizeof(magic));
	old[11] = 7;
	crc = journal_crc32c(old, 40);
	for (int i = 0; i < 4; i++)
		old[40 + i] = (uint8_t) (crc >> (24 - 8 * i));
	(void) merkle_sha256(old, JOURNAL_HEADER_SIZE_1, link);
	size += journal_frame_encode((const uint8_t *) "payload", 7, JOURNAL_DIRECT, link, old + size, sizeof(old) - size);
	tap_ok(journal_header_decode(old, size, &header) && header.database == 7 &&
		   header.system_identifier == 0 && header.size == JOURNAL_HEADER_SIZE_1, "header of version 1");
	journal_reader_init(&reader, old, size, header.size);
	tap_ok(reader.link_known && journal_next(&reader) == JOURNAL_FRAME && !reader.link_broken &&
		   reader.payload_len == 7 && journal_next(&reader) == JOURNAL_END, "and its frame");
	old[7] = 3;
	tap_ok(!journal_header_decode(old, size, &header), "no later version is read");
}

static void
check_limits(void)
{
	static uint8_t big[AUDIT_PAYLOAD_MAX + 1];
	uint8_t		out[JOURNAL_FRAME_MAX];
	uint8_t		link[AUDIT_HASH_SIZE] = {0};

	tap_ok(journal_frame_encode(big, 0, JOURNAL_DIRECT, link, out, sizeof(out)) == 0, "no empty frame");
	tap_ok(journal_frame_encode(big, AUDIT_PAYLOAD_MAX + 1, JOURNAL_DIRECT, link, out, sizeof(out)) == 0, "no frame over the limit");
	tap_ok(journal_frame_encode(big, AUDIT_PAYLOAD_MAX, JOURNAL_SINGLE_USER, link, out, sizeof(out)) == sizeof(out), "the longest frame");
	tap_ok(journal_frame_encode(big, 100, JOURNAL_DIRECT, link, out, 143) == 0, "no frame that does not fit");
}

int
main(void)
{
	size_t		size = make_file();

	check_whole(size);
	check_cut(size);
	check_damage(size);
	check_removed(size);
	check_reasons(size);
	check_version_1();
	check_limits();
	return tap_done();
}
