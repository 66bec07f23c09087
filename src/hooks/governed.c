/*-------------------------------------------------------------------------
 *
 * governed.c
 *		Which objects does the policy govern, in the eyes of the audit trail?
 *
 * Wider than what is denied: whatever happens to objects of the extension and
 * of the trail, and to schemas that hold governed relations, is evidence too.
 * Nothing here decides anything.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/resolve.h"

static bool
is_extension_schema(Oid nspid)
{
	const PolicySnapshot *p = policy_current();

	return OidIsValid(nspid) && (nspid == p->schema_oid || nspid == p->audit_schema_oid);
}

bool
governed_relation(Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);

	return is_extension_schema(get_rel_namespace(relid)) || labels->governed || labels->ncolumns > 0 ||
		labels->quarantined || labels->row_label_attnum != InvalidAttrNumber;
}

/* Labeled, the extension's, or with anything governed in it. */
bool
governed_schema(Oid nspid)
{
	ObjectAddress object;
	ListCell   *cell;

	ObjectAddressSet(object, NamespaceRelationId, nspid);
	if (is_extension_schema(nspid) || GetSecurityLabel(&object, DC_PROVIDER) != NULL)
		return true;
	foreach(cell, governed_relations_in(nspid, "rpvmfS"))
		if (governed_relation(lfirst_oid(cell)))
			return true;
	return false;
}

/* Trusted procedures, and functions over policy and trail. */
bool
governed_function(Oid funcid)
{
	Label		label;

	return is_extension_schema(get_func_namespace(funcid)) || function_trusted_label(funcid, &label);
}

/* A database has the policy and the trail in it, or a label. */
bool
governed_database(Oid dbid)
{
	ObjectAddress object;

	ObjectAddressSet(object, DatabaseRelationId, dbid);
	return dbid == MyDatabaseId || GetSecurityLabel(&object, DC_PROVIDER) != NULL;
}

/* What a catalog has of a schema; kinds: of pg_class, those that the text lists.  Either begins with its oid. */
static List *
objects_in(Oid catalog, AttrNumber schema_column, Oid nspid, const char *kinds)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	StaticAssertStmt(Anum_pg_class_oid == 1 && Anum_pg_proc_oid == 1, "the oid is not the first column");
	ScanKeyInit(&key, schema_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(nspid));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		if (kinds == NULL || strchr(kinds, ((Form_pg_class) GETSTRUCT(tuple))->relkind) != NULL)
			found = lappend_oid(found, DatumGetObjectId(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Relations of a schema, of the kinds that the text lists. */
List *
governed_relations_in(Oid nspid, const char *kinds)
{
	return objects_in(RelationRelationId, Anum_pg_class_relnamespace, nspid, kinds);
}

/* Functions and procedures of a schema. */
List *
governed_functions_in(Oid nspid)
{
	return objects_in(ProcedureRelationId, Anum_pg_proc_pronamespace, nspid, NULL);
}
