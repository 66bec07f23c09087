/*-------------------------------------------------------------------------
 *
 * incident_notice.c
 *		What the outbox says of an incident.
 *
 * Names, numbers and times only: never a statement, a value or a detail.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/uuid.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

static void
put_key(JsonbParseState **state, const char *key)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, key);
	v.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &v);
}

static void
put_string(JsonbParseState **state, const char *key, const char *text, int len)
{
	JsonbValue	v;

	if (text == NULL)
		return;
	put_key(state, key);
	v.type = jbvString;
	v.val.string.val = pnstrdup(text, len);
	v.val.string.len = len;
	pushJsonbValue(state, WJB_VALUE, &v);
}

static void
put_text(JsonbParseState **state, const char *key, const char *text)
{
	if (text != NULL)
		put_string(state, key, text, strlen(text));
}

static void
put_number(JsonbParseState **state, const char *key, int64 number)
{
	JsonbValue	v;

	put_key(state, key);
	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(number);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/* ISO 8601, in UTC: the reader is elsewhere. */
static void
put_time(JsonbParseState **state, const char *key, TimestampTz t)
{
	char		buf[MAXDATELEN + 1];
	int			utc = 0;

	JsonEncodeDateTime(buf, TimestampTzGetDatum(t), TIMESTAMPTZOID, &utc);
	put_text(state, key, buf);
}

static void
put_record(JsonbParseState **state, const AuditRecord *record)
{
	static const struct
	{
		AuditTextField field;
		const char *key;
	}			texts[] = {
		{AUDIT_OUTCOME, "outcome"},
		{AUDIT_ACTION, "action"},
		{AUDIT_AUTHENTICATED_USER, "authenticated_user"},
		{AUDIT_CLIENT_ADDR, "client_addr"},
		{AUDIT_OBJECT_TYPE, "object_type"},
		{AUDIT_OBJECT_IDENTITY, "object_identity"},
		{AUDIT_LABEL, "label"},
		{AUDIT_NODE, "node"},
	};

	put_text(state, "event_id", DatumGetCString(DirectFunctionCall1(uuid_out, PointerGetDatum(record->event_id))));
	put_time(state, "time", audit_timestamp(record->number[AUDIT_TIME].value));
	if (record->number[AUDIT_REPEATS].present)
		put_number(state, "repeats", record->number[AUDIT_REPEATS].value);
	for (int i = 0; i < lengthof(texts); i++)
		put_string(state, texts[i].key, record->text[texts[i].field].data, record->text[texts[i].field].len);
}

static Datum
notice_body(int64 id, const Incident *incident, const IncidentNotice *notice)
{
	JsonbParseState *state = NULL;
	JsonbValue *result;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	put_number(&state, "version", 1);
	put_number(&state, "notice", id);
	put_text(&state, "subject", notice->subject);
	put_text(&state, "reason", notice->reason);
	put_text(&state, "database", get_database_name(MyDatabaseId));
	put_number(&state, "incident", incident->id);
	put_time(&state, "discovered_at", incident->discovered_at);
	put_time(&state, "first_time", incident->first_time);
	put_time(&state, "last_time", incident->last_time);
	put_number(&state, "breaches", incident->breaches);
	put_text(&state, "kind", incident->kind);
	put_text(&state, "rule", incident->rule);
	put_text(&state, "role", incident->subject);
	put_text(&state, "class", incident->class_name);
	put_text(&state, "severity", event_severity_name(incident->severity));
	put_number(&state, "seq", notice->seq);
	if (notice->record)
		put_record(&state, &notice->record->record);
	if (notice->recipient)
	{
		put_text(&state, "recipient", notice->recipient);
		put_time(&state, "due", notice->due);
	}
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(result));
}

/* The writer alone makes notices, and sees its own after each of them. */
void
incident_notice_put(IncidentTable *table, const Incident *incident, const IncidentNotice *notice,
					TimestampTz now)
{
	int64		id;

	CommandCounterIncrement();
	id = incident_highest(table->rel, "notice_pkey", 1) + 1;
	incident_notice_insert(table, id, now, incident->id, notice->seq, notice->subject,
						   notice_body(id, incident, notice));
}
