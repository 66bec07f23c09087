/*-------------------------------------------------------------------------
 *
 * protect_entry.c
 *		Rows of dataclass.protected: what protect() found and has to put back.
 *
 * One row per relation of a protected tree, written and removed by protect(),
 * unprotect() and the drop hook.  The relation is a regclass: it follows
 * renames, and a dump carries its name.  What is written here is no decision
 * about access; the writer holds AccessExclusiveLock on the relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "rewrite/rowsecurity.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"

enum
{
	ATT_RELATION = 1,
	ATT_ROOT,
	ATT_COLUMN,
	ATT_COLUMN_ADDED,
	ATT_DEFAULT_BEFORE,
	ATT_NOT_NULL_BEFORE,
	ATT_RLS_WAS_ENABLED,
	ATT_RLS_WAS_FORCED,
	ATT_LABELED,
	ATT_LABEL_BEFORE,
	ATT_INDEX_NAME,
	ATT_PROTECTED_BY,
	ATT_PROTECTED_AT
};

#define NATTS ATT_PROTECTED_AT

/* NULL where the extension is not installed, or being installed. */
static Relation
open_protected(LOCKMODE lockmode)
{
	const PolicySnapshot *p = policy_current();
	Oid			relid = p->installed ? get_relname_relid("protected", p->schema_oid) : InvalidOid;
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

static SysScanDesc
scan_for(Relation rel, Oid relid, ScanKeyData *key)
{
	Oid			index = RelationGetPrimaryKeyIndex(rel);

	ScanKeyInit(key, ATT_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	return systable_beginscan(rel, index, OidIsValid(index), NULL, 1, key);
}

static char *
text_of(HeapTuple tuple, Relation rel, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static Datum
value_of(HeapTuple tuple, Relation rel, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);

	return isnull ? (Datum) 0 : value;
}

bool
protect_entry_read(Oid relid, ProtectEntry *entry)
{
	Relation	rel = open_protected(AccessShareLock);
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
	{
		entry->relid = relid;
		entry->root = DatumGetObjectId(value_of(tuple, rel, ATT_ROOT));
		entry->column = pstrdup(NameStr(*DatumGetName(value_of(tuple, rel, ATT_COLUMN))));
		entry->column_added = DatumGetBool(value_of(tuple, rel, ATT_COLUMN_ADDED));
		entry->default_before = text_of(tuple, rel, ATT_DEFAULT_BEFORE);
		entry->not_null_before = DatumGetBool(value_of(tuple, rel, ATT_NOT_NULL_BEFORE));
		entry->rls_was_enabled = DatumGetBool(value_of(tuple, rel, ATT_RLS_WAS_ENABLED));
		entry->rls_was_forced = DatumGetBool(value_of(tuple, rel, ATT_RLS_WAS_FORCED));
		entry->labeled = DatumGetBool(value_of(tuple, rel, ATT_LABELED));
		entry->label_before = text_of(tuple, rel, ATT_LABEL_BEFORE);
		entry->index_name = text_of(tuple, rel, ATT_INDEX_NAME);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static HeapTuple
form_tuple(Relation rel, const ProtectEntry *entry)
{
	Datum		values[NATTS];
	bool		nulls[NATTS] = {false};
	NameData	column;
	NameData	by;

	namestrcpy(&column, entry->column);
	namestrcpy(&by, GetUserNameFromId(GetOuterUserId(), false));
	values[ATT_RELATION - 1] = ObjectIdGetDatum(entry->relid);
	values[ATT_ROOT - 1] = ObjectIdGetDatum(entry->root);
	values[ATT_COLUMN - 1] = NameGetDatum(&column);
	values[ATT_COLUMN_ADDED - 1] = BoolGetDatum(entry->column_added);
	values[ATT_DEFAULT_BEFORE - 1] = entry->default_before ? CStringGetTextDatum(entry->default_before) : (Datum) 0;
	nulls[ATT_DEFAULT_BEFORE - 1] = entry->default_before == NULL;
	values[ATT_NOT_NULL_BEFORE - 1] = BoolGetDatum(entry->not_null_before);
	values[ATT_RLS_WAS_ENABLED - 1] = BoolGetDatum(entry->rls_was_enabled);
	values[ATT_RLS_WAS_FORCED - 1] = BoolGetDatum(entry->rls_was_forced);
	values[ATT_LABELED - 1] = BoolGetDatum(entry->labeled);
	values[ATT_LABEL_BEFORE - 1] = entry->label_before ? CStringGetTextDatum(entry->label_before) : (Datum) 0;
	nulls[ATT_LABEL_BEFORE - 1] = entry->label_before == NULL;
	values[ATT_INDEX_NAME - 1] = entry->index_name ? CStringGetTextDatum(entry->index_name) : (Datum) 0;
	nulls[ATT_INDEX_NAME - 1] = entry->index_name == NULL;
	values[ATT_PROTECTED_BY - 1] = NameGetDatum(&by);
	values[ATT_PROTECTED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	return heap_form_tuple(RelationGetDescr(rel), values, nulls);
}

void
protect_entry_write(const ProtectEntry *entry)
{
	Relation	rel;
	HeapTuple	tuple;

	protect_entry_forget(entry->relid);
	rel = open_protected(RowExclusiveLock);
	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_dataclass\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION pg_dataclass.")));
	tuple = form_tuple(rel, entry);
	/* the table has a plain primary key, which this keeps up to date */
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

void
protect_entry_derive(Oid relid, const ProtectEntry *root, ProtectEntry *entry)
{
	Relation	rel = table_open(relid, NoLock);
	bool		has_policies = rel->rd_rsdesc != NULL && rel->rd_rsdesc->policies != NIL;

	*entry = *root;
	entry->relid = relid;
	entry->labeled = false;
	entry->label_before = NULL;
	entry->index_name = NULL;
	/* flags that serve policies of its own are not ours to take away */
	if (has_policies)
	{
		entry->rls_was_enabled = rel->rd_rel->relrowsecurity;
		entry->rls_was_forced = rel->rd_rel->relforcerowsecurity;
	}
	table_close(rel, NoLock);
}

/* Silent where there is none, so that every drop can call it; moves no command counter. */
void
protect_entry_forget(Oid relid)
{
	Relation	rel = open_protected(AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		removed = false;

	if (rel == NULL)
		return;
	scan = scan_for(rel, relid, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (!removed)
			LockRelationOid(RelationGetRelid(rel), RowExclusiveLock);
		CatalogTupleDelete(rel, &tuple->t_self);
		removed = true;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

List *
protect_parents(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *parents = NIL;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return parents;
}

bool
protect_covers(Oid relid)
{
	ProtectEntry entry;
	ListCell   *cell;

	check_stack_depth();
	if (protect_entry_read(relid, &entry))
		return true;
	foreach(cell, protect_parents(relid))
		if (protect_covers(lfirst_oid(cell)))
			return true;
	return false;
}
