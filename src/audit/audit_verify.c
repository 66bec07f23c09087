/*-------------------------------------------------------------------------
 *
 * audit_verify.c
 *		dataclass_audit.verify(): is the trail as it was written?
 *
 * audit_verify_chain.c recomputes the hash of each record from its columns and
 * follows the chain, audit_verify_tree.c compares tiles and checkpoints with
 * the tree over the records; here the end is compared with the head row and
 * with the head file, outside of the database.  Stops at the first record that
 * is not as it was written, names it, and records the finding.
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
#include "pg_dataclass/audit_verify.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/verify_progress.h"

extern PGDLLEXPORT Datum dc_audit_verify(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_verify);

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
		verify_bad(v, head->seq, "the record is not the one that was committed under this number");
	if (file.seq <= head->seq)
		return;
	latest = RegisterSnapshot(GetLatestSnapshot());
	if (!trail_head_read(latest, &now) || now.seq < file.seq)
		verify_bad(v, v->last_seq + 1, psprintf("the trail was rewound: record %lld was committed", (long long) file.seq));
	UnregisterSnapshot(latest);
}

/*
 * What was handed out to others: recovery may have been wound back to before
 * that, together with all tables.
 */
static void
check_handed_out(Verify *v)
{
	Snapshot	latest;
	TrailHead	now;
	char	   *contradiction;
	int64		size;

	if (RecoveryInProgress())
		return;
	latest = RegisterSnapshot(GetLatestSnapshot());
	if (trail_head_read(latest, &now) &&
		(contradiction = checkpoint_contradiction(now.seq, latest, &size)) != NULL)
	{
		/* It becomes a part of a sentence. */
		contradiction[0] = pg_tolower((unsigned char) contradiction[0]);
		contradiction[strlen(contradiction) - 1] = '\0';
		verify_bad(v, Min(size, v->last_seq + 1), contradiction);
	}
	UnregisterSnapshot(latest);
}

static void
check_end(Verify *v)
{
	TrailHead	head;
	uint8		root[AUDIT_HASH_SIZE];

	if (!trail_head_read(v->snapshot, &head))
	{
		verify_bad(v, v->last_seq + 1, "the head row is missing or damaged");
		return;
	}
	if (v->checked == 0 && v->from > head.seq + 1)
		verify_bad(v, v->from, psprintf("the record is missing: the trail ends at record %lld", (long long) head.seq));
	else if (head.seq > v->last_seq)
		verify_bad(v, v->last_seq + 1, psprintf("records are missing at the end: the head is at %lld", (long long) head.seq));
	else if (head.seq < v->last_seq)
		verify_bad(v, head.seq + 1, "the record was added behind the head");
	else if (v->prev_known && memcmp(head.hash, v->last_hash, AUDIT_HASH_SIZE) != 0)
		verify_bad(v, head.seq, "the head row does not fit the last record");
	else if (v->tree &&
			 (!verify_tree_root(v->tree, root) || memcmp(root, head.root, AUDIT_HASH_SIZE) != 0))
		verify_bad(v, head.seq, "the root of the tree does not fit the head row");
	else if (v->tree && (!merkle_root(&head.frontier, root) || memcmp(root, head.root, AUDIT_HASH_SIZE) != 0))
		verify_bad(v, head.seq, "the subtree roots of the head row do not fit its root");
	if (v->reason == NULL && v->tree)
		verify_tree_end(v);
	if (v->reason == NULL && v->whole && !v->counted)
	{
		int64		rows;

		verify_progress_phase(VERIFY_COUNTING);
		rows = verify_count_rows(v->rel, v->snapshot);
		if (rows != v->checked)
			verify_bad(v, v->last_seq + 1, psprintf("the table holds %lld rows besides the %lld of the trail",
													(long long) (rows - v->checked), (long long) v->checked));
	}
	check_head_file(v, &head);
	check_handed_out(v);
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
	if (v->tree)
	{
		bytea	   *root = palloc(VARHDRSZ + AUDIT_HASH_SIZE);

		SET_VARSIZE(root, VARHDRSZ + AUDIT_HASH_SIZE);
		if (verify_tree_root(v->tree, (uint8 *) VARDATA(root)))
		{
			values[4] = PointerGetDatum(root);
			nulls[4] = false;
		}
	}
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

static int64
head_seq(Snapshot snapshot)
{
	TrailHead	head;

	return trail_head_read(snapshot, &head) ? head.seq : 0;
}

static void
check_range(const Verify *v)
{
	if (v->from > 1 && v->from <= v->archived && v->reason == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("records up to %lld are archived", (long long) v->archived),
				 errdetail("Only their hashes are in the database, and are checked from record 1 on."),
				 errhint("Check from record 1 on with SELECT * FROM dataclass_audit.verify(NULL, ...), and the files with SELECT * FROM dataclass_audit.verify_archive().")));
}

static void
verify_all(Verify *v)
{
	v->snapshot = RegisterSnapshot(GetActiveSnapshot());
	v->archived = verify_archived(v);
	check_range(v);
	if (v->from == 1)
		verify_tree_open(v);
	verify_progress_begin(Max(Min(v->to, head_seq(v->snapshot)) - Max(v->from - 1, v->archived), 0));
	PG_TRY();
	{
		if (v->tree && v->archived > 0)
			verify_archived_tiles(v);
		if (v->reason == NULL && v->to > v->archived)
			verify_chain(v);
		if (v->reason == NULL && v->to == PG_INT64_MAX)
			check_end(v);
		else if (v->reason == NULL && v->last_seq < v->to)
			verify_bad(v, v->last_seq + 1, "the record is missing");
	}
	PG_FINALLY();
	{
		verify_progress_end();
	}
	PG_END_TRY();
	if (v->tree)
		verify_tree_close(v);
	UnregisterSnapshot(v->snapshot);
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
	v.whole = v.from == 1 && v.to == PG_INT64_MAX;
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
		verify_bad(&v, 1, "the columns of the trail are not those it was created with");
	else
		verify_all(&v);
	if (v.reason)
		record_finding(&v);
	result = make_result(fcinfo, &v);
	table_close(v.rel, AccessShareLock);
	PG_RETURN_DATUM(result);
}
