/*-------------------------------------------------------------------------
 *
 * incident_position.c
 *		How far the trail was looked through for breaches.
 *
 * Records are looked through in order and each one once.  The place reached is
 * kept in memory; the tables follow it: it is at least the one written, and at
 * least the last record that belongs to an incident.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

#define POSITION_STEP	1000	/* records until the position is written with a breach */
#define POSITION_LAG	10000	/* and without one */

static int64 position = 0;
static int64 written_position = 0;

int64
incident_position(void)
{
	return position;
}

void
incident_position_skip(int64 up_to)
{
	position = Max(position, up_to);
}

bool
incident_position_lags(void)
{
	return incident_open_loaded() && position - written_position >= POSITION_LAG;
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

void
incident_position_load(void)
{
	Relation	events = incident_relation_open("incident_event", INCIDENT_EVENT_NATTS, AccessShareLock);
	int64		highest = incident_highest(events, "incident_event_seq_key", 2);

	written_position = read_position();
	position = Max(written_position, highest);
	table_close(events, AccessShareLock);
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

void
incident_position_reach(int64 up_to)
{
	position = Max(position, up_to);
	if (position - written_position >= POSITION_STEP)
		write_position(position);
}

int64
incident_position_catch_up(int64 before_seq, int max)
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
		if (records != NIL && list_length(records) >= max)
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

/* For other processes than the writer: the tables alone tell. */
int64
incident_first_not_grouped(void)
{
	Relation	grouped = incident_relation_open("incident_event", INCIDENT_EVENT_NATTS, AccessShareLock);
	Relation	rel = incident_relation_open("event", TRAIL_COLUMN_COUNT, AccessShareLock);
	Relation	index_rel = index_open(trail_relid("event_pkey"), AccessShareLock);
	int64		written = read_position();
	int64		highest = incident_highest(grouped, "incident_event_seq_key", 2);
	int64		first = PG_INT64_MAX;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, TRAIL_SEQ, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(Max(written, highest)));
	scan = systable_beginscan_ordered(rel, index_rel, NULL, 1, &key);
	while (first == PG_INT64_MAX &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetBool(heap_getattr(tuple, TRAIL_BREACH, RelationGetDescr(rel), &isnull)))
			first = DatumGetInt64(heap_getattr(tuple, TRAIL_SEQ, RelationGetDescr(rel), &isnull));
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	table_close(grouped, AccessShareLock);
	return first;
}
