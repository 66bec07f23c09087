/*-------------------------------------------------------------------------
 *
 * audit_record.h
 *		One record of the trail and its canonical encoding.  Pure.
 *
 * An event is encoded once, by the backend that saw it, into a payload.  The
 * same bytes go through the queue, into the journal, and into the leaf hash;
 * verify() makes them again from the columns.  docs/audit-format.md is the
 * byte-for-byte description.  Needs nothing of PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_RECORD_H
#define PG_DATACLASS_AUDIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_FORMAT_VERSION	1
#define AUDIT_HASH_SIZE			32
#define AUDIT_ID_SIZE			16

/* Order is the order of the encoding: part of the format. */
typedef enum AuditNumberField
{
	AUDIT_TIME,					/* microseconds since 1970-01-01 00:00 UTC */
	AUDIT_BREACH,				/* 0 or 1 */
	AUDIT_CLIENT_PORT,
	AUDIT_BACKEND_PID,
	AUDIT_TRANSACTION_ID,
	AUDIT_CLASS_ID,
	AUDIT_OBJECT_ID,
	AUDIT_OBJECT_SUBID,
	AUDIT_REPEATS,				/* events that the record stands for; absent: one */
	AUDIT_NUMBER_COUNT
} AuditNumberField;

typedef enum AuditTextField
{
	AUDIT_KIND,
	AUDIT_SEVERITY,
	AUDIT_OUTCOME,
	AUDIT_ACTION,
	AUDIT_SUBJECT,
	AUDIT_SESSION_USER,
	AUDIT_CURRENT_USER,
	AUDIT_AUTHENTICATED_USER,
	AUDIT_CLIENT_ADDR,
	AUDIT_APPLICATION,
	AUDIT_SESSION_ID,
	AUDIT_DATABASE,
	AUDIT_OBJECT_TYPE,
	AUDIT_OBJECT_IDENTITY,
	AUDIT_LABEL,
	AUDIT_RULE,
	AUDIT_REQUIRED_TIER,
	AUDIT_FOUND_TIER,
	AUDIT_STATEMENT,
	AUDIT_DETAIL,
	AUDIT_NODE,					/* server on which it happened */
	AUDIT_TEXT_COUNT
} AuditTextField;

typedef struct AuditNumber
{
	bool		present;
	int64_t		value;
} AuditNumber;

/* data is not NUL-terminated; NULL: absent */
typedef struct AuditText
{
	const char *data;
	uint32_t	len;
} AuditText;

typedef struct AuditRecord
{
	uint8_t		event_id[AUDIT_ID_SIZE];
	AuditNumber number[AUDIT_NUMBER_COUNT];
	AuditText	text[AUDIT_TEXT_COUNT];
} AuditRecord;

/* What the writer adds when the record gets its place in the trail. */
typedef struct AuditPlace
{
	int64_t		seq;			/* from 1, no gaps */
	int64_t		recorded_at;	/* microseconds since 1970-01-01 00:00 UTC */
	const char *origin;			/* "queue" | "journal" | "writer" */
	uint32_t	origin_len;
	uint8_t		prev_hash[AUDIT_HASH_SIZE];
} AuditPlace;

/* Longest text of each field, bytes; longer ones are cut at a character. */
extern const uint16_t audit_text_limit[AUDIT_TEXT_COUNT];

/* No payload is longer (checked by the unit test against the limits). */
#define AUDIT_PAYLOAD_MAX		5120
#define AUDIT_LEAF_MAX			(AUDIT_PAYLOAD_MAX + 96)

/* Cut len bytes of text to limit bytes so that no UTF-8 character is split. */
extern uint32_t audit_text_clip(const char *text, uint32_t len, uint32_t limit);

/* Returns the length, or 0 if it does not fit or a text is over its limit. */
extern size_t audit_payload_encode(const AuditRecord *record, uint8_t *out, size_t size);

/*
 * Strict: exactly what the encoder makes is accepted, nothing else.  Texts
 * point into data.  *error is a static text.
 */
extern bool audit_payload_decode(const uint8_t *data, size_t len, AuditRecord *record,
								 const char **error);

/* Bytes that the leaf hash covers (without RFC 9162's 0x00); 0 if they do not fit. */
extern size_t audit_leaf_encode(const AuditPlace *place, const uint8_t *payload, size_t payload_len,
								uint8_t *out, size_t size);

/* The same for a record whose payload was not encoded yet. */
extern size_t audit_leaf_encode_record(const AuditPlace *place, const AuditRecord *record,
									   uint8_t *out, size_t size);

#endif							/* PG_DATACLASS_AUDIT_RECORD_H */
