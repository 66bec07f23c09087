/*-------------------------------------------------------------------------
 *
 * audit_sink.c
 *		What event_record() and event_record_at_commit() call.
 *
 * The way of an event: the queue; if that does not take it or nobody answers
 * in time, the journal; if that fails too, the server log and
 * dataclass.on_audit_failure.  Nothing here raises, but for a commit whose
 * changes cannot be recorded.
 *
 * Events of changes wait in TopTransactionContext until the transaction is
 * about to commit, each with the subtransaction it belongs to; an aborted
 * subtransaction takes its events along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_queue.h"
#include "pg_dataclass/stat.h"

typedef struct PendingEvent
{
	SubTransactionId subid;
	AuditPayload payload;
} PendingEvent;

static List *pending_events = NIL;	/* in TopTransactionContext */
static bool delivered = false;	/* the transaction is past its delivery */
static bool recording = false;	/* an event of recording itself is dropped */

/* Events of one list are encoded here, since memory may not be had; no deeper call of recording gets that far. */
#define LIST_MAX	16
static uint8 list_bytes[LIST_MAX * AUDIT_PAYLOAD_MAX];

/* What dataclass.audit_durability says, unless the events themselves say it. */
typedef enum WaitMode
{
	WAIT_AS_SET,
	WAIT_ALWAYS,
	WAIT_NEVER
} WaitMode;

static WaitMode wait_mode = WAIT_AS_SET;

bool
audit_waits(void)
{
	switch (wait_mode)
	{
		case WAIT_AS_SET:
			break;
		case WAIT_ALWAYS:
			return true;
		case WAIT_NEVER:
			return false;
	}
	return guc_audit_durability == AUDIT_DURABILITY_SYNC;
}

/* Last resort: the operator's log, and a count for the trail. */
static bool
give_up(Oid dbid, const AuditPayload *payload)
{
	AuditRecord r;
	const char *error;
	bool		go_on = guc_on_audit_failure == AUDIT_FAILURE_CONTINUE;

	audit_lost_add(dbid, 1);
	stat_add(STAT_UNRECORDED, 1);
	if (audit_payload_decode(payload->data, payload->len, &r, &error))
	{
#define TEXT(f) (int) r.text[f].len, r.text[f].data ? r.text[f].data : ""
		ereport(LOG,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("audit event could not be recorded"),
				 errdetail_log("kind=%.*s severity=%.*s outcome=%.*s breach=%d action=%.*s subject=%.*s session_user=%.*s client=%.*s object=%.*s %.*s label=%.*s rule=%.*s statement=%.*s detail=%.*s",
							   TEXT(AUDIT_KIND), TEXT(AUDIT_SEVERITY), TEXT(AUDIT_OUTCOME),
							   (int) r.number[AUDIT_BREACH].value, TEXT(AUDIT_ACTION), TEXT(AUDIT_SUBJECT),
							   TEXT(AUDIT_SESSION_USER), TEXT(AUDIT_CLIENT_ADDR), TEXT(AUDIT_OBJECT_TYPE),
							   TEXT(AUDIT_OBJECT_IDENTITY), TEXT(AUDIT_LABEL), TEXT(AUDIT_RULE),
							   TEXT(AUDIT_STATEMENT), TEXT(AUDIT_DETAIL))));
#undef TEXT
	}
	if (go_on)
		ereport(WARNING,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("audit event could not be recorded"),
				 errhint("See the server log for the event and the reason.")));
	return go_on;
}

static bool
deliver_some(Oid dbid, const AuditPayload *payloads, int n)
{
	bool		done[AUDIT_DELIVER_MAX] = {false};
	JournalReason why[AUDIT_DELIVER_MAX];
	AuditPayload rest[AUDIT_DELIVER_MAX];
	int			nrest = 0;
	bool		ok = true;

	/* A parallel worker, a standby and single-user mode differ in nothing but the way. */
	for (int i = 0; i < n; i++)
		why[i] = IsUnderPostmaster ? JOURNAL_STANDBY : JOURNAL_SINGLE_USER;
	if (OidIsValid(dbid) && IsUnderPostmaster && !RecoveryInProgress())
		audit_queue_deliver(dbid, payloads, n, done, why);
	stat_add(STAT_EVENTS, n);
	for (int i = 0; i < n; i++)
	{
		if (done[i])
			continue;
		why[nrest] = why[i];
		rest[nrest++] = payloads[i];
	}
	if (nrest == 0)
		return true;
	if (OidIsValid(dbid) && audit_journal_keep(dbid, rest, why, nrest))
	{
		audit_queue_request_writer(dbid, true, false);
		return true;
	}
	for (int i = 0; i < nrest; i++)
		ok = give_up(dbid, &rest[i]) && ok;
	return ok;
}

bool
audit_deliver(Oid dbid, const AuditPayload *payloads, int n)
{
	bool		ok = true;

	for (int at = 0; at < n; at += AUDIT_DELIVER_MAX)
		ok = deliver_some(dbid, payloads + at, Min(AUDIT_DELIVER_MAX, n - at)) && ok;
	return ok;
}

/*
 * Run a step of recording so that neither an error in it nor an interrupt
 * takes the place of the error the caller is about to raise.
 */
static bool
deliver_quietly(Oid dbid, const AuditPayload *payloads, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorContextCallback *callbacks = error_context_stack;
	volatile bool ok = false;

	HOLD_INTERRUPTS();
	recording = true;
	error_context_stack = NULL;
	PG_TRY();
	{
		ok = audit_deliver(dbid, payloads, n);
		audit_limit_report();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		ok = false;
	}
	PG_END_TRY();
	error_context_stack = callbacks;
	recording = false;
	RESUME_INTERRUPTS();
	return ok;
}

static size_t
encode_quietly(const AuditEvent *event, uint8 *bytes)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorContextCallback *callbacks = error_context_stack;
	volatile size_t len = 0;

	HOLD_INTERRUPTS();
	recording = true;
	error_context_stack = NULL;
	PG_TRY();
	{
		len = audit_event_encode(event, NULL, bytes);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		len = 0;
	}
	PG_END_TRY();
	error_context_stack = callbacks;
	recording = false;
	RESUME_INTERRUPTS();
	return len;
}

static bool
sink_now(const AuditEvent *event)
{
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;

	/* The writer's own work, and recording while recording, says nothing. */
	if (recording || audit_is_writer())
		return true;
	if (event->outcome == OUTCOME_DENIED || event->outcome == OUTCOME_PERMITTED)
		stat_refused(event->rule, event->outcome == OUTCOME_PERMITTED);
	payload.data = bytes;
	payload.len = encode_quietly(event, bytes);
	if (payload.len == 0)
		return guc_on_audit_failure == AUDIT_FAILURE_CONTINUE;
	return deliver_quietly(MyDatabaseId, &payload, 1);
}

/* Encode as many as fit; false: one of them could not be, and is left out. */
static bool
encode_some(const AuditEvent *events, int n, AuditPayload *payloads, int *npayloads)
{
	bool		ok = true;
	size_t		used = 0;

	*npayloads = 0;
	for (int i = 0; i < n; i++)
	{
		size_t		len = encode_quietly(&events[i], list_bytes + used);

		if (len == 0)
		{
			ok = guc_on_audit_failure == AUDIT_FAILURE_CONTINUE;
			continue;
		}
		payloads[*npayloads].data = list_bytes + used;
		payloads[(*npayloads)++].len = len;
		used += len;
	}
	return ok;
}

static bool
sink_list(const AuditEvent *events, int n, bool acknowledged)
{
	bool		ok = true;

	if (recording || audit_is_writer())
		return true;
	for (int at = 0; at < n; at += LIST_MAX)
	{
		AuditPayload payloads[LIST_MAX];
		int			npayloads;

		ok = encode_some(events + at, Min(LIST_MAX, n - at), payloads, &npayloads) && ok;
		wait_mode = acknowledged ? WAIT_ALWAYS : WAIT_NEVER;
		ok = deliver_quietly(MyDatabaseId, payloads, npayloads) && ok;
		wait_mode = WAIT_AS_SET;
	}
	return ok;
}

static bool
sink_at_commit(const AuditEvent *event)
{
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	size_t		len;
	volatile bool ok = false;
	MemoryContext caller = CurrentMemoryContext;

	/* Other modules' work before the commit may come after ours. */
	if (!IsTransactionState() || delivered)
		return sink_now(event);
	if (recording || audit_is_writer())
		return true;
	len = encode_quietly(event, bytes);
	if (len == 0)
		return guc_on_audit_failure == AUDIT_FAILURE_CONTINUE;
	PG_TRY();
	{
		PendingEvent *pending;
		uint8	   *copy;

		MemoryContextSwitchTo(TopTransactionContext);
		pending = palloc(sizeof(PendingEvent));
		copy = palloc(len);
		memcpy(copy, bytes, len);
		pending->subid = GetCurrentSubTransactionId();
		pending->payload.data = copy;
		pending->payload.len = len;
		pending_events = lappend(pending_events, pending);
		ok = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return ok;
}

static void
deliver_pending(void)
{
	while (pending_events != NIL)
	{
		AuditPayload payloads[AUDIT_DELIVER_MAX];
		int			n = 0;
		ListCell   *lc;

		foreach(lc, pending_events)
		{
			if (n == AUDIT_DELIVER_MAX)
				break;
			payloads[n++] = ((PendingEvent *) lfirst(lc))->payload;
		}
		for (int i = 0; i < n; i++)
			pending_events = list_delete_first(pending_events);
		if (!deliver_quietly(MyDatabaseId, payloads, n))
			ereport(ERROR,
					(errcode(ERRCODE_IO_ERROR),
					 errmsg("could not record the changes of this transaction in the audit trail"),
					 errdetail("Changes are refused while they cannot be recorded."),
					 errhint("See the server log; dataclass.on_audit_failure = continue lets changes go on unrecorded.")));
	}
}

static void
sink_xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			deliver_pending();
			delivered = true;
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (pending_events != NIL)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot prepare a transaction that changed labels or policy"),
						 errdetail("The changes are recorded in the audit trail when they commit, which a prepared transaction may never do."),
						 errhint("Commit the changes with COMMIT.")));
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			pending_events = NIL;
			delivered = false;
			recording = false;
			break;
	}
}

static void
sink_subxact_callback(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		foreach(lc, pending_events)
		{
			PendingEvent *pending = lfirst(lc);

			if (pending->subid == subid)
				pending->subid = parent;
		}
	}
	else if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		foreach(lc, pending_events)
		{
			if (((PendingEvent *) lfirst(lc))->subid == subid)
				pending_events = foreach_delete_current(pending_events, lc);
		}
	}
}

void
audit_sink_init(void)
{
	RegisterXactCallback(sink_xact_callback, NULL);
	RegisterSubXactCallback(sink_subxact_callback, NULL);
	event_sink_now = sink_now;
	event_sink_at_commit = sink_at_commit;
	event_sink_list = sink_list;
	event_databases = audit_databases;
}
