/*-------------------------------------------------------------------------
 *
 * profile_version.c
 *		The versions of the policy that were loaded, kept in
 *		dataclass.profile_version.
 *
 * Written straight to the heap, past the executor, where nobody else may
 * write (profile_guard.c).  Serial numbers follow each other without gaps:
 * profile_lock_tables() serialises those who add one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"

/* Columns of dataclass.profile_version, from 0. */
enum
{
	COL_SERIAL,
	COL_NAME,
	COL_VERSION,
	COL_LOADED_AT,
	COL_LOADED_BY,
	COL_AUTHENTICATED,
	COL_DOCUMENT,
	COL_SIGNATURE,
	COL_KEY_ID,
	COL_FORCED,
	COL_DIFFERENCE,
	COL_SHIPPED,
	COL_COUNT
};

Oid
profile_table(const char *name)
{
	const PolicySnapshot *p = policy_current();
	Oid			relid = p->installed ? get_relname_relid(name, p->schema_oid) : InvalidOid;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("policy table \"%s\" is missing", name),
				 errhint("Reinstall the extension: CREATE EXTENSION pg_dataclass.")));
	return relid;
}

void
profile_lock_tables(void)
{
	static const char *const names[] = {
		"profile_version", "tier", "tier_control", "data_class", "policy_setting", "disclosure_window"
	};

	for (int i = 0; i < lengthof(names); i++)
		LockRelationOid(profile_table(names[i]), ShareRowExclusiveLock);
}

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

static int
compare_serials(const ListCell *a, const ListCell *b)
{
	return ((ProfileVersion *) lfirst(a))->serial - ((ProfileVersion *) lfirst(b))->serial;
}

List *
profile_versions(void)
{
	Relation	rel = table_open(profile_table("profile_version"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *versions = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		ProfileVersion *version = palloc0(sizeof(ProfileVersion));
		Datum		values[COL_COUNT];
		bool		nulls[COL_COUNT];

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		version->serial = DatumGetInt32(values[COL_SERIAL]);
		version->name = text_or_null(values[COL_NAME], nulls[COL_NAME]);
		version->version = text_or_null(values[COL_VERSION], nulls[COL_VERSION]);
		version->loaded_at = DatumGetTimestampTz(values[COL_LOADED_AT]);
		version->loaded_by = text_or_null(values[COL_LOADED_BY], nulls[COL_LOADED_BY]);
		version->document = text_or_null(values[COL_DOCUMENT], nulls[COL_DOCUMENT]);
		version->signature = nulls[COL_SIGNATURE] ? NULL : DatumGetByteaPCopy(values[COL_SIGNATURE]);
		version->key_id = text_or_null(values[COL_KEY_ID], nulls[COL_KEY_ID]);
		versions = lappend(versions, version);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(versions, compare_serials);
	return versions;
}

static Datum
role_text(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return CStringGetTextDatum(name ? name : psprintf("%u", role));
}

int
profile_version_add(const Profile *profile, const char *document, size_t len, bytea *signature, const char *key_id,
					bool forced, Datum difference)
{
	List	   *versions = profile_versions();
	Relation	rel = table_open(profile_table("profile_version"), RowExclusiveLock);
	int			serial = versions == NIL ? 1 : ((ProfileVersion *) llast(versions))->serial + 1;
	Datum		values[COL_COUNT] = {0};
	bool		nulls[COL_COUNT] = {0};

	values[COL_SERIAL] = Int32GetDatum(serial);
	values[COL_NAME] = CStringGetTextDatum(profile->name);
	values[COL_VERSION] = CStringGetTextDatum(profile->version);
	values[COL_LOADED_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[COL_LOADED_BY] = role_text(GetOuterUserId());
	values[COL_AUTHENTICATED] = role_text(compat_authenticated_user());
	values[COL_DOCUMENT] = PointerGetDatum(cstring_to_text_with_len(document, len));
	nulls[COL_SIGNATURE] = signature == NULL;
	values[COL_SIGNATURE] = PointerGetDatum(signature);
	nulls[COL_KEY_ID] = key_id == NULL;
	values[COL_KEY_ID] = key_id ? CStringGetTextDatum(key_id) : (Datum) 0;
	values[COL_FORCED] = BoolGetDatum(forced);
	values[COL_DIFFERENCE] = difference;
	values[COL_SHIPPED] = BoolGetDatum(false);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return serial;
}
