/*-------------------------------------------------------------------------
 *
 * audit_login.c
 *		Records failed logins, a flood of them in few records.
 *
 * Called while a client is being authenticated: there is a transaction and the
 * shared catalogs, but no database yet.  The record goes to the trail of the
 * database that the client asked for; if that has none, to all trails of the
 * cluster, since clearances hold in every database.
 *
 * Of each role and database the first failure in a window is recorded at once,
 * those that follow are counted and recorded with their exact number when the
 * window is over: by the next failure or by the launcher, which looks once a
 * second.  A guesser can neither fill the disk nor be lost.  Names that are no
 * cleared role's never come here, so that the number of windows is small; what
 * finds no place in the table is recorded at once.
 *
 * Lock: a spinlock over the table, for a walk over it; nothing else is done
 * under it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/relcache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"

#define LOGIN_WINDOWS	128

typedef struct LoginWindow
{
	Oid			role;			/* InvalidOid: unused */
	Oid			dbid;			/* trail; InvalidOid: all */
	TimestampTz since;
	int64		counted;		/* failures not recorded yet */
	char		name[NAMEDATALEN];
} LoginWindow;

typedef struct LoginShared
{
	slock_t		mutex;
	LoginWindow windows[LOGIN_WINDOWS];
} LoginShared;

static LoginShared *logins = NULL;
static int	guc_failed_login_window = 60;	/* s */

Size
audit_login_shmem_size(void)
{
	return MAXALIGN(sizeof(LoginShared));
}

void
audit_login_shmem_init(void)
{
	bool		found;

	logins = ShmemInitStruct("pg_dataclass failed logins", audit_login_shmem_size(), &found);
	if (!found)
	{
		memset(logins, 0, sizeof(LoginShared));
		SpinLockInit(&logins->mutex);
	}
}

void
audit_login_init(void)
{
	DefineCustomIntVariable("dataclass.failed_login_window",
							"Sets for how long failed logins of a role are counted before they are recorded as one.",
							"The first one is recorded at once.",
							&guc_failed_login_window, 60, 1, 3600,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
}

/* ------------------------------------------------------------------------
 * The record
 * ------------------------------------------------------------------------
 */

/* repeats 0: the failure of this session.  The launcher must not wait for a writer that it has to start itself. */
static bool
deliver(Oid dbid, const char *database, const LoginWindow *login, int64 repeats)
{
	AuditEvent	event = {0};
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;
	bool		from_system = event_from_system;

	event.kind = EVENT_LOGIN_FAILED;
	event.severity = SEVERITY_WARNING;
	event.outcome = OUTCOME_DENIED;
	event.breach = true;
	event.action = "LOGIN";
	event.class_id = AuthIdRelationId;
	event.object_id = login->role;
	event.object_type = "role";
	event.object_identity = quote_identifier(login->name);
	event.subject = login->name;
	event.rule = "authentication";
	event.detail = repeats == 0 ? "A role with a clearance or an office could not log in." :
		psprintf("Further failed logins of the role since %s.", timestamptz_to_str(login->since));
	event.repeats = repeats;
	/* nobody is logged in */
	event_from_system = true;
	payload.data = bytes;
	payload.len = audit_event_encode(&event, database, bytes);
	event_from_system = from_system;
	if (payload.len == 0)
		return false;
	if (!audit_own_process)
		return audit_deliver(dbid, &payload, 1);
	if (!audit_journal_append(dbid, &payload, 1))
		return false;
	audit_queue_request_writer(dbid, true, false);
	return true;
}

/* To the trail of a database, or to all; false: some of them did not get it. */
static bool
record(const LoginWindow *login, int64 repeats)
{
	List	   *dbids = OidIsValid(login->dbid) ? list_make1_oid(login->dbid) : audit_databases();
	bool		ok = true;
	ListCell   *cell;

	foreach(cell, dbids)
	{
		char	   *database = get_database_name(lfirst_oid(cell));

		if (database)
			ok = deliver(lfirst_oid(cell), database, login, repeats) && ok;
	}
	return ok;
}

/* ------------------------------------------------------------------------
 * A failure
 * ------------------------------------------------------------------------
 */

/* As core finds the database of a session: with the index only where that can be opened. */
static Oid
database_by_name(const char *name)
{
	Relation	rel = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			dbid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(rel, DatabaseNameIndexId, criticalSharedRelcachesBuilt, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		dbid = ((Form_pg_database) GETSTRUCT(tuple))->oid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return dbid;
}

/*
 * Count the failure; false if it is one of a window that was recorded.  *before:
 * the window that it ends, with what was counted there.
 */
static bool
begins_window(LoginWindow *login, LoginWindow *before)
{
	LoginWindow *found = NULL;
	LoginWindow *unused = NULL;
	bool		begins = true;

	before->counted = 0;
	SpinLockAcquire(&logins->mutex);
	for (int i = 0; i < LOGIN_WINDOWS && found == NULL; i++)
	{
		LoginWindow *each = &logins->windows[i];

		if (each->role == login->role && each->dbid == login->dbid)
			found = each;
		else if (!OidIsValid(each->role) && unused == NULL)
			unused = each;
	}
	if (found != NULL && login->since < found->since + guc_failed_login_window * INT64CONST(1000000))
	{
		found->counted++;
		begins = false;
	}
	else
	{
		if (found != NULL)
			*before = *found;
		else
			found = unused;
		if (found != NULL)
			*found = *login;
	}
	SpinLockRelease(&logins->mutex);
	return begins;
}

void
audit_login_failed(Oid role, const char *name, const char *database)
{
	LoginWindow login = {0};
	LoginWindow before;
	AuditHeadFile head;

	login.role = role;
	login.dbid = database_by_name(database);
	if (OidIsValid(login.dbid) && !audit_head_read("head", login.dbid, &head))
		login.dbid = InvalidOid;
	login.since = GetCurrentTimestamp();
	strlcpy(login.name, name, sizeof(login.name));
	if (!begins_window(&login, &before))
		return;
	HOLD_INTERRUPTS();
	if (before.counted > 0)
		(void) record(&before, before.counted);
	(void) record(&login, 0);
	RESUME_INTERRUPTS();
}

/* ------------------------------------------------------------------------
 * The launcher
 * ------------------------------------------------------------------------
 */

/* Take a window that is over out of the table; false: there is none. */
static bool
take_ended(TimestampTz now, LoginWindow *ended)
{
	bool		found = false;

	SpinLockAcquire(&logins->mutex);
	for (int i = 0; i < LOGIN_WINDOWS && !found; i++)
	{
		LoginWindow *each = &logins->windows[i];

		if (!OidIsValid(each->role) || now < each->since + guc_failed_login_window * INT64CONST(1000000))
			continue;
		*ended = *each;
		each->role = InvalidOid;
		found = true;
	}
	SpinLockRelease(&logins->mutex);
	return found;
}

void
audit_login_tick(void)
{
	LoginWindow ended;

	while (take_ended(GetCurrentTimestamp(), &ended))
	{
		if (ended.counted == 0)
			continue;
		StartTransactionCommand();
		(void) record(&ended, ended.counted);
		CommitTransactionCommand();
	}
}
