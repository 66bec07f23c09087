/*-------------------------------------------------------------------------
 *
 * audit_event.c
 *		From the facts a caller knows to the bytes of a payload.
 *
 * Adds who, when, from where and with which statement.  Never raises: a name
 * that cannot be looked up is left out, text that is no text of the database's
 * encoding loses the offending bytes, everything is cut to the limits of the
 * format.  Works without a transaction and without a database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "common/ip.h"
#include "libpq/libpq-be.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"

/* One text of the record, in storage that needs no allocation. */
typedef struct TextArena
{
	uint32		used;
	char		data[AUDIT_PAYLOAD_MAX];
} TextArena;

static TextArena arena;

/* Copy a text into the record: cut, and valid in the encoding of the database. */
static void
set_text(AuditRecord *record, AuditTextField field, const char *text)
{
	uint32		limit = audit_text_limit[field];
	uint32		len;
	char	   *copy = arena.data + arena.used;

	if (text == NULL)
		return;
	len = strnlen(text, limit + MAX_MULTIBYTE_CHAR_LEN);
	if (len > limit)
		len = pg_mbcliplen(text, len, limit);
	if (arena.used + len > sizeof(arena.data))
		return;
	memcpy(copy, text, len);

	/*
	 * Names in shared catalogs may come from a database of another encoding;
	 * what the trail holds must be readable by every client.
	 */
	if (!OidIsValid(MyDatabaseId) ||
		!pg_verify_mbstr(GetDatabaseEncoding(), copy, (int) len, true))
	{
		for (uint32 i = 0; i < len; i++)
		{
			if (IS_HIGHBIT_SET(copy[i]))
				copy[i] = '?';
		}
	}
	record->text[field].data = copy;
	record->text[field].len = len;
	arena.used += len;
}

static void
set_number(AuditRecord *record, AuditNumberField field, int64 value)
{
	record->number[field].present = true;
	record->number[field].value = value;
}

/* Name of a role into buf, or its number.  May raise. */
static const char *
role_name(Oid role, char *buf, size_t size)
{
	HeapTuple	tuple;

	if (!OidIsValid(role))
		return NULL;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	if (HeapTupleIsValid(tuple))
	{
		strlcpy(buf, NameStr(((Form_pg_authid) GETSTRUCT(tuple))->rolname), size);
		ReleaseSysCache(tuple);
	}
	else
		snprintf(buf, size, "%u", role);
	return buf;
}

/* Everything that needs the catalogs; may raise. */
static void
add_names(AuditRecord *record, const char *database)
{
	char		buf[NAMEDATALEN];

	/* Nobody stands behind the writer and the launcher. */
	if (audit_own_process)
		return;
	if (!event_from_system)
	{
		if (record->text[AUDIT_SUBJECT].data == NULL)
			set_text(record, AUDIT_SUBJECT, role_name(GetOuterUserId(), buf, sizeof(buf)));
		set_text(record, AUDIT_SESSION_USER, role_name(GetSessionUserId(), buf, sizeof(buf)));
		set_text(record, AUDIT_CURRENT_USER, role_name(GetUserId(), buf, sizeof(buf)));
		set_text(record, AUDIT_AUTHENTICATED_USER, role_name(compat_authenticated_user(), buf, sizeof(buf)));
	}
	if (database == NULL && OidIsValid(MyDatabaseId))
	{
		char	   *name = get_database_name(MyDatabaseId);

		set_text(record, AUDIT_DATABASE, name);
		if (name)
			pfree(name);
	}
}

static void
add_client(AuditRecord *record)
{
	static char host[NI_MAXHOST];	/* of the connection, which lasts as long as the process */
	static char service[NI_MAXSERV];

	if (MyProcPort == NULL)
		return;
	if (MyProcPort->raddr.addr.ss_family == AF_UNIX)
	{
		set_text(record, AUDIT_CLIENT_ADDR, "[local]");
		return;
	}
	if (host[0] == '\0' &&
		pg_getnameinfo_all(&MyProcPort->raddr.addr, MyProcPort->raddr.salen,
						   host, sizeof(host), service, sizeof(service),
						   NI_NUMERICHOST | NI_NUMERICSERV) != 0)
	{
		host[0] = '\0';
		return;
	}
	set_text(record, AUDIT_CLIENT_ADDR, host);
	set_number(record, AUDIT_CLIENT_PORT, strtol(service, NULL, 10));
}

/* As %c of log_line_prefix prints it; a parallel worker speaks for its leader's process. */
static void
add_session(AuditRecord *record)
{
	char		session[32];
	PGPROC	   *leader = MyProc ? MyProc->lockGroupLeader : NULL;

	set_number(record, AUDIT_BACKEND_PID, leader ? leader->pid : MyProcPid);
	snprintf(session, sizeof(session), "%lx.%x", (unsigned long) MyStartTime, MyProcPid);
	set_text(record, AUDIT_SESSION_ID, session);
	if (application_name && application_name[0])
		set_text(record, AUDIT_APPLICATION, application_name);
}

/* UUID of version 7: the time first, so that the index on it grows at its end. */
bool
audit_make_event_id(uint8 *id, int64 unix_time)
{
	/* Drawn in advance: a call of the library costs as much as the rest of an event. */
	static uint8 pool[64 * AUDIT_ID_SIZE];
	static size_t left = 0;
	static int	pool_pid = 0;
	uint64		ms = (uint64) unix_time / 1000;

	if (left == 0 || pool_pid != MyProcPid)
	{
		if (!pg_strong_random(pool, sizeof(pool)))
			return false;
		left = sizeof(pool);
		pool_pid = MyProcPid;
	}
	left -= AUDIT_ID_SIZE;
	memcpy(id, pool + left, AUDIT_ID_SIZE);
	for (int i = 0; i < 6; i++)
		id[i] = (uint8) (ms >> (40 - 8 * i));
	id[6] = (id[6] & 0x0f) | 0x70;
	id[8] = (id[8] & 0x3f) | 0x80;
	return true;
}

int64
audit_event_id_time(const uint8 *id)
{
	uint64		ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id[i];
	return (int64) ms * 1000;
}

/*
 * Normalised; kept for the next record, which is often about the same text.
 * Compared as a whole: nobody must be able to have another statement recorded.
 */
static const char *
statement_text(const char *query)
{
	static char known[2048];
	static char text[AUDIT_STATEMENT_MAX];
	static bool have = false;
	size_t		len;

	if (have && strncmp(known, query, sizeof(known)) == 0)
		return text;
	len = audit_normalise(query, text, sizeof(text) - 1);
	text[len] = '\0';
	have = strnlen(query, sizeof(known)) < sizeof(known);
	if (have)
		strlcpy(known, query, sizeof(known));
	return text;
}

static void
add_facts(AuditRecord *record, const AuditEvent *event)
{
	set_number(record, AUDIT_BREACH, event->breach ? 1 : 0);
	if (OidIsValid(event->class_id))
	{
		set_number(record, AUDIT_CLASS_ID, event->class_id);
		set_number(record, AUDIT_OBJECT_ID, event->object_id);
		set_number(record, AUDIT_OBJECT_SUBID, event->object_subid);
	}
	set_text(record, AUDIT_KIND, event_kind_name(event->kind));
	set_text(record, AUDIT_SEVERITY, event_severity_name(event->severity));
	set_text(record, AUDIT_OUTCOME, event_outcome_name(event->outcome));
	set_text(record, AUDIT_ACTION, event->action);
	set_text(record, AUDIT_SUBJECT, event->subject);
	set_text(record, AUDIT_OBJECT_TYPE, event->object_type);
	set_text(record, AUDIT_OBJECT_IDENTITY, event->object_identity);
	set_text(record, AUDIT_LABEL, event->label);
	set_text(record, AUDIT_RULE, event->rule);
	set_text(record, AUDIT_REQUIRED_TIER, event->required_tier);
	set_text(record, AUDIT_FOUND_TIER, event->found_tier);
	set_text(record, AUDIT_DETAIL, event->detail);
	set_text(record, AUDIT_NODE, audit_node_name());
	if (event->repeats > 0)
		set_number(record, AUDIT_REPEATS, event->repeats);
}

size_t
audit_event_encode(const AuditEvent *event, const char *database, uint8_t *out)
{
	AuditRecord record;
	int64		now = audit_unix_time(GetCurrentTimestamp());

	memset(&record, 0, sizeof(record));
	arena.used = 0;
	if (!audit_make_event_id(record.event_id, now))
		return 0;
	set_number(&record, AUDIT_TIME, now);
	add_facts(&record, event);
	add_client(&record);
	add_session(&record);
	if (database)
		set_text(&record, AUDIT_DATABASE, database);

	if (IsTransactionState())
	{
		MemoryContext caller = CurrentMemoryContext;
		FullTransactionId xid = GetTopFullTransactionIdIfAny();

		if (FullTransactionIdIsValid(xid))
			set_number(&record, AUDIT_TRANSACTION_ID, (int64) U64FromFullTransactionId(xid));
		PG_TRY();
		{
			add_names(&record, database);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(caller);
			FlushErrorState();
		}
		PG_END_TRY();
	}
	if (debug_query_string && debug_query_string[0])
		set_text(&record, AUDIT_STATEMENT, statement_text(debug_query_string));
	return audit_payload_encode(&record, out, AUDIT_PAYLOAD_MAX);
}
