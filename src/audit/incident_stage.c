/*-------------------------------------------------------------------------
 *
 * incident_stage.c
 *		Incidents as a stage of the writer.
 *
 * Breaches are grouped in the transaction that records them, but within a
 * subtransaction of it: whatever is wrong with the tables of incidents or with
 * the policy, the records stay.  What was not grouped is caught up with later
 * from the trail itself, in order, so that incidents always come to the same
 * as if nothing had happened.  That they lag behind is a record, once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"

#define GAP_MAX			512		/* records that a transaction catches up with beside its own */
#define CATCH_UP_MAX	2000	/* records in a transaction of its own */
#define RETRY_FIRST		1000	/* ms after a failure */
#define RETRY_MAX		60000

int			guc_incident_window = 3600;
int			guc_incident_notice_interval = 600;
int			guc_disclosure_grace = 10;

static bool uncommitted = false;	/* what is in memory is not in the tables yet */
static bool behind = true;		/* until the trail was looked at */
static bool lag_noted = false;
static int	retry_delay = 0;	/* ms; 0: the last try went well */
static TimestampTz retry_at = 0;
static TimestampTz next_due = 0;	/* deadline to settle; 0: none known */
static bool due_unknown = true; /* deadlines may have been added */

void
incident_init(void)
{
	DefineCustomIntVariable("dataclass.incident_window",
							"Sets how far apart breaches of one rule by one subject may be to belong to one incident.",
							NULL,
							&guc_incident_window, 3600, 1, 30 * SECS_PER_DAY,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.incident_notice_interval",
							"Sets after how much time further breaches of an incident are told of in one notice.",
							"A higher class or severity is told of at once.",
							&guc_incident_notice_interval, 600, 1, SECS_PER_DAY,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.disclosure_grace",
							"Sets how long handing over a notice may take before a disclosure window counts as missed.",
							"Makes a window of 0, as soon as discovered, one that can be met.",
							&guc_disclosure_grace, 10, 0, 3600,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
}

void
incident_stage_insert(TrailBatch *batch, const AuditEvent *event)
{
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;
	char	   *database = get_database_name(MyDatabaseId);

	payload.data = bytes;
	payload.len = audit_event_encode(event, database, bytes);
	trail_insert(batch, &payload, "writer");
}

int64
incident_stage_next_seq(TrailBatch *batch)
{
	List	   *inserted = trail_inserted(batch);

	return 1 + (inserted != NIL ? ((TrailInserted *) llast(inserted))->seq : writer_trail_head()->seq);
}

/*
 * Run work so that its failure is its own alone.  False after the error was
 * logged; *what is then its message, in the caller's memory.
 */
static bool
run_apart(void (*work) (void *arg), void *arg, char **what)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool ok = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
		ok = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		*what = error->message;
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("could not group breaches into incidents: %s", error->message),
				 errdetail("The breaches are recorded; their incidents follow as soon as that is possible.")));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(cxt);
	CurrentResourceOwner = owner;
	return ok;
}

static void
went_well(void)
{
	retry_delay = 0;
	retry_at = 0;
}

/* Say so once, and try again after a while. */
static void
failed(TrailBatch *batch, const char *what)
{
	incident_group_reset();
	behind = true;
	retry_delay = retry_delay == 0 ? RETRY_FIRST : Min(2 * retry_delay, RETRY_MAX);
	retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), retry_delay);
	if (!lag_noted)
	{
		lag_noted = true;
		writer_note(batch, EVENT_AUDIT_IMPAIRED, SEVERITY_CRITICAL, true,
					psprintf("Breaches are recorded, but cannot be grouped into incidents now: %s", what));
	}
}

/* ------------------------------------------------------------------------
 * With the records of a transaction
 * ------------------------------------------------------------------------
 */

static void
group_now(void *arg)
{
	List	   *records = arg;
	int64		first = ((TrailInserted *) linitial(records))->seq;
	int64		last = ((TrailInserted *) llast(records))->seq;
	int64		position = incident_group_load();

	if (position < first - 1)
	{
		/* a long way: in transactions of its own, nobody waits for those */
		if (first - 1 - position > GAP_MAX)
		{
			behind = true;
			return;
		}
		(void) incident_group_catch_up(first, GAP_MAX);
	}
	incident_group_records(records, last);
	behind = false;
}

static bool
any_breach(List *records)
{
	ListCell   *cell;

	foreach(cell, records)
	{
		const AuditRecord *record = &((TrailInserted *) lfirst(cell))->record;

		if (record->number[AUDIT_BREACH].present && record->number[AUDIT_BREACH].value != 0)
			return true;
	}
	return false;
}

static void
forget_uncommitted(void)
{
	if (!uncommitted)
		return;
	incident_group_reset();
	behind = true;
	lag_noted = false;
	uncommitted = false;
}

static void
in_transaction(TrailBatch *batch, List *records)
{
	char	   *what = NULL;

	int64		first = ((TrailInserted *) linitial(records))->seq;

	forget_uncommitted();
	uncommitted = true;
	if (!any_breach(records))
	{
		if (!behind && incident_group_position() == first - 1)
			incident_group_skip(((TrailInserted *) llast(records))->seq);
		return;
	}
	if (retry_at != 0 && retry_at > GetCurrentTimestamp())
	{
		behind = true;
		return;
	}
	if (!run_apart(group_now, records, &what))
	{
		failed(batch, what);
		return;
	}
	went_well();
	due_unknown = true;
	incident_group_note(batch);
}

static void
after_commit(const TrailHead *head)
{
	uncommitted = false;
	if (!behind)
		lag_noted = false;
}

/* ------------------------------------------------------------------------
 * Between transactions
 * ------------------------------------------------------------------------
 */

typedef enum TickPart
{
	TICK_CATCH_UP,
	TICK_SUMMARIES,
	TICK_DEADLINES
} TickPart;

typedef struct TickWork
{
	TickPart	part;
	int64		next_seq;
	TimestampTz now;
	bool		ok;
} TickWork;

static void
tick_apart(void *arg)
{
	TickWork   *tick = arg;

	(void) incident_group_load();
	switch (tick->part)
	{
		case TICK_CATCH_UP:
			behind = incident_group_catch_up(tick->next_seq, CATCH_UP_MAX) < tick->next_seq - 1;
			due_unknown = true;
			break;
		case TICK_SUMMARIES:
			incident_group_summaries(tick->now);
			break;
		case TICK_DEADLINES:
			next_due = incident_due_settle(tick->next_seq, tick->now);
			due_unknown = false;
			break;
	}
}

static void
tick_work(TrailBatch *batch, void *arg)
{
	TickWork   *tick = arg;
	char	   *what = NULL;

	tick->next_seq = incident_stage_next_seq(batch);
	tick->ok = run_apart(tick_apart, tick, &what);
	if (!tick->ok)
		failed(batch, what);
	else if (tick->part == TICK_DEADLINES)
		incident_due_note(batch);
	else
		incident_group_note(batch);
}

static bool
run_tick(TickPart part, TimestampTz now)
{
	TickWork	tick = {.part = part, .now = now};
	int			sqlstate;

	if (!writer_transaction(tick_work, &tick, &sqlstate))
	{
		incident_group_reset();
		behind = due_unknown = true;
		retry_delay = retry_delay == 0 ? RETRY_FIRST : Min(2 * retry_delay, RETRY_MAX);
		retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), retry_delay);
		return false;
	}
	if (!tick.ok)
		return false;
	went_well();
	return true;
}

static long
until(TimestampTz at, TimestampTz now)
{
	return at <= now ? 0 : TimestampDifferenceMilliseconds(now, at) + 1;
}

static long
tick(TimestampTz now)
{
	TimestampTz summary;
	TimestampTz next;

	forget_uncommitted();
	if (retry_at > now)
		return until(retry_at, now);
	if (behind || incident_group_position_lags())
		return run_tick(TICK_CATCH_UP, now) ? 0 : retry_delay;
	lag_noted = false;
	summary = incident_group_next_summary();
	if (summary != 0 && summary <= now && !run_tick(TICK_SUMMARIES, now))
		return retry_delay;
	if ((due_unknown || (next_due != 0 && next_due <= now)) && !run_tick(TICK_DEADLINES, now))
		return retry_delay;
	summary = incident_group_next_summary();
	next = summary != 0 && (next_due == 0 || summary < next_due) ? summary : next_due;
	return next == 0 ? -1 : until(next, now);
}

const WriterStage incident_stage = {
	.in_transaction = in_transaction,
	.after_commit = after_commit,
	.tick = tick
};
