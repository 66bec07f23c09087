/*-------------------------------------------------------------------------
 *
 * hook_grant.c
 *		Records GRANT, REVOKE, DROP OWNED and new owners of governed objects.
 *
 * Privileges do not lead past labels, but who handed them out belongs to the
 * evidence.  Privileges and owner are compared with what grant_target.c took
 * down before the command, and what did not change is not recorded.  Default
 * privileges are recorded by the command alone: they are about objects to
 * come.  Membership in cleared roles is hook_role.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"

/* ------------------------------------------------------------------------
 * What is said about it
 * ------------------------------------------------------------------------
 */

static char *
describe_grant(const GrantStmt *stmt)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfo(&buf, "Privileges %s:", stmt->is_grant ? "granted" : "revoked");
	if (stmt->privileges == NIL)
		appendStringInfoString(&buf, " ALL");
	foreach(cell, stmt->privileges)
	{
		const AccessPriv *priv = lfirst(cell);
		char	   *name = asc_toupper(priv->priv_name ? priv->priv_name : "all", NAMEDATALEN);

		appendStringInfo(&buf, "%s %s%s", foreach_current_index(cell) > 0 ? "," : "", name,
						 priv->cols ? " on columns" : "");
	}
	appendStringInfoString(&buf, stmt->is_grant ? "; to" : "; from");
	foreach(cell, stmt->grantees)
	{
		const RoleSpec *spec = lfirst(cell);

		appendStringInfo(&buf, "%s %s", foreach_current_index(cell) > 0 ? "," : "",
						 spec->roletype == ROLESPEC_PUBLIC ? "PUBLIC" : quote_identifier(get_rolespec_name(spec)));
	}
	if (stmt->is_grant && stmt->grant_option)
		appendStringInfoString(&buf, "; with grant option");
	return buf.data;
}

static char *
describe_drop(const DropOwnedStmt *stmt)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "Privileges of a role were dropped with what it owns:");
	foreach(cell, stmt->roles)
		appendStringInfo(&buf, "%s %s", foreach_current_index(cell) > 0 ? "," : "",
						 quote_identifier(get_rolespec_name(lfirst(cell))));
	return buf.data;
}

/* object NULL: none with an address, but what type and identity say. */
static void
record(const ObjectAddress *object, const char *type, const char *identity, const char *label,
	   const char *action, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_GRANT;
	event.severity = SEVERITY_NOTICE;
	event.action = action;
	event.class_id = object ? object->classId : InvalidOid;
	event.object_id = object ? object->objectId : InvalidOid;
	event.object_type = object ? getObjectTypeDescription(object, true) : type;
	event.object_identity = object ? getObjectIdentity(object, true) : identity;
	event.label = label;
	event.rule = "grant";
	event.detail = detail;
	report_change(&event);
}

/* What new objects of a governed schema, or of any, will be granted. */
static void
record_defaults(const AlterDefaultPrivilegesStmt *stmt)
{
	bool		any_schema = true;
	bool		governed = false;
	ListCell   *cell;
	ListCell   *inner;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "schemas") != 0)
			continue;
		any_schema = false;
		foreach(inner, (List *) option->arg)
		{
			Oid			nspid = get_namespace_oid(strVal(lfirst(inner)), true);

			governed |= OidIsValid(nspid) && governed_schema(nspid);
		}
	}
	if (any_schema || governed)
		record(NULL, "default privileges", "default privileges", NULL, "ALTER DEFAULT PRIVILEGES", describe_grant(stmt->action));
}

/* Who may set settings of the extension, as far as the server lets anybody. */
static void
record_parameters(const GrantStmt *stmt)
{
	ListCell   *cell;

	if (stmt->objtype == OBJECT_PARAMETER_ACL)
		foreach(cell, stmt->objects)
			if (pg_strncasecmp(strVal(lfirst(cell)), "dataclass.", 10) == 0)
				record(NULL, "setting", strVal(lfirst(cell)), NULL, stmt->is_grant ? "GRANT" : "REVOKE",
					   describe_grant(stmt));
}

static void
record_owner(const GrantTarget *target, Oid owner)
{
	record(&target->object, NULL, NULL, target->label, "ALTER OWNER",
		   psprintf("The owner was changed from %s to %s.",
					quote_identifier(GetUserNameFromId(target->before.owner, false)),
					quote_identifier(GetUserNameFromId(owner, false))));
}

/* After the command. */
void
grant_record(Node *parsetree, List *targets)
{
	const char *action = "ALTER OWNER";
	const char *detail = "The owner was changed.";
	ListCell   *cell;

	if (IsA(parsetree, AlterDefaultPrivilegesStmt))
		record_defaults((AlterDefaultPrivilegesStmt *) parsetree);
	else if (IsA(parsetree, GrantStmt))
		record_parameters((GrantStmt *) parsetree);
	if (targets == NIL)
		return;
	CommandCounterIncrement();
	if (IsA(parsetree, GrantStmt))
	{
		action = ((GrantStmt *) parsetree)->is_grant ? "GRANT" : "REVOKE";
		detail = describe_grant((GrantStmt *) parsetree);
	}
	else if (IsA(parsetree, DropOwnedStmt))
	{
		action = "DROP OWNED";
		detail = describe_drop((DropOwnedStmt *) parsetree);
	}
	foreach(cell, targets)
	{
		const GrantTarget *target = lfirst(cell);
		GrantState	now;

		if (!grant_target_state(&target->object, &now))
			continue;			/* it was dropped, which has a record of its own */
		if (now.owner != target->before.owner)
			record_owner(target, now.owner);
		else if (now.privileges != target->before.privileges)
			record(&target->object, NULL, NULL, target->label, action, detail);
	}
}
