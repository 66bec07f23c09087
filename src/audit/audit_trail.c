/*-------------------------------------------------------------------------
 *
 * audit_trail.c
 *		The tables of the trail, as the writer changes them and verify reads.
 *
 * Rows are inserted straight through the table and its indexes, in the manner
 * of catalog updates: no executor, no planner, no trigger, rule, policy or
 * default of anybody comes between.  The head row is updated once per
 * transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_tile.h"
#include "pg_dataclass/policy.h"

const int	trail_text_column[AUDIT_TEXT_COUNT] = {
	[AUDIT_KIND] = TRAIL_KIND,
	[AUDIT_SEVERITY] = TRAIL_SEVERITY,
	[AUDIT_OUTCOME] = TRAIL_OUTCOME,
	[AUDIT_ACTION] = TRAIL_ACTION,
	[AUDIT_SUBJECT] = TRAIL_SUBJECT,
	[AUDIT_SESSION_USER] = TRAIL_SESSION_USER,
	[AUDIT_CURRENT_USER] = TRAIL_CURRENT_USER,
	[AUDIT_AUTHENTICATED_USER] = TRAIL_AUTHENTICATED_USER,
	[AUDIT_CLIENT_ADDR] = TRAIL_CLIENT_ADDR,
	[AUDIT_APPLICATION] = TRAIL_APPLICATION,
	[AUDIT_SESSION_ID] = TRAIL_SESSION_ID,
	[AUDIT_DATABASE] = TRAIL_DATABASE,
	[AUDIT_OBJECT_TYPE] = TRAIL_OBJECT_TYPE,
	[AUDIT_OBJECT_IDENTITY] = TRAIL_OBJECT_IDENTITY,
	[AUDIT_LABEL] = TRAIL_LABEL,
	[AUDIT_RULE] = TRAIL_RULE,
	[AUDIT_REQUIRED_TIER] = TRAIL_REQUIRED_TIER,
	[AUDIT_FOUND_TIER] = TRAIL_FOUND_TIER,
	[AUDIT_STATEMENT] = TRAIL_STATEMENT,
	[AUDIT_DETAIL] = TRAIL_DETAIL,
	[AUDIT_NODE] = TRAIL_NODE
};

const int	trail_number_column[AUDIT_NUMBER_COUNT] = {
	[AUDIT_TIME] = TRAIL_TIME,
	[AUDIT_BREACH] = TRAIL_BREACH,
	[AUDIT_CLIENT_PORT] = TRAIL_CLIENT_PORT,
	[AUDIT_BACKEND_PID] = TRAIL_BACKEND_PID,
	[AUDIT_TRANSACTION_ID] = TRAIL_TRANSACTION_ID,
	[AUDIT_CLASS_ID] = TRAIL_CLASS_ID,
	[AUDIT_OBJECT_ID] = TRAIL_OBJECT_ID,
	[AUDIT_OBJECT_SUBID] = TRAIL_OBJECT_SUBID,
	[AUDIT_REPEATS] = TRAIL_REPEATS
};

struct TrailBatch
{
	Relation	event;
	Relation	head_rel;
	CatalogIndexState indexes;
	IndexInfo  *breach_index;	/* takes breaches only; NULL: it is not there */
	Oid			event_id_index;
	TrailHead	head;
	int64		recorded_at;
	List	   *inserted;		/* of TrailInserted */
	MemoryContext context;
};

Oid
trail_relid(const char *name)
{
	Oid			nsp = get_namespace_oid(DC_AUDIT_SCHEMA, true);

	return OidIsValid(nsp) ? get_relname_relid(name, nsp) : InvalidOid;
}

bool
trail_installed(void)
{
	return OidIsValid(get_extension_oid(DC_EXTENSION, true)) &&
		OidIsValid(trail_relid("event")) &&
		OidIsValid(trail_relid("event_event_id_key")) &&
		OidIsValid(trail_relid("head"));
}

static void
damaged(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("audit trail is damaged"),
			 errdetail("%s", what),
			 errhint("Keep a copy of the cluster for the inquiry, then see SELECT * FROM dataclass_audit.verify().")));
}

bytea *
trail_make_bytea(const uint8 *data, size_t len)
{
	bytea	   *b = palloc(VARHDRSZ + len);

	SET_VARSIZE(b, VARHDRSZ + len);
	memcpy(VARDATA(b), data, len);
	return b;
}

static bool
get_bytea(Datum value, uint8 *out, size_t len)
{
	bytea	   *b = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(b) != len)
		return false;
	memcpy(out, VARDATA_ANY(b), len);
	return true;
}

/* Frontier bytes: the subtree roots, largest first; their number follows from seq. */
static bool
get_frontier(Datum value, int64 size, MerkleFrontier *frontier)
{
	bytea	   *b = DatumGetByteaPP(value);
	size_t		len = VARSIZE_ANY_EXHDR(b);

	frontier->size = (uint64_t) size;
	frontier->nroots = merkle_nroots((uint64_t) size);
	if (size < 0 || len != (size_t) frontier->nroots * AUDIT_HASH_SIZE)
	{
		merkle_init(frontier);
		return false;
	}
	memcpy(frontier->root, VARDATA_ANY(b), len);
	return true;
}

bool
trail_head_read(Snapshot snapshot, TrailHead *head)
{
	Oid			relid = trail_relid("head");
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			rows = 0;
	bool		sound = true;

	memset(head, 0, sizeof(*head));
	head->ntail = -1;
	head->relid = relid;
	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	if (RelationGetDescr(rel)->natts != HEAD_COLUMN_COUNT)
		damaged("Table dataclass_audit.head has not the columns it was created with.");
	scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[HEAD_COLUMN_COUNT];
		bool		nulls[HEAD_COLUMN_COUNT];

		rows++;
		head->tid = tuple->t_self;
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		for (int i = 0; i < HEAD_COLUMN_COUNT; i++)
			sound = sound && !nulls[i];
		if (!sound)
			break;
		head->seq = DatumGetInt64(values[HEAD_SEQ - 1]);
		sound = get_bytea(values[HEAD_HASH - 1], head->hash, AUDIT_HASH_SIZE) &&
			get_bytea(values[HEAD_ROOT - 1], head->root, AUDIT_HASH_SIZE) &&
			get_frontier(values[HEAD_FRONTIER - 1], head->seq, &head->frontier);
		head->database = DatumGetObjectId(values[HEAD_DATABASE - 1]);
		head->system_identifier = (uint64) DatumGetInt64(values[HEAD_SYSTEM_IDENTIFIER - 1]);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	head->valid = sound && rows == 1;
	return head->valid;
}

/* Last record by the index on seq; false if the trail is empty. */
bool
trail_last(Relation rel, Oid index, Snapshot snapshot, int64 *seq, uint8 *hash)
{
	Relation	index_rel = index_open(index, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index_rel, snapshot, 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	bool		found = false;

	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value;

		found = true;
		*seq = DatumGetInt64(heap_getattr(tuple, TRAIL_SEQ, RelationGetDescr(rel), &isnull));
		value = heap_getattr(tuple, TRAIL_LEAF_HASH, RelationGetDescr(rel), &isnull);
		if (isnull || !get_bytea(value, hash, AUDIT_HASH_SIZE))
			memset(hash, 0, AUDIT_HASH_SIZE);
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	return found;
}

/*
 * Catalog indexes have no predicates, so the functions for them would put each
 * record into ours.  Told that it is not ready they leave it alone.
 */
static IndexInfo *
find_breach_index(CatalogIndexState indexes)
{
	Oid			relid = trail_relid("event_breach_idx");

	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		if (RelationGetRelid(indexes->ri_IndexRelationDescs[i]) == relid)
		{
			indexes->ri_IndexRelationInfo[i]->ii_Predicate = NIL;
			return indexes->ri_IndexRelationInfo[i];
		}
	}
	return NULL;
}

TrailBatch *
trail_open(const TrailHead *head)
{
	TrailBatch *batch = palloc0(sizeof(TrailBatch));	/* dies with the transaction */
	Oid			event = trail_relid("event");
	Oid			head_relid = trail_relid("head");

	batch->event_id_index = trail_relid("event_event_id_key");
	if (!OidIsValid(event) || !OidIsValid(head_relid) || !OidIsValid(batch->event_id_index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	/* What this process knows of the trail is about another one. */
	if (head->relid != head_relid)
		ereport(FATAL,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("audit trail was created anew, its writer starts over")));
	batch->event = table_open(event, RowExclusiveLock);
	batch->head_rel = table_open(head_relid, RowExclusiveLock);
	if (RelationGetDescr(batch->event)->natts != TRAIL_COLUMN_COUNT ||
		RelationGetDescr(batch->head_rel)->natts != HEAD_COLUMN_COUNT)
		damaged("The tables of the trail have not the columns they were created with.");
	batch->indexes = CatalogOpenIndexes(batch->event);
	batch->breach_index = find_breach_index(batch->indexes);
	batch->head = *head;
	tile_prepare(&batch->head);
	batch->context = CurrentMemoryContext;
	batch->recorded_at = audit_unix_time(GetCurrentTimestamp());
	return batch;
}

/* Sees what was committed and what this batch inserted. */
bool
trail_has_event(TrailBatch *batch, const uint8 *event_id)
{
	ScanKeyData key;
	SysScanDesc scan;
	pg_uuid_t	uuid;
	bool		found;

	memcpy(uuid.data, event_id, UUID_LEN);
	ScanKeyInit(&key, TRAIL_EVENT_ID, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&uuid));
	scan = systable_beginscan(batch->event, batch->event_id_index, true, SnapshotSelf, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	return found;
}

static Datum
number_datum(AuditNumberField field, int64 value)
{
	switch (field)
	{
		case AUDIT_TIME:
			return TimestampTzGetDatum(audit_timestamp(value));
		case AUDIT_BREACH:
			return BoolGetDatum(value != 0);
		case AUDIT_CLIENT_PORT:
		case AUDIT_BACKEND_PID:
		case AUDIT_OBJECT_SUBID:
			return Int32GetDatum((int32) value);
		case AUDIT_TRANSACTION_ID:
		case AUDIT_REPEATS:
			return Int64GetDatum(value);
		case AUDIT_CLASS_ID:
		case AUDIT_OBJECT_ID:
			return ObjectIdGetDatum((Oid) value);
		case AUDIT_NUMBER_COUNT:
			break;
	}
	return (Datum) 0;
}

static void
set_values(const AuditRecord *record, Datum *values, bool *nulls)
{
	for (int i = 0; i < AUDIT_NUMBER_COUNT; i++)
	{
		int			at = trail_number_column[i] - 1;

		nulls[at] = !record->number[i].present;
		if (record->number[i].present)
			values[at] = number_datum(i, record->number[i].value);
	}
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		int			at = trail_text_column[i] - 1;

		nulls[at] = record->text[i].data == NULL;
		if (record->text[i].data != NULL)
			values[at] = PointerGetDatum(cstring_to_text_with_len(record->text[i].data,
																  record->text[i].len));
	}
}

/*
 * A copy that lives as long as the batch: decoded once, for the row and for
 * those who follow up on records within the same transaction.
 */
static TrailInserted *
keep_payload(TrailBatch *batch, const AuditPayload *payload)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);
	TrailInserted *kept = palloc(sizeof(TrailInserted) + payload->len);
	uint8	   *copy = (uint8 *) (kept + 1);
	const char *error;

	memcpy(copy, payload->data, payload->len);
	if (!audit_payload_decode(copy, payload->len, &kept->record, &error))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit event cannot be read: %s", error)));
	MemoryContextSwitchTo(old);
	return kept;
}

static void
remember(TrailBatch *batch, TrailInserted *kept, const uint8 *leaf)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	kept->seq = batch->head.seq;
	kept->recorded_at = batch->recorded_at;
	memcpy(kept->leaf, leaf, AUDIT_HASH_SIZE);
	batch->inserted = lappend(batch->inserted, kept);
	MemoryContextSwitchTo(old);
}

List *
trail_inserted(TrailBatch *batch)
{
	return batch->inserted;
}

const TrailHead *
trail_batch_head(TrailBatch *batch)
{
	return &batch->head;
}

void
trail_insert(TrailBatch *batch, const AuditPayload *payload, const char *origin)
{
	static uint8 leaf_bytes[AUDIT_LEAF_MAX];
	Datum		values[TRAIL_COLUMN_COUNT] = {0};
	bool		nulls[TRAIL_COLUMN_COUNT] = {false};
	TrailInserted *kept = keep_payload(batch, payload);
	AuditPlace	place;
	uint8		leaf[AUDIT_HASH_SIZE];
	pg_uuid_t	uuid;
	size_t		len;
	HeapTuple	tuple;

	place.seq = batch->head.seq + 1;
	place.recorded_at = batch->recorded_at;
	place.origin = origin;
	place.origin_len = strlen(origin);
	memcpy(place.prev_hash, batch->head.hash, AUDIT_HASH_SIZE);
	len = audit_leaf_encode(&place, payload->data, payload->len, leaf_bytes, sizeof(leaf_bytes));
	if (len == 0 || !merkle_leaf(leaf_bytes, len, leaf))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of an audit record")));

	set_values(&kept->record, values, nulls);
	memcpy(uuid.data, kept->record.event_id, UUID_LEN);
	values[TRAIL_SEQ - 1] = Int64GetDatum(place.seq);
	values[TRAIL_EVENT_ID - 1] = UUIDPGetDatum(&uuid);
	values[TRAIL_RECORDED_AT - 1] = TimestampTzGetDatum(audit_timestamp(place.recorded_at));
	values[TRAIL_ORIGIN - 1] = CStringGetTextDatum(origin);
	values[TRAIL_FORMAT_VERSION - 1] = Int32GetDatum(AUDIT_FORMAT_VERSION);
	values[TRAIL_PREV_HASH - 1] = PointerGetDatum(trail_make_bytea(place.prev_hash, AUDIT_HASH_SIZE));
	values[TRAIL_LEAF_HASH - 1] = PointerGetDatum(trail_make_bytea(leaf, AUDIT_HASH_SIZE));
	tuple = heap_form_tuple(RelationGetDescr(batch->event), values, nulls);
	if (batch->breach_index)
		batch->breach_index->ii_ReadyForInserts = kept->record.number[AUDIT_BREACH].value != 0;
	CatalogTupleInsertWithInfo(batch->event, tuple, batch->indexes);
	heap_freetuple(tuple);
	tile_append(&batch->head, leaf);

	batch->head.seq = place.seq;
	memcpy(batch->head.hash, leaf, AUDIT_HASH_SIZE);
	remember(batch, kept, leaf);
}

void
trail_close(TrailBatch *batch, TrailHead *after)
{
	Datum		values[HEAD_COLUMN_COUNT] = {0};
	bool		nulls[HEAD_COLUMN_COUNT] = {false};
	HeapTuple	tuple;

	if (batch->inserted != NIL || !ItemPointerIsValid(&batch->head.tid))
	{
		if (!merkle_root(&batch->head.frontier, batch->head.root))
			ereport(ERROR,
					(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
					 errmsg("could not compute the root of the audit trail")));
		batch->head.database = MyDatabaseId;
		batch->head.system_identifier = GetSystemIdentifier();
		values[HEAD_SEQ - 1] = Int64GetDatum(batch->head.seq);
		values[HEAD_HASH - 1] = PointerGetDatum(trail_make_bytea(batch->head.hash, AUDIT_HASH_SIZE));
		values[HEAD_ROOT - 1] = PointerGetDatum(trail_make_bytea(batch->head.root, AUDIT_HASH_SIZE));
		values[HEAD_FRONTIER - 1] =
			PointerGetDatum(trail_make_bytea(&batch->head.frontier.root[0][0],
									   (size_t) batch->head.frontier.nroots * AUDIT_HASH_SIZE));
		values[HEAD_DATABASE - 1] = ObjectIdGetDatum(batch->head.database);
		values[HEAD_SYSTEM_IDENTIFIER - 1] = Int64GetDatum((int64) batch->head.system_identifier);
		values[HEAD_UPDATED_AT - 1] = TimestampTzGetDatum(audit_timestamp(batch->recorded_at));
		tuple = heap_form_tuple(RelationGetDescr(batch->head_rel), values, nulls);
		if (ItemPointerIsValid(&batch->head.tid))
			CatalogTupleUpdate(batch->head_rel, &batch->head.tid, tuple);
		else
			CatalogTupleInsert(batch->head_rel, tuple);
		batch->head.tid = tuple->t_self;
		batch->head.valid = true;
		heap_freetuple(tuple);
	}
	CatalogCloseIndexes(batch->indexes);
	table_close(batch->head_rel, NoLock);
	table_close(batch->event, NoLock);
	*after = batch->head;
}

static void
get_number(AuditNumberField field, Datum value, AuditNumber *number)
{
	number->present = true;
	switch (field)
	{
		case AUDIT_TIME:
			number->value = audit_unix_time(DatumGetTimestampTz(value));
			break;
		case AUDIT_BREACH:
			number->value = DatumGetBool(value) ? 1 : 0;
			break;
		case AUDIT_CLIENT_PORT:
		case AUDIT_BACKEND_PID:
		case AUDIT_OBJECT_SUBID:
			number->value = DatumGetInt32(value);
			break;
		case AUDIT_TRANSACTION_ID:
		case AUDIT_REPEATS:
			number->value = DatumGetInt64(value);
			break;
		case AUDIT_CLASS_ID:
		case AUDIT_OBJECT_ID:
			number->value = DatumGetObjectId(value);
			break;
		case AUDIT_NUMBER_COUNT:
			break;
	}
}

static const uint8 *
hash_bytes(Datum value, bool isnull)
{
	bytea	   *b;

	if (isnull)
		return NULL;
	b = DatumGetByteaPP(value);
	return VARSIZE_ANY_EXHDR(b) == AUDIT_HASH_SIZE ? (const uint8 *) VARDATA_ANY(b) : NULL;
}

/* Texts point into the tuple, or into copies in the current context. */
void
trail_deform(HeapTuple tuple, TupleDesc desc, TrailTuple *out)
{
	Datum		values[TRAIL_COLUMN_COUNT];
	bool		nulls[TRAIL_COLUMN_COUNT];

	memset(out, 0, sizeof(*out));
	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < AUDIT_NUMBER_COUNT; i++)
	{
		int			at = trail_number_column[i] - 1;

		if (!nulls[at])
			get_number(i, values[at], &out->record.number[i]);
	}
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		int			at = trail_text_column[i] - 1;

		if (!nulls[at])
		{
			text	   *t = DatumGetTextPP(values[at]);

			out->record.text[i].data = VARDATA_ANY(t);
			out->record.text[i].len = VARSIZE_ANY_EXHDR(t);
		}
	}
	if (!nulls[TRAIL_EVENT_ID - 1])
		memcpy(out->record.event_id, DatumGetUUIDP(values[TRAIL_EVENT_ID - 1])->data, UUID_LEN);
	out->place.seq = nulls[TRAIL_SEQ - 1] ? 0 : DatumGetInt64(values[TRAIL_SEQ - 1]);
	if (!nulls[TRAIL_RECORDED_AT - 1])
		out->place.recorded_at = audit_unix_time(DatumGetTimestampTz(values[TRAIL_RECORDED_AT - 1]));
	if (!nulls[TRAIL_ORIGIN - 1])
	{
		text	   *t = DatumGetTextPP(values[TRAIL_ORIGIN - 1]);

		out->place.origin = VARDATA_ANY(t);
		out->place.origin_len = VARSIZE_ANY_EXHDR(t);
	}
	else
		out->place.origin = "";
	out->format_version = nulls[TRAIL_FORMAT_VERSION - 1] ? 0 : DatumGetInt32(values[TRAIL_FORMAT_VERSION - 1]);
	out->prev_hash = hash_bytes(values[TRAIL_PREV_HASH - 1], nulls[TRAIL_PREV_HASH - 1]);
	out->leaf_hash = hash_bytes(values[TRAIL_LEAF_HASH - 1], nulls[TRAIL_LEAF_HASH - 1]);
	if (out->prev_hash)
		memcpy(out->place.prev_hash, out->prev_hash, AUDIT_HASH_SIZE);
}
