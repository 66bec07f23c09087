/*-------------------------------------------------------------------------
 *
 * denied_role.c
 *		Core's refusals about roles and labels: what hook_denied.c records of
 *		them.
 *
 * Roles with a clearance or an office are governed like data.  Whoever tries to
 * become one (SET ROLE, SET SESSION AUTHORIZATION), to change one, or to label
 * what he may not is refused by core before the label provider or hook_role.c
 * has a say.  Called for errors 42501 that core's own files raised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"

/* The role that a command changes or names; of several the first with a clearance or an office. */
static Oid
role_of_command(const Node *parsetree)
{
	const Node *object = NULL;
	const RoleSpec *spec = NULL;
	ListCell   *cell;
	Oid			role;

	switch (nodeTag(parsetree))
	{
		case T_AlterRoleStmt:
			spec = ((const AlterRoleStmt *) parsetree)->role;
			break;
		case T_AlterRoleSetStmt:
			spec = ((const AlterRoleSetStmt *) parsetree)->role;
			break;
		case T_DropRoleStmt:
			foreach(cell, ((const DropRoleStmt *) parsetree)->roles)
			{
				role = get_rolespec_oid(lfirst(cell), true);
				if (OidIsValid(role) && role_confers_clearance(role))
					return role;
			}
			break;
		case T_GrantRoleStmt:
			foreach(cell, ((const GrantRoleStmt *) parsetree)->granted_roles)
			{
				role = get_role_oid(((AccessPriv *) lfirst(cell))->priv_name, true);
				if (OidIsValid(role) && role_confers_clearance(role))
					return role;
			}
			break;
		case T_RenameStmt:
			if (((const RenameStmt *) parsetree)->renameType == OBJECT_ROLE)
				return get_role_oid(((const RenameStmt *) parsetree)->subname, true);
			break;
		case T_CommentStmt:
			if (((const CommentStmt *) parsetree)->objtype == OBJECT_ROLE)
				object = ((const CommentStmt *) parsetree)->object;
			break;
		default:
			break;
	}
	if (object && IsA(object, String))
		return get_role_oid(strVal(object), true);
	return spec ? get_rolespec_oid(spec, true) : InvalidOid;
}

static void
fill_role(AuditEvent *event, Oid role, EventKind kind)
{
	event->kind = kind;
	event->class_id = AuthIdRelationId;
	event->object_id = role;
	event->object_type = "role";
	event->object_identity = quote_identifier(GetUserNameFromId(role, false));
	event->rule = "privilege";
}

/* Who may set a label at all, core looks at first. */
static bool
fill_label_refused(AuditEvent *event, const SecLabelStmt *stmt)
{
	const Node *object = stmt->object;

	if (stmt->provider && strcmp(stmt->provider, DC_PROVIDER) != 0)
		return false;
	event->object_identity = object == NULL ? NULL :
		IsA(object, String) ? quote_identifier(strVal(object)) :
		IsA(object, List) ? NameListToQuotedString((List *) object) :
		IsA(object, ObjectWithArgs) ? NameListToQuotedString(((const ObjectWithArgs *) object)->objname) : NULL;
	if (event->object_identity == NULL)
		return false;
	event->kind = EVENT_LABEL_REFUSED;
	event->rule = "ownership";
	event->object_type = stmt->objtype == OBJECT_ROLE ? "role" : stmt->objtype == OBJECT_COLUMN ? "column" :
		stmt->objtype == OBJECT_SCHEMA ? "schema" : stmt->objtype == OBJECT_DATABASE ? "database" :
		IsA(object, ObjectWithArgs) ? "function" : "table";
	return true;
}

/* "permission denied to set role" names it, "... session authorization" does not: the command does. */
static Oid
role_to_become(const ErrorData *error)
{
	const VariableSetStmt *set = (const VariableSetStmt *) denied_utility;
	char	   *arguments[DENIED_MAX_ARGUMENTS];

	if (denied_message_arguments(dgettext(error->domain, "permission denied to set role \"%s\""),
								 error->message, arguments) == 1 && arguments[0] != NULL)
		return get_role_oid(arguments[0], true);
	if (set && IsA(set, VariableSetStmt) && set->kind == VAR_SET_VALUE && set->args != NIL &&
		strcmp(set->name, "session_authorization") == 0 && IsA(linitial(set->args), A_Const) &&
		IsA(&castNode(A_Const, linitial(set->args))->val, String))
		return get_role_oid(strVal(&castNode(A_Const, linitial(set->args))->val), true);
	return InvalidOid;
}

/* False: the refusal is about nothing that is governed. */
bool
denied_fill_role(const ErrorData *error, AuditEvent *event)
{
	Oid			role;

	event->detail = "PostgreSQL refused the command for lack of a privilege.";
	if (strcmp(error->filename, "guc.c") == 0 || strcmp(error->filename, "miscinit.c") == 0)
	{
		role = role_to_become(error);
		if (!OidIsValid(role) || !role_confers_clearance(role))
			return false;
		fill_role(event, role, EVENT_PRIVILEGE_DENIED);
		event->detail = "PostgreSQL refused to let the session become the role.";
		return true;
	}
	if (denied_utility == NULL ||
		(strcmp(error->filename, "user.c") != 0 && strcmp(error->filename, "objectaddress.c") != 0 &&
		 strcmp(error->filename, "aclchk.c") != 0))
		return false;
	if (IsA(denied_utility, SecLabelStmt))
		return fill_label_refused(event, (const SecLabelStmt *) denied_utility);
	role = role_of_command(denied_utility);
	if (!OidIsValid(role) || !role_confers_clearance(role))
		return false;
	fill_role(event, role, EVENT_DDL_DENIED);
	return true;
}
