/*-------------------------------------------------------------------------
 *
 * hook_denied.c
 *		Records core's own refusals (42501) about governed objects.
 *
 * Core checks privileges and ownership before any of our hooks, and says no
 * from many places: the executor's start, utility commands, parse analysis
 * (USAGE of a schema), functions such as nextval().  PL/pgSQL may swallow the
 * error, and then nothing ever prints it.  All of them pass the error context
 * callback at the bottom of the stack (hook_error.c), which calls this file.
 *
 * So do its refusals to change settings of the extension.
 *
 * What tells core's refusal from a user's RAISE with the same SQLSTATE is the
 * source file that the error names: no SQL can set it.  An error carries no
 * oid, only the name in its message, so that the object is looked for in the
 * plan that is being started, in the command that runs, and by its name last.
 *
 * This runs inside an error that is being made.  Recording does not raise
 * (audit_sink.c); the look-ups are of the kind that core made just before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"

#define MAX_ARGUMENTS	3

Node	   *denied_utility = NULL;

static bool examining = false;

/* ------------------------------------------------------------------------
 * The message
 * ------------------------------------------------------------------------
 */

/* Where core refuses for lack of a privilege. */
static bool
is_refusal_of_core(const ErrorData *error)
{
	static const char *const files[] = {"aclchk.c", "sequence.c", "execMain.c", "rls.c"};

	for (int i = 0; i < lengthof(files); i++)
		if (strcmp(error->filename, files[i]) == 0)
			return true;
	return false;
}

/*
 * The texts that stand for the %s of a translated format in a message made of
 * it; returns their number, 0 if the message does not fit.
 */
static int
message_arguments(const char *format, const char *message, char **arguments)
{
	int			n = 0;

	memset(arguments, 0, sizeof(char *) * MAX_ARGUMENTS);
	while (*format != '\0')
	{
		const char *literal;
		const char *next;
		const char *end;
		size_t		len;
		int			position = n;

		if (*format != '%')
		{
			if (*format++ != *message++)
				return 0;
			continue;
		}
		format++;
		/* translations may change the order: %2$s */
		if (format[0] >= '1' && format[0] <= '9' && format[1] == '$')
		{
			position = format[0] - '1';
			format += 2;
		}
		if (*format++ != 's' || position >= MAX_ARGUMENTS)
			return 0;
		literal = format;
		next = strchr(literal, '%');
		len = next ? (size_t) (next - literal) : strlen(literal);
		if (next)
			end = len > 0 ? strstr(message, pnstrdup(literal, len)) : NULL;
		else
			end = strlen(message) >= len ? message + strlen(message) - len : NULL;
		if (end == NULL)
			return 0;
		arguments[position] = pnstrdup(message, end - message);
		message = end;
		n++;
	}
	return *message == '\0' ? n : 0;
}

/* ------------------------------------------------------------------------
 * The object
 * ------------------------------------------------------------------------
 */

static bool
is_governed(Oid relid)
{
	const PolicySnapshot *p = policy_current();
	const RelationLabels *labels = relation_labels(relid);
	Oid			nspid = get_rel_namespace(relid);

	return nspid == p->schema_oid || nspid == p->audit_schema_oid || labels->governed || labels->ncolumns > 0 || labels->quarantined ||
		labels->row_label_attnum != InvalidAttrNumber;
}

/*
 * Of several relations of that name in the plan the first one whose privileges
 * are not all there.  InvalidOid: none, or no plan is being started.
 */
static Oid
refused_in_plan(const char *name)
{
	Oid			found = InvalidOid;
	ListCell   *cell;

	if (plan_under_check == NULL)
		return InvalidOid;
	foreach(cell, plan_under_check->rtable)
	{
		CompatAccess access;
		const char *relname;

		if (!compat_access_of(lfirst(cell), COMPAT_PLAN_PERMINFO_LIST(plan_under_check), &access) ||
			access.required == 0 || (relname = get_rel_name(access.relid)) == NULL || strcmp(relname, name) != 0)
			continue;
		if (pg_class_aclmask(access.relid, OidIsValid(access.as_user) ? access.as_user : GetUserId(),
							 access.required, ACLMASK_ALL) != access.required)
			return access.relid;
		if (!OidIsValid(found))
			found = access.relid;
	}
	return found;
}

static void
add_range_var(List **vars, const RangeVar *var, const char *name)
{
	if (var && strcmp(var->relname, name) == 0)
		*vars = lappend(*vars, (void *) var);
}

/* Mentions of a relation of that name in a command. */
static List *
named_in_command(Node *parsetree, const char *name)
{
	List	   *vars = NIL;
	List	   *list = NIL;
	ListCell   *cell;

	switch (nodeTag(parsetree))
	{
		case T_CopyStmt:
			add_range_var(&vars, ((CopyStmt *) parsetree)->relation, name);
			break;
		case T_AlterTableStmt:
			add_range_var(&vars, ((AlterTableStmt *) parsetree)->relation, name);
			break;
		case T_IndexStmt:
			add_range_var(&vars, ((IndexStmt *) parsetree)->relation, name);
			break;
		case T_RenameStmt:
			add_range_var(&vars, ((RenameStmt *) parsetree)->relation, name);
			break;
		case T_AlterObjectSchemaStmt:
			add_range_var(&vars, ((AlterObjectSchemaStmt *) parsetree)->relation, name);
			break;
		case T_CreateTrigStmt:
			add_range_var(&vars, ((CreateTrigStmt *) parsetree)->relation, name);
			break;
		case T_RuleStmt:
			add_range_var(&vars, ((RuleStmt *) parsetree)->relation, name);
			break;
		case T_CreatePolicyStmt:
			add_range_var(&vars, ((CreatePolicyStmt *) parsetree)->table, name);
			break;
		case T_RefreshMatViewStmt:
			add_range_var(&vars, ((RefreshMatViewStmt *) parsetree)->relation, name);
			break;
		case T_ClusterStmt:
			add_range_var(&vars, ((ClusterStmt *) parsetree)->relation, name);
			break;
		case T_TruncateStmt:
			list = ((TruncateStmt *) parsetree)->relations;
			break;
		case T_LockStmt:
			list = ((LockStmt *) parsetree)->relations;
			break;
		case T_GrantStmt:
			if (((GrantStmt *) parsetree)->objtype == OBJECT_TABLE || ((GrantStmt *) parsetree)->objtype == OBJECT_SEQUENCE)
				list = ((GrantStmt *) parsetree)->objects;
			break;
		case T_DropStmt:
			foreach(cell, ((DropStmt *) parsetree)->objects)
				if (IsA(lfirst(cell), List) && list_length(lfirst(cell)) <= 3 &&
					IsA(linitial((List *) lfirst(cell)), String))
					add_range_var(&vars, makeRangeVarFromNameList(lfirst(cell)), name);
			break;
		default:
			break;
	}
	foreach(cell, list)
		if (IsA(lfirst(cell), RangeVar))
			add_range_var(&vars, lfirst(cell), name);
	return vars;
}

/* A governed relation of that name wherever it is; the one in the search path first. */
static Oid
find_by_name(const char *name)
{
	Oid			found = RelnameGetRelid(name);
	CatCList   *list;

	if (OidIsValid(found) && is_governed(found))
		return found;
	found = InvalidOid;
	list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Oid			relid = ((Form_pg_class) GETSTRUCT(&list->members[i]->tuple))->oid;

		if (is_governed(relid))
			found = relid;
	}
	ReleaseSysCacheList(list);
	return found;
}

/* The governed relation that a refusal names, InvalidOid if it is none. */
static Oid
find_relation(const char *name)
{
	Oid			relid = refused_in_plan(name);
	ListCell   *cell;
	bool		named = OidIsValid(relid);

	if (named)
		return is_governed(relid) ? relid : InvalidOid;
	if (denied_utility)
		foreach(cell, named_in_command(denied_utility, name))
		{
			relid = RangeVarGetRelid((RangeVar *) lfirst(cell), NoLock, true);
			named = named || OidIsValid(relid);
			if (OidIsValid(relid) && is_governed(relid))
				return relid;
		}
	return named ? InvalidOid : find_by_name(name);
}

/* Is the schema labeled, the trail's, or is anything in it governed? */
static bool
schema_is_governed(Oid nspid)
{
	ObjectAddress object;
	ListCell   *cell;

	ObjectAddressSet(object, NamespaceRelationId, nspid);
	if (nspid == policy_current()->audit_schema_oid || GetSecurityLabel(&object, DC_PROVIDER) != NULL)
		return true;
	foreach(cell, ddl_user_tables(nspid))
		if (is_governed(lfirst_oid(cell)))
			return true;
	return false;
}

/* Trusted procedures, and functions over policy and trail. */
static Oid
find_function(const char *name)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid			found = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);
		Label		label;

		if (form->pronamespace == policy_current()->schema_oid ||
			form->pronamespace == policy_current()->audit_schema_oid || function_trusted_label(form->oid, &label))
			found = form->oid;
	}
	ReleaseSysCacheList(list);
	return found;
}

static void
fill_relation(AuditEvent *event, const char *name)
{
	Label	   *label = palloc(sizeof(Label));
	Oid			relid = find_relation(name);

	if (!OidIsValid(relid))
		return;
	event->class_id = RelationRelationId;
	event->object_id = relid;
	event->object_type = "table";
	event->object_identity = report_relation_identity(relid);
	if (relation_effective_label(relid, label))
		event->label = label->text;
}

static void
fill_object(AuditEvent *event, const char *type, char **arguments, int n)
{
	const char *name = arguments[n - 1];
	ObjectAddress object;

	event->object_identity = NULL;
	if (strcmp(type, "schema") == 0)
	{
		ObjectAddressSet(object, NamespaceRelationId, get_namespace_oid(name, true));
		if (!OidIsValid(object.objectId) || !schema_is_governed(object.objectId))
			return;
		event->object_identity = quote_identifier(name);
	}
	else if (strcmp(type, "database") == 0)
	{
		ObjectAddressSet(object, DatabaseRelationId, get_database_oid(name, true));
		if (!OidIsValid(object.objectId) || GetSecurityLabel(&object, DC_PROVIDER) == NULL)
			return;
		event->object_identity = quote_identifier(name);
	}
	else if (strcmp(type, "function") == 0 || strcmp(type, "procedure") == 0 || strcmp(type, "routine") == 0)
	{
		ObjectAddressSet(object, ProcedureRelationId, find_function(name));
		if (!OidIsValid(object.objectId))
			return;
		event->object_identity = format_procedure_qualified(object.objectId);
	}
	else
	{
		fill_relation(event, name);
		return;
	}
	event->class_id = object.classId;
	event->object_id = object.objectId;
	event->object_type = type;
	event->label = GetSecurityLabel(&object, DC_PROVIDER);
}

/* "permission denied for materialized view %s" -> "materialized view", "" if the message is of another form. */
static const char *
type_in_format(const char *format)
{
	static const char *const beginnings[] = {"permission denied for ", "must be owner of "};
	const char *end = strstr(format, " %s");

	for (int i = 0; i < lengthof(beginnings); i++)
		if (end && strncmp(format, beginnings[i], strlen(beginnings[i])) == 0 &&
			end >= format + strlen(beginnings[i]))
			return pnstrdup(format + strlen(beginnings[i]), end - format - strlen(beginnings[i]));
	return "";
}

/* ------------------------------------------------------------------------
 * Recording
 * ------------------------------------------------------------------------
 */

static const char *
refused_command(void)
{
	Node	   *command = plan_under_check ? (Node *) plan_under_check : denied_utility;

	return command ? GetCommandTagName(CreateCommandTag(command)) : NULL;
}

static void
record_refusal(const ErrorData *error)
{
	const char *format = dgettext(error->domain, error->message_id);
	char	   *arguments[MAX_ARGUMENTS];
	AuditEvent	event = {0};
	int			n;

	n = message_arguments(format, error->message, arguments);
	if (n == 0 || arguments[n - 1] == NULL)
		return;
	fill_object(&event, type_in_format(error->message_id), arguments, n);
	if (event.object_identity == NULL)
		return;
	event.kind = strncmp(error->message_id, "must be owner", 13) == 0 ? EVENT_DDL_DENIED : EVENT_PRIVILEGE_DENIED;
	event.rule = event.kind == EVENT_DDL_DENIED ? "ownership" :
		strcmp(error->filename, "execMain.c") == 0 || strcmp(error->filename, "rls.c") == 0 ? "row_security" : "privilege";
	event.severity = SEVERITY_HIGH;
	event.outcome = OUTCOME_DENIED;
	event.breach = true;
	event.action = refused_command();
	event.detail = event.kind == EVENT_DDL_DENIED ?
		"PostgreSQL refused the command because the role does not own the object." :
		"PostgreSQL refused the access for lack of a privilege.";
	(void) event_record(&event);
}

/* Settings that switch protection off are no settings of a session: core says so, also at login. */
static void
record_setting(const ErrorData *error)
{
	char	   *arguments[MAX_ARGUMENTS];
	AuditEvent	event = {0};

	if (strcmp(error->filename, "guc.c") != 0 ||
		message_arguments(dgettext(error->domain, error->message_id), error->message, arguments) != 1 ||
		arguments[0] == NULL || pg_strncasecmp(arguments[0], "dataclass.", 10) != 0)
		return;
	event.kind = EVENT_SETTING_CHANGE;
	event.severity = SEVERITY_HIGH;
	event.outcome = OUTCOME_DENIED;
	event.breach = true;
	event.action = "SET";
	event.object_type = "setting";
	event.object_identity = arguments[0];
	event.rule = "setting";
	event.detail = "PostgreSQL refused the change: the setting comes from the configuration of the server.";
	(void) event_record(&event);
}

/* From the callback at the bottom of the error context stack. */
void
denied_by_core(void)
{
	MemoryContext cxt;
	MemoryContext old_cxt;
	ErrorData  *error;

	if (examining || IsParallelWorker() || !IsTransactionState() || !OidIsValid(MyDatabaseId))
		return;
	cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass refusal", ALLOCSET_SMALL_SIZES);
	old_cxt = MemoryContextSwitchTo(cxt);
	examining = true;
	error = CopyErrorData();
	if (error->elevel >= ERROR && error->message_id && error->message && error->filename &&
		policy_current()->installed)
	{
		if (error->sqlerrcode == ERRCODE_CANT_CHANGE_RUNTIME_PARAM)
			record_setting(error);
		else if (is_refusal_of_core(error))
			record_refusal(error);
	}
	examining = false;
	MemoryContextSwitchTo(old_cxt);
	MemoryContextDelete(cxt);
}

/* After an error inside of the above: the next one is looked at again. */
void
denied_reset(void)
{
	examining = false;
	denied_utility = NULL;
}
