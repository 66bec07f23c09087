/*-------------------------------------------------------------------------
 *
 * audit_journal_format.h
 *		Bytes of a journal file.  Pure.
 *
 *		file   := header frame*
 *		header := "DCJRNL" version(2) database(4) zero(4) created(8) id(16)
 *				  system-identifier(8) crc(4)
 *		frame  := "DCFR" reason(2) length(2) link(32) payload crc(4)
 *
 * Integers are big-endian.  crc is CRC-32C over all bytes of the header or
 * frame before it.  link is the SHA-256 of the previous frame, or of the
 * header: a frame taken out or put in is noticed.  Files of version 1, without
 * system identifier and with no reason but 0, are read as well.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_JOURNAL_FORMAT_H
#define PG_DATACLASS_AUDIT_JOURNAL_FORMAT_H

#include "pg_dataclass/audit_record.h"

#define JOURNAL_HEADER_SIZE		52
#define JOURNAL_HEADER_SIZE_1	44	/* version 1 */
#define JOURNAL_FRAME_OVERHEAD	44	/* without the payload */
#define JOURNAL_FRAME_MAX		(JOURNAL_FRAME_OVERHEAD + AUDIT_PAYLOAD_MAX)

/*
 * Why an event is in a journal.  Order is part of the format: append only.
 * Numbers that a reader does not know are reasons of a later version.
 */
typedef enum JournalReason
{
	JOURNAL_DIRECT,				/* the journal is its ordinary way */
	JOURNAL_NO_TRAIL,			/* the database has no trail yet */
	JOURNAL_NO_WRITER,			/* nobody there who could start a writer, or it could not start */
	JOURNAL_WRITER_HELD,		/* the writer is kept away for a moment */
	JOURNAL_QUEUE_FULL,
	JOURNAL_TIMEOUT,			/* the writer did not answer in time */
	JOURNAL_WRITER_FAILED,		/* the writer could not insert */
	JOURNAL_NO_SPACE,			/* it found no space on the disk */
	JOURNAL_STANDBY,			/* hot standby: nobody can write */
	JOURNAL_TOO_MANY_DATABASES,
	JOURNAL_SINGLE_USER
} JournalReason;

#define JOURNAL_REASON_COUNT (JOURNAL_SINGLE_USER + 1)

typedef struct JournalHeader
{
	uint32_t	database;
	int64_t		created;		/* microseconds since 1970-01-01 00:00 UTC */
	uint8_t		id[AUDIT_ID_SIZE];
	uint64_t	system_identifier;	/* 0: version 1, not known */
	size_t		size;			/* of the header: the first frame starts there */
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
	unsigned	reason;			/* JournalReason, or a number of a later version */
	bool		link_broken;	/* the frame does not follow the one before it */
} JournalReader;

extern uint32_t journal_crc32c(const uint8_t *data, size_t len);

/* Words for a person; a text for any number. */
extern const char *journal_reason_text(unsigned reason);
/* Does the reason say that recording was impaired? */
extern bool journal_reason_impaired(unsigned reason);

/* out: JOURNAL_HEADER_SIZE bytes, of the present version; link: what the first frame carries */
extern bool journal_header_encode(const JournalHeader *header, uint8_t *out, uint8_t *link);
extern bool journal_header_decode(const uint8_t *data, size_t len, JournalHeader *header);

/* Returns the length, 0 if it does not fit; link is replaced by the next one. */
extern size_t journal_frame_encode(const uint8_t *payload, size_t len, JournalReason reason,
								   uint8_t *link, uint8_t *out, size_t size);

/* Start at the first frame, or at an offset where a frame is known to start. */
extern void journal_reader_init(JournalReader *reader, const uint8_t *data, size_t size, size_t offset);
extern JournalStep journal_next(JournalReader *reader);

#endif							/* PG_DATACLASS_AUDIT_JOURNAL_FORMAT_H */
