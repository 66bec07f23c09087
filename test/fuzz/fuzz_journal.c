/*-------------------------------------------------------------------------
 *
 * fuzz_journal.c
 *		Fuzz target of the journal reader and of the payload decoder.
 *
 * The input is a journal file.  The reader must come to an end, report regions
 * that follow each other without a gap, and never look outside of the file;
 * a payload that is accepted must encode to the same bytes.
 *
 * LINK: src/audit/audit_journal_format.c src/audit/audit_merkle.c src/audit/audit_encode.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_journal_format.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_payload(const uint8_t *data, size_t len)
{
	uint8_t		again[AUDIT_PAYLOAD_MAX];
	AuditRecord record;
	const char *error = NULL;

	if (!audit_payload_decode(data, len, &record, &error))
	{
		FUZZ_CHECK(error != NULL);
		return;
	}
	FUZZ_CHECK(audit_payload_encode(&record, again, sizeof(again)) == len);
	FUZZ_CHECK(memcmp(again, data, len) == 0);
}

static void
check_file(const uint8_t *data, size_t size, size_t offset)
{
	JournalReader reader;
	JournalStep step;
	size_t		at = offset < size ? offset : size;

	journal_reader_init(&reader, data, size, offset);
	while ((step = journal_next(&reader)) != JOURNAL_END)
	{
		FUZZ_CHECK(reader.from == at && reader.to > reader.from && reader.to <= size);
		FUZZ_CHECK(reader.offset == reader.to);
		at = reader.to;
		if (step == JOURNAL_TORN)
			FUZZ_CHECK(reader.to == size);
		if (step != JOURNAL_FRAME)
			continue;
		FUZZ_CHECK(journal_reason_text(reader.reason) != NULL);
		FUZZ_CHECK(reader.payload >= data && reader.payload + reader.payload_len <= data + size);
		check_payload(reader.payload, reader.payload_len);
	}
	FUZZ_CHECK(at == size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JournalHeader header;
	uint8_t    *copy = malloc(size ? size : 1);

	/* Of the exact size, so that a sanitizer can watch its end. */
	memcpy(copy, data, size);
	if (journal_header_decode(copy, size, &header))
		FUZZ_CHECK(header.size <= size);
	check_file(copy, size, JOURNAL_HEADER_SIZE);
	check_file(copy, size, JOURNAL_HEADER_SIZE_1);
	check_file(copy, size, 0);
	check_payload(copy, size);
	free(copy);
	return 0;
}
