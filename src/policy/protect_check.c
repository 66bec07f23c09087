/*-------------------------------------------------------------------------
 *
 * protect_check.c
 *		Who may protect what: asked before anything is changed.
 *
 * Also takes the locks.  All of them are AccessExclusiveLock from the start,
 * parents before children as ALTER TABLE takes them: adding a column and a
 * constraint needs that mode anyway, and a weaker lock taken first would have
 * to be raised, which is how two sessions come to wait for each other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/report.h"

static void
refuse(Oid relid, const char *command, const char *detail, const char *hint)
{
	Refusal		refusal = {0};
	const char *verb = strncmp(command, "dataclass.", 10) == 0 ? command + 10 : command;

	refusal.event.kind = EVENT_LABEL_REFUSED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = command;
	if (OidIsValid(relid))
	{
		refusal.event.class_id = RelationRelationId;
		refusal.event.object_id = relid;
		refusal.event.object_type = "table";
		refusal.event.object_identity = report_relation_identity(relid);
	}
	refusal.event.rule = "officer";
	refusal.event.detail = detail;
	refusal.message = OidIsValid(relid) && get_rel_name(relid) ?
		psprintf("permission denied to %s table \"%s\"", verb, get_rel_name(relid)) :
		psprintf("permission denied for %s()", command);
	refusal.detail = detail;
	refusal.hint = hint;
	/* who may label does not depend on the mode of enforcement of reads */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

void
protect_need_officer(Oid relid, const char *command)
{
	PreventCommandIfReadOnly(psprintf("%s()", command));
	PreventCommandIfParallelMode(command);
	if (!policy_current()->installed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_dataclass\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION pg_dataclass.")));
	if (!policy_is_officer())
		refuse(relid, command,
			   "Only members of dataclass_officer may set up or remove row labels; owning the table is not enough.",
			   "Ask a security officer, or have one run: GRANT dataclass_officer TO ....");
	/* the officer maintains a table, and a function of its owner asks for this behind his back */
	if (InSecurityRestrictedOperation())
		refuse(relid, command,
			   "It was called from within a security-restricted operation, such as the maintenance of an index.",
			   "Call it directly.");
}

static pg_attribute_noreturn() void
wrong_object(Oid relid, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("relation \"%s\" cannot get row labels", get_rel_name(relid)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
check_kind(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	switch (relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return;
		case RELKIND_FOREIGN_TABLE:
			wrong_object(relid, "Nobody vouches for the rows of a foreign table.",
						 "Label it as a whole: SECURITY LABEL FOR dataclass ON FOREIGN TABLE ... IS '...'; in an inheritance tree, detach it first.");
		case RELKIND_VIEW:
			wrong_object(relid, "A view shows the rows of tables.", "Protect the tables that the view reads.");
		case RELKIND_MATVIEW:
			wrong_object(relid, "The rows of a materialized view come from its query.",
						 "Label it as a whole: SECURITY LABEL FOR dataclass ON MATERIALIZED VIEW ... IS '...'.");
		default:
			wrong_object(relid, "Row labels go on tables and partitioned tables.", "Name a table.");
	}
}

static bool
is_typed_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		typed = false;

	if (HeapTupleIsValid(tuple))
	{
		typed = OidIsValid(((Form_pg_class) GETSTRUCT(tuple))->reloftype);
		ReleaseSysCache(tuple);
	}
	return typed;
}

/* The name by which the whole tree is protected. */
static Oid
topmost(Oid relid)
{
	List	   *parents;

	check_stack_depth();
	parents = protect_parents(relid);
	return parents == NIL ? relid : topmost(linitial_oid(parents));
}

void
protect_check_target(Oid relid, const char *command)
{
	Oid			nspid;

	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	check_kind(relid);
	nspid = get_rel_namespace(relid);
	if (relid < FirstNormalObjectId || relation_labels(relid)->is_catalog)
		wrong_object(relid, "It belongs to the system or to pg_dataclass.", "Name a table of your own.");
	if (isOtherTempNamespace(nspid))
		wrong_object(relid, "It is a temporary table of another session.", "Temporary tables end with their session.");
	if (OidIsValid(getExtensionOfObject(RelationRelationId, relid)))
		wrong_object(relid,
					 psprintf("It belongs to extension \"%s\", whose tables are dumped without the column, constraint and label that this would add.",
							  get_extension_name(getExtensionOfObject(RelationRelationId, relid))),
					 "Label it as a whole after each restore: SELECT dataclass.set_label('table', '...', '...').");
	if (is_typed_table(relid))
		wrong_object(relid, "The columns of a typed table are those of its type.",
					 "Detach it from its type first: ALTER TABLE ... NOT OF.");
	if (protect_parents(relid) != NIL)
		wrong_object(relid, "It is a partition or an inheritance child; rows are also read through its parents.",
					 psprintf("Do this with the whole tree: SELECT %s(%s, ...).", command,
							  quote_literal_cstr(report_relation_identity(topmost(relid)))));
}

List *
protect_lock_tree(Oid relid, const char *command)
{
	List	   *relids;
	ListCell   *cell;

	/* once without a lock: nobody's catalog or view gets locked by a mistake */
	protect_check_target(relid, command);
	LockRelationOid(relid, AccessExclusiveLock);
	protect_check_target(relid, command);
	relids = find_all_inheritors(relid, AccessExclusiveLock, NULL);
	foreach(cell, relids)
	{
		check_kind(lfirst_oid(cell));
		if (isOtherTempNamespace(get_rel_namespace(lfirst_oid(cell))))
			wrong_object(lfirst_oid(cell), "It is a temporary table of another session.",
						 "Wait until that session has ended.");
	}
	return relids;
}

void
protect_record(Oid relid, const char *command, const char *label, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_DDL;
	event.severity = SEVERITY_NOTICE;
	event.action = command;
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_type = "table";
	event.object_identity = report_relation_identity(relid);
	event.label = label;
	event.detail = detail;
	report_change(&event);
}
