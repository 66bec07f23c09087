/*-------------------------------------------------------------------------
 *
 * hook_auth.c
 *		Facts of a connection, taken right after authentication, and logins
 *		that failed.
 *
 * Why ClientAuthentication_hook: Port still points at the line of pg_hba.conf
 * that matched; it is gone before the first query.  The other facts are read
 * in session_facts.c when a subject is built.  Of logins it sees whether they
 * failed before the client does.  What is refused before it (by pg_hba.conf) and
 * after it (a role that may not log in, a database that it may not connect to)
 * passes the error context callback of hook_error.c.
 *
 * Replication connections come here and to no other hook: they can take a base
 * backup and WAL, which is everything, so that each is recorded as an export.
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
#include "replication/walsender.h"
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
record_failure(const Port *port, const char *why)
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
		audit_login_failed(role, NameStr(name), port->database_name, why);
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
		record_failure(port, "A role with a clearance or an office could not log in.");
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

/* NULL: an error of another kind. */
static const char *
why_refused(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
			return "A role with a clearance or an office was rejected by pg_hba.conf, or may not log in.";
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "A role with a clearance or an office lacks the privilege to connect to the database, or to start replication.";
		case ERRCODE_TOO_MANY_CONNECTIONS:
			return "A role with a clearance or an office has reached a limit of connections.";
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
			return "The database does not accept connections of a role with a clearance or an office.";
		case ERRCODE_UNDEFINED_DATABASE:
			return "A role with a clearance or an office asked for a database that does not exist.";
		default:
			return NULL;
	}
}

static bool
ends_session(void)
{
	ErrorData  *error = CopyErrorData();
	bool		fatal = error->elevel >= FATAL;

	FreeErrorData(error);
	return fatal;
}

/* Inside an error, which must not be caught away: another one here would end the session just as well. */
void
login_refused(void)
{
	const char *why = why_refused(geterrcode());

	if (why == NULL || !is_recordable(MyProcPort) || !ends_session())
		return;
	failure_recorded = true;
	record_failure(MyProcPort, why);
}

static void
record_replication(const Port *port)
{
	HeapTuple	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(port->user_name));
	FormData_pg_authid role;

	if (!HeapTupleIsValid(tuple))
		return;
	memcpy(&role, GETSTRUCT(tuple), offsetof(FormData_pg_authid, rolconnlimit));
	ReleaseSysCache(tuple);
	/* core is about to refuse the others */
	if (role.rolcanlogin && (role.rolsuper || role.rolreplication) &&
		!audit_replication_begins(role.oid, NameStr(role.rolname), port->database_name))
		ereport(FATAL,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the replication connection in the audit trail"),
				 errdetail("Labeled data do not leave the server unrecorded."),
				 errhint("See the server log for the state of the audit trail.")));
}

static void
dataclass_authentication(Port *port, int status)
{
	if (prev_authentication)
		prev_authentication(port, status);
	if (status == STATUS_OK)
	{
		session_facts_authenticated(port);
		if (am_walsender && is_recordable(port))
			record_replication(port);
	}
	else if (status == STATUS_ERROR)
		record_failure_quietly(port);
}

void
hook_auth_init(void)
{
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = dataclass_authentication;
}
