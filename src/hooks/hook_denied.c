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
int
denied_message_arguments(const char *format, const char *message, char **arguments)
{
	int			n = 0;

	memset(arguments, 0, sizeof(char *) * DENIED_MAX_ARGUMENTS);
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
		if (*format++ != 's' || position >= DENIED_MAX_ARGUMENTS)
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
	if (var && (name == NULL || strcmp(var->relname, name) == 0))
		*vars = lappend(*vars, (void *) var);
}

static void
add_dropped(List **vars, ObjectType type, List *names, const char *name)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_FOREIGN_TABLE:
			break;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			/* the relation's name, then its own */
			names = list_truncate(list_copy(names), list_length(names) - 1);
			break;
		default:
			return;
	}
	if (names != NIL && list_length(names) <= 3)
		add_range_var(vars, makeRangeVarFromNameList(names), name);
}

List *
denied_named_in_command(Node *parsetree, const char *name)
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
				if (IsA(lfirst(cell), List))
					add_dropped(&vars, ((DropStmt *) parsetree)->removeType, lfirst(cell), name);
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

	if (OidIsValid(found) && governed_relation(found))
		return found;
	found = InvalidOid;
	list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Oid			relid = ((Form_pg_class) GETSTRUCT(&list->members[i]->tuple))->oid;

		if (governed_relation(relid))
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
		return governed_relation(relid) ? relid : InvalidOid;
	if (denied_utility)
		foreach(cell, denied_named_in_command(denied_utility, name))
		{
			relid = RangeVarGetRelid((RangeVar *) lfirst(cell), NoLock, true);
			named = named || OidIsValid(relid);
			if (OidIsValid(relid) && governed_relation(relid))
				return relid;
		}
	return named ? InvalidOid : find_by_name(name);
}

/* Trusted procedures, and functions over policy and trail. */
static Oid
find_function(const char *name)
{
	/* DROP and COMMENT quote the name as the command had it, unquoted */
	const char *dot = strrchr(name, '.');
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(dot ? dot + 1 : name));
	Oid			found = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
		if (governed_function(((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->oid))
			found = ((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->oid;
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
		if (!OidIsValid(object.objectId) || !governed_schema(object.objectId))
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

/* False: about no relation, schema, database or function that is governed. */
static bool
fill_refusal(const ErrorData *error, AuditEvent *event)
{
	const char *format = dgettext(error->domain, error->message_id);
	char	   *arguments[DENIED_MAX_ARGUMENTS];
	int			n = is_refusal_of_core(error) ? denied_message_arguments(format, error->message, arguments) : 0;

	if (n == 0 || arguments[n - 1] == NULL)
		return false;
	fill_object(event, type_in_format(error->message_id), arguments, n);
	if (event->object_identity == NULL)
		return false;
	event->kind = strncmp(error->message_id, "must be owner", 13) == 0 ? EVENT_DDL_DENIED : EVENT_PRIVILEGE_DENIED;
	event->rule = event->kind == EVENT_DDL_DENIED ? "ownership" :
		strcmp(error->filename, "execMain.c") == 0 || strcmp(error->filename, "rls.c") == 0 ? "row_security" : "privilege";
	event->detail = event->kind == EVENT_DDL_DENIED ?
		"PostgreSQL refused the command because the role does not own the object." :
		"PostgreSQL refused the access for lack of a privilege.";
	return true;
}

static void
record_refusal(const ErrorData *error)
{
	AuditEvent	event = {0};

	if (!fill_refusal(error, &event))
	{
		memset(&event, 0, sizeof(event));
		if (!denied_fill_role(error, &event))
			return;
	}
	event.severity = SEVERITY_HIGH;
	event.outcome = OUTCOME_DENIED;
	event.breach = true;
	event.action = refused_command();
	(void) event_record(&event);
}

/* Settings that switch protection off are no settings of a session: core says so, also at login. */
static bool
record_setting(const ErrorData *error)
{
	char	   *arguments[DENIED_MAX_ARGUMENTS];
	AuditEvent	event = {0};

	if (strcmp(error->filename, "guc.c") != 0 ||
		denied_message_arguments(dgettext(error->domain, error->message_id), error->message, arguments) != 1 ||
		arguments[0] == NULL || pg_strncasecmp(arguments[0], "dataclass.", 10) != 0)
		return false;
	event.kind = EVENT_SETTING_CHANGE;
	event.severity = SEVERITY_HIGH;
	event.outcome = OUTCOME_DENIED;
	event.breach = true;
	event.action = denied_utility && IsA(denied_utility, AlterSystemStmt) ? "ALTER SYSTEM" : "SET";
	event.object_type = "setting";
	event.object_identity = arguments[0];
	event.rule = "setting";
	event.detail = error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ?
		"PostgreSQL refused the change for lack of a privilege." :
		"PostgreSQL refused the change: the setting comes from the configuration of the server.";
	(void) event_record(&event);
	return true;
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
		if (!record_setting(error) && error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
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
