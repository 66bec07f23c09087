/*-------------------------------------------------------------------------
 *
 * incident_table.c
 *		Rows of incidents, their steps, deadlines and notices.
 *
 * Rows are read and written straight through the tables and their indexes, as
 * audit_trail.c does: no trigger, rule, policy or default of anybody comes
 * between, and the guard refuses all others.
 *
 * Locks: RowExclusiveLock on a table that is written, taken without waiting;
 * what it conflicts with (VACUUM FULL, REINDEX) ends, and grouping catches up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

Relation
incident_relation_open(const char *name, int natts, LOCKMODE lockmode)
{
	Oid			relid = trail_relid(name);
	Relation	rel;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass_audit.%s does not exist", name)));
	if (!ConditionalLockRelationOid(relid, lockmode))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not obtain lock on table dataclass_audit.%s", name)));
	rel = table_open(relid, NoLock);
	if (RelationGetNumberOfAttributes(rel) != natts)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("table dataclass_audit.%s has not the columns it was created with", name)));
	return rel;
}

void
incident_table_open(IncidentTable *table, const char *name, int natts)
{
	table->rel = incident_relation_open(name, natts, RowExclusiveLock);
	table->indexes = CatalogOpenIndexes(table->rel);
}

void
incident_table_close(IncidentTable *table)
{
	CatalogCloseIndexes(table->indexes);
	table_close(table->rel, NoLock);
	table->rel = NULL;
}

static void
insert_row(IncidentTable *table, Datum *values, bool *nulls)
{
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(table->rel), values, nulls);

	CatalogTupleInsertWithInfo(table->rel, tuple, table->indexes);
	heap_freetuple(tuple);
}

static void
set_text(Datum *values, bool *nulls, int attnum, const char *text)
{
	nulls[attnum - 1] = text == NULL;
	values[attnum - 1] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static char *
get_text(const Datum *values, const bool *nulls, int attnum)
{
	return nulls[attnum - 1] ? NULL : TextDatumGetCString(values[attnum - 1]);
}

int64
incident_highest(Relation rel, const char *index, int attnum)
{
	Oid			index_oid = trail_relid(index);
	Relation	index_rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		highest = 0;

	if (!OidIsValid(index_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("index dataclass_audit.%s does not exist", index)));
	index_rel = index_open(index_oid, AccessShareLock);
	scan = systable_beginscan_ordered(rel, index_rel, NULL, 0, NULL);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

		if (!isnull)
			highest = DatumGetInt64(value);
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	return highest;
}

/* ------------------------------------------------------------------------
 * incident_record
 * ------------------------------------------------------------------------
 */

static void
record_values(const Incident *incident, Datum *values, bool *nulls)
{
	memset(nulls, 0, sizeof(bool) * INCIDENT_COLUMN_COUNT);
	values[INCIDENT_ID - 1] = Int64GetDatum(incident->id);
	values[INCIDENT_DISCOVERED_AT - 1] = TimestampTzGetDatum(incident->discovered_at);
	values[INCIDENT_FIRST_SEQ - 1] = Int64GetDatum(incident->first_seq);
	values[INCIDENT_LAST_SEQ - 1] = Int64GetDatum(incident->last_seq);
	values[INCIDENT_FIRST_TIME - 1] = TimestampTzGetDatum(incident->first_time);
	values[INCIDENT_LAST_TIME - 1] = TimestampTzGetDatum(incident->last_time);
	values[INCIDENT_BREACHES - 1] = Int64GetDatum(incident->breaches);
	set_text(values, nulls, INCIDENT_KIND, incident->kind);
	set_text(values, nulls, INCIDENT_RULE, incident->rule);
	set_text(values, nulls, INCIDENT_SUBJECT, incident->subject);
	set_text(values, nulls, INCIDENT_CLASS, incident->class_name);
	set_text(values, nulls, INCIDENT_SEVERITY, event_severity_name(incident->severity));
	set_text(values, nulls, INCIDENT_OBJECT_TYPE, incident->object_type);
	set_text(values, nulls, INCIDENT_OBJECT_IDENTITY, incident->object_identity);
	values[INCIDENT_NOTICED_AT - 1] = TimestampTzGetDatum(incident->noticed_at);
	values[INCIDENT_NOTICED_BREACHES - 1] = Int64GetDatum(incident->noticed_breaches);
}

void
incident_record_insert(IncidentTable *table, const Incident *incident)
{
	Datum		values[INCIDENT_COLUMN_COUNT];
	bool		nulls[INCIDENT_COLUMN_COUNT];

	record_values(incident, values, nulls);
	insert_row(table, values, nulls);
}

static SysScanDesc
scan_incident(Relation rel, const char *index, int64 incident, ScanKeyData *key)
{
	Oid			index_oid = trail_relid(index);

	/* the first column of all these tables is the incident */
	ScanKeyInit(key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(incident));
	return systable_beginscan(rel, index_oid, OidIsValid(index_oid), NULL, 1, key);
}

/* By its key, never by a place that VACUUM FULL may have given to another row. */
bool
incident_record_update(IncidentTable *table, const Incident *incident)
{
	Datum		values[INCIDENT_COLUMN_COUNT];
	bool		nulls[INCIDENT_COLUMN_COUNT];
	ScanKeyData key;
	SysScanDesc scan = scan_incident(table->rel, "incident_record_pkey", incident->id, &key);
	HeapTuple	old = systable_getnext(scan);
	HeapTuple	tuple;

	if (!HeapTupleIsValid(old))
	{
		systable_endscan(scan);
		return false;
	}
	record_values(incident, values, nulls);
	tuple = heap_form_tuple(RelationGetDescr(table->rel), values, nulls);
	CatalogTupleUpdateWithInfo(table->rel, &old->t_self, tuple, table->indexes);
	heap_freetuple(tuple);
	systable_endscan(scan);
	return true;
}

static int
severity_of(const char *name)
{
	for (int i = SEVERITY_INFO; i <= SEVERITY_CRITICAL; i++)
	{
		if (strcmp(event_severity_name(i), name) == 0)
			return i;
	}
	return SEVERITY_CRITICAL;
}

/* False for a row that has no value where there must be one. */
bool
incident_record_read(HeapTuple tuple, TupleDesc desc, Incident *incident)
{
	Datum		values[INCIDENT_COLUMN_COUNT];
	bool		nulls[INCIDENT_COLUMN_COUNT];

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = INCIDENT_ID; i <= INCIDENT_COLUMN_COUNT; i++)
	{
		bool		may_be_null = i == INCIDENT_RULE || i == INCIDENT_SUBJECT || i == INCIDENT_CLASS ||
			i == INCIDENT_OBJECT_TYPE || i == INCIDENT_OBJECT_IDENTITY;

		if (nulls[i - 1] && !may_be_null)
			return false;
	}
	incident->id = DatumGetInt64(values[INCIDENT_ID - 1]);
	incident->discovered_at = DatumGetTimestampTz(values[INCIDENT_DISCOVERED_AT - 1]);
	incident->first_seq = DatumGetInt64(values[INCIDENT_FIRST_SEQ - 1]);
	incident->last_seq = DatumGetInt64(values[INCIDENT_LAST_SEQ - 1]);
	incident->first_time = DatumGetTimestampTz(values[INCIDENT_FIRST_TIME - 1]);
	incident->last_time = DatumGetTimestampTz(values[INCIDENT_LAST_TIME - 1]);
	incident->breaches = DatumGetInt64(values[INCIDENT_BREACHES - 1]);
	incident->kind = get_text(values, nulls, INCIDENT_KIND);
	incident->rule = get_text(values, nulls, INCIDENT_RULE);
	incident->subject = get_text(values, nulls, INCIDENT_SUBJECT);
	incident->class_name = get_text(values, nulls, INCIDENT_CLASS);
	incident->severity = severity_of(get_text(values, nulls, INCIDENT_SEVERITY));
	incident->object_type = get_text(values, nulls, INCIDENT_OBJECT_TYPE);
	incident->object_identity = get_text(values, nulls, INCIDENT_OBJECT_IDENTITY);
	incident->noticed_at = DatumGetTimestampTz(values[INCIDENT_NOTICED_AT - 1]);
	incident->noticed_breaches = DatumGetInt64(values[INCIDENT_NOTICED_BREACHES - 1]);
	return true;
}

bool
incident_record_find(Relation rel, int64 id, Incident *incident)
{
	ScanKeyData key;
	SysScanDesc scan = scan_incident(rel, "incident_record_pkey", id, &key);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple) && incident_record_read(tuple, RelationGetDescr(rel), incident);

	systable_endscan(scan);
	return found;
}

void
incident_event_insert(IncidentTable *table, int64 incident, int64 seq)
{
	Datum		values[INCIDENT_EVENT_NATTS];
	bool		nulls[INCIDENT_EVENT_NATTS] = {false};

	values[0] = Int64GetDatum(incident);
	values[1] = Int64GetDatum(seq);
	insert_row(table, values, nulls);
}

/* ------------------------------------------------------------------------
 * incident_step
 * ------------------------------------------------------------------------
 */

void
incident_step_insert(IncidentTable *table, int64 incident, const IncidentStep *step, const char *reason)
{
	Datum		values[INCIDENT_STEP_NATTS];
	bool		nulls[INCIDENT_STEP_NATTS] = {false};

	values[0] = Int64GetDatum(incident);
	values[1] = Int32GetDatum(step->step);
	values[2] = CStringGetTextDatum(incident_state_name(step->state));
	values[3] = TimestampTzGetDatum(step->at);
	values[4] = CStringGetTextDatum(step->by);
	set_text(values, nulls, 6, reason);
	values[6] = ObjectIdGetDatum(step->by_role);
	nulls[6] = !OidIsValid(step->by_role);
	insert_row(table, values, nulls);
}

static int
state_of(const char *name)
{
	for (int i = 0; i < INCIDENT_STATE_COUNT; i++)
	{
		if (strcmp(incident_state_name(i), name) == 0)
			return i;
	}
	return -1;
}

static bool
last_step(Relation rel, int64 incident, int state, IncidentStep *step)
{
	ScanKeyData key;
	SysScanDesc scan = scan_incident(rel, "incident_step_pkey", incident, &key);
	HeapTuple	tuple;
	bool		found = false;

	/* a handful of rows */
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[INCIDENT_STEP_NATTS];
		bool		nulls[INCIDENT_STEP_NATTS];
		int			of;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (nulls[1] || nulls[2] || nulls[3] || nulls[4])
			continue;
		of = state_of(TextDatumGetCString(values[2]));
		if ((state >= 0 && of != state) || (found && DatumGetInt32(values[1]) < step->step))
			continue;
		found = true;
		step->step = DatumGetInt32(values[1]);
		step->state = of;
		step->at = DatumGetTimestampTz(values[3]);
		step->by = TextDatumGetCString(values[4]);
		step->by_role = nulls[6] ? InvalidOid : DatumGetObjectId(values[6]);
	}
	systable_endscan(scan);
	return found;
}

bool
incident_step_last(Relation rel, int64 incident, IncidentStep *step)
{
	return last_step(rel, incident, -1, step);
}

bool
incident_step_last_in(Relation rel, int64 incident, IncidentState state, IncidentStep *step)
{
	return last_step(rel, incident, state, step);
}

/* ------------------------------------------------------------------------
 * deadline, notice
 * ------------------------------------------------------------------------
 */

void
incident_deadline_put(IncidentTable *table, int64 incident, const char *recipient,
					  const char *class_name, TimestampTz due)
{
	Datum		values[INCIDENT_DEADLINE_NATTS];
	bool		nulls[INCIDENT_DEADLINE_NATTS] = {false};
	ScanKeyData key;
	SysScanDesc scan = scan_incident(table->rel, "deadline_pkey", incident, &key);
	HeapTuple	tuple;
	bool		found = false;

	values[0] = Int64GetDatum(incident);
	values[1] = CStringGetTextDatum(recipient);
	set_text(values, nulls, 3, class_name);
	values[3] = TimestampTzGetDatum(due);
	values[4] = BoolGetDatum(false);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		old[INCIDENT_DEADLINE_NATTS];
		bool		old_nulls[INCIDENT_DEADLINE_NATTS];

		heap_deform_tuple(tuple, RelationGetDescr(table->rel), old, old_nulls);
		if (old_nulls[1] || strcmp(TextDatumGetCString(old[1]), recipient) != 0)
			continue;
		found = true;
		/* one that was settled was told of, or is known to be overdue */
		if (!old_nulls[3] && !old_nulls[4] && !DatumGetBool(old[4]) && DatumGetTimestampTz(old[3]) > due)
			CatalogTupleUpdateWithInfo(table->rel, &tuple->t_self,
									   heap_form_tuple(RelationGetDescr(table->rel), values, nulls),
									   table->indexes);
	}
	systable_endscan(scan);
	if (!found)
		insert_row(table, values, nulls);
}

void
incident_notice_insert(IncidentTable *table, int64 id, TimestampTz now, int64 incident,
					   int64 seq, const char *subject, Datum body)
{
	Datum		values[INCIDENT_NOTICE_NATTS];
	bool		nulls[INCIDENT_NOTICE_NATTS] = {false};

	values[0] = Int64GetDatum(id);
	values[1] = TimestampTzGetDatum(now);
	values[2] = Int64GetDatum(incident);
	nulls[2] = incident == 0;
	values[3] = Int64GetDatum(seq);
	nulls[3] = seq == 0;
	values[4] = CStringGetTextDatum(subject);
	values[5] = body;
	insert_row(table, values, nulls);
}
