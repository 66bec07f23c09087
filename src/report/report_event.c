/*-------------------------------------------------------------------------
 *
 * report_event.c
 *		Reads records of the trail for the reports.
 *
 * Queries run as the caller, who needs SELECT on the trail: the reports show
 * nothing that a query would not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report_event.h"

#define UNIX_OFFSET		INT64CONST(946684800000000) /* 1970 to 2000, microseconds */

static const char *const field_column[FIELD_COUNT] = {
	[FIELD_SEQ] = "e.seq",
	[FIELD_EVENT_ID] = "e.event_id",
	[FIELD_TIME] = "e.\"time\"",
	[FIELD_RECORDED_AT] = "e.recorded_at",
	[FIELD_KIND] = "e.kind",
	[FIELD_SEVERITY] = "e.severity",
	[FIELD_OUTCOME] = "e.outcome",
	[FIELD_BREACH] = "e.breach",
	[FIELD_ACTION] = "e.action",
	[FIELD_SUBJECT] = "e.subject",
	[FIELD_SESSION_USER] = "e.session_user_name",
	[FIELD_CURRENT_USER] = "e.current_user_name",
	[FIELD_AUTHENTICATED_USER] = "e.authenticated_user",
	[FIELD_CLIENT_ADDR] = "e.client_addr",
	[FIELD_CLIENT_PORT] = "e.client_port",
	[FIELD_APPLICATION] = "e.application",
	[FIELD_BACKEND_PID] = "e.backend_pid",
	[FIELD_SESSION_ID] = "e.session_id",
	[FIELD_TRANSACTION_ID] = "e.transaction_id",
	[FIELD_DATABASE] = "e.database",
	[FIELD_OBJECT_TYPE] = "e.object_type",
	[FIELD_OBJECT_IDENTITY] = "e.object_identity",
	[FIELD_CLASS_ID] = "e.class_id",
	[FIELD_OBJECT_ID] = "e.object_id",
	[FIELD_OBJECT_SUBID] = "e.object_subid",
	[FIELD_LABEL] = "e.label",
	[FIELD_RULE] = "e.rule",
	[FIELD_REQUIRED_TIER] = "e.required_tier",
	[FIELD_FOUND_TIER] = "e.found_tier",
	[FIELD_STATEMENT] = "e.statement",
	[FIELD_DETAIL] = "e.detail",
	[FIELD_REPEATS] = "e.repeats",
	[FIELD_NODE] = "e.node",
	[FIELD_ORIGIN] = "e.origin",
	[FIELD_FORMAT_VERSION] = "e.format_version",
	[FIELD_PREV_HASH] = "pg_catalog.encode(e.prev_hash, 'hex')",
	[FIELD_LEAF_HASH] = "pg_catalog.encode(e.leaf_hash, 'hex')"
};

const char *
report_event_columns(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < FIELD_COUNT; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", field_column[i]);
	return list.data;
}

int64
report_unix_ms(TimestampTz time)
{
	/* infinite ones stay out of the arithmetic */
	if (TIMESTAMP_NOT_FINITE(time))
		return 0;
	return (time + UNIX_OFFSET) / 1000;
}

static int64
time_column(HeapTuple tuple, TupleDesc desc, ReportField field)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, field + 1, &isnull);

	return isnull ? 0 : report_unix_ms(DatumGetTimestampTz(value));
}

void
report_event_read(HeapTuple tuple, TupleDesc desc, ReportEvent *event)
{
	bool		isnull;

	for (int i = 0; i < FIELD_COUNT; i++)
		event->text[i] = i == FIELD_TIME || i == FIELD_RECORDED_AT ? NULL : SPI_getvalue(tuple, desc, i + 1);
	event->time_ms = time_column(tuple, desc, FIELD_TIME);
	event->recorded_ms = time_column(tuple, desc, FIELD_RECORDED_AT);
	event->breach = DatumGetBool(SPI_getbinval(tuple, desc, FIELD_BREACH + 1, &isnull));
}

static const char *
copy_value(int column, MemoryContext context)
{
	char	   *value = SPI_processed > 0 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column) : NULL;

	return MemoryContextStrdup(context, value ? value : "");
}

void
report_source_read(ReportSource *source, MemoryContext context)
{
	if (SPI_execute("SELECT pg_catalog.current_database(),"
					" (SELECT x.extversion FROM pg_catalog.pg_extension x WHERE x.extname OPERATOR(pg_catalog.=) 'pg_dataclass'),"
					" (SELECT pg_catalog.format('%s-%s', h.system_identifier, h.database_oid) FROM ONLY dataclass_audit.head h)",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read where the trail comes from");
	source->database = copy_value(1, context);
	source->version = copy_value(2, context);
	source->trail = copy_value(3, context);
}

char *
report_kind_title(const char *kind)
{
	char	   *title = pstrdup(kind);

	for (char *p = title; *p; p++)
	{
		if (*p == '_')
			*p = ' ';
	}
	if (strncmp(title, "ddl", 3) == 0)
		memcpy(title, "DDL", 3);
	else if (title[0] >= 'a' && title[0] <= 'z')
		title[0] = title[0] - 'a' + 'A';
	return title;
}

char *
report_label_class(const char *label)
{
	size_t		len;

	if (label == NULL)
		return NULL;
	len = strcspn(label, ": ");
	return len > 0 ? pnstrdup(label, len) : NULL;
}
