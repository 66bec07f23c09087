/*-------------------------------------------------------------------------
 *
 * attest_store.c
 *		Rows of dataclass.attestation, and what each backend makes of them.
 *
 * Documents and signatures are kept verbatim.  What counts is the document: a
 * row is read again and its signature verified again by each backend, for
 * each generation of the policy and whenever the trust anchors change, so
 * that a forged row is worth nothing and a revoked key ends at once.
 *
 * Signatures are verified when somebody asks, once per generation; expired
 * and revoked rows cost nothing.  The anchors are looked at once per
 * statement, and once per second within one.
 *
 * Writers hold ShareRowExclusiveLock on the table: what they compare with
 * does not change meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest_internal.h"
#include "pg_dataclass/report.h"

#define TABLE_NAME			"attestation"
#define ANCHORS_RECHECK_MS	1000

enum
{
	ATT_SEQUENCE = 1,
	ATT_ID,
	ATT_DIGEST,
	ATT_DOCUMENT,
	ATT_SIGNATURE,
	ATT_TIMELINE,
	ATT_TABLESPACE,
	ATT_LOCATION,
	ATT_ACCEPTED_AT,
	ATT_ACCEPTED_BY,
	ATT_REVOKED_AT,
	ATT_REVOKED_BY,
	ATT_REVOKED_REASON,
	ATT_RECORDED_STATE
};

#define NATTS ATT_RECORDED_STATE

static AttestationSet set;
static MemoryContext set_cxt = NULL;
static uint64 set_generation = 0;
static uint64 anchors_fingerprint = 0;
static TimestampTz anchors_statement = 0;
static TimestampTz anchors_checked = 0;

/*
 * attest_open
 */
Relation
attest_open(LOCKMODE lockmode)
{
	const PolicySnapshot *p = policy_current();
	Oid			relid = p->installed ? get_relname_relid(TABLE_NAME, p->schema_oid) : InvalidOid;
	Relation	rel;

	if (!OidIsValid(relid))
		return NULL;
	rel = table_open(relid, lockmode);
	if (RelationGetNumberOfAttributes(rel) < NATTS)
	{
		table_close(rel, lockmode);
		return NULL;
	}
	return rel;
}

/*
 * attest_digest
 */
char *
attest_digest(const char *text, int len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 0;
	char	   *hex = palloc(EVP_MAX_MD_SIZE * 2 + 1);

	if (EVP_Digest(text, len, digest, &digest_len, EVP_sha256(), NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the digest of an attestation"),
				 errdetail("OpenSSL does not provide SHA-256.")));
	for (unsigned int i = 0; i < digest_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

/* ------------------------------------------------------------------------
 * Reading
 * ------------------------------------------------------------------------
 */

static const char *
text_or_empty(Datum *values, bool *nulls, int attnum)
{
	return nulls[attnum - 1] ? "" : TextDatumGetCString(values[attnum - 1]);
}

/* In the current memory context.  What the row says besides document and signature is no proof of anything. */
static void
read_row(Attestation *item, HeapTuple tuple, TupleDesc desc)
{
	Datum		values[NATTS];
	bool		nulls[NATTS];
	Datum	   *all = palloc(sizeof(Datum) * desc->natts);
	bool	   *all_nulls = palloc(sizeof(bool) * desc->natts);
	text	   *document;
	bytea	   *signature;
	char	   *fault = NULL;

	heap_deform_tuple(tuple, desc, all, all_nulls);
	memcpy(values, all, sizeof(values));
	memcpy(nulls, all_nulls, sizeof(nulls));
	item->sequence = nulls[ATT_SEQUENCE - 1] ? 0 : DatumGetInt64(values[ATT_SEQUENCE - 1]);
	item->stored_id = text_or_empty(values, nulls, ATT_ID);
	document = nulls[ATT_DOCUMENT - 1] ? cstring_to_text("") : DatumGetTextPP(values[ATT_DOCUMENT - 1]);
	item->text_len = VARSIZE_ANY_EXHDR(document);
	item->text = pnstrdup(VARDATA_ANY(document), item->text_len);
	signature = nulls[ATT_SIGNATURE - 1] ? (bytea *) cstring_to_text("") : DatumGetByteaPP(values[ATT_SIGNATURE - 1]);
	item->signature_len = VARSIZE_ANY_EXHDR(signature);
	item->signature = memcpy(palloc(item->signature_len + 1), VARDATA_ANY(signature), item->signature_len);
	item->digest = attest_digest(item->text, item->text_len);
	item->binding.timeline = nulls[ATT_TIMELINE - 1] ? 0 : DatumGetInt64(values[ATT_TIMELINE - 1]);
	item->binding.tablespace = nulls[ATT_TABLESPACE - 1] ? InvalidOid : DatumGetObjectId(values[ATT_TABLESPACE - 1]);
	item->binding.location = text_or_empty(values, nulls, ATT_LOCATION);
	item->accepted_at = nulls[ATT_ACCEPTED_AT - 1] ? 0 : DatumGetTimestampTz(values[ATT_ACCEPTED_AT - 1]);
	item->accepted_by = nulls[ATT_ACCEPTED_BY - 1] ? "" : pstrdup(NameStr(*DatumGetName(values[ATT_ACCEPTED_BY - 1])));
	item->revoked = !nulls[ATT_REVOKED_AT - 1];
	item->revoked_reason = text_or_empty(values, nulls, ATT_REVOKED_REASON);
	item->recorded_state = text_or_empty(values, nulls, ATT_RECORDED_STATE);

	item->readable = attest_document_read(item->text, item->text_len, &item->document, &fault);
	if (item->readable && strcmp(item->document.id, item->stored_id) != 0)
	{
		item->readable = false;
		fault = "The document has another id than its row.";
	}
	item->fault = fault;
}

static int
compare_sequence(const void *a, const void *b)
{
	int64		left = ((const Attestation *) a)->sequence;
	int64		right = ((const Attestation *) b)->sequence;

	return left < right ? -1 : left > right;
}

static void
load_set(AttestationSet *fresh)
{
	Relation	rel = attest_open(AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	int			room = 0;

	if (rel == NULL)
		return;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (fresh->count == room)
		{
			room = room ? room * 2 : 16;
			fresh->items = fresh->items ? repalloc_huge(fresh->items, sizeof(Attestation) * room) :
				palloc(sizeof(Attestation) * room);
		}
		memset(&fresh->items[fresh->count], 0, sizeof(Attestation));
		read_row(&fresh->items[fresh->count], tuple, RelationGetDescr(rel));
		fresh->count++;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (fresh->count > 0)
		qsort(fresh->items, fresh->count, sizeof(Attestation), compare_sequence);
}

/* Forget what was verified if the anchors are not what they were. */
static void
check_anchors(void)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	TimestampTz now = GetCurrentTimestamp();
	uint64		fingerprint;

	if (statement == anchors_statement && now >= anchors_checked &&
		!TimestampDifferenceExceeds(anchors_checked, now, ANCHORS_RECHECK_MS))
		return;
	anchors_statement = statement;
	anchors_checked = now;
	fingerprint = signature_fingerprint(guc_trust_anchors, SIGNATURE_PURPOSE_ATTESTATION);
	if (fingerprint == anchors_fingerprint)
		return;
	anchors_fingerprint = fingerprint;
	for (int i = 0; i < set.count; i++)
		set.items[i].is_verified = false;
}

/*
 * attest_set
 */
const AttestationSet *
attest_set(const PolicySnapshot *p)
{
	if (policy_snapshot_context(p) == NULL || set_generation != policy_generation())
		p = policy_current();
	if (set_cxt == NULL || set_generation != policy_generation())
	{
		/* below the transaction until it is complete */
		MemoryContext fresh_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass attestations",
														ALLOCSET_SMALL_SIZES);
		MemoryContext old = MemoryContextSwitchTo(fresh_cxt);
		uint64		generation = policy_generation();
		AttestationSet fresh = {0};

		if (p->installed)
			load_set(&fresh);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(fresh_cxt, TopMemoryContext);
		if (set_cxt)
			MemoryContextDelete(set_cxt);
		set_cxt = fresh_cxt;
		set = fresh;
		set_generation = generation;
	}
	if (set.count > 0)
		check_anchors();
	return &set;
}

/*
 * attest_signature
 */
const SignatureResult *
attest_signature(const Attestation *item)
{
	/* the one part of the set that is filled in later */
	Attestation *own = (Attestation *) item;

	if (!own->is_verified)
		signature_verify(guc_trust_anchors, SIGNATURE_PURPOSE_ATTESTATION, own->text, own->text_len,
						 own->signature, own->signature_len, &own->verified);
	own->is_verified = true;
	return &own->verified;
}

/* ------------------------------------------------------------------------
 * Writing
 * ------------------------------------------------------------------------
 */

/*
 * attest_insert
 */
void
attest_insert(Relation rel, const AttestDocument *document, const AttestBinding *binding,
			  const char *text, int text_len, const unsigned char *signature, const char *digest)
{
	Datum		values[NATTS] = {0};
	bool		nulls[NATTS] = {false};
	NameData	by;
	int64		sequence = 0;
	bytea	   *stored = palloc(VARHDRSZ + SIGNATURE_SIZE);
	HeapTuple	tuple;
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, ATT_SEQUENCE, RelationGetDescr(rel), &isnull);

		if (!isnull)
			sequence = Max(sequence, DatumGetInt64(value));
	}
	systable_endscan(scan);

	SET_VARSIZE(stored, VARHDRSZ + SIGNATURE_SIZE);
	memcpy(VARDATA(stored), signature, SIGNATURE_SIZE);
	namestrcpy(&by, GetUserNameFromId(GetOuterUserId(), false));
	values[ATT_SEQUENCE - 1] = Int64GetDatum(sequence + 1);
	values[ATT_ID - 1] = CStringGetTextDatum(document->id);
	values[ATT_DIGEST - 1] = CStringGetTextDatum(digest);
	values[ATT_DOCUMENT - 1] = PointerGetDatum(cstring_to_text_with_len(text, text_len));
	values[ATT_SIGNATURE - 1] = PointerGetDatum(stored);
	values[ATT_TIMELINE - 1] = Int64GetDatum(binding->timeline);
	values[ATT_TABLESPACE - 1] = ObjectIdGetDatum(binding->tablespace);
	values[ATT_LOCATION - 1] = CStringGetTextDatum(binding->location);
	values[ATT_ACCEPTED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ATT_ACCEPTED_BY - 1] = NameGetDatum(&by);
	nulls[ATT_REVOKED_AT - 1] = nulls[ATT_REVOKED_BY - 1] = nulls[ATT_REVOKED_REASON - 1] = true;
	values[ATT_RECORDED_STATE - 1] =
		CStringGetTextDatum(attestation_state_name(document->not_before > GetCurrentTimestamp() ?
												   ATTESTATION_NOT_YET_VALID : ATTESTATION_VALID));
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	/* the table has plain unique indexes, which this keeps up to date */
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	CommandCounterIncrement();
}

/* A new version of the row of item, as it is now. */
static void
update_row(Relation rel, const Attestation *item, Datum *values, bool *nulls, bool *replace)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		HeapTuple	fresh;
		bool		isnull;
		Datum		sequence = heap_getattr(tuple, ATT_SEQUENCE, RelationGetDescr(rel), &isnull);

		if (isnull || DatumGetInt64(sequence) != item->sequence)
			continue;
		fresh = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace);
		CatalogTupleUpdate(rel, &tuple->t_self, fresh);
		heap_freetuple(fresh);
		break;
	}
	systable_endscan(scan);
	CommandCounterIncrement();
}

/*
 * attest_set_revoked
 */
void
attest_set_revoked(Relation rel, const Attestation *item, const char *reason)
{
	Datum		values[NATTS] = {0};
	bool		nulls[NATTS] = {false};
	bool		replace[NATTS] = {false};
	NameData	by;

	namestrcpy(&by, GetUserNameFromId(GetOuterUserId(), false));
	values[ATT_REVOKED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ATT_REVOKED_BY - 1] = NameGetDatum(&by);
	values[ATT_REVOKED_REASON - 1] = CStringGetTextDatum(reason);
	values[ATT_RECORDED_STATE - 1] = CStringGetTextDatum(attestation_state_name(ATTESTATION_REVOKED));
	replace[ATT_REVOKED_AT - 1] = replace[ATT_REVOKED_BY - 1] = true;
	replace[ATT_REVOKED_REASON - 1] = replace[ATT_RECORDED_STATE - 1] = true;
	update_row(rel, item, values, nulls, replace);
}

/*
 * attest_set_recorded
 */
void
attest_set_recorded(Relation rel, const Attestation *item, const char *state)
{
	Datum		values[NATTS] = {0};
	bool		nulls[NATTS] = {false};
	bool		replace[NATTS] = {false};

	values[ATT_RECORDED_STATE - 1] = CStringGetTextDatum(state);
	replace[ATT_RECORDED_STATE - 1] = true;
	update_row(rel, item, values, nulls, replace);
}
