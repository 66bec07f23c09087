/*-------------------------------------------------------------------------
 *
 * hook_role.c
 *		Role commands that hand out clearance.
 *
 * Membership in a labeled role confers its clearance, membership in
 * dataclass_officer the right to label: granting either is an officer's act.
 * So is a new password for a labeled role, since it confers the identity; and
 * the tier that sessions of a role or database come in with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

#define SETTING_PREFIX			"dataclass."
#define SESSION_TIER_SETTING	SETTING_PREFIX "session_tier"

/* Does being a member of role confer clearance or office, directly or further up? */
bool
role_confers_clearance(Oid role)
{
	Oid			officer = get_role_oid(DC_OFFICER_ROLE, true);
	Oid			auditor = get_role_oid(DC_AUDITOR_ROLE, true);
	List	   *pending = list_make1_oid(role);

	for (int i = 0; i < list_length(pending); i++)
	{
		Oid			each = list_nth_oid(pending, i);
		CatCList   *memberships;

		if (each == officer || each == auditor || role_label_text(each) != NULL)
			return true;
		memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(each));
		for (int m = 0; m < memberships->n_members; m++)
			pending = list_append_unique_oid(pending,
											 ((Form_pg_auth_members) GETSTRUCT(&memberships->members[m]->tuple))->roleid);
		ReleaseSysCacheList(memberships);
	}
	return false;
}

/* InvalidOid: every role. */
static const char *
name_for_record(Oid role)
{
	return OidIsValid(role) ? quote_identifier(GetUserNameFromId(role, false)) : "ALL";
}

static void
record_role_change(Oid role, const char *action, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_CLEARANCE_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.action = action;
	event.class_id = AuthIdRelationId;
	event.object_id = role;
	event.object_type = "role";
	event.object_identity = name_for_record(role);
	event.rule = "officer";
	event.detail = detail;
	report_change(&event);
}

static void
officer_act(Oid role, const char *action, const char *message, const char *detail)
{
	if (policy_is_officer())
		record_role_change(role, action, detail);
	else
	{
		Refusal		refusal = {0};

		refusal.event.kind = EVENT_DDL_DENIED;
		refusal.event.severity = SEVERITY_HIGH;
		refusal.event.breach = true;
		refusal.event.action = action;
		refusal.event.class_id = AuthIdRelationId;
		refusal.event.object_id = role;
		refusal.event.object_type = "role";
		refusal.event.object_identity = name_for_record(role);
		refusal.event.rule = "officer";
		refusal.event.detail = detail;
		refusal.message = message;
		refusal.detail = detail;
		refusal.hint = "Ask a member of dataclass_officer.";
		refusal.mode = guc_enforcement;
		report_refusal(&refusal);
	}
}

static void
check_granted_role(const char *name, const char *action)
{
	Oid			role = get_role_oid(name, true);

	if (OidIsValid(role) && role_confers_clearance(role))
		officer_act(role, action,
					psprintf("permission denied to grant role \"%s\"", name),
					"Membership in this role confers a clearance or an office; granting it is an officer's act.");
}

/* Taking a clearance away needs no officer: less is reached than before. */
static void
record_revoked_role(const char *name, const char *action)
{
	Oid			role = get_role_oid(name, true);

	if (OidIsValid(role) && role_confers_clearance(role))
		record_role_change(role, action,
						  "Membership in this role, which confers a clearance or an office, was taken away.");
}

static void
check_password(const RoleSpec *spec, List *options)
{
	Oid			role = get_rolespec_oid(spec, true);
	ListCell   *cell;

	if (!OidIsValid(role) || role == GetOuterUserId() || !role_confers_clearance(role))
		return;
	foreach(cell, options)
	{
		if (strcmp(((DefElem *) lfirst(cell))->defname, "password") != 0)
			continue;
		officer_act(role, "ALTER ROLE",
					psprintf("permission denied to change the password of role \"%s\"",
							 GetUserNameFromId(role, false)),
					"The role has a clearance or an office; whoever sets its password could act as it.");
	}
}

/* Superusers count as officers, where the configuration says so. */
static bool
makes_superuser(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
		if (strcmp(((DefElem *) lfirst(cell))->defname, "superuser") == 0)
			return guc_superuser_is_officer && boolVal(((DefElem *) lfirst(cell))->arg);
	return false;
}

static void
record_new_officer(const char *name)
{
	AuditEvent	event = {0};

	event.kind = EVENT_CLEARANCE_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.action = "CREATE ROLE";
	event.object_type = "role";
	event.object_identity = quote_identifier(name);
	event.rule = "officer";
	event.detail = "A superuser was made, who counts as an officer.";
	report_change(&event);
}

/* A label that goes with its role has a record (hook_objectaccess.c), what the role inherits has none. */
static void
record_dropped_roles(List *specs)
{
	ListCell   *cell;

	foreach(cell, specs)
	{
		Oid			role = get_rolespec_oid(lfirst(cell), true);

		if (OidIsValid(role) && role_label_text(role) == NULL && role_confers_clearance(role))
			record_role_change(role, "DROP ROLE", "The role, which had a clearance or an office by membership, was dropped.");
	}
}

/* Whoever cannot log in any more keeps no office: that is no officer's act, but it does not happen unseen. */
static void
record_attributes(const RoleSpec *spec, List *options)
{
	Oid			role = get_rolespec_oid(spec, true);
	StringInfoData names;
	ListCell   *cell;

	if (!OidIsValid(role) || (!role_confers_clearance(role) && !makes_superuser(options)))
		return;
	initStringInfo(&names);
	foreach(cell, options)
	{
		const char *name = ((DefElem *) lfirst(cell))->defname;

		if (strcmp(name, "password") != 0 && strcmp(name, "rolemembers") != 0)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", name);
	}
	if (names.len > 0)
		record_role_change(role, "ALTER ROLE",
						   psprintf("Attributes of the role, which has a clearance or an office, were changed: %s.", names.data));
}

/* The offices themselves: their names are what rights hang on, their grants what auditors read by. */
static void
check_office(const char *name, const char *action)
{
	Oid			role = get_role_oid(name, true);
	Refusal		refusal = {0};

	if (!OidIsValid(role) ||
		(strcmp(name, DC_OFFICER_ROLE) != 0 && strcmp(name, DC_AUDITOR_ROLE) != 0))
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = action;
	refusal.event.class_id = AuthIdRelationId;
	refusal.event.object_id = role;
	refusal.event.object_type = "role";
	refusal.event.object_identity = name;
	refusal.event.rule = "trail_guard";
	refusal.message = psprintf("permission denied: role \"%s\" belongs to pg_dataclass", name);
	refusal.detail = "Rights to label and to audit hang on this role.";
	refusal.hint = "Set dataclass.enforcement = off in the configuration file first; that is recorded.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

static void
check_offices(List *specs, const char *action)
{
	ListCell   *cell;

	foreach(cell, specs)
	{
		Oid			role = get_rolespec_oid(lfirst(cell), true);

		if (OidIsValid(role))
			check_office(GetUserNameFromId(role, false), action);
	}
}

/* A cleared role under another name is another person in the eyes of the trail. */
static void
check_rename(const RenameStmt *stmt)
{
	Oid			role = get_role_oid(stmt->subname, true);

	check_office(stmt->subname, "ALTER ROLE");
	if (OidIsValid(role) && role_confers_clearance(role))
		officer_act(role, "ALTER ROLE", psprintf("permission denied to rename role \"%s\"", stmt->subname),
					"The role has a clearance or an office; renaming it is an officer's act.");
}

/*
 * Names of the extension's settings that are stored for that role, database or
 * pair of both; palloc'd.
 */
static List *
stored_settings(Oid role, Oid database)
{
	Relation	rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *names = NIL;

	ScanKeyInit(&key[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(database));
	ScanKeyInit(&key[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		settings = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
											RelationGetDescr(rel), &isnull);
		Datum	   *elements;
		int			n = 0;

		if (!isnull)
			deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false, TYPALIGN_INT,
							  &elements, NULL, &n);
		for (int i = 0; i < n; i++)
		{
			char	   *setting = TextDatumGetCString(elements[i]);
			char	   *end = strchr(setting, '=');

			if (pg_strncasecmp(setting, SETTING_PREFIX, strlen(SETTING_PREFIX)) == 0 && end)
				names = lappend(names, pnstrdup(setting, end - setting));
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return names;
}

static void
record_stored(Oid role, Oid dbid, const char *name, const char *action, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_SETTING_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.action = action;
	event.class_id = OidIsValid(role) ? AuthIdRelationId : OidIsValid(dbid) ? DatabaseRelationId : InvalidOid;
	event.object_id = OidIsValid(role) ? role : dbid;
	event.object_type = "setting";
	event.object_identity = name;
	event.rule = "setting";
	event.detail = detail;
	report_change(&event);
}

/*
 * Settings of the extension that sessions of an account or database come in
 * with.  The tier among them binds; whoever is narrowed by it, as the clients
 * of a pooler are, must not take it away.
 */
static void
check_stored_setting(const RoleSpec *spec, const char *database, const VariableSetStmt *set, const char *action)
{
	Oid			role = spec ? get_rolespec_oid(spec, true) : InvalidOid;
	Oid			dbid = database ? get_database_oid(database, true) : InvalidOid;
	List	   *names;
	ListCell   *cell;
	char	   *whose;

	if ((spec && !OidIsValid(role)) || (database && !OidIsValid(dbid)))
		return;					/* core says so */
	if (set->name && pg_strncasecmp(set->name, SETTING_PREFIX, strlen(SETTING_PREFIX)) != 0)
		return;
	names = set->name ? list_make1(set->name) : stored_settings(role, dbid);
	whose = psprintf("%s%s%s%s", OidIsValid(role) ? "role " : OidIsValid(dbid) ? "" : "all roles",
					 OidIsValid(role) ? name_for_record(role) : "",
					 OidIsValid(dbid) ? (OidIsValid(role) ? " in database " : "database ") : "",
					 OidIsValid(dbid) ? quote_identifier(database) : "");
	foreach(cell, names)
	{
		const char *name = lfirst(cell);
		char	   *value = set->kind == VAR_SET_VALUE && set->name ? ExtractSetVariableArgs((VariableSetStmt *) set) : NULL;

		if (pg_strcasecmp(name, SESSION_TIER_SETTING) == 0 && !policy_is_officer())
			officer_act(role, action,
						"permission denied to change \"" SESSION_TIER_SETTING "\" of roles and databases",
						"Sessions never get above the tier they came in with; what it is, is an officer's act.");
		record_stored(role, dbid, name, action,
					  value ? psprintf("Setting %s stored for %s: '%.200s'.", name, whose, value) :
					  set->kind == VAR_SET_CURRENT ? psprintf("Setting %s stored for %s, as it is in this session.", name, whose) :
					  psprintf("Setting %s no longer stored for %s.", name, whose));
	}
}

void
role_command_check(Node *parsetree)
{
	ListCell   *cell;
	ListCell   *inner;

	switch (nodeTag(parsetree))
	{
		case T_GrantRoleStmt:
			foreach(cell, ((GrantRoleStmt *) parsetree)->granted_roles)
			{
				if (((GrantRoleStmt *) parsetree)->is_grant)
					check_granted_role(((AccessPriv *) lfirst(cell))->priv_name, "GRANT ROLE");
				else
					record_revoked_role(((AccessPriv *) lfirst(cell))->priv_name, "REVOKE ROLE");
			}
			break;
		case T_CreateRoleStmt:
			if (makes_superuser(((CreateRoleStmt *) parsetree)->options))
				record_new_officer(((CreateRoleStmt *) parsetree)->role);
			foreach(cell, ((CreateRoleStmt *) parsetree)->options)
			{
				DefElem    *option = lfirst(cell);

				if (strcmp(option->defname, "addroleto") == 0)
					foreach(inner, (List *) option->arg)
						check_granted_role(GetUserNameFromId(get_rolespec_oid(lfirst(inner), false), false),
										   "CREATE ROLE");
			}
			break;
		case T_RenameStmt:
			if (((RenameStmt *) parsetree)->renameType == OBJECT_ROLE)
				check_rename((RenameStmt *) parsetree);
			break;
		case T_DropRoleStmt:
			check_offices(((DropRoleStmt *) parsetree)->roles, "DROP ROLE");
			record_dropped_roles(((DropRoleStmt *) parsetree)->roles);
			break;
		case T_DropOwnedStmt:
			check_offices(((DropOwnedStmt *) parsetree)->roles, "DROP OWNED");
			break;
		case T_AlterRoleStmt:
			{
				AlterRoleStmt *stmt = (AlterRoleStmt *) parsetree;

				foreach(cell, stmt->options)
					if (strcmp(((DefElem *) lfirst(cell))->defname, "rolemembers") == 0)
					{
						if (stmt->action > 0)
							check_granted_role(get_rolespec_name(stmt->role), "ALTER GROUP");
						else
							record_revoked_role(get_rolespec_name(stmt->role), "ALTER GROUP");
					}
				check_password(stmt->role, stmt->options);
				record_attributes(stmt->role, stmt->options);
				break;
			}
		case T_AlterRoleSetStmt:
			{
				AlterRoleSetStmt *stmt = (AlterRoleSetStmt *) parsetree;

				check_stored_setting(stmt->role, stmt->database, stmt->setstmt, "ALTER ROLE");
				break;
			}
		case T_AlterDatabaseSetStmt:
			{
				AlterDatabaseSetStmt *stmt = (AlterDatabaseSetStmt *) parsetree;

				check_stored_setting(NULL, stmt->dbname, stmt->setstmt, "ALTER DATABASE");
				break;
			}
		default:
			break;
	}
}
