/*-------------------------------------------------------------------------
 *
 * audit_verify.c
 *		dataclass_audit.verify(): is the trail as it was written?
 *
 * Recomputes the hash of each record from its columns, follows the chain in
 * order of seq, and compares its end with the head row and with the head file.
 * A full check also counts the rows of the table: one that no index entry
 * leads to would not be met on the way.  Stops at the first record that is not
 * as it was written, names it, and records the finding.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/policy.h"

extern PGDLLEXPORT Datum dc_audit_verify(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_verify);

typedef struct Verify
{
	Relation	rel;
	Oid			index;
	Snapshot	snapshot;
	int64		from;
	int64		to;				/* PG_INT64_MAX: to the end */
	int64		checked;
	int64		last_seq;		/* last one found sound */
	uint8		last_hash[AUDIT_HASH_SIZE];
	bool		prev_known;
	MerkleFrontier frontier;	/* valid if from is 1 */
	int64		first_bad;
	char	   *reason;			/* NULL: sound so far */
} Verify;

static void
bad(Verify *v, int64 seq, const char *reason)
{
	if (v->reason == NULL)
	{
		v->first_bad = seq;
		v->reason = pstrdup(reason);
	}
}

/* The hash of a record by its columns; false if they cannot be what was written. */
static bool
recompute(const TrailTuple *t, uint8 *leaf)
{
	static uint8 payload[AUDIT_PAYLOAD_MAX];
	static uint8 bytes[AUDIT_LEAF_MAX];
	size_t		payload_len = audit_payload_encode(&t->record, payload, sizeof(payload));
	size_t		len;

	if (payload_len == 0)
		return false;
	len = audit_leaf_encode(&t->place, payload, payload_len, bytes, sizeof(bytes));
	return len > 0 && merkle_leaf(bytes, len, leaf);
}

static void
check_tuple(Verify *v, HeapTuple tuple)
{
	TrailTuple	t;
	uint8		leaf[AUDIT_HASH_SIZE];
	int64		expected = v->last_seq + 1;

	trail_deform(tuple, RelationGetDescr(v->rel), &t);
	if (t.place.seq < expected)
		bad(v, t.place.seq, "there is more than one record of this number");
	else if (t.place.seq > expected)
		bad(v, expected, t.place.seq == expected + 1 ? "the record is missing" :
			psprintf("the records up to %lld are missing", (long long) t.place.seq - 1));
	else if (t.format_version != AUDIT_FORMAT_VERSION)
		bad(v, expected, "the record is of an unknown format version");
	else if (t.leaf_hash == NULL || t.prev_hash == NULL)
		bad(v, expected, "a hash of the record has a wrong length");
	else if (!recompute(&t, leaf) || memcmp(leaf, t.leaf_hash, AUDIT_HASH_SIZE) != 0)
		bad(v, expected, "the record was changed: its hash does not fit its content");
	else if (v->prev_known && memcmp(t.prev_hash, v->last_hash, AUDIT_HASH_SIZE) != 0)
		bad(v, expected, "the record does not follow the one before it: its link does not fit");
	else if (v->from == 1 && !merkle_append(&v->frontier, leaf))
		bad(v, expected, "the hash of the tree could not be computed");
	else
	{
		v->checked++;
		v->last_seq = expected;
		v->prev_known = true;
		memcpy(v->last_hash, leaf, AUDIT_HASH_SIZE);
	}
}

/* A partial check starts with the link to the record before. */
static void
read_predecessor(Verify *v, Relation index_rel)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	TrailTuple	t;

	v->last_seq = v->from - 1;
	memset(v->last_hash, 0, AUDIT_HASH_SIZE);
	v->prev_known = v->from == 1;
	if (v->from == 1)
		return;
	ScanKeyInit(&key, TRAIL_SEQ, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(v->from - 1));
	scan = systable_beginscan_ordered(v->rel, index_rel, v->snapshot, 1, &key);
	tuple = systable_getnext_ordered(scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		trail_deform(tuple, RelationGetDescr(v->rel), &t);
		v->prev_known = true;
		if (t.leaf_hash)
			memcpy(v->last_hash, t.leaf_hash, AUDIT_HASH_SIZE);
	}
	systable_endscan_ordered(scan);
}

static void
check_chain(Verify *v)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "dataclass verify", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	Relation	index_rel = index_open(v->index, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	merkle_init(&v->frontier);
	read_predecessor(v, index_rel);
	ScanKeyInit(&keys[0], TRAIL_SEQ, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(v->from == 1 ? PG_INT64_MIN : v->from));
	ScanKeyInit(&keys[1], TRAIL_SEQ, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(v->to));
	scan = systable_beginscan_ordered(v->rel, index_rel, v->snapshot, 2, keys);
	while (v->reason == NULL &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(work);
		check_tuple(v, tuple);
		MemoryContextSwitchTo(caller);
		if (v->reason)
			v->reason = pstrdup(v->reason);
		MemoryContextReset(work);
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	MemoryContextDelete(work);
}

/* Rows that the snapshot sees, by the table itself. */
static int64
count_rows(const Verify *v)
{
	TableScanDesc scan = table_beginscan(v->rel, v->snapshot, 0, NULL);
	int64		rows = 0;

	while (heap_getnext(scan, ForwardScanDirection) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		rows++;
	}
	table_endscan(scan);
	return rows;
}

/*
 * The head file is written after the commit, so a trail that our snapshot sees
 * may lag behind it; one that is committed by now may not.
 */
static void
check_head_file(Verify *v, const TrailHead *head)
{
	AuditHeadFile file;
	Snapshot	latest;
	TrailHead	now;

	if (RecoveryInProgress() || !audit_head_read("head", MyDatabaseId, &file) ||
		file.system_identifier != GetSystemIdentifier())
		return;
	if (file.seq == head->seq && memcmp(file.hash, head->hash, AUDIT_HASH_SIZE) != 0)
		bad(v, head->seq, "the record is not the one that was committed under this number");
	if (file.seq <= head->seq)
		return;
	latest = RegisterSnapshot(GetLatestSnapshot());
	if (!trail_head_read(latest, &now) || now.seq < file.seq)
		bad(v, v->last_seq + 1, psprintf("the trail was rewound: record %lld was committed", (long long) file.seq));
	UnregisterSnapshot(latest);
}

static void
check_end(Verify *v)
{
	TrailHead	head;
	uint8		root[AUDIT_HASH_SIZE];

	if (!trail_head_read(v->snapshot, &head))
	{
		bad(v, v->last_seq + 1, "the head row is missing or damaged");
		return;
	}
	if (head.seq > v->last_seq)
		bad(v, v->last_seq + 1, psprintf("records are missing at the end: the head is at %lld", (long long) head.seq));
	else if (head.seq < v->last_seq)
		bad(v, head.seq + 1, "the record was added behind the head");
	else if (v->prev_known && memcmp(head.hash, v->last_hash, AUDIT_HASH_SIZE) != 0)
		bad(v, head.seq, "the head row does not fit the last record");
	else if (v->from == 1 &&
			 (!merkle_root(&v->frontier, root) || memcmp(root, head.root, AUDIT_HASH_SIZE) != 0))
		bad(v, head.seq, "the root of the tree does not fit the head row");
	if (v->reason == NULL && v->from == 1)
	{
		int64		rows = count_rows(v);

		if (rows != v->checked)
			bad(v, v->last_seq + 1, psprintf("the table holds %lld rows besides the %lld of the trail",
											 (long long) (rows - v->checked), (long long) v->checked));
	}
	check_head_file(v, &head);
}

static void
record_finding(const Verify *v)
{
	AuditEvent	event = {0};

	event.kind = EVENT_TRAIL_TAMPERED;
	event.severity = SEVERITY_CRITICAL;
	event.outcome = OUTCOME_OBSERVED;
	event.breach = true;
	event.action = "verify";
	event.object_type = "table";
	event.object_identity = "dataclass_audit.event";
	event.class_id = RelationRelationId;
	event.object_id = RelationGetRelid(v->rel);
	event.detail = psprintf("Record %lld: %s.", (long long) v->first_bad, v->reason);
	(void) event_record(&event);
}

static void
check_privilege(Oid relid)
{
	AclResult	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, "event");
}

static Datum
make_result(FunctionCallInfo fcinfo, const Verify *v)
{
	TupleDesc	desc;
	Datum		values[5] = {0};
	bool		nulls[5] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	values[0] = BoolGetDatum(v->reason == NULL);
	values[1] = Int64GetDatum(v->checked);
	values[2] = Int64GetDatum(v->first_bad);
	nulls[2] = v->reason == NULL;
	if (v->reason)
		values[3] = CStringGetTextDatum(v->reason);
	nulls[3] = v->reason == NULL;
	nulls[4] = true;
	if (v->from == 1)
	{
		bytea	   *root = palloc(VARHDRSZ + AUDIT_HASH_SIZE);

		SET_VARSIZE(root, VARHDRSZ + AUDIT_HASH_SIZE);
		if (merkle_root(&v->frontier, (uint8_t *) VARDATA(root)))
		{
			values[4] = PointerGetDatum(root);
			nulls[4] = false;
		}
	}
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
dc_audit_verify(PG_FUNCTION_ARGS)
{
	Verify		v = {0};
	Oid			relid = trail_relid("event");
	Datum		result;

	v.index = trail_relid("event_pkey");
	v.from = PG_ARGISNULL(0) ? 1 : PG_GETARG_INT64(0);
	v.to = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT64(1);
	if (v.from < 1 || v.to < v.from)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range of records must start at 1 or later and must not end before it starts"),
				 errhint("Check the whole trail with SELECT * FROM dataclass_audit.verify().")));
	if (!OidIsValid(relid) || !OidIsValid(v.index))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail does not exist in this database"),
				 errhint("Somebody removed it below SQL; restore the database from a backup.")));
	check_privilege(relid);

	v.rel = table_open(relid, AccessShareLock);
	if (RelationGetDescr(v.rel)->natts != TRAIL_COLUMN_COUNT)
		bad(&v, 1, "the columns of the trail are not those it was created with");
	else
	{
		v.snapshot = RegisterSnapshot(GetActiveSnapshot());
		check_chain(&v);
		if (v.reason == NULL && v.to == PG_INT64_MAX)
			check_end(&v);
		else if (v.reason == NULL && v.last_seq < v.to)
			bad(&v, v.last_seq + 1, "the record is missing");
		UnregisterSnapshot(v.snapshot);
	}
	if (v.reason)
		record_finding(&v);
	result = make_result(fcinfo, &v);
	table_close(v.rel, AccessShareLock);
	PG_RETURN_DATUM(result);
}
