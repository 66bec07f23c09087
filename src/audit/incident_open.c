/*-------------------------------------------------------------------------
 *
 * incident_open.c
 *		The incidents that a breach may still join, as the writer knows them.
 *
 * Owns the list of them, in a context of its own, so that a breach costs no
 * look at the tables.  It is right only if every transaction that changed it
 * committed: after any other incident_open_reset() makes it be read again.
 * Sessions close incidents behind its back: whoever finds one here looks for
 * its last step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

static MemoryContext open_cxt = NULL;	/* NULL: not loaded */
static List *open_incidents = NIL;	/* of OpenIncident */
static int64 last_id = 0;

void
incident_open_reset(void)
{
	if (open_cxt != NULL)
		MemoryContextDelete(open_cxt);
	open_cxt = NULL;
	open_incidents = NIL;
}

bool
incident_open_loaded(void)
{
	return open_cxt != NULL;
}

List *
incident_open_list(void)
{
	return open_incidents;
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

bool
incident_text_is(const AuditText *text, const char *name)
{
	if (text->data == NULL || name == NULL)
		return text->data == NULL && name == NULL;
	return text->len == strlen(name) && memcmp(text->data, name, text->len) == 0;
}

static bool
may_grow(const Incident *row, TimestampTz touched_at, TimestampTz now)
{
	TimestampTz last = Max(row->last_time, touched_at);

	return now - last <= guc_incident_window * USECS_PER_SEC;
}

bool
incident_is_closed(Relation steps, int64 incident)
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
			incident_is_closed(steps, row.id))
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

void
incident_open_load(void)
{
	Relation	rel;
	Relation	steps;
	MemoryContext cxt;

	if (open_cxt != NULL)
		return;
	rel = incident_relation_open("incident_record", INCIDENT_COLUMN_COUNT, AccessShareLock);
	steps = incident_relation_open("incident_step", INCIDENT_STEP_NATTS, AccessShareLock);
	cxt = AllocSetContextCreate(CurrentMemoryContext, "dataclass incidents", ALLOCSET_DEFAULT_SIZES);
	open_incidents = NIL;
	load_open(rel, steps, cxt);
	last_id = incident_highest(rel, "incident_record_pkey", INCIDENT_ID);
	incident_position_load();
	table_close(steps, AccessShareLock);
	table_close(rel, AccessShareLock);
	MemoryContextSetParent(cxt, TopMemoryContext);
	open_cxt = cxt;
}

void
incident_open_drop(OpenIncident *incident)
{
	char	   *texts[] = {incident->row.kind, incident->row.rule, incident->row.subject,
	incident->row.class_name, incident->row.object_type, incident->row.object_identity};

	open_incidents = list_delete_ptr(open_incidents, incident);
	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL)
			pfree(texts[i]);
	}
	pfree(incident);
}

static bool
within_window(const Incident *row, TimestampTz t)
{
	int64		window = guc_incident_window * USECS_PER_SEC;

	return t >= row->first_time - window && t <= row->last_time + window;
}

/* NULL: the breach has to open one. */
OpenIncident *
incident_open_find(Relation steps, const AuditRecord *record, TimestampTz t)
{
	uint32		hash = hash_of_record(record);
	ListCell   *cell;

	foreach(cell, open_incidents)
	{
		OpenIncident *incident = lfirst(cell);

		if (incident->hash != hash || !within_window(&incident->row, t) ||
			!incident_text_is(&record->text[AUDIT_KIND], incident->row.kind) ||
			!incident_text_is(&record->text[AUDIT_RULE], incident->row.rule) ||
			!incident_text_is(&record->text[AUDIT_SUBJECT], incident->row.subject))
			continue;
		/* the first time that the records at hand touch it: sessions may have closed it */
		if (!incident->changed && incident_is_closed(steps, incident->row.id))
		{
			incident_open_drop(incident);
			return incident_open_find(steps, record, t);
		}
		return incident;
	}
	return NULL;
}

/* Gets the next number; the texts of row are copied. */
OpenIncident *
incident_open_add(Incident *row)
{
	MemoryContext old = MemoryContextSwitchTo(open_cxt);
	OpenIncident *incident;

	row->id = ++last_id;
	incident = keep_incident(row);
	incident->hash = hash_of_incident(&incident->row);
	incident->fresh = true;
	open_incidents = lappend(open_incidents, incident);
	MemoryContextSwitchTo(old);
	return incident;
}

void
incident_open_set_class(OpenIncident *incident, const char *class_name)
{
	char	   *copy = MemoryContextStrdup(open_cxt, class_name);

	if (incident->row.class_name != NULL)
		pfree(incident->row.class_name);
	incident->row.class_name = copy;
}

/* Those that no breach can join any more and that nothing has to be said of. */
void
incident_open_forget(TimestampTz now)
{
	for (int i = list_length(open_incidents) - 1; i >= 0; i--)
	{
		OpenIncident *incident = list_nth(open_incidents, i);

		if (!may_grow(&incident->row, incident->touched_at, now) &&
			incident->row.breaches <= incident->row.noticed_breaches)
			incident_open_drop(incident);
	}
}
