/*-------------------------------------------------------------------------
 *
 * audit_login.c
 *		Records failed logins and replication connections, a flood of them in
 *		few records.
 *
 * Called while a client comes in: there is a transaction and the
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
 * A replication connection goes by way of the journal: what the trail's writer
 * commits may wait for just the standby that is coming in.
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
	bool		replication;	/* came in, and did not fail */
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
deliver(Oid dbid, const char *database, const LoginWindow *login, const char *detail, int64 repeats)
{
	AuditEvent	event = {0};
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;
	bool		from_system = event_from_system;

	event.kind = login->replication ? EVENT_EXPORT : EVENT_LOGIN_FAILED;
	event.severity = SEVERITY_WARNING;
	event.outcome = login->replication ? OUTCOME_ALLOWED : OUTCOME_DENIED;
	event.breach = !login->replication;
	event.action = login->replication ? "REPLICATION" : "LOGIN";
	event.class_id = AuthIdRelationId;
	event.object_id = login->role;
	event.object_type = "role";
	event.object_identity = quote_identifier(login->name);
	event.subject = login->name;
	event.rule = login->replication ? "export" : "authentication";
	event.detail = repeats == 0 ? detail :
		psprintf(login->replication ? "Further replication connections of the role since %s." :
				 "Further failed logins of the role since %s.", timestamptz_to_str(login->since));
	event.repeats = repeats;
	/* nobody is logged in */
	event_from_system = true;
	payload.data = bytes;
	payload.len = audit_event_encode(&event, database, bytes);
	event_from_system = from_system;
	if (payload.len == 0)
		return false;
	if (!audit_own_process && !login->replication)
		return audit_deliver(dbid, &payload, 1);
	if (!audit_journal_append(dbid, &payload, 1))
		return false;
	audit_queue_request_writer(dbid, true, false);
	return true;
}

/* To the trail of a database, or to all; false: some of them did not get it. */
static bool
record(const LoginWindow *login, const char *detail, int64 repeats)
{
	List	   *dbids = OidIsValid(login->dbid) ? list_make1_oid(login->dbid) : audit_databases();
	bool		ok = true;
	ListCell   *cell;

	foreach(cell, dbids)
	{
		char	   *database = get_database_name(lfirst_oid(cell));

		if (database)
			ok = deliver(lfirst_oid(cell), database, login, detail, repeats) && ok;
	}
	return ok;
}

/* ------------------------------------------------------------------------
 * A failure, or a replication connection
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

		if (each->role == login->role && each->dbid == login->dbid && each->replication == login->replication)
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

static bool
note(Oid role, const char *name, const char *database, bool replication, const char *detail)
{
	LoginWindow login = {0};
	LoginWindow before;
	AuditHeadFile head;
	bool		ok;

	login.role = role;
	login.replication = replication;
	login.dbid = database_by_name(database);
	if (OidIsValid(login.dbid) && !audit_head_read("head", login.dbid, &head))
		login.dbid = InvalidOid;
	login.since = GetCurrentTimestamp();
	strlcpy(login.name, name, sizeof(login.name));
	if (!begins_window(&login, &before))
		return true;
	HOLD_INTERRUPTS();
	if (before.counted > 0)
		(void) record(&before, NULL, before.counted);
	ok = record(&login, detail, 0);
	RESUME_INTERRUPTS();
	return ok;
}

void
audit_login_failed(Oid role, const char *name, const char *database, const char *why)
{
	(void) note(role, name, database, false, why);
}

bool
audit_replication_begins(Oid role, const char *name, const char *database)
{
	return note(role, name, database, true,
				"A replication connection can take base backups and WAL, which hold data of every label.") ||
		guc_on_audit_failure == AUDIT_FAILURE_CONTINUE;
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
		(void) record(&ended, NULL, ended.counted);
		CommitTransactionCommand();
	}
}
