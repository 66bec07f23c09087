/*-------------------------------------------------------------------------
 *
 * policy_mask_key.c
 *		The key of hash masks.
 *
 * One random key per database, in the only row of dataclass.mask_key, which no
 * query may read or write (hook_executor.c) and no dump carries: a restored
 * database hashes with a key of its own.  Physical copies and standbys have it.
 * Read here straight from the table, kept for one generation of the policy.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/mask_key.h"
#include "pg_dataclass/report.h"

#define KEY_TABLE	"mask_key"
#define KEY_BYTES	32
#define KEY_ATTNUM	1

static unsigned char key[KEY_BYTES];
static uint64 key_generation = 0;

PG_FUNCTION_INFO_V1(dc_renew_mask_key);

static Oid
key_table(void)
{
	const PolicySnapshot *p = policy_current();

	return p->installed ? get_relname_relid(KEY_TABLE, p->schema_oid) : InvalidOid;
}

/* Whoever knows the key can try values until one hashes right. */
void
mask_guard_key(Oid relid, const char *command)
{
	Refusal		refusal = {0};

	if (relid < FirstNormalObjectId || policy_is_installing() ||
		get_rel_namespace(relid) != policy_current()->schema_oid || relid != key_table())
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = command;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = "mask_key";
	refusal.event.detail = "No query reads or writes the key of hash masks.";
	refusal.message = "permission denied for the key of column masks";
	refusal.detail = "No query reads or writes it.";
	refusal.hint = "An officer can replace it: SELECT dataclass.renew_mask_key().";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

/* Copy of the stored row, NULL if there is none. */
static HeapTuple
stored_row(Relation rel)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);

	tuple = HeapTupleIsValid(tuple) ? heap_copytuple(tuple) : NULL;
	systable_endscan(scan);
	return tuple;
}

static void
load_key(void)
{
	Oid			relid = key_table();
	uint64		generation = policy_generation();
	Relation	rel;
	HeapTuple	row;
	bytea	   *stored = NULL;
	bool		isnull = true;

	if (key_generation == generation && generation != 0)
		return;
	key_generation = 0;
	if (OidIsValid(relid))
	{
		rel = table_open(relid, AccessShareLock);
		row = stored_row(rel);
		if (row)
			stored = DatumGetByteaPP(heap_getattr(row, KEY_ATTNUM, RelationGetDescr(rel), &isnull));
		table_close(rel, AccessShareLock);
	}
	if (isnull || VARSIZE_ANY_EXHDR(stored) != KEY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key of column masks is missing"),
				 errdetail("A masked column cannot be hashed without it."),
				 errhint("An officer can make a new one: SELECT dataclass.renew_mask_key().")));
	memcpy(key, VARDATA_ANY(stored), KEY_BYTES);
	key_generation = generation;
}

void
mask_hash(const char *value, size_t len, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 0;

	load_key();
	if (HMAC(EVP_sha256(), key, KEY_BYTES, (const unsigned char *) value, len, digest, &digest_len) == NULL ||
		digest_len != MASK_HASH_DIGITS / 2)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of a masked column"),
				 errdetail("OpenSSL does not provide HMAC with SHA-256.")));
	for (int i = 0; i < MASK_HASH_DIGITS; i++)
		hex[i] = digits[i % 2 == 0 ? digest[i / 2] >> 4 : digest[i / 2] & 0x0f];
	hex[MASK_HASH_DIGITS] = '\0';
}

static void
record_renewal(Oid relid)
{
	AuditEvent	event = {0};

	event.kind = EVENT_POLICY_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.action = "renew_mask_key";
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_type = "table";
	event.object_identity = report_relation_identity(relid);
	event.detail = "The key of hash masks was replaced; hashes seen before compare with none from now on.";
	report_change(&event);
}

Datum
dc_renew_mask_key(PG_FUNCTION_ARGS)
{
	Oid			relid;
	Relation	rel;
	HeapTuple	old;
	HeapTuple	new;
	bytea	   *fresh = palloc(VARHDRSZ + KEY_BYTES);
	Datum		value = PointerGetDatum(fresh);
	bool		isnull = false;

	if (!policy_is_installing())
		report_unless_officer("renew_mask_key", "permission denied to replace the key of column masks",
							  "Only members of dataclass_officer may change the policy.");
	PreventCommandIfReadOnly("renew_mask_key()");
	/* while the extension's script runs there is no policy to ask yet */
	relid = get_relname_relid(KEY_TABLE, get_namespace_oid(DC_SCHEMA, false));
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table of the key of column masks is missing"),
				 errhint("Reinstall the extension.")));
	SET_VARSIZE(fresh, VARHDRSZ + KEY_BYTES);
	if (!pg_strong_random(VARDATA(fresh), KEY_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate the key of column masks")));

	rel = table_open(relid, ShareRowExclusiveLock);
	old = stored_row(rel);
	new = heap_form_tuple(RelationGetDescr(rel), &value, &isnull);
	if (old)
		simple_heap_update(rel, &old->t_self, new);
	else
		simple_heap_insert(rel, new);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	if (!policy_is_installing())
	{
		policy_invalidate_all();
		record_renewal(relid);
	}
	PG_RETURN_VOID();
}
