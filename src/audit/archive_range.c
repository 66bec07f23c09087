/*-------------------------------------------------------------------------
 *
 * archive_range.c
 *		Which ranges of the trail were moved to files.
 *
 * Owns dataclass_audit.archived_range, read and written by heap access.  Ranges
 * begin at record 1 and follow each other without gaps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/archive.h"

/* Columns of dataclass_audit.archived_range. */
typedef enum RangeColumn
{
	RANGE_FROM = 1,
	RANGE_TO,
	RANGE_FILE,
	RANGE_BYTES,
	RANGE_SHA256,
	RANGE_ARCHIVED_AT,
	RANGE_ARCHIVED_BY,
	RANGE_COLUMN_COUNT = RANGE_ARCHIVED_BY
} RangeColumn;

static Relation
open_ranges(LOCKMODE lockmode)
{
	Oid			relid = trail_relid("archived_range");
	Relation	rel;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	rel = table_open(relid, lockmode);
	if (RelationGetDescr(rel)->natts != RANGE_COLUMN_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("Table dataclass_audit.archived_range has not the columns it was created with.")));
	return rel;
}

static int
compare_ranges(const ListCell *a, const ListCell *b)
{
	const ArchivedRange *left = lfirst(a);
	const ArchivedRange *right = lfirst(b);

	return left->from < right->from ? -1 : left->from > right->from;
}

List *
archive_ranges(Snapshot snapshot)
{
	Relation	rel = open_ranges(AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	List	   *ranges = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		ArchivedRange *range = palloc0(sizeof(ArchivedRange));
		Datum		values[RANGE_COLUMN_COUNT];
		bool		nulls[RANGE_COLUMN_COUNT];
		bytea	   *sha256;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		range->from = DatumGetInt64(values[RANGE_FROM - 1]);
		range->to = DatumGetInt64(values[RANGE_TO - 1]);
		range->file = TextDatumGetCString(values[RANGE_FILE - 1]);
		range->bytes = DatumGetInt64(values[RANGE_BYTES - 1]);
		sha256 = DatumGetByteaPP(values[RANGE_SHA256 - 1]);
		if (VARSIZE_ANY_EXHDR(sha256) == AUDIT_HASH_SIZE)
			memcpy(range->sha256, VARDATA_ANY(sha256), AUDIT_HASH_SIZE);
		ranges = lappend(ranges, range);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(ranges, compare_ranges);
	return ranges;
}

int64
archive_last(Snapshot snapshot)
{
	List	   *ranges = archive_ranges(snapshot);

	return ranges == NIL ? 0 : ((ArchivedRange *) llast(ranges))->to;
}

void
archive_range_insert(const ArchivedRange *range)
{
	Relation	rel = open_ranges(RowExclusiveLock);
	Datum		values[RANGE_COLUMN_COUNT] = {0};
	bool		nulls[RANGE_COLUMN_COUNT] = {false};
	bytea	   *sha256 = palloc(VARHDRSZ + AUDIT_HASH_SIZE);
	HeapTuple	tuple;

	SET_VARSIZE(sha256, VARHDRSZ + AUDIT_HASH_SIZE);
	memcpy(VARDATA(sha256), range->sha256, AUDIT_HASH_SIZE);
	values[RANGE_FROM - 1] = Int64GetDatum(range->from);
	values[RANGE_TO - 1] = Int64GetDatum(range->to);
	values[RANGE_FILE - 1] = CStringGetTextDatum(range->file);
	values[RANGE_BYTES - 1] = Int64GetDatum(range->bytes);
	values[RANGE_SHA256 - 1] = PointerGetDatum(sha256);
	values[RANGE_ARCHIVED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RANGE_ARCHIVED_BY - 1] = CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), true));
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
}
