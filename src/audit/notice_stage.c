/*-------------------------------------------------------------------------
 *
 * notice_stage.c
 *		What the writer of the trail does for the worker that tells.
 *
 * Comes after the stage of incidents, which fills the outbox with breaches.
 * Puts measures of response rules there, within a subtransaction: whatever is
 * wrong with the outbox, the records stay.  Wakes the worker once they are
 * committed; nothing here waits for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/event.h"
#include "pg_dataclass/incident_internal.h"
#include "pg_dataclass/notice.h"

static bool wake_wanted = false;

void
notice_stage_want(void)
{
	wake_wanted = true;
}

static bool
is_kind(const AuditRecord *record, EventKind kind)
{
	const AuditText *text = &record->text[AUDIT_KIND];
	const char *name = event_kind_name(kind);

	return text->len == strlen(name) && memcmp(text->data, name, text->len) == 0;
}

static void
put_text(StringInfo out, const char *key, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(out, ", \"%s\": ", key);
	escape_json(out, text);
}

/* The parts of a record that say which measure it was; no statement, no value. */
static Datum
measure_body(int64 id, const TrailInserted *inserted)
{
	static const struct
	{
		AuditTextField field;
		const char *key;
	}			texts[] = {
		{AUDIT_KIND, "kind"},
		{AUDIT_SEVERITY, "severity"},
		{AUDIT_ACTION, "action"},
		{AUDIT_RULE, "rule"},
		{AUDIT_OBJECT_TYPE, "object_type"},
		{AUDIT_OBJECT_IDENTITY, "object_identity"},
		{AUDIT_LABEL, "label"},
		{AUDIT_DETAIL, "detail"},
		{AUDIT_NODE, "node"},
	};
	const AuditRecord *record = &inserted->record;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"version\": 1, \"notice\": %lld, \"subject\": \"measure\", \"seq\": %lld",
					 (long long) id, (long long) inserted->seq);
	put_text(&out, "database", get_database_name(MyDatabaseId));
	put_text(&out, "class", incident_class_of(&record->text[AUDIT_LABEL]));
	for (int i = 0; i < lengthof(texts); i++)
	{
		const AuditText *text = &record->text[texts[i].field];

		put_text(&out, texts[i].key, text->data ? pnstrdup(text->data, text->len) : NULL);
	}
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

static void
put_measures(List *records)
{
	IncidentTable notices;
	ListCell   *cell;

	incident_table_open(&notices, "notice", INCIDENT_NOTICE_NATTS);
	foreach(cell, records)
	{
		const TrailInserted *inserted = lfirst(cell);
		int64		id;

		if (!is_kind(&inserted->record, EVENT_MEASURE))
			continue;
		CommandCounterIncrement();
		id = incident_highest(notices.rel, "notice_pkey", 1) + 1;
		incident_notice_insert(&notices, id, GetCurrentTimestamp(), 0, inserted->seq, "measure",
							   measure_body(id, inserted));
	}
	incident_table_close(&notices);
	CommandCounterIncrement();
}

static void
put_measures_apart(List *records)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		put_measures(records);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("could not put a measure into the outbox: %s", error->message),
				 errdetail("The measure is recorded in the audit trail.")));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(cxt);
	CurrentResourceOwner = owner;
}

static void
look_at_records(TrailBatch *batch, List *records)
{
	bool		measures = false;
	ListCell   *cell;

	foreach(cell, records)
	{
		const AuditRecord *record = &((const TrailInserted *) lfirst(cell))->record;

		measures = measures || is_kind(record, EVENT_MEASURE);
		wake_wanted = wake_wanted || record->number[AUDIT_BREACH].value != 0;
	}
	if (measures)
		put_measures_apart(records);
}

static void
wake_worker(const TrailHead *head)
{
	if (wake_wanted)
		notice_wake(MyDatabaseId);
	wake_wanted = false;
}

/* Transactions without records fill the outbox, too. */
static long
wake_in_between(TimestampTz now)
{
	wake_worker(NULL);
	return -1;
}

const WriterStage notice_stage = {
	.in_transaction = look_at_records,
	.after_commit = wake_worker,
	.tick = wake_in_between
};
