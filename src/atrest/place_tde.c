/*-------------------------------------------------------------------------
 *
 * place_tde.c
 *		Encryption that the server does by itself, as it says.
 *
 * Two kinds: table access methods of an extension that can be asked (pg_tde),
 * and servers that encrypt all files (EDB), which say so in the control data.
 * Either answer is a declaration; a canary proves it.
 *
 * Names prove nothing here: anybody may make a function called
 * pg_tde_is_encrypted.  Only one of the extension that the access method
 * belongs to is run, and only if a superuser owns both and it is C code of a
 * library that the server preloads: no code of users runs with our rights.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"

#define TDE_FUNCTION		"pg_tde_is_encrypted"
#define TDE_MECHANISM		"pg_tde"
#define SERVER_FIELD		"data_encryption_version"

/* Does the server preload this library?  Directories and endings do not matter. */
static bool
library_is_preloaded(const char *library)
{
	char	   *setting = pstrdup(shared_preload_libraries_string ? shared_preload_libraries_string : "");
	List	   *names = NIL;
	ListCell   *cell;
	bool		found = false;

	if (strncmp(library, "$libdir/", 8) == 0)
		library += 8;
	if (SplitDirectoriesString(setting, ',', &names))
	{
		foreach(cell, names)
		{
			const char *name = (const char *) lfirst(cell);

			if (strncmp(name, "$libdir/", 8) == 0)
				name += 8;
			if (strcmp(name, library) == 0)
				found = true;
		}
	}
	return found;
}

static Oid
extension_owner(Oid extension)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owner;
}

/* May this function be run for its word on a relation? */
static bool
function_is_trustworthy(HeapTuple tuple, Oid extension)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool		isnull;
	Datum		library;

	if (form->prolang != ClanguageId || form->prorettype != BOOLOID || form->proretset ||
		form->prokind != PROKIND_FUNCTION || form->pronargs != 1 ||
		form->proargtypes.values[0] != REGCLASSOID ||
		!superuser_arg(form->proowner) ||
		getExtensionOfObject(ProcedureRelationId, form->oid) != extension)
		return false;
	library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
	return !isnull && library_is_preloaded(TextDatumGetCString(library));
}

/* The function that tells, of the extension that an access method belongs to. */
static Oid
tde_function(Oid access_method)
{
	Oid			extension;
	CatCList   *candidates;
	Oid			found = InvalidOid;

	/* Methods of the server itself belong to no extension. */
	if (access_method < FirstNormalObjectId)
		return InvalidOid;
	extension = getExtensionOfObject(AccessMethodRelationId, access_method);
	if (!OidIsValid(extension) || !superuser_arg(extension_owner(extension)))
		return InvalidOid;
	candidates = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(TDE_FUNCTION));
	for (int i = 0; i < candidates->n_members; i++)
	{
		HeapTuple	tuple = &candidates->members[i]->tuple;

		if (function_is_trustworthy(tuple, extension))
			found = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	}
	ReleaseSysCacheList(candidates);
	return found;
}

/* NULL, as for relations without files, is no. */
static bool
ask_function(Oid function, Oid relid)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo	flinfo;
	Datum		result;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(relid);
	fcinfo->args[0].isnull = false;
	result = FunctionCallInvoke(fcinfo);
	return !fcinfo->isnull && DatumGetBool(result);
}

static List *
add_indexes(List *members, Oid relid)
{
	Relation	rel = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		members = lappend_oid(members, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return members;
}

/* The relation, its TOAST table and the indexes of both. */
static List *
relation_members(Oid relid, Oid toast)
{
	List	   *members = add_indexes(list_make1_oid(relid), relid);

	if (OidIsValid(toast))
		members = add_indexes(lappend_oid(members, toast), toast);
	return members;
}

/*
 * tde_relation_evidence
 *		All files of the relation have to be encrypted.  False: its access
 *		method is no such one, the tablespace speaks for it.
 */
bool
tde_relation_evidence(Oid relid, Evidence *evidence)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			access_method;
	Oid			toast;
	Oid			function;
	bool		encrypted = true;
	int			level;
	List	   *members;
	ListCell   *cell;

	if (!HeapTupleIsValid(tuple))
		return false;
	access_method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
	toast = ((Form_pg_class) GETSTRUCT(tuple))->reltoastrelid;
	ReleaseSysCache(tuple);
	function = tde_function(access_method);
	if (!OidIsValid(function))
		return false;

	members = relation_members(relid, toast);
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(cell, members)
	{
		if (!ask_function(function, lfirst_oid(cell)))
		{
			encrypted = false;
			break;
		}
	}
	AtEOXact_GUC(true, level);
	if (!encrypted)
		return false;
	return evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_DECLARED, TDE_MECHANISM,
						"The extension of the table's access method says that the table, its "
						"TOAST and its indexes are encrypted.");
}

/* The field's value in the control data, 0 if this server has no such field. */
static int64
control_data_field(void)
{
	FmgrInfo	flinfo;
	LOCAL_FCINFO(fcinfo, 0);
	Datum		result;
	HeapTupleHeader row;
	TupleDesc	desc;
	int64		value = 0;

	/* By number, so that the server's own function is called whatever the catalog says. */
	fmgr_info(F_PG_CONTROL_INIT, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 0, InvalidOid, NULL, NULL);
	result = FunctionCallInvoke(fcinfo);
	if (fcinfo->isnull)
		return 0;
	row = DatumGetHeapTupleHeader(result);
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		bool		isnull;
		Datum		datum;

		if (strcmp(NameStr(attr->attname), SERVER_FIELD) != 0)
			continue;
		datum = GetAttributeByNum(row, i + 1, &isnull);
		if (isnull)
			continue;
		if (attr->atttypid == INT4OID)
			value = DatumGetInt32(datum);
		else if (attr->atttypid == INT8OID)
			value = DatumGetInt64(datum);
	}
	ReleaseTupleDesc(desc);
	return value;
}

/*
 * tde_server_evidence
 *		Asked once per process: it cannot change while the server runs.
 */
bool
tde_server_evidence(Evidence *evidence)
{
	static bool asked = false;
	static int64 version = 0;

	if (!asked)
	{
		version = control_data_field();
		asked = true;
	}
	if (version == 0)
		return false;
	return evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_DECLARED, "server",
						"The control data of the server say that it encrypts its files (version "
						INT64_FORMAT ").", version);
}
