/*-------------------------------------------------------------------------
 *
 * hook_auth.c
 *		Facts of a connection, taken right after authentication, and logins
 *		that failed.
 *
 * Why ClientAuthentication_hook: Port still points at the line of pg_hba.conf
 * that matched; it is gone before the first query.  The other facts are read
 * in session_facts.c when a subject is built.  Of logins it sees whether they
 * failed before the client does.  What is refused after it (a role that may not log
 * in, a database that it may not connect to) passes the error context callback
 * of hook_error.c.  What pg_hba.conf rejects never comes to either.
 *
 * There is no database yet.  Core's caches of pg_authid and pg_auth_members and
 * its search of pg_shseclabel are made to work then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "libpq/auth.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/subject.h"

static ClientAuthentication_hook_type prev_authentication = NULL;
static bool failure_recorded = false;

/* Only roles are recorded that exist and hold something: a name is the client's text. */
static void
record_failure(const Port *port)
{
	HeapTuple	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(port->user_name));
	NameData	name;
	Oid			role;
	bool		super;

	if (!HeapTupleIsValid(tuple))
		return;
	role = ((Form_pg_authid) GETSTRUCT(tuple))->oid;
	super = ((Form_pg_authid) GETSTRUCT(tuple))->rolsuper;
	name = ((Form_pg_authid) GETSTRUCT(tuple))->rolname;
	ReleaseSysCache(tuple);
	if ((super && guc_superuser_is_officer) || role_confers_clearance(role))
		audit_login_failed(role, NameStr(name), port->database_name);
}

static bool
is_recordable(const Port *port)
{
	return !failure_recorded && IsTransactionState() && guc_enforcement != ENFORCEMENT_OFF &&
		port != NULL && port->user_name != NULL && port->database_name != NULL;
}

/* An error here must not tell the client something else than that it failed. */
static void
record_failure_quietly(const Port *port)
{
	MemoryContext caller = CurrentMemoryContext;

	if (!is_recordable(port))
		return;
	failure_recorded = true;
	PG_TRY();
	{
		record_failure(port);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		ereport(LOG,
				(errmsg("failed login could not be recorded in the audit trail")));
	}
	PG_END_TRY();
}

/* Inside an error, which must not be caught away: another one here would end the session just as well. */
void
login_refused(void)
{
	switch (geterrcode())
	{
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_TOO_MANY_CONNECTIONS:
			if (!is_recordable(MyProcPort))
				return;
			failure_recorded = true;
			record_failure(MyProcPort);
			break;
		default:
			break;
	}
}

static void
dataclass_authentication(Port *port, int status)
{
	if (prev_authentication)
		prev_authentication(port, status);
	if (status == STATUS_OK)
		session_facts_authenticated(port);
	else if (status == STATUS_ERROR)
		record_failure_quietly(port);
}

void
hook_auth_init(void)
{
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = dataclass_authentication;
}
