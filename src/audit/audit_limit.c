/*-------------------------------------------------------------------------
 *
 * audit_limit.c
 *		Warnings before something of recording is full.
 *
 * Of each limit shared memory knows whether it is armed.  Whoever finds it
 * three quarters full arms it no more and leaves the report to the next one
 * who may do I/O: a WARNING in the server log, not for the client, and a record.
 * Below one half it is armed again.
 *
 * States are atomics: the note is made under the queue lock or the journal
 * lock, the report under none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/shmem.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"

#define WARN_PERCENT	75
#define REARM_PERCENT	50

typedef enum LimitMark
{
	LIMIT_ARMED,
	LIMIT_CROSSED,				/* nobody told of it yet */
	LIMIT_REPORTED
} LimitMark;

typedef struct LimitShared
{
	pg_atomic_uint32 state[LIMIT_COUNT];
	pg_atomic_uint32 percent[LIMIT_COUNT];	/* at the crossing */
} LimitShared;

typedef struct LimitText
{
	const char *what;
	const char *hint;
} LimitText;

static const LimitText limit_text[LIMIT_COUNT] = {
	[LIMIT_QUEUE] = {
		"queue of audit events",
		"See SELECT * FROM dataclass_audit.status() for what the writer does, or increase dataclass.audit_queue_size."
	},
	[LIMIT_JOURNAL] = {
		"room for audit journals",
		"See SELECT * FROM dataclass_audit.status() for what keeps the writer from importing them, or increase dataclass.journal_size_limit."
	},
	[LIMIT_DATABASES] = {
		"table of databases with audit events",
		"Events of databases that find no place in it are recorded through the journal, which is slower."
	}
};

static LimitShared *limits = NULL;

Size
audit_limit_shmem_size(void)
{
	return MAXALIGN(sizeof(LimitShared));
}

void
audit_limit_shmem_init(void)
{
	bool		found;

	limits = ShmemInitStruct("pg_dataclass audit limits", audit_limit_shmem_size(), &found);
	if (found)
		return;
	for (int i = 0; i < LIMIT_COUNT; i++)
	{
		pg_atomic_init_u32(&limits->state[i], LIMIT_ARMED);
		pg_atomic_init_u32(&limits->percent[i], 0);
	}
}

void
audit_limit_note(AuditLimit limit, int percent)
{
	uint32		expected;

	if (percent >= WARN_PERCENT)
	{
		expected = LIMIT_ARMED;
		if (pg_atomic_read_u32(&limits->state[limit]) != LIMIT_ARMED)
			return;
		pg_atomic_write_u32(&limits->percent[limit], percent);
		(void) pg_atomic_compare_exchange_u32(&limits->state[limit], &expected, LIMIT_CROSSED);
	}
	else if (percent < REARM_PERCENT)
	{
		expected = LIMIT_REPORTED;
		if (pg_atomic_read_u32(&limits->state[limit]) == LIMIT_REPORTED)
			(void) pg_atomic_compare_exchange_u32(&limits->state[limit], &expected, LIMIT_ARMED);
	}
}

/* For the log only: the client is none the wiser for it. */
static void
warn(AuditLimit limit, int percent)
{
	CommandDest dest = whereToSendOutput;

	whereToSendOutput = DestNone;
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("%s is %d percent full", limit_text[limit].what, percent),
			 errhint("%s", limit_text[limit].hint)));
	whereToSendOutput = dest;
}

/* Nobody stands behind it, and no statement. */
static void
record(AuditLimit limit, int percent)
{
	AuditEvent	event = {0};
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	char		detail[160];
	AuditPayload payload;
	bool		from_system = event_from_system;
	const char *statement = debug_query_string;

	snprintf(detail, sizeof(detail), "The %s is %d percent full.", limit_text[limit].what, percent);
	event.kind = EVENT_AUDIT_IMPAIRED;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_OBSERVED;
	event.detail = detail;
	event_from_system = true;
	debug_query_string = NULL;
	payload.data = bytes;
	payload.len = audit_event_encode(&event, NULL, bytes);
	event_from_system = from_system;
	debug_query_string = statement;
	if (payload.len > 0 && OidIsValid(MyDatabaseId))
		(void) audit_deliver(MyDatabaseId, &payload, 1);
}

void
audit_limit_report(void)
{
	MemoryContext caller = CurrentMemoryContext;

	for (int i = 0; i < LIMIT_COUNT; i++)
	{
		uint32		expected = LIMIT_CROSSED;
		CommandDest dest = whereToSendOutput;

		if (pg_atomic_read_u32(&limits->state[i]) != LIMIT_CROSSED ||
			!pg_atomic_compare_exchange_u32(&limits->state[i], &expected, LIMIT_REPORTED))
			continue;
		PG_TRY();
		{
			int			percent = (int) pg_atomic_read_u32(&limits->percent[i]);

			warn(i, percent);
			record(i, percent);
		}
		PG_CATCH();
		{
			/* An event is recorded already: this is about another one. */
			whereToSendOutput = dest;
			MemoryContextSwitchTo(caller);
			FlushErrorState();
		}
		PG_END_TRY();
	}
}
