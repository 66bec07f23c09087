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
#include "catalog/pg_proc.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
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

/* The label goes with the object: leave a trace of what was dropped. */
static void
record_drop(Oid class_id, Oid object_id, int32 object_subid)
{
	ObjectAddress object;
	AuditEvent	event = {0};
	char	   *label;

	if (class_id != RelationRelationId && class_id != AuthIdRelationId && class_id != ProcedureRelationId)
		return;
	if (object_id < FirstNormalObjectId)
		return;
	ObjectAddressSubSet(object, class_id, object_id, object_subid);
	label = GetSecurityLabel(&object, DC_PROVIDER);
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
				check_trusted_change(object_id);
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
				record_drop(class_id, object_id, sub_id);
			break;
		case OAT_TRUNCATE:
			guard_relation_write(object_id, "TRUNCATE");
			access_check_relation(object_id, ACTION_WRITE, "TRUNCATE");
			break;
		case OAT_NAMESPACE_SEARCH:
		case OAT_FUNCTION_EXECUTE:
			break;
	}
}

void
hook_objectaccess_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = dataclass_object_access;
}
