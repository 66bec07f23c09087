/*-------------------------------------------------------------------------
 *
 * notice_stage.c
 *		What the writer of the trail does for the worker that tells.
 *
 * Comes after the stage of incidents, which fills the outbox.  Wakes the worker
 * once the records are committed; nothing here waits for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_writer.h"
#include "pg_dataclass/event.h"
#include "pg_dataclass/notice.h"

static bool wake_wanted = false;

static bool
is_kind(const AuditRecord *record, EventKind kind)
{
	const AuditText *text = &record->text[AUDIT_KIND];
	const char *name = event_kind_name(kind);

	return text->len == strlen(name) && memcmp(text->data, name, text->len) == 0;
}

static void
look_at_records(TrailBatch *batch, List *records)
{
	ListCell   *cell;

	foreach(cell, records)
	{
		const TrailInserted *inserted = lfirst(cell);
		const AuditRecord *record = &inserted->record;

		if (record->number[AUDIT_BREACH].value != 0 ||
			is_kind(record, EVENT_INCIDENT) || is_kind(record, EVENT_MEASURE))
			wake_wanted = true;
	}
}

static void
wake_worker(const TrailHead *head)
{
	if (wake_wanted)
		notice_wake(MyDatabaseId);
	wake_wanted = false;
}

const WriterStage notice_stage = {
	.in_transaction = look_at_records,
	.after_commit = wake_worker
};
