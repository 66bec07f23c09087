/*-------------------------------------------------------------------------
 *
 * label_set.c
 *		Storing labels by other ways than SECURITY LABEL.
 *
 * dataclass.set_label() for officers who do not own the object, labels that
 * the system derives itself, and row security flags.  What may be stored is
 * decided in label_provider.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "commands/seclabel.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"

PG_FUNCTION_INFO_V1(dc_set_label);
PG_FUNCTION_INFO_V1(dc_set_relation_label);

/*
 * ENABLE and FORCE ROW LEVEL SECURITY.  The caller holds a lock that excludes
 * other DDL on the relation; running queries keep their plans until they end,
 * later ones see the flags through the relcache invalidation.
 */
void
row_security_switch_on(Oid relid)
{
	Relation	pg_class;
	HeapTuple	tuple;
	Form_pg_class form;

	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
	if (HeapTupleIsValid(tuple))
	{
		form = (Form_pg_class) GETSTRUCT(tuple);
		if ((form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) &&
			!(form->relrowsecurity && form->relforcerowsecurity))
		{
			form->relrowsecurity = true;
			form->relforcerowsecurity = true;
			CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
		}
		heap_freetuple(tuple);
	}
	table_close(pg_class, RowExclusiveLock);
}

static void
store_derived(Oid relid, AttrNumber attnum, const char *text, const char *reason)
{
	ObjectAddress object;
	AuditEvent	event = {0};

	ObjectAddressSubSet(object, RelationRelationId, relid, attnum);
	SetSecurityLabel(&object, DC_PROVIDER, text);
	policy_invalidate_all();
	CacheInvalidateRelcacheByRelid(relid);

	event.kind = EVENT_LABEL_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.action = "derived label";
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_subid = attnum;
	event.object_type = attnum ? "column" : "table";
	event.object_identity = report_relation_identity(relid);
	if (attnum)
		event.object_identity = psprintf("%s.%s", event.object_identity,
										 quote_identifier(get_attname(relid, attnum, false)));
	event.label = text;
	event.detail = reason;
	report_change(&event);
	CommandCounterIncrement();
}

/*
 * A label the system sets to keep protection that would otherwise be lost:
 * data derived from governed relations, a child that leaves its parent.
 */
void
label_store_derived(Oid relid, const ResolvedLabel *label, const char *reason)
{
	store_derived(relid, 0, label->label.text, reason);
}

/* The same for a column; text may have a mask. */
void
label_store_derived_column(Oid relid, AttrNumber attnum, const char *text, const char *reason)
{
	store_derived(relid, attnum, text, reason);
}

/* ------------------------------------------------------------------------
 * dataclass.set_label(object_type, object_identity, label)
 * ------------------------------------------------------------------------
 */

static char *
single_name(const char *identity)
{
	List	   *names = stringToQualifiedNameList(identity);

	if (list_length(names) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid object name \"%s\"", identity),
				 errdetail("One name without a schema is expected here.")));
	return strVal(linitial(names));
}

static void
find_relation(const char *identity, bool column, ObjectAddress *object)
{
	List	   *names = stringToQualifiedNameList(identity);
	char	   *column_name = NULL;
	Oid			relid;

	if (column)
	{
		if (list_length(names) < 2)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("invalid column name \"%s\"", identity),
					 errhint("Name the column as \"table.column\" or \"schema.table.column\".")));
		column_name = strVal(llast(names));
		names = list_truncate(list_copy(names), list_length(names) - 1);
	}
	relid = RangeVarGetRelidExtended(makeRangeVarFromNameList(names), ShareUpdateExclusiveLock, 0, NULL, NULL);
	ObjectAddressSet(*object, RelationRelationId, relid);
	if (column)
	{
		AttrNumber	attnum = get_attnum(relid, column_name);

		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist", column_name, get_rel_name(relid))));
		object->objectSubId = attnum;
	}
}

static void
find_object(const char *type, const char *identity, ObjectAddress *object)
{
	if (strcmp(type, "table") == 0 || strcmp(type, "view") == 0 || strcmp(type, "sequence") == 0 ||
		strcmp(type, "materialized view") == 0 || strcmp(type, "foreign table") == 0 ||
		strcmp(type, "relation") == 0)
		find_relation(identity, false, object);
	else if (strcmp(type, "column") == 0)
		find_relation(identity, true, object);
	else if (strcmp(type, "schema") == 0)
		ObjectAddressSet(*object, NamespaceRelationId, get_namespace_oid(single_name(identity), false));
	else if (strcmp(type, "database") == 0)
		ObjectAddressSet(*object, DatabaseRelationId, get_database_oid(single_name(identity), false));
	else if (strcmp(type, "role") == 0)
		ObjectAddressSet(*object, AuthIdRelationId, get_role_oid(single_name(identity), false));
	else if (strcmp(type, "function") == 0 || strcmp(type, "procedure") == 0 || strcmp(type, "routine") == 0)
		ObjectAddressSet(*object, ProcedureRelationId,
						 DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(identity))));
	else
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("objects of type \"%s\" cannot have a data class label", type),
				 errdetail("Labels go on databases, schemas, relations, their columns, roles and functions."),
				 errhint("Object types are: table, view, materialized view, foreign table, sequence, column, schema, database, role, function.")));

	if (IsSharedRelation(object->classId))
		LockSharedObject(object->classId, object->objectId, 0, ShareUpdateExclusiveLock);
	else if (object->classId != RelationRelationId)
		LockDatabaseObject(object->classId, object->objectId, 0, ShareUpdateExclusiveLock);
}

static void
set_label(ObjectAddress *object, const char *text)
{
	LabelSpecKind kind;

	PreventCommandIfReadOnly("dataclass.set_label()");
	if (text && label_kind_of(object, &kind))
		text = label_canonical_text(kind, text);
	label_check_change(object, text);
	SetSecurityLabel(object, DC_PROVIDER, text);
}

/* NULL or an empty label removes it. */
Datum
dc_set_label(PG_FUNCTION_ARGS)
{
	ObjectAddress object;
	char	   *label = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("object type and identity must not be null")));
	if (!PG_ARGISNULL(2))
		label = text_to_cstring(PG_GETARG_TEXT_PP(2));
	find_object(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)), &object);
	set_label(&object, label);
	PG_RETURN_VOID();
}

Datum
dc_set_relation_label(PG_FUNCTION_ARGS)
{
	ObjectAddress object;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	LockRelationOid(PG_GETARG_OID(0), ShareUpdateExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(PG_GETARG_OID(0))))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", PG_GETARG_OID(0))));
	ObjectAddressSet(object, RelationRelationId, PG_GETARG_OID(0));
	set_label(&object, PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}
