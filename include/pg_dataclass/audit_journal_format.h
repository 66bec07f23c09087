/*-------------------------------------------------------------------------
 *
 * audit_journal_format.h
 *		Bytes of a journal file.  Pure.
 *
 *		file   := header frame*
 *		header := "DCJRNL" version(2) database(4) zero(4) created(8) id(16) crc(4)
 *		frame  := "DCFR" length(4) link(32) payload crc(4)
 *
 * Integers are big-endian.  crc is CRC-32C over all bytes of the header or
 * frame before it.  link is the SHA-256 of the previous frame, or of the
 * header: a frame taken out or put in is noticed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_JOURNAL_FORMAT_H
#define PG_DATACLASS_AUDIT_JOURNAL_FORMAT_H

#include "pg_dataclass/audit_record.h"

#define JOURNAL_HEADER_SIZE		44
#define JOURNAL_FRAME_OVERHEAD	44	/* without the payload */
#define JOURNAL_FRAME_MAX		(JOURNAL_FRAME_OVERHEAD + AUDIT_PAYLOAD_MAX)

typedef struct JournalHeader
{
	uint32_t	database;
	int64_t		created;		/* microseconds since 1970-01-01 00:00 UTC */
	uint8_t		id[AUDIT_ID_SIZE];
} JournalHeader;

typedef enum JournalStep
{
	JOURNAL_FRAME,				/* a whole, sound frame */
	JOURNAL_DAMAGED,			/* bytes from..to are no frame, a sound one follows */
	JOURNAL_TORN,				/* nothing sound from here to the end */
	JOURNAL_END
} JournalStep;

typedef struct JournalReader
{
	const uint8_t *data;
	size_t		size;
	size_t		offset;			/* of the next frame */
	bool		link_known;
	uint8_t		link[AUDIT_HASH_SIZE];
	/* result of the last step */
	size_t		from;
	size_t		to;
	const uint8_t *payload;
	size_t		payload_len;
	bool		link_broken;	/* the frame does not follow the one before it */
} JournalReader;

extern uint32_t journal_crc32c(const uint8_t *data, size_t len);

/* out: JOURNAL_HEADER_SIZE bytes; link: what the first frame carries */
extern bool journal_header_encode(const JournalHeader *header, uint8_t *out, uint8_t *link);
extern bool journal_header_decode(const uint8_t *data, size_t len, JournalHeader *header);

/* Returns the length, 0 if it does not fit; link is replaced by the next one. */
extern size_t journal_frame_encode(const uint8_t *payload, size_t len, uint8_t *link,
								   uint8_t *out, size_t size);

/* Start at the first frame, or at an offset where a frame is known to start. */
extern void journal_reader_init(JournalReader *reader, const uint8_t *data, size_t size, size_t offset);
extern JournalStep journal_next(JournalReader *reader);

#endif							/* PG_DATACLASS_AUDIT_JOURNAL_FORMAT_H */
