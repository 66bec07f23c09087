/*-------------------------------------------------------------------------
 *
 * policy_quarantine.c
 *		Rows of dataclass.quarantine.
 *
 * Owns the rows of a kept table.  Who is denied is decided from the policy
 * snapshot, which leaves out accepted risks.
 *
 * Locks: RowExclusiveLock on the table, until the transaction ends.
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
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/quarantine.h"
#include "pg_dataclass/report.h"

enum
{
	ATT_RELATION = 1,
	ATT_REASON,
	ATT_SINCE,
	ATT_PLACE,
	ATT_ORIGIN
};

#define NATTS ATT_ORIGIN

static const char *const origin_names[] = {
	[QUARANTINE_RESTORE] = "restore",
	[QUARANTINE_WATCH] = "watch",
	[QUARANTINE_RESPONSE] = "response"
};

static SysScanDesc
scan_for(Relation rel, Oid relid, ScanKeyData *key)
{
	Oid			index = RelationGetPrimaryKeyIndex(rel);

	ScanKeyInit(key, ATT_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	return systable_beginscan(rel, index, OidIsValid(index), NULL, 1, key);
}

/*
 * quarantine_add
 */
bool
quarantine_add(Oid relid, QuarantineOrigin origin, const char *place, const char *reason)
{
	Relation	rel = kept_table_open("quarantine", RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	if (rel == NULL)
		return false;
	scan = scan_for(rel, relid, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	if (!found)
	{
		Datum		values[NATTS];
		bool		nulls[NATTS] = {false};
		HeapTuple	tuple;

		values[ATT_RELATION - 1] = ObjectIdGetDatum(relid);
		values[ATT_REASON - 1] = CStringGetTextDatum(reason);
		values[ATT_SINCE - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		nulls[ATT_PLACE - 1] = place == NULL;
		values[ATT_PLACE - 1] = place ? CStringGetTextDatum(place) : (Datum) 0;
		values[ATT_ORIGIN - 1] = CStringGetTextDatum(origin_names[origin]);
		tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
		/* the table has a plain primary key, which this keeps up to date */
		CatalogTupleInsert(rel, tuple);
		heap_freetuple(tuple);
	}
	table_close(rel, NoLock);
	return !found;
}

/*
 * quarantine_remove
 */
bool
quarantine_remove(Oid relid)
{
	Relation	rel = kept_table_open("quarantine", RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	if (rel == NULL)
		return false;
	scan = scan_for(rel, relid, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	table_close(rel, NoLock);
	return found;
}

/*
 * quarantine_entries
 */
List *
quarantine_entries(void)
{
	Relation	rel = kept_table_open("quarantine", AccessShareLock);
	List	   *entries = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rel == NULL)
		return NIL;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		QuarantineEntry *entry = palloc(sizeof(QuarantineEntry));
		bool		isnull;
		char	   *origin = TextDatumGetCString(heap_getattr(tuple, ATT_ORIGIN, RelationGetDescr(rel), &isnull));

		entry->relid = DatumGetObjectId(heap_getattr(tuple, ATT_RELATION, RelationGetDescr(rel), &isnull));
		entry->origin = QUARANTINE_RESTORE;
		for (int i = 0; i < lengthof(origin_names); i++)
			if (strcmp(origin, origin_names[i]) == 0)
				entry->origin = i;
		entries = lappend(entries, entry);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return entries;
}

/*
 * quarantine_relation
 *		Of a restore, at once for this transaction as well.
 */
void
quarantine_relation(Oid relid, const char *reason)
{
	if (!quarantine_add(relid, QUARANTINE_RESTORE, NULL, reason))
		return;
	CommandCounterIncrement();
	policy_invalidate_all();
}
