/*-------------------------------------------------------------------------
 *
 * archive_limit.c
 *		Up to which record the trail may be archived.
 *
 * What a checkpoint does not cover, what policy keeps, what an incident that
 * is not closed began with, and the last record of the trail stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/archive.h"
#include "pg_dataclass/archive_limit.h"
#include "pg_dataclass/policy.h"

#define DAY	INT64CONST(86400000)	/* ms */

/* Tables of other modules: their columns are found by name. */
static Relation
open_table(const char *name)
{
	Oid			relid = trail_relid(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass_audit.%s does not exist", name)));
	return table_open(relid, AccessShareLock);
}

static Datum
column(Relation rel, HeapTuple tuple, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
	bool		isnull = true;
	Datum		value = (Datum) 0;

	if (attnum != InvalidAttrNumber)
		value = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("Table dataclass_audit.%s has no value in column %s.", RelationGetRelationName(rel), name)));
	return value;
}

/* The newest checkpoint; false if there is none. */
static bool
find_checkpoint(ArchiveLimit *limit, Snapshot snapshot, uint8 *root)
{
	Relation	rel = open_table("checkpoint");
	Relation	index = index_open(trail_relid("checkpoint_pkey"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, snapshot, 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
	{
		bytea	   *bytes = DatumGetByteaPP(column(rel, tuple, "root"));

		limit->checkpoint_size = DatumGetInt64(column(rel, tuple, "size"));
		limit->note = TextDatumGetCString(column(rel, tuple, "note"));
		memset(root, 0, AUDIT_HASH_SIZE);
		if (VARSIZE_ANY_EXHDR(bytes) == AUDIT_HASH_SIZE)
			memcpy(root, VARDATA_ANY(bytes), AUDIT_HASH_SIZE);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return found;
}

/* Ids of incidents that are closed. */
static HTAB *
closed_incidents(Snapshot snapshot)
{
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(int64), .hcxt = CurrentMemoryContext};
	HTAB	   *ids = hash_create("dataclass closed incidents", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Relation	rel = open_table("incident_step");
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int64		id = DatumGetInt64(column(rel, tuple, "incident"));

		if (strcmp(TextDatumGetCString(column(rel, tuple, "state")), "closed") == 0)
			(void) hash_search(ids, &id, HASH_ENTER, NULL);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return ids;
}

/* First record of the incidents that are not closed; PG_INT64_MAX: none. */
static int64
first_open(Snapshot snapshot)
{
	HTAB	   *closed = closed_incidents(snapshot);
	Relation	rel = open_table("incident_record");
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	int64		first = PG_INT64_MAX;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int64		id = DatumGetInt64(column(rel, tuple, "id"));

		if (hash_search(closed, &id, HASH_FIND, NULL) == NULL)
			first = Min(first, DatumGetInt64(column(rel, tuple, "first_seq")));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	hash_destroy(closed);
	return first;
}

/* What policy keeps, it keeps for auditors, too. */
static void
check_retention(TimestampTz before)
{
	int			days = policy_current()->retention_days;

	if (days < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("records of the audit trail are kept in the database"),
				 errdetail("Value retention_days of dataclass.policy_setting is no number of days."),
				 errhint("Have an officer set how long records are kept.")));
	if (days > 0 && before > TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -days * DAY))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("records of the audit trail are kept in the database for %d days", days),
				 errhint("Name an earlier time, such as now() - interval '%d days'; officers change retention_days in dataclass.policy_setting.", days)));
}

bool
archive_limit_find(ArchiveLimit *limit, const TileReader *reader, TimestampTz before)
{
	uint8		promised[AUDIT_HASH_SIZE];
	uint8		root[AUDIT_HASH_SIZE];

	check_retention(before);
	if (TIMESTAMP_IS_NOBEGIN(before) || !find_checkpoint(limit, reader->snapshot, promised))
		return false;
	if (!tile_tree_root(reader, limit->checkpoint_size, root) || memcmp(root, promised, AUDIT_HASH_SIZE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail cannot be archived: it is not the one under its newest checkpoint"),
				 errhint("See SELECT * FROM dataclass_audit.verify().")));
	limit->before = audit_unix_time(Min(before, GetCurrentTimestamp()));
	limit->last = Min(limit->checkpoint_size, trail_copy_last(reader) - 1);
	limit->first_open = first_open(reader->snapshot);
	limit->last = Min(limit->last, limit->first_open - 1);
	return true;
}

bool
archive_limit_keeps(const ArchiveLimit *limit, const TrailTuple *record)
{
	return record->place.recorded_at >= limit->before ||
		record->record.number[AUDIT_TIME].value >= limit->before;
}
