/*-------------------------------------------------------------------------
 *
 * report_event.h
 *		Records of the trail as reports read them, and their export formats.
 *
 * The texts are in the encoding of the database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_EVENT_H
#define PG_DATACLASS_REPORT_EVENT_H

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"

#define REPORT_OCSF_VERSION		"1.5.0"
#define REPORT_PRODUCT			"pg_dataclass"

typedef enum ReportField
{
	FIELD_SEQ,
	FIELD_EVENT_ID,
	FIELD_TIME,
	FIELD_RECORDED_AT,
	FIELD_KIND,
	FIELD_SEVERITY,
	FIELD_OUTCOME,
	FIELD_BREACH,
	FIELD_ACTION,
	FIELD_SUBJECT,
	FIELD_SESSION_USER,
	FIELD_CURRENT_USER,
	FIELD_AUTHENTICATED_USER,
	FIELD_CLIENT_ADDR,
	FIELD_CLIENT_PORT,
	FIELD_APPLICATION,
	FIELD_BACKEND_PID,
	FIELD_SESSION_ID,
	FIELD_TRANSACTION_ID,
	FIELD_DATABASE,
	FIELD_OBJECT_TYPE,
	FIELD_OBJECT_IDENTITY,
	FIELD_CLASS_ID,
	FIELD_OBJECT_ID,
	FIELD_OBJECT_SUBID,
	FIELD_LABEL,
	FIELD_RULE,
	FIELD_REQUIRED_TIER,
	FIELD_FOUND_TIER,
	FIELD_STATEMENT,
	FIELD_DETAIL,
	FIELD_REPEATS,
	FIELD_NODE,
	FIELD_ORIGIN,
	FIELD_FORMAT_VERSION,
	FIELD_PREV_HASH,
	FIELD_LEAF_HASH,
	FIELD_COUNT
} ReportField;

/* NULL: the record does not have it. */
typedef struct ReportEvent
{
	const char *text[FIELD_COUNT];
	int64		time_ms;		/* since 1970, UTC */
	int64		recorded_ms;
	bool		breach;
} ReportEvent;

/* Where the records come from. */
typedef struct ReportSource
{
	const char *database;
	const char *version;		/* of the extension */
	const char *trail;			/* system identifier and number of the database */
} ReportSource;

/*
 * Columns to select, in order of the enum, from dataclass_audit.event with alias e;
 * extra columns may follow.
 */
extern const char *report_event_columns(void);
extern void report_event_read(HeapTuple tuple, TupleDesc desc, ReportEvent *event);

/* Needs SPI; texts are allocated in context. */
extern void report_source_read(ReportSource *source, MemoryContext context);

/* "Access denied" for access_denied; palloc'd. */
extern char *report_kind_title(const char *kind);

/* Name of the class in a label, up to the first colon or blank; palloc'd, NULL for none. */
extern char *report_label_class(const char *label);

extern int64 report_unix_ms(TimestampTz time);

/* One line each, without its end. */
extern void report_ocsf_event(StringInfo out, const ReportEvent *event, const ReportSource *source);
extern void report_cef_event(StringInfo out, const ReportEvent *event, const ReportSource *source);

/* OCSF class and activity of a record: class * 100 + activity. */
extern int	report_ocsf_type(const ReportEvent *event);
extern int	report_ocsf_severity(const char *severity);

#endif							/* PG_DATACLASS_REPORT_EVENT_H */
