/*-------------------------------------------------------------------------
 *
 * audit_window.c
 *		The window in which recording was not normal is itself a record.
 *
 * Events that went through a journal because something was in their way are
 * counted in journal_position as they are imported.  One record per node tells
 * from when to when, how many and why, and the counts are set back in the same
 * transaction: a crash neither loses a window nor tells of it twice.
 *
 * A storm with a full queue is imported in many small journals: there is no
 * more than one record in WINDOW_PAUSE, and it tells of all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_writer.h"

#define WINDOW_PAUSE	5000	/* ms */

static bool window_pending = true;	/* at the start: what an earlier writer left */
static TimestampTz window_not_before = 0;

/* The reasons that are no more than what a node of this kind does. */
#define ORDINARY_REASONS	((1 << JOURNAL_STANDBY) | (1 << JOURNAL_SINGLE_USER))

static void
note_window(TrailBatch *batch, const JournalPosition *window)
{
	StringInfoData why;
	char	   *from = pstrdup(timestamptz_to_str(window->first_time));

	initStringInfo(&why);
	for (unsigned i = 0; i <= JOURNAL_REASON_COUNT; i++)
	{
		if (window->reasons & (1 << i))
			appendStringInfo(&why, "%s%s", why.len > 0 ? ", " : "", journal_reason_text(i));
	}
	writer_note(batch, EVENT_AUDIT_IMPAIRED,
				(window->reasons & ~ORDINARY_REASONS) ? SEVERITY_WARNING : SEVERITY_INFO, false,
				psprintf("Recording was impaired from %s to %s: events that went through the journal of node \"%s\": %lld (%s).",
						 from, timestamptz_to_str(window->last_time), window->node,
						 (long long) window->unreported, why.data));
}

/* Add one position to the window of its node. */
static List *
merge(List *windows, const JournalPosition *position)
{
	ListCell   *lc;
	JournalPosition *copy;

	foreach(lc, windows)
	{
		JournalPosition *window = lfirst(lc);

		if (strcmp(window->node, position->node) != 0)
			continue;
		window->first_time = Min(window->first_time, position->first_time);
		window->last_time = Max(window->last_time, position->last_time);
		window->unreported += position->unreported;
		window->reasons |= position->reasons;
		return windows;
	}
	copy = palloc(sizeof(JournalPosition));
	*copy = *position;
	return lappend(windows, copy);
}

/*
 * In a transaction of the writer; rel: journal_position.  Without force only
 * when the pause is over.
 */
void
window_record(TrailBatch *batch, Relation rel, bool force)
{
	TimestampTz now = GetCurrentTimestamp();
	List	   *positions;
	List	   *windows = NIL;
	ListCell   *lc;

	window_pending = true;
	if (!force && window_not_before > now)
		return;
	positions = position_unreported(rel);
	if (positions != NIL)
		CommandCounterIncrement();	/* this transaction may have written them */
	foreach(lc, positions)
	{
		JournalPosition *position = lfirst(lc);

		windows = merge(windows, position);
		position->unreported = 0;
		position_write(rel, position);
	}
	foreach(lc, windows)
		note_window(batch, lfirst(lc));
	if (windows != NIL)
		window_not_before = TimestampTzPlusMilliseconds(now, WINDOW_PAUSE);
}

static void
window_work(TrailBatch *batch, void *arg)
{
	Relation	rel = position_open(RowExclusiveLock);

	window_record(batch, rel, true);
	table_close(rel, NoLock);
}

bool
window_is_pending(void)
{
	return window_pending;
}

/* Between transactions; ms until it wants another turn, -1: no wish. */
long
window_tick(TimestampTz now)
{
	int			sqlstate;

	if (!window_pending)
		return -1;
	if (window_not_before > now)
		return TimestampDifferenceMilliseconds(now, window_not_before) + 1;
	window_pending = false;
	if (writer_transaction(window_work, NULL, &sqlstate))
	{
		window_pending = false;
		return -1;
	}
	window_pending = true;
	window_not_before = TimestampTzPlusMilliseconds(now, WINDOW_PAUSE);
	return WINDOW_PAUSE;
}
