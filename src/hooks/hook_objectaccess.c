/*-------------------------------------------------------------------------
 *
 * hook_objectaccess.c
 *		Objects created, altered, dropped and truncated, by whatever command.
 *
 * Why object_access_hook: it sees every object a command reaches, also through
 * CASCADE, DROP OWNED, extensions and ALTER ... ALL, where the parse tree names
 * none of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/mask.h"
#include "pg_dataclass/profile.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/report.h"

static object_access_hook_type prev_object_access = NULL;

/* Whoever replaces the body of a trusted procedure decides what runs with its clearance. */
static void
check_trusted_change(Oid funcid)
{
	Label		label;
	Refusal		refusal = {0};

	if (funcid < FirstNormalObjectId || policy_is_officer() || !function_trusted_label(funcid, &label))
		return;
	refusal.event.kind = EVENT_DDL_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "ALTER FUNCTION";
	refusal.event.class_id = ProcedureRelationId;
	refusal.event.object_id = funcid;
	refusal.event.object_type = "function";
	refusal.event.object_identity = format_procedure_qualified(funcid);
	refusal.event.rule = "officer";
	refusal.message = "permission denied to change a trusted procedure";
	refusal.detail = "Its body runs with the clearance of its label; only officers may change it.";
	refusal.hint = "Have an officer remove the label first: SELECT dataclass.set_label('function', '...', NULL).";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

static bool
stores_rows(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_MATVIEW || relkind == RELKIND_FOREIGN_TABLE;
}

/*
 * Dropping a relation or a column of one that is labeled as a whole destroys
 * governed data, dropping the label column leaves rows without their label:
 * who may not write all of it may not drop it.
 */
static void
check_drop_relation(Oid relid, int32 attnum)
{
	const RelationLabels *labels = relation_labels(relid);
	bool		concerned = attnum == 0 || labels->governed || labels->row_label_attnum != InvalidAttrNumber;

	if (!stores_rows(labels->relkind))
		return;
	for (int i = 0; i < labels->ncolumns; i++)
		concerned |= labels->columns[i].attnum == attnum;
	if (concerned && !define_is_empty(relid))
		access_check_relation(relid, ACTION_DEFINE, "DROP");
}

/*
 * A trigger may be what writes labels, a rule or a policy what keeps rows
 * apart: dropping takes what defining takes.
 */
static void
check_drop_part(Oid class_id, Oid object_id)
{
	Oid			relid = define_table_of(class_id, object_id);

	if (!OidIsValid(relid) || !stores_rows(get_rel_relkind(relid)) ||
		(class_id == TriggerRelationId && define_trigger_is_internal(object_id)))
		return;
	if (!define_is_empty(relid))
		access_check_relation(relid, ACTION_DEFINE, "DROP");
}

/*
 * Core's own clean-up (temporary tables at session end, the transient tables
 * of rewrites) is internal.
 */
static void
check_drop(Oid class_id, Oid object_id, int32 object_subid, int flags)
{
	if (object_id < FirstNormalObjectId || (flags & PERFORM_DELETION_INTERNAL))
		return;
	switch (class_id)
	{
		case RelationRelationId:
			check_drop_relation(object_id, object_subid);
			break;
		case TriggerRelationId:
		case RewriteRelationId:
		case PolicyRelationId:
			check_drop_part(class_id, object_id);
			break;
		default:
			break;
	}
}

/* Governed by its schema, its database or its columns; core's own clean-up is no drop. */
static const char *
label_from_elsewhere(Oid class_id, Oid object_id, int32 object_subid, int flags)
{
	Label	   *label = palloc(sizeof(Label));

	if (class_id != RelationRelationId || object_subid != 0 || (flags & PERFORM_DELETION_INTERNAL) ||
		(!stores_rows(get_rel_relkind(object_id)) && get_rel_relkind(object_id) != RELKIND_SEQUENCE) ||
		!relation_effective_label(object_id, label))
		return NULL;
	return label->text;
}

/* The label goes with the object: leave a trace of what was dropped. */
static void
record_drop(Oid class_id, Oid object_id, int32 object_subid, int flags)
{
	ObjectAddress object;
	AuditEvent	event = {0};
	const char *label;

	if (class_id != RelationRelationId && class_id != AuthIdRelationId && class_id != ProcedureRelationId)
		return;
	if (object_id < FirstNormalObjectId)
		return;
	ObjectAddressSubSet(object, class_id, object_id, object_subid);
	label = GetSecurityLabel(&object, DC_PROVIDER);
	if (label == NULL)
		label = label_from_elsewhere(class_id, object_id, object_subid, flags);
	if (label == NULL)
		return;
	event.kind = class_id == AuthIdRelationId ? EVENT_CLEARANCE_CHANGE : EVENT_DDL;
	event.severity = SEVERITY_NOTICE;
	event.action = "DROP";
	event.class_id = class_id;
	event.object_id = object_id;
	event.object_subid = object_subid;
	event.object_type = getObjectTypeDescription(&object, true);
	event.object_identity = getObjectIdentity(&object, true);
	event.label = label;
	event.detail = "A labeled object was dropped.";
	report_change(&event);
}

/*
 * Core's functions that hand out or write files of the server, or hand out its
 * WAL, where labels do not reach.  Looked up by name once, since they have several signatures;
 * this is asked for every function that a query prepares.
 */
static bool
reads_below_labels(Oid funcid)
{
	static const char *const names[] = {
		"pg_read_file", "pg_read_file_old", "pg_read_binary_file", "lo_import", "lo_export",
		"pg_logical_slot_get_changes", "pg_logical_slot_peek_changes",
		"pg_logical_slot_get_binary_changes", "pg_logical_slot_peek_binary_changes"
	};
	const int	file_names = 5;
	static Oid	functions[32];
	static int	nfunctions = -1;
	static int	nfile_functions = 0;
	int			asked;

	if (funcid >= FirstNormalObjectId || guc_enforcement == ENFORCEMENT_OFF)
		return false;
	if (nfunctions < 0)
	{
		int			n = 0;

		for (int i = 0; i < lengthof(names); i++)
		{
			CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(names[i]));

			for (int m = 0; m < list->n_members && n < lengthof(functions); m++)
			{
				Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[m]->tuple);

				if (form->oid < FirstNormalObjectId)
					functions[n++] = form->oid;
			}
			ReleaseSysCacheList(list);
			if (i + 1 == file_names)
				nfile_functions = n;
		}
		nfunctions = n;
	}
	/* files are the same from every database, a slot decodes its own only */
	asked = policy_current()->installed ? nfunctions : nfile_functions;
	for (int i = 0; i < asked; i++)
		if (functions[i] == funcid)
			return true;
	return false;
}

/*
 * Contrib modules that read or write pages, WAL or files themselves.  By their
 * library: whoever installs them may rename their functions.
 */
static bool
is_of_library_below_labels(Oid funcid)
{
	static const char *const libraries[] = {"adminpack", "pageinspect", "pg_surgery", "pg_walinspect"};
	bool		found = false;
	HeapTuple	tuple;
	bool		isnull = true;
	Datum		probin = (Datum) 0;

	if (funcid < FirstNormalObjectId || guc_enforcement == ENFORCEMENT_OFF)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId)
		probin = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
	if (!isnull)
	{
		char	   *path = TextDatumGetCString(probin);
		const char *name = last_dir_separator(path) ? last_dir_separator(path) + 1 : path;
		size_t		length = strcspn(name, ".");

		for (int i = 0; i < lengthof(libraries); i++)
			found |= strlen(libraries[i]) == length && strncmp(name, libraries[i], length) == 0;
		pfree(path);
	}
	ReleaseSysCache(tuple);
	return found;
}

static void
dataclass_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class_id, object_id, sub_id, arg);
	if (!IsTransactionState() || !OidIsValid(MyDatabaseId))
		return;

	switch (access)
	{
		case OAT_POST_CREATE:
			guard_object_ddl(class_id, object_id, sub_id, "CREATE");
			if (class_id == ExtensionRelationId)
				policy_invalidate_all();
			else if (class_id == ProcedureRelationId)
			{
				check_trusted_change(object_id);
				/* CREATE OR REPLACE; nothing depends on a new one */
				if (policy_current()->installed && !policy_is_installing())
					define_check_dependents(class_id, object_id, "CREATE FUNCTION");
			}
			break;
		case OAT_POST_ALTER:
			if (arg && OidIsValid(((ObjectAccessPostAlter *) arg)->auxiliary_id))
				guard_object_ddl(RelationRelationId, ((ObjectAccessPostAlter *) arg)->auxiliary_id, 0, "ALTER");
			guard_object_ddl(class_id, object_id, sub_id, "ALTER");
			if (class_id == ProcedureRelationId)
				check_trusted_change(object_id);
			break;
		case OAT_DROP:
			guard_object_ddl(class_id, object_id, sub_id, "DROP");
			if (class_id == ExtensionRelationId)
				policy_invalidate_all();
			if (policy_current()->installed)
			{
				int			flags = arg ? ((ObjectAccessDrop *) arg)->dropflags : 0;

				check_drop(class_id, object_id, sub_id, flags);
				record_drop(class_id, object_id, sub_id, flags);
				if (class_id == RelationRelationId && sub_id == 0 && object_id >= FirstNormalObjectId)
					protect_entry_forget(object_id);
			}
			break;
		case OAT_TRUNCATE:
			guard_relation_write(object_id, "TRUNCATE");
			kept_table_guard(object_id, "TRUNCATE");
			if (guc_enforcement != ENFORCEMENT_OFF)
				access_check_policy_write(object_id, "TRUNCATE");
			mask_guard_key(object_id, "TRUNCATE");
			if (!define_is_empty(object_id))
				access_check_relation(object_id, ACTION_WRITE, "TRUNCATE");
			break;
		case OAT_FUNCTION_EXECUTE:
			if (reads_below_labels(object_id) || is_of_library_below_labels(object_id))
				access_check_server("EXECUTE", get_func_name(object_id));
			break;
		case OAT_NAMESPACE_SEARCH:
			break;
	}
}

void
hook_objectaccess_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = dataclass_object_access;
}
