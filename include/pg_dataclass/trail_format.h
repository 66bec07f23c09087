/*-------------------------------------------------------------------------
 *
 * trail_format.h
 *		Lines of an exported trail, and the check of a whole one.  Pure.
 *
 *		trail  := header record* end
 *		header := "pg_dataclass trail 1 " from " " prev_hash (" " frontier_hash)*
 *		record := leaf
 *		end    := "end " to " " root
 *
 * Lines end with a newline; hashes and leaves are base64, numbers decimal.
 * What a reader accepts is one text for one trail: the encoding of each line
 * is unique.  docs/audit-format.md describes it byte for byte.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_TRAIL_FORMAT_H
#define PG_DATACLASS_TRAIL_FORMAT_H

#include <sys/types.h>

#include "pg_dataclass/audit_merkle.h"

#define TRAIL_HASH_CHARS	44	/* a hash in base64 */

/* No line is longer, its newline not counted. */
#define TRAIL_LINE_MAX		8192

/* Header and end line with their terminating zero. */
#define TRAIL_HEADER_MAX	(64 + (MERKLE_MAX_LEVELS + 1) * (TRAIL_HASH_CHARS + 1))
#define TRAIL_END_MAX		128

typedef enum TrailLine
{
	TRAIL_HEADER,				/* a range begins */
	TRAIL_RECORD,
	TRAIL_END,					/* a range ends, and its root is right */
	TRAIL_BAD
} TrailLine;

/*
 * Reads ranges that follow each other, line by line.  Bytes that a record
 * points into are those of the reader, until the next line.
 */
typedef struct TrailReader
{
	bool		started;		/* a header was read */
	bool		inside;			/* between header and end */
	int64_t		from;			/* first record of the first range */
	int64_t		next;			/* record that is expected */
	MerkleFrontier frontier;	/* over all records before next */
	uint8_t		prev_hash[AUDIT_HASH_SIZE]; /* leaf hash of the record before next */
	uint8_t		root[AUDIT_HASH_SIZE];	/* after TRAIL_END */

	/* the record that was read */
	AuditPlace	place;
	AuditRecord record;
	size_t		leaf_len;
	uint8_t		leaf[AUDIT_LEAF_MAX];
	uint8_t		leaf_hash[AUDIT_HASH_SIZE];

	/* record whose link does not fit, 0: none; which record is to blame shows later */
	int64_t		broken;
	int			broken_links;

	/* after TRAIL_BAD */
	int64_t		bad;			/* first bad record; 0: it is none of the records */
	const char *error;			/* static text */
} TrailReader;

extern void trail_reader_init(TrailReader *reader);

/* A line without its newline. */
extern TrailLine trail_reader_line(TrailReader *reader, const char *line, size_t len);

/* At the end of the last file: false if something is missing. */
extern bool trail_reader_finish(TrailReader *reader);

/* Text of a header and of an end line, without newline; 0 if it does not fit. */
extern size_t trail_header_text(int64_t from, const uint8_t *prev_hash, const MerkleFrontier *frontier,
								char *out, size_t size);
extern size_t trail_end_text(int64_t to, const uint8_t *root, char *out, size_t size);

/* Bytes decoded, -1 if the text is not the base64 of at most size bytes, with padding, and no other. */
extern ssize_t trail_base64_decode(const char *text, size_t len, uint8_t *out, size_t size);
/* Characters written and a zero behind them; 0 if they do not fit. */
extern size_t trail_base64_encode(const uint8_t *data, size_t len, char *out, size_t size);

/* Decimal, no sign, no leading zeros, at most 2^63 - 1. */
extern bool trail_number(const char *text, size_t len, int64_t *value);

#endif							/* PG_DATACLASS_TRAIL_FORMAT_H */
