/*-------------------------------------------------------------------------
 *
 * policy_suspension.c
 *		Rows of dataclass.suspension.
 *
 * Owns the rows of a kept table.  What a suspension takes away is decided from
 * the policy snapshot (policy_subject.c).
 *
 * Locks: ShareRowExclusiveLock on the table, until the transaction ends, so
 * that nobody suspends while another suspends or reinstates.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/suspension.h"

enum
{
	ATT_ROLE = 1,
	ATT_NAME,
	ATT_SINCE,
	ATT_REASON,
	ATT_RULE,
	ATT_SEQ,
	ATT_INCIDENT
};

#define NATTS ATT_INCIDENT

/*
 * suspension_open
 */
Relation
suspension_open(void)
{
	Relation	rel = kept_table_open("suspension", ShareRowExclusiveLock);

	if (rel == NULL || RelationGetNumberOfAttributes(rel) < NATTS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass.suspension is missing or of another version")));
	return rel;
}

static SysScanDesc
scan_for(Relation rel, Oid role, ScanKeyData *key)
{
	Oid			index = RelationGetPrimaryKeyIndex(rel);

	ScanKeyInit(key, ATT_ROLE, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	/* a catalog snapshot: what others committed before we had the lock counts */
	return systable_beginscan(rel, index, OidIsValid(index), NULL, 1, key);
}

/*
 * suspension_exists
 */
bool
suspension_exists(Relation rel, Oid role)
{
	ScanKeyData key;
	SysScanDesc scan = scan_for(rel, role, &key);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	return found;
}

/*
 * suspension_add
 */
bool
suspension_add(Relation rel, const Suspension *suspension)
{
	Datum		values[NATTS];
	bool		nulls[NATTS] = {false};
	NameData	name;
	HeapTuple	tuple;

	if (suspension_exists(rel, suspension->role))
		return false;
	namestrcpy(&name, suspension->name);
	values[ATT_ROLE - 1] = ObjectIdGetDatum(suspension->role);
	values[ATT_NAME - 1] = NameGetDatum(&name);
	values[ATT_SINCE - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ATT_REASON - 1] = CStringGetTextDatum(suspension->reason);
	values[ATT_RULE - 1] = CStringGetTextDatum(suspension->rule);
	values[ATT_SEQ - 1] = Int64GetDatum(suspension->seq);
	values[ATT_INCIDENT - 1] = Int64GetDatum(suspension->incident);
	nulls[ATT_INCIDENT - 1] = suspension->incident == 0;
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	return true;
}

/*
 * suspension_remove
 */
bool
suspension_remove(Relation rel, Oid role)
{
	ScanKeyData key;
	SysScanDesc scan = scan_for(rel, role, &key);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
		CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	return found;
}
