/*-------------------------------------------------------------------------
 *
 * audit_position.c
 *		Rows of dataclass_audit.journal_position: how far each journal was
 *		imported, and what no window was recorded of yet.
 *
 * Written by the writer of the database alone, in the transaction that inserts
 * the records.  Everything here raises.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_writer.h"

typedef enum PositionColumn
{
	POSITION_JOURNAL = 1,
	POSITION_CREATED_AT,
	POSITION_BYTES,
	POSITION_LINK,
	POSITION_RECORDS,
	POSITION_DAMAGES,
	POSITION_COMPLETE,
	POSITION_IMPORTED_AT,
	POSITION_NODE,
	POSITION_UNREPORTED,
	POSITION_FIRST_TIME,
	POSITION_LAST_TIME,
	POSITION_REASONS,
	POSITION_COLUMN_COUNT = POSITION_REASONS
} PositionColumn;

Relation
position_open(LOCKMODE mode)
{
	Oid			relid = trail_relid("journal_position");
	Relation	rel;

	if (!OidIsValid(relid) || !OidIsValid(trail_relid("journal_position_pkey")))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	rel = table_open(relid, mode);
	if (RelationGetDescr(rel)->natts != POSITION_COLUMN_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("Table dataclass_audit.journal_position has not the columns it was created with.")));
	return rel;
}

static void
deform(Relation rel, HeapTuple tuple, JournalPosition *position)
{
	Datum		values[POSITION_COLUMN_COUNT];
	bool		nulls[POSITION_COLUMN_COUNT];

	memset(position, 0, sizeof(*position));
	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	memcpy(position->id, DatumGetUUIDP(values[POSITION_JOURNAL - 1])->data, UUID_LEN);
	position->exists = true;
	position->created = audit_unix_time(DatumGetTimestampTz(values[POSITION_CREATED_AT - 1]));
	position->bytes = DatumGetInt64(values[POSITION_BYTES - 1]);
	position->records = DatumGetInt64(values[POSITION_RECORDS - 1]);
	position->damages = DatumGetInt64(values[POSITION_DAMAGES - 1]);
	position->complete = DatumGetBool(values[POSITION_COMPLETE - 1]);
	position->unreported = DatumGetInt64(values[POSITION_UNREPORTED - 1]);
	position->reasons = DatumGetInt32(values[POSITION_REASONS - 1]);
	if (!nulls[POSITION_LINK - 1])
	{
		bytea	   *link = DatumGetByteaPP(values[POSITION_LINK - 1]);

		position->has_link = VARSIZE_ANY_EXHDR(link) == AUDIT_HASH_SIZE;
		if (position->has_link)
			memcpy(position->link, VARDATA_ANY(link), AUDIT_HASH_SIZE);
	}
	if (!nulls[POSITION_NODE - 1])
		text_to_cstring_buffer(DatumGetTextPP(values[POSITION_NODE - 1]), position->node, sizeof(position->node));
	if (!nulls[POSITION_FIRST_TIME - 1])
		position->first_time = DatumGetTimestampTz(values[POSITION_FIRST_TIME - 1]);
	if (!nulls[POSITION_LAST_TIME - 1])
		position->last_time = DatumGetTimestampTz(values[POSITION_LAST_TIME - 1]);
	position->tid = tuple->t_self;
}

void
position_read(Relation rel, const uint8 *journal_id, JournalPosition *position)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	pg_uuid_t	uuid;

	memset(position, 0, sizeof(*position));
	memcpy(position->id, journal_id, AUDIT_ID_SIZE);
	memcpy(uuid.data, journal_id, UUID_LEN);
	ScanKeyInit(&key, POSITION_JOURNAL, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&uuid));
	scan = systable_beginscan(rel, trail_relid("journal_position_pkey"), true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		deform(rel, tuple, position);
	systable_endscan(scan);
}

void
position_write(Relation rel, const JournalPosition *position)
{
	Datum		values[POSITION_COLUMN_COUNT] = {0};
	bool		nulls[POSITION_COLUMN_COUNT] = {false};
	pg_uuid_t	uuid;
	bytea	   *link = palloc(VARHDRSZ + AUDIT_HASH_SIZE);
	HeapTuple	tuple;

	SET_VARSIZE(link, VARHDRSZ + AUDIT_HASH_SIZE);
	memcpy(VARDATA(link), position->link, AUDIT_HASH_SIZE);
	memcpy(uuid.data, position->id, UUID_LEN);
	values[POSITION_JOURNAL - 1] = UUIDPGetDatum(&uuid);
	values[POSITION_CREATED_AT - 1] = TimestampTzGetDatum(audit_timestamp(position->created));
	values[POSITION_BYTES - 1] = Int64GetDatum(position->bytes);
	values[POSITION_LINK - 1] = PointerGetDatum(link);
	nulls[POSITION_LINK - 1] = !position->has_link;
	values[POSITION_RECORDS - 1] = Int64GetDatum(position->records);
	values[POSITION_DAMAGES - 1] = Int64GetDatum(position->damages);
	values[POSITION_COMPLETE - 1] = BoolGetDatum(position->complete);
	values[POSITION_IMPORTED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[POSITION_NODE - 1] = CStringGetTextDatum(position->node);
	nulls[POSITION_NODE - 1] = position->node[0] == '\0';
	values[POSITION_UNREPORTED - 1] = Int64GetDatum(position->unreported);
	values[POSITION_FIRST_TIME - 1] = TimestampTzGetDatum(position->first_time);
	nulls[POSITION_FIRST_TIME - 1] = position->first_time == 0;
	values[POSITION_LAST_TIME - 1] = TimestampTzGetDatum(position->last_time);
	nulls[POSITION_LAST_TIME - 1] = position->last_time == 0;
	values[POSITION_REASONS - 1] = Int32GetDatum(position->reasons);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (position->exists)
	{
		ItemPointerData tid = position->tid;

		CatalogTupleUpdate(rel, &tid, tuple);
	}
	else
		CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	pfree(link);
}

/* Positions with events that no window was recorded of, this transaction's own included; palloc'd. */
List *
position_unreported(Relation rel)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	List	   *found = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		JournalPosition position;

		deform(rel, tuple, &position);
		if (position.unreported > 0)
		{
			JournalPosition *copy = palloc(sizeof(JournalPosition));

			*copy = position;
			found = lappend(found, copy);
		}
	}
	systable_endscan(scan);
	return found;
}
