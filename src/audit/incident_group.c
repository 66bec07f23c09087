/*-------------------------------------------------------------------------
 *
 * incident_group.c
 *		Breaches become incidents.
 *
 * A breach joins the incident of the same kind, rule and subject whose breaches
 * are not further away in time than dataclass.incident_window and which is not
 * closed; else it opens one.  Overdue disclosures are breaches about an
 * incident that is there: they join it and never open another.
 *
 * Owns the list of incidents that a breach may join, in a context of its own.
 * It is right only if every transaction that changed it committed: after any
 * other incident_group_reset() makes it be read again.  Records are looked
 * through in order and each one once: "position" is the last one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

#define POSITION_STEP	1000	/* records until the position is written with a breach */
#define POSITION_LAG	10000	/* and without one */

/* An incident that is not closed, as far as known. */
typedef struct OpenIncident
{
	Incident	row;
	uint32		hash;			/* of kind, rule, subject */
	TimestampTz touched_at;		/* when a breach joined it last */
	bool		fresh;			/* not inserted yet */
	bool		changed;		/* by the records at hand */
	bool		raised;			/* class or severity rose by them */
	TrailInserted *last;		/* of the records at hand */
} OpenIncident;

typedef struct GroupTables
{
	IncidentTable record;
	IncidentTable event;
	IncidentTable step;
	IncidentTable deadline;
	IncidentTable notice;
} GroupTables;

static MemoryContext group_cxt = NULL;	/* NULL: not loaded */
static List *open_incidents = NIL;	/* of OpenIncident */
static List *opened = NIL;		/* of OpenIncident, whose event is not inserted yet */
static int64 last_id = 0;
static int64 position = 0;
static int64 written_position = 0;

void
incident_group_reset(void)
{
	if (group_cxt != NULL)
		MemoryContextDelete(group_cxt);
	group_cxt = NULL;
	open_incidents = NIL;
	opened = NIL;
}

int64
incident_group_position(void)
{
	return position;
}

void
incident_group_skip(int64 up_to)
{
	position = Max(position, up_to);
}

bool
incident_group_position_lags(void)
{
	return group_cxt != NULL && position - written_position >= POSITION_LAG;
}

static uint32
hash_text(const char *data, int len)
{
	return data ? hash_bytes((const unsigned char *) data, len) : 0;
}

static uint32
hash_of_record(const AuditRecord *record)
{
	const AuditText *t = record->text;

	return hash_combine(hash_combine(hash_text(t[AUDIT_KIND].data, t[AUDIT_KIND].len),
									 hash_text(t[AUDIT_RULE].data, t[AUDIT_RULE].len)),
						hash_text(t[AUDIT_SUBJECT].data, t[AUDIT_SUBJECT].len));
}

static uint32
hash_of_incident(const Incident *row)
{
	return hash_combine(hash_combine(hash_text(row->kind, strlen(row->kind)),
									 hash_text(row->rule, row->rule ? strlen(row->rule) : 0)),
						hash_text(row->subject, row->subject ? strlen(row->subject) : 0));
}

/* ------------------------------------------------------------------------
 * Loading
 * ------------------------------------------------------------------------
 */

static bool
may_grow(const Incident *row, TimestampTz touched_at, TimestampTz now)
{
	TimestampTz last = Max(row->last_time, touched_at);

	return now - last <= guc_incident_window * USECS_PER_SEC;
}

static bool
is_closed(Relation steps, int64 incident)
{
	IncidentStep step;

	return incident_step_last(steps, incident, &step) && step.state == INCIDENT_CLOSED;
}

static char *
keep_string(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static OpenIncident *
keep_incident(const Incident *row)
{
	OpenIncident *incident = palloc0(sizeof(OpenIncident));

	incident->row = *row;
	incident->row.kind = keep_string(row->kind);
	incident->row.rule = keep_string(row->rule);
	incident->row.subject = keep_string(row->subject);
	incident->row.class_name = keep_string(row->class_name);
	incident->row.object_type = keep_string(row->object_type);
	incident->row.object_identity = keep_string(row->object_identity);
	return incident;
}

static void
load_open(Relation rel, Relation steps, MemoryContext cxt)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "dataclass incident row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(each);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Incident	row;
		OpenIncident *incident;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(each);
		/* a damaged row costs its incident further breaches, which open another */
		if (!incident_record_read(tuple, RelationGetDescr(rel), &row))
			continue;
		if ((!may_grow(&row, row.discovered_at, now) && row.breaches <= row.noticed_breaches) ||
			is_closed(steps, row.id))
			continue;
		MemoryContextSwitchTo(cxt);
		incident = keep_incident(&row);
		incident->hash = hash_of_incident(&row);
		incident->touched_at = row.discovered_at;
		open_incidents = lappend(open_incidents, incident);
		MemoryContextSwitchTo(each);
	}
	MemoryContextSwitchTo(old);
	systable_endscan(scan);
	MemoryContextDelete(each);
}

static int64
read_position(void)
{
	Relation	rel = incident_relation_open("incident_position", INCIDENT_POSITION_NATTS, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	int64		seq = 0;

	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull);

		if (!isnull)
			seq = DatumGetInt64(value);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return seq;
}

/* For other processes than the writer. */
int64
incident_looked_through(void)
{
	Relation	events = incident_relation_open("incident_event", INCIDENT_EVENT_NATTS, AccessShareLock);
	int64		written = read_position();
	int64		highest = incident_highest(events, "incident_event_seq_key", 2);

	table_close(events, AccessShareLock);
	return Max(written, highest);
}

int64
incident_group_load(void)
{
	Relation	rel;
	Relation	events;
	Relation	steps;
	MemoryContext cxt;
	int64		highest;

	if (group_cxt != NULL)
		return position;
	rel = incident_relation_open("incident_record", INCIDENT_COLUMN_COUNT, AccessShareLock);
	events = incident_relation_open("incident_event", INCIDENT_EVENT_NATTS, AccessShareLock);
	steps = incident_relation_open("incident_step", INCIDENT_STEP_NATTS, AccessShareLock);
	cxt = AllocSetContextCreate(CurrentMemoryContext, "dataclass incidents", ALLOCSET_DEFAULT_SIZES);
	open_incidents = NIL;
	opened = NIL;
	load_open(rel, steps, cxt);
	last_id = incident_highest(rel, "incident_record_pkey", INCIDENT_ID);
	written_position = read_position();
	highest = incident_highest(events, "incident_event_seq_key", 2);
	position = Max(written_position, highest);
	table_close(steps, AccessShareLock);
	table_close(events, AccessShareLock);
	table_close(rel, AccessShareLock);
	MemoryContextSetParent(cxt, TopMemoryContext);
	group_cxt = cxt;
	return position;
}

/* ------------------------------------------------------------------------
 * Grouping
 * ------------------------------------------------------------------------
 */

static void
drop_incident(OpenIncident *incident)
{
	char	   *texts[] = {incident->row.kind, incident->row.rule, incident->row.subject,
	incident->row.class_name, incident->row.object_type, incident->row.object_identity};

	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL)
			pfree(texts[i]);
	}
	pfree(incident);
}

static char *
keep_text(const AuditText *text)
{
	return text->data ? pnstrdup(text->data, text->len) : NULL;
}

static bool
text_is(const AuditText *text, const char *name)
{
	if (text->data == NULL || name == NULL)
		return text->data == NULL && name == NULL;
	return text->len == strlen(name) && memcmp(text->data, name, text->len) == 0;
}

static bool
within_window(const Incident *row, TimestampTz t)
{
	int64		window = guc_incident_window * USECS_PER_SEC;

	return t >= row->first_time - window && t <= row->last_time + window;
}

static OpenIncident *
find_open(GroupTables *tables, const AuditRecord *record, uint32 hash, TimestampTz t)
{
	ListCell   *cell;

	foreach(cell, open_incidents)
	{
		OpenIncident *incident = lfirst(cell);

		if (incident->hash != hash || !within_window(&incident->row, t) ||
			!text_is(&record->text[AUDIT_KIND], incident->row.kind) ||
			!text_is(&record->text[AUDIT_RULE], incident->row.rule) ||
			!text_is(&record->text[AUDIT_SUBJECT], incident->row.subject))
			continue;
		/* the first time that the records at hand touch it: sessions may have closed it */
		if (!incident->changed && is_closed(tables->step.rel, incident->row.id))
		{
			open_incidents = foreach_delete_current(open_incidents, cell);
			drop_incident(incident);
			continue;
		}
		return incident;
	}
	return NULL;
}

static int
record_severity(const AuditRecord *record)
{
	for (int i = SEVERITY_INFO; i < SEVERITY_CRITICAL; i++)
	{
		if (text_is(&record->text[AUDIT_SEVERITY], event_severity_name(i)))
			return i;
	}
	return SEVERITY_CRITICAL;
}

static OpenIncident *
open_new(const TrailInserted *inserted, uint32 hash, TimestampTz t)
{
	const AuditRecord *record = &inserted->record;
	MemoryContext old = MemoryContextSwitchTo(group_cxt);
	OpenIncident *incident = palloc0(sizeof(OpenIncident));
	Incident   *row = &incident->row;

	row->id = ++last_id;
	row->discovered_at = GetCurrentTimestamp();
	row->first_seq = inserted->seq;
	row->first_time = row->last_time = t;
	row->kind = keep_text(&record->text[AUDIT_KIND]);
	row->rule = keep_text(&record->text[AUDIT_RULE]);
	row->subject = keep_text(&record->text[AUDIT_SUBJECT]);
	row->object_type = keep_text(&record->text[AUDIT_OBJECT_TYPE]);
	row->object_identity = keep_text(&record->text[AUDIT_OBJECT_IDENTITY]);
	row->severity = record_severity(record);
	row->noticed_at = row->discovered_at;
	incident->hash = hash;
	incident->fresh = true;
	open_incidents = lappend(open_incidents, incident);
	opened = lappend(opened, incident);
	MemoryContextSwitchTo(old);
	return incident;
}

static void
set_class(Incident *row, const char *class_name)
{
	if (row->class_name != NULL)
		pfree(row->class_name);
	row->class_name = NULL;
	row->class_name = MemoryContextStrdup(group_cxt, class_name);
}

/* Count a breach in. */
static OpenIncident *
join_incident(GroupTables *tables, TrailInserted *inserted)
{
	const AuditRecord *record = &inserted->record;
	TimestampTz t = record->number[AUDIT_TIME].present ?
		audit_timestamp(record->number[AUDIT_TIME].value) : audit_timestamp(inserted->recorded_at);
	uint32		hash = hash_of_record(record);
	char	   *class_name = incident_class_of(&record->text[AUDIT_LABEL]);
	int			severity = record_severity(record);
	OpenIncident *incident = find_open(tables, record, hash, t);
	Incident   *row;
	int64		repeats = record->number[AUDIT_REPEATS].present ? record->number[AUDIT_REPEATS].value : 1;

	if (incident == NULL)
		incident = open_new(inserted, hash, t);
	row = &incident->row;
	row->last_seq = inserted->seq;
	row->first_time = Min(row->first_time, t);
	row->last_time = Max(row->last_time, t);
	if (pg_add_s64_overflow(row->breaches, Max(repeats, 1), &row->breaches))
		row->breaches = PG_INT64_MAX;
	if (incident_class_rank(class_name) > incident_class_rank(row->class_name))
	{
		set_class(row, class_name);
		incident->raised = true;
	}
	if (severity > row->severity)
	{
		row->severity = severity;
		incident->raised = true;
	}
	incident->touched_at = GetCurrentTimestamp();
	incident->changed = true;
	incident->last = inserted;
	return incident;
}

/* Number of the incident that a record of kind disclosure is about; 0: none. */
static int64
about_incident(GroupTables *tables, const AuditRecord *record)
{
	char	   *identity;
	char	   *end;
	int64		id;
	Incident	row;

	if (!text_is(&record->text[AUDIT_OBJECT_TYPE], "incident") ||
		record->text[AUDIT_OBJECT_IDENTITY].data == NULL)
		return 0;
	identity = pnstrdup(record->text[AUDIT_OBJECT_IDENTITY].data, record->text[AUDIT_OBJECT_IDENTITY].len);
	id = strtoi64(identity, &end, 10);
	if (end == identity || *end != '\0' || !incident_record_find(tables->record.rel, id, &row))
		return 0;
	return id;
}

static void
make_notice(GroupTables *tables, OpenIncident *incident, const char *reason, TimestampTz now)
{
	IncidentNotice notice = {0};

	notice.subject = "breach";
	notice.reason = reason;
	notice.seq = incident->row.last_seq;
	notice.record = incident->last;
	incident->row.noticed_at = now;
	incident->row.noticed_breaches = incident->row.breaches;
	incident_notice_put(&tables->notice, &incident->row, &notice, now);
}

static bool
summary_is_due(const OpenIncident *incident, TimestampTz now)
{
	return incident->row.breaches > incident->row.noticed_breaches &&
		now - incident->row.noticed_at >= guc_incident_notice_interval * USECS_PER_SEC;
}

static void
write_incident(GroupTables *tables, OpenIncident *incident, TimestampTz now)
{
	bool		raised = incident->raised || incident->fresh;

	if (incident->fresh)
	{
		IncidentStep step = {.step = 1, .state = INCIDENT_DISCOVERED, .at = incident->row.discovered_at,
		.by = INCIDENT_BY_EXTENSION};

		incident_step_insert(&tables->step, incident->row.id, &step, NULL);
	}
	if (raised)
		incident_policy_deadlines(&tables->deadline, incident->row.id, incident->row.class_name,
								  incident->fresh ? incident->row.discovered_at : now);
	if (raised || summary_is_due(incident, now))
		make_notice(tables, incident, incident->fresh ? "opened" : incident->raised ? "raised" : "summary", now);
	if (incident->fresh)
		incident_record_insert(&tables->record, &incident->row);
	else if (!incident_record_update(&tables->record, &incident->row))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("incident %lld is gone from dataclass_audit.incident_record", (long long) incident->row.id)));
	incident->fresh = incident->changed = incident->raised = false;
	incident->last = NULL;
}

static void
open_tables(GroupTables *tables)
{
	incident_table_open(&tables->record, "incident_record", INCIDENT_COLUMN_COUNT);
	incident_table_open(&tables->event, "incident_event", INCIDENT_EVENT_NATTS);
	incident_table_open(&tables->step, "incident_step", INCIDENT_STEP_NATTS);
	incident_table_open(&tables->deadline, "deadline", INCIDENT_DEADLINE_NATTS);
	incident_table_open(&tables->notice, "notice", INCIDENT_NOTICE_NATTS);
}

static void
close_tables(GroupTables *tables)
{
	incident_table_close(&tables->notice);
	incident_table_close(&tables->deadline);
	incident_table_close(&tables->step);
	incident_table_close(&tables->event);
	incident_table_close(&tables->record);
}

static void
write_position(int64 seq)
{
	IncidentTable table;
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum		value = Int64GetDatum(seq);
	bool		isnull = false;
	HeapTuple	fresh;

	incident_table_open(&table, "incident_position", INCIDENT_POSITION_NATTS);
	fresh = heap_form_tuple(RelationGetDescr(table.rel), &value, &isnull);
	scan = systable_beginscan(table.rel, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		CatalogTupleUpdateWithInfo(table.rel, &tuple->t_self, fresh, table.indexes);
	else
		CatalogTupleInsertWithInfo(table.rel, fresh, table.indexes);
	systable_endscan(scan);
	incident_table_close(&table);
	written_position = seq;
}

static void
forget_old(TimestampTz now)
{
	ListCell   *cell;

	foreach(cell, open_incidents)
	{
		OpenIncident *incident = lfirst(cell);

		if (!may_grow(&incident->row, incident->touched_at, now) &&
			incident->row.breaches <= incident->row.noticed_breaches)
		{
			open_incidents = foreach_delete_current(open_incidents, cell);
			drop_incident(incident);
		}
	}
}

static void
group_breaches(List *breaches)
{
	GroupTables tables;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	open_tables(&tables);
	incident_policy_refresh();
	forget_old(now);
	foreach(cell, breaches)
	{
		TrailInserted *inserted = lfirst(cell);
		int64		id;

		if (text_is(&inserted->record.text[AUDIT_KIND], event_kind_name(EVENT_DISCLOSURE)))
			id = about_incident(&tables, &inserted->record);
		else
			id = join_incident(&tables, inserted)->row.id;
		if (id != 0)
			incident_event_insert(&tables.event, id, inserted->seq);
	}
	foreach(cell, open_incidents)
	{
		OpenIncident *incident = lfirst(cell);

		if (incident->changed)
			write_incident(&tables, incident, now);
	}
	close_tables(&tables);
	CommandCounterIncrement();
}

void
incident_group_records(List *records, int64 up_to)
{
	List	   *breaches = NIL;
	ListCell   *cell;

	foreach(cell, records)
	{
		TrailInserted *inserted = lfirst(cell);

		if (inserted->seq > position && inserted->record.number[AUDIT_BREACH].present &&
			inserted->record.number[AUDIT_BREACH].value != 0)
			breaches = lappend(breaches, inserted);
	}
	if (breaches != NIL)
		group_breaches(breaches);
	position = Max(position, up_to);
	if (position - written_position >= POSITION_STEP)
		write_position(position);
}

int64
incident_group_catch_up(int64 before_seq, int max)
{
	Relation	rel = incident_relation_open("event", TRAIL_COLUMN_COUNT, AccessShareLock);
	Relation	index_rel = index_open(trail_relid("event_pkey"), AccessShareLock);
	List	   *records = NIL;
	int64		reached = before_seq - 1;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, TRAIL_SEQ, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(position));
	scan = systable_beginscan_ordered(rel, index_rel, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		TrailTuple	in_trail;
		TrailInserted *inserted;

		CHECK_FOR_INTERRUPTS();
		trail_deform(heap_copytuple(tuple), RelationGetDescr(rel), &in_trail);
		if (in_trail.place.seq >= before_seq)
			break;
		if (list_length(records) >= max)
		{
			reached = ((TrailInserted *) llast(records))->seq;
			break;
		}
		inserted = palloc0(sizeof(TrailInserted));
		inserted->seq = in_trail.place.seq;
		inserted->recorded_at = in_trail.place.recorded_at;
		inserted->record = in_trail.record;
		records = lappend(records, inserted);
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	incident_group_records(records, reached);
	return reached;
}

/* ------------------------------------------------------------------------
 * Between records
 * ------------------------------------------------------------------------
 */

TimestampTz
incident_group_next_summary(void)
{
	TimestampTz next = 0;
	ListCell   *cell;

	foreach(cell, open_incidents)
	{
		OpenIncident *incident = lfirst(cell);
		TimestampTz at = incident->row.noticed_at + guc_incident_notice_interval * USECS_PER_SEC;

		if (incident->row.breaches > incident->row.noticed_breaches && (next == 0 || at < next))
			next = at;
	}
	return next;
}

void
incident_group_summaries(TimestampTz now)
{
	GroupTables tables;
	ListCell   *cell;

	open_tables(&tables);
	incident_policy_refresh();
	foreach(cell, open_incidents)
	{
		OpenIncident *incident = lfirst(cell);

		if (!summary_is_due(incident, now))
			continue;
		if (is_closed(tables.step.rel, incident->row.id))
		{
			open_incidents = foreach_delete_current(open_incidents, cell);
			drop_incident(incident);
		}
		else
			write_incident(&tables, incident, now);
	}
	close_tables(&tables);
	CommandCounterIncrement();
}

void
incident_group_note(TrailBatch *batch)
{
	ListCell   *cell;

	foreach(cell, opened)
	{
		const OpenIncident *incident = lfirst(cell);
		const Incident *row = &incident->row;
		AuditEvent	event = {0};

		event.kind = EVENT_INCIDENT;
		event.severity = row->severity;
		event.outcome = OUTCOME_OBSERVED;
		event.action = incident_state_name(INCIDENT_DISCOVERED);
		event.object_type = "incident";
		event.object_identity = psprintf("%lld", (long long) row->id);
		event.rule = row->rule;
		event.detail = psprintf("Incident %lld discovered: %s by %s, rule %s, class %s, from record %lld on.",
								(long long) row->id, row->kind, row->subject ? row->subject : "nobody",
								row->rule ? row->rule : "none", row->class_name ? row->class_name : "unknown",
								(long long) row->first_seq);
		incident_stage_insert(batch, &event);
	}
	opened = NIL;
}
