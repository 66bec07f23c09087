/*-------------------------------------------------------------------------
 *
 * incident_due.c
 *		Deadlines that are over.
 *
 * A deadline is settled once: when the incident had been told of by then, or
 * when it is found overdue, which is a notice and a breach of its own.  Whoever
 * tells late is still late: the views count from the times themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

#define DUE_MAX		200			/* deadlines in one transaction */

typedef struct Due
{
	int64		incident;
	char	   *recipient;
	char	   *class_name;
	TimestampTz due;
	HeapTuple	tuple;			/* as it is, copied */
} Due;

static List *overdue = NIL;		/* of Due, whose event is not inserted yet */

static Due *
read_due(HeapTuple tuple, TupleDesc desc)
{
	Due		   *due = palloc0(sizeof(Due));
	Datum		values[INCIDENT_DEADLINE_NATTS];
	bool		nulls[INCIDENT_DEADLINE_NATTS];

	heap_deform_tuple(tuple, desc, values, nulls);
	if (nulls[0] || nulls[1] || nulls[3])
		return NULL;
	due->incident = DatumGetInt64(values[0]);
	due->recipient = TextDatumGetCString(values[1]);
	due->class_name = nulls[2] ? NULL : TextDatumGetCString(values[2]);
	due->due = DatumGetTimestampTz(values[3]);
	due->tuple = heap_copytuple(tuple);
	return due;
}

/* Those not settled that are over by a time; *next: when the first of the others is. */
static List *
find_due(Relation rel, TimestampTz before, TimestampTz *next)
{
	Oid			index_oid = trail_relid("deadline_settled_due");
	Relation	index_rel = index_open(index_oid, AccessShareLock);
	List	   *found = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	*next = 0;
	ScanKeyInit(&key, 5, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(false));
	scan = systable_beginscan_ordered(rel, index_rel, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		Due		   *due = read_due(tuple, RelationGetDescr(rel));

		if (due == NULL)
			continue;
		if (due->due > before || list_length(found) >= DUE_MAX)
		{
			*next = due->due;
			break;
		}
		found = lappend(found, due);
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	return found;
}

static void
settle(IncidentTable *table, const Due *due)
{
	Datum		values[INCIDENT_DEADLINE_NATTS] = {0};
	bool		nulls[INCIDENT_DEADLINE_NATTS] = {false};
	bool		replace[INCIDENT_DEADLINE_NATTS] = {false};
	HeapTuple	tuple;

	values[4] = BoolGetDatum(true);
	replace[4] = true;
	tuple = heap_modify_tuple(due->tuple, RelationGetDescr(table->rel), values, nulls, replace);
	CatalogTupleUpdateWithInfo(table->rel, &tuple->t_self, tuple, table->indexes);
}

TimestampTz
incident_due_settle(int64 next_seq, TimestampTz now)
{
	IncidentTable deadlines;
	IncidentTable notices;
	Relation	records;
	Relation	steps;
	TimestampTz next;
	List	   *found;
	ListCell   *cell;

	overdue = NIL;
	incident_table_open(&deadlines, "deadline", INCIDENT_DEADLINE_NATTS);
	found = find_due(deadlines.rel, now - guc_disclosure_grace * USECS_PER_SEC, &next);
	if (found != NIL)
	{
		incident_table_open(&notices, "notice", INCIDENT_NOTICE_NATTS);
		records = incident_relation_open("incident_record", INCIDENT_COLUMN_COUNT, AccessShareLock);
		steps = incident_relation_open("incident_step", INCIDENT_STEP_NATTS, AccessShareLock);
		foreach(cell, found)
		{
			Due		   *due = lfirst(cell);
			IncidentStep step;
			Incident	incident;

			settle(&deadlines, due);
			if (!incident_record_find(records, due->incident, &incident) ||
				(incident_step_last(steps, due->incident, &step) && step.state != INCIDENT_DISCOVERED))
				continue;
			incident_notice_put(&notices, &incident,
								&(IncidentNotice) {
									.subject = "overdue", .reason = "overdue", .seq = next_seq + list_length(overdue),
									.recipient = due->recipient, .due = due->due
								}, now);
			overdue = lappend(overdue, due);
		}
		table_close(steps, AccessShareLock);
		table_close(records, AccessShareLock);
		incident_table_close(&notices);
		CommandCounterIncrement();
	}
	incident_table_close(&deadlines);
	return next == 0 ? 0 : next + guc_disclosure_grace * USECS_PER_SEC;
}

void
incident_due_note(TrailBatch *batch)
{
	ListCell   *cell;

	foreach(cell, overdue)
	{
		const Due  *due = lfirst(cell);
		AuditEvent	event = {0};

		event.kind = EVENT_DISCLOSURE;
		event.severity = SEVERITY_CRITICAL;
		event.outcome = OUTCOME_OBSERVED;
		event.breach = true;
		event.action = "overdue";
		event.object_type = "incident";
		event.object_identity = psprintf("%lld", (long long) due->incident);
		event.label = due->class_name;
		event.rule = "disclosure_window";
		event.detail = psprintf("Recipient \"%s\" was not told of incident %lld by %s.",
								due->recipient, (long long) due->incident, timestamptz_to_str(due->due));
		incident_stage_insert(batch, &event);
	}
	overdue = NIL;
}
