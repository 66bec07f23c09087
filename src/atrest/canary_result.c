/*-------------------------------------------------------------------------
 *
 * canary_result.c
 *		Outcomes of canary proofs: kept, and what they say afterwards.
 *
 * One row per proof in dataclass.canary_result.  No statement writes there,
 * whoever runs it: rows are put in by the proof itself, and no dump carries
 * them, since they are about this server.  What counts is the newest proof of
 * an access method, and only while it is recent and of this version.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/canary.h"
#include "pg_dataclass/report.h"

#define RESULT_TABLE	"canary_result"

enum
{
	ATT_PROVED_AT = 1,
	ATT_PROVED_BY,
	ATT_ACCESS_METHOD,
	ATT_ACCESS_METHOD_OID,
	ATT_TABLESPACE,
	ATT_SERVER_VERSION,
	ATT_VERDICT,
	ATT_DETAIL
};

#define NATTS ATT_DETAIL

typedef struct CanaryResult
{
	TimestampTz proved_at;
	int			server_version;
	bool		encrypted;
} CanaryResult;

static int	guc_canary_validity = 7 * 24 * 60;

void
canary_init(void)
{
	DefineCustomIntVariable("dataclass.canary_validity",
							"Time for which a canary proof counts as evidence.",
							"0: no proof counts.",
							&guc_canary_validity, 7 * 24 * 60, 0, 366 * 24 * 60,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* NULL where the extension is not installed. */
static Relation
open_results(LOCKMODE lockmode)
{
	const PolicySnapshot *p = policy_current();
	Oid			relid = p->installed ? get_relname_relid(RESULT_TABLE, p->schema_oid) : InvalidOid;

	return OidIsValid(relid) ? table_open(relid, lockmode) : NULL;
}

static Datum
value_of(HeapTuple tuple, Relation rel, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

	return isnull ? (Datum) 0 : value;
}

/* The newest result of an access method; last_proof: newest that was a proof. */
static bool
newest_result(Oid access_method, bool proof_only, CanaryResult *result)
{
	Relation	rel = open_results(AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		have = false;

	if (rel == NULL)
		return false;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TimestampTz at = DatumGetTimestampTz(value_of(tuple, rel, ATT_PROVED_AT));
		bool		encrypted;

		if (DatumGetObjectId(value_of(tuple, rel, ATT_ACCESS_METHOD_OID)) != access_method ||
			(have && at < result->proved_at))
			continue;
		encrypted = strcmp(TextDatumGetCString(value_of(tuple, rel, ATT_VERDICT)),
						   evidence_verdict_name(EVIDENCE_ENCRYPTED)) == 0;
		if (proof_only && !encrypted)
			continue;
		result->proved_at = at;
		result->server_version = DatumGetInt32(value_of(tuple, rel, ATT_SERVER_VERSION));
		result->encrypted = encrypted;
		have = true;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return have;
}

/* Does anybody rely on this access method to encrypt?  Those whose purpose it is, and those that once proved it. */
static bool
claims_encryption(Oid access_method)
{
	Oid			extension = getExtensionOfObject(AccessMethodRelationId, access_method);
	char	   *name = OidIsValid(extension) ? get_extension_name(extension) : NULL;
	CanaryResult before;

	return (name != NULL && strcmp(name, "pg_tde") == 0) || newest_result(access_method, true, &before);
}

static void
record_result(Oid access_method, EvidenceVerdict verdict, bool claimed, const char *detail)
{
	AuditEvent	event = {0};
	bool		fails = claimed && verdict != EVIDENCE_ENCRYPTED;

	event.kind = fails ? EVENT_AT_REST_VIOLATION : EVENT_ATTESTATION;
	event.severity = fails ? SEVERITY_HIGH : SEVERITY_NOTICE;
	event.breach = fails;
	event.action = "canary_proof";
	event.class_id = AccessMethodRelationId;
	event.object_id = access_method;
	event.object_type = "access method";
	event.object_identity = quote_identifier(get_am_name(access_method));
	event.rule = fails ? "at_rest" : NULL;
	event.detail = psprintf("Canary proof: %s. %s", evidence_verdict_name(verdict), detail);
	report_change(&event);
}

void
canary_result_store(Oid access_method, const char *tablespace, EvidenceVerdict verdict, const char *detail)
{
	bool		claimed = claims_encryption(access_method);
	Relation	rel = open_results(RowExclusiveLock);
	Datum		values[NATTS];
	bool		nulls[NATTS] = {false};
	NameData	by;
	NameData	am;
	NameData	space;
	HeapTuple	tuple;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_dataclass\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION pg_dataclass.")));
	namestrcpy(&by, GetUserNameFromId(GetOuterUserId(), false));
	namestrcpy(&am, get_am_name(access_method));
	namestrcpy(&space, tablespace);
	values[ATT_PROVED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ATT_PROVED_BY - 1] = NameGetDatum(&by);
	values[ATT_ACCESS_METHOD - 1] = NameGetDatum(&am);
	values[ATT_ACCESS_METHOD_OID - 1] = ObjectIdGetDatum(access_method);
	values[ATT_TABLESPACE - 1] = NameGetDatum(&space);
	values[ATT_SERVER_VERSION - 1] = Int32GetDatum(compat_server_version());
	values[ATT_VERDICT - 1] = CStringGetTextDatum(evidence_verdict_name(verdict));
	values[ATT_DETAIL - 1] = CStringGetTextDatum(detail);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
	record_result(access_method, verdict, claimed, detail);
}

bool
canary_evidence(Oid access_method, Evidence *evidence)
{
	CanaryResult result;
	TimestampTz now = GetCurrentTimestamp();

	/* heap is plain to the server, and its place is judged by the probes */
	if (!OidIsValid(access_method) || access_method == HEAP_TABLE_AM_OID ||
		!newest_result(access_method, false, &result) || !result.encrypted ||
		result.server_version != compat_server_version() || result.proved_at > now ||
		now - result.proved_at > guc_canary_validity * (TimestampTz) 60 * USECS_PER_SEC)
		return false;
	memset(evidence, 0, sizeof(*evidence));
	return evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_CANARY, "server",
						"Proved by canary at %s for access method \"%s\".",
						timestamptz_to_str(result.proved_at), get_am_name(access_method));
}

/* The proof has looked at a btree; other kinds of index write files of their own making. */
static bool
has_proved_indexes_only(Relation rel)
{
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));
		bool		btree = false;

		if (HeapTupleIsValid(tuple))
		{
			btree = ((Form_pg_class) GETSTRUCT(tuple))->relam == BTREE_AM_OID;
			ReleaseSysCache(tuple);
		}
		if (!btree)
			return false;
	}
	return true;
}

/* Asked of every relation that posture shows: most are heap, and none must be waited for. */
bool
canary_evidence_of_relation(Oid relid, Evidence *evidence)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			access_method = InvalidOid;
	Relation	rel;
	bool		proved;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_RELATION ||
		((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_MATVIEW)
		access_method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
	ReleaseSysCache(tuple);
	if (!canary_evidence(access_method, evidence) || !ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	rel = try_relation_open(relid, NoLock);
	proved = rel != NULL && rel->rd_rel->relam == access_method && has_proved_indexes_only(rel);
	if (rel != NULL)
		relation_close(rel, NoLock);
	UnlockRelationOid(relid, AccessShareLock);
	return proved;
}

void
canary_raise(Evidence *evidence, const Evidence *proved)
{
	/* the cipher of the place stays where it is an encrypted one: both apply */
	if (evidence->verdict != EVIDENCE_ENCRYPTED)
	{
		evidence->cipher[0] = '\0';
		evidence->key_bits = 0;
	}
	evidence->verdict = proved->verdict;
	evidence->grade = proved->grade;
	strlcpy(evidence->mechanism, proved->mechanism, sizeof(evidence->mechanism));
	strlcpy(evidence->detail, proved->detail, sizeof(evidence->detail));
}
