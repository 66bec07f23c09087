/*-------------------------------------------------------------------------
 *
 * notice_outbox.c
 *		Notices that are not handed over yet, and what became of attempts.
 *
 * Reads dataclass_audit.notice, which the writer of the trail alone writes, in
 * the order of its ids.  Owns the rows of dataclass_audit.delivery and
 * delivery_position, and the list of what is pending in this worker.  A notice
 * that waits for its retry does not hold up later ones.
 *
 * Locks: RowExclusiveLock on its own tables, until the transaction ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/notice.h"

#define LOADED_MOST		1000	/* pending notices in memory */
#define ROWS_KEPT		10		/* attempts of a notice that keep a row of their own */

enum
{
	NOTICE_ID = 1,
	NOTICE_CREATED_AT,
	NOTICE_INCIDENT,
	NOTICE_SEQ,
	NOTICE_SUBJECT,
	NOTICE_BODY
};

enum
{
	DELIVERY_NOTICE = 1,
	DELIVERY_CHANNEL,
	DELIVERY_ATTEMPT,
	DELIVERY_AT,
	DELIVERY_STATUS,
	DELIVERY_EXIT_STATUS,
	DELIVERY_DETAIL,
	DELIVERY_NEXT_AT
};

#define DELIVERY_NATTS DELIVERY_NEXT_AT

static List *pending_notices = NIL; /* in TopMemoryContext */
static int64 loaded_to = -1;	/* -1: nothing was loaded yet */
static int64 handed_over[NOTICE_CHANNELS];	/* as in delivery_position */
static bool with_command = false;	/* a command was configured when the list was made */

const char *
notice_channel_name(NoticeChannel channel)
{
	return channel == NOTICE_NOTIFY ? "notify" : "command";
}

bool
notice_command_configured(void)
{
	return guc_breach_command != NULL && guc_breach_command[0] != '\0';
}

static Relation
open_table(const char *name, LOCKMODE lockmode)
{
	Oid			relid = trail_relid(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass_audit.%s does not exist", name)));
	return table_open(relid, lockmode);
}

/* ------------------------------------------------------------------------
 * delivery_position
 * ------------------------------------------------------------------------
 */

static bool
read_position(Relation rel, int64 *position, ItemPointer tid)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);

	for (int i = 0; i < NOTICE_CHANNELS; i++)
	{
		bool		isnull;

		position[i] = found ? DatumGetInt64(heap_getattr(tuple, i + 1, RelationGetDescr(rel), &isnull)) : 0;
	}
	if (found)
		*tid = tuple->t_self;
	systable_endscan(scan);
	return found;
}

/* Up to which notice is everything handed over?  Written when it moved; needs a transaction. */
void
notice_outbox_save(void)
{
	Relation	rel = open_table("delivery_position", RowExclusiveLock);
	int64		position[NOTICE_CHANNELS];
	int64		now_at[NOTICE_CHANNELS];
	ItemPointerData tid;
	bool		found = read_position(rel, position, &tid);
	ListCell   *cell;
	Datum		values[NOTICE_CHANNELS];
	bool		nulls[NOTICE_CHANNELS] = {false};
	HeapTuple	tuple;

	for (int i = 0; i < NOTICE_CHANNELS; i++)
	{
		now_at[i] = i == NOTICE_COMMAND && !with_command ? position[i] : Max(loaded_to, position[i]);
		foreach(cell, pending_notices)
		{
			const PendingNotice *pending = lfirst(cell);

			if (!pending->waits[i])
				continue;
			now_at[i] = Min(now_at[i], pending->id - 1);
			break;
		}
		values[i] = Int64GetDatum(now_at[i]);
	}
	if (memcmp(now_at, position, sizeof(position)) != 0 || !found)
	{
		tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
		if (found)
			CatalogTupleUpdate(rel, &tid, tuple);
		else
			CatalogTupleInsert(rel, tuple);
		memcpy(handed_over, now_at, sizeof(handed_over));
	}
	table_close(rel, NoLock);
}

/* ------------------------------------------------------------------------
 * The list
 * ------------------------------------------------------------------------
 */

/* The last attempt on a channel; true: handed over. */
static bool
last_attempt(Relation rel, Oid index, int64 notice, NoticeChannel channel, int *attempts, TimestampTz *next)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		delivered = false;

	*attempts = 0;
	*next = 0;
	ScanKeyInit(&key[0], DELIVERY_NOTICE, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(notice));
	ScanKeyInit(&key[1], DELIVERY_CHANNEL, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(notice_channel_name(channel)));
	key[1].sk_collation = TupleDescAttr(RelationGetDescr(rel), DELIVERY_CHANNEL - 1)->attcollation;
	scan = systable_beginscan(rel, index, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[DELIVERY_NATTS];
		bool		nulls[DELIVERY_NATTS];
		int			attempt;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		attempt = DatumGetInt32(values[DELIVERY_ATTEMPT - 1]);
		if (attempt < *attempts)
			continue;
		*attempts = attempt;
		*next = nulls[DELIVERY_NEXT_AT - 1] ? 0 : DatumGetTimestampTz(values[DELIVERY_NEXT_AT - 1]);
		delivered = strcmp(TextDatumGetCString(values[DELIVERY_STATUS - 1]), "delivered") == 0;
	}
	systable_endscan(scan);
	return delivered;
}

static void
add_pending(Relation deliveries, Oid index, int64 id)
{
	PendingNotice found = {.id = id};
	bool		waits = false;

	for (int i = 0; i < NOTICE_CHANNELS; i++)
	{
		if (id <= handed_over[i] || (i == NOTICE_COMMAND && !with_command))
			continue;
		found.waits[i] = !last_attempt(deliveries, index, id, i, &found.attempts[i], &found.next[i]);
		waits = waits || found.waits[i];
	}
	if (waits)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		PendingNotice *kept = palloc(sizeof(PendingNotice));

		*kept = found;
		pending_notices = lappend(pending_notices, kept);
		MemoryContextSwitchTo(old);
	}
}

/* Begin anew: the worker started, or a command was set or taken away. */
static void
forget(void)
{
	Relation	rel = open_table("delivery_position", AccessShareLock);
	ItemPointerData tid;

	(void) read_position(rel, handed_over, &tid);
	table_close(rel, AccessShareLock);
	list_free_deep(pending_notices);
	pending_notices = NIL;
	with_command = notice_command_configured();
	loaded_to = with_command ? Min(handed_over[NOTICE_NOTIFY], handed_over[NOTICE_COMMAND]) :
		handed_over[NOTICE_NOTIFY];
}

static bool
any_running(void)
{
	ListCell   *cell;

	foreach(cell, pending_notices)
	{
		if (((const PendingNotice *) lfirst(cell))->running)
			return true;
	}
	return false;
}

/*
 * notice_outbox_load
 */
void
notice_outbox_load(void)
{
	Relation	notices;
	Relation	deliveries;
	Relation	index;
	Oid			delivery_index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	/* entries of running commands are referred to */
	if (loaded_to < 0 || (with_command != notice_command_configured() && !any_running()))
		forget();
	notices = open_table("notice", AccessShareLock);
	deliveries = open_table("delivery", AccessShareLock);
	delivery_index = RelationGetPrimaryKeyIndex(deliveries);
	index = index_open(RelationGetPrimaryKeyIndex(notices), AccessShareLock);
	ScanKeyInit(&key, NOTICE_ID, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(loaded_to));
	scan = systable_beginscan_ordered(notices, index, NULL, 1, &key);
	while (list_length(pending_notices) < LOADED_MOST &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		bool		isnull;
		int64		id = DatumGetInt64(heap_getattr(tuple, NOTICE_ID, RelationGetDescr(notices), &isnull));

		CHECK_FOR_INTERRUPTS();
		add_pending(deliveries, delivery_index, id);
		loaded_to = id;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(deliveries, AccessShareLock);
	table_close(notices, AccessShareLock);
}

List *
notice_outbox_pending(void)
{
	return pending_notices;
}

bool
notice_outbox_full(void)
{
	return list_length(pending_notices) >= LOADED_MOST;
}

static char *
body_class(Jsonb *body)
{
	JsonbValue *value;

	if (!JB_ROOT_IS_OBJECT(body))
		return NULL;
	value = getKeyJsonValueFromContainer(&body->root, "class", strlen("class"), NULL);
	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * notice_read
 */
bool
notice_read(int64 id, Notice *notice)
{
	Relation	rel = open_table("notice", AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	memset(notice, 0, sizeof(*notice));
	ScanKeyInit(&key, NOTICE_ID, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	scan = systable_beginscan(rel, RelationGetPrimaryKeyIndex(rel), true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		Datum		values[NOTICE_BODY];
		bool		nulls[NOTICE_BODY];
		Jsonb	   *body;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		notice->id = id;
		notice->created_at = DatumGetTimestampTz(values[NOTICE_CREATED_AT - 1]);
		notice->incident = nulls[NOTICE_INCIDENT - 1] ? 0 : DatumGetInt64(values[NOTICE_INCIDENT - 1]);
		notice->seq = nulls[NOTICE_SEQ - 1] ? 0 : DatumGetInt64(values[NOTICE_SEQ - 1]);
		notice->subject = TextDatumGetCString(values[NOTICE_SUBJECT - 1]);
		body = DatumGetJsonbPCopy(values[NOTICE_BODY - 1]);
		notice->body = JsonbToCString(NULL, &body->root, VARSIZE(body));
		notice->class = body_class(body);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* ------------------------------------------------------------------------
 * Attempts
 * ------------------------------------------------------------------------
 */

/* A second, twice as long after each failure, up to the setting. */
TimestampTz
notice_retry_at(int attempts)
{
	int64		pause = 1000;

	for (int i = 1; i < attempts && pause < guc_breach_command_retry * INT64CONST(1000); i++)
		pause *= 2;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   Min(pause, guc_breach_command_retry * INT64CONST(1000)));
}

/* The row of the attempt before, which the new one takes the place of. */
static bool
row_of_attempt(Relation rel, int64 notice, NoticeChannel channel, int attempt, ItemPointer tid)
{
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], DELIVERY_NOTICE, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(notice));
	ScanKeyInit(&key[1], DELIVERY_CHANNEL, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(notice_channel_name(channel)));
	key[1].sk_collation = TupleDescAttr(RelationGetDescr(rel), DELIVERY_CHANNEL - 1)->attcollation;
	ScanKeyInit(&key[2], DELIVERY_ATTEMPT, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(attempt));
	scan = systable_beginscan(rel, RelationGetPrimaryKeyIndex(rel), true, NULL, 3, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		*tid = tuple->t_self;
	systable_endscan(scan);
	return HeapTupleIsValid(tuple);
}

/*
 * notice_record_attempt
 */
void
notice_record_attempt(PendingNotice *pending, NoticeChannel channel, bool delivered,
					  int exit_status, const char *detail)
{
	Relation	rel = open_table("delivery", RowExclusiveLock);
	int			attempt = pending->attempts[channel] + 1;
	Datum		values[DELIVERY_NATTS];
	bool		nulls[DELIVERY_NATTS] = {false};
	ItemPointerData tid;
	HeapTuple	tuple;

	values[DELIVERY_NOTICE - 1] = Int64GetDatum(pending->id);
	values[DELIVERY_CHANNEL - 1] = CStringGetTextDatum(notice_channel_name(channel));
	values[DELIVERY_ATTEMPT - 1] = Int32GetDatum(attempt);
	values[DELIVERY_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[DELIVERY_STATUS - 1] = CStringGetTextDatum(delivered ? "delivered" : "failed");
	values[DELIVERY_EXIT_STATUS - 1] = Int32GetDatum(exit_status);
	nulls[DELIVERY_EXIT_STATUS - 1] = exit_status < 0;
	nulls[DELIVERY_DETAIL - 1] = detail == NULL;
	values[DELIVERY_DETAIL - 1] = detail ? CStringGetTextDatum(detail) : (Datum) 0;
	nulls[DELIVERY_NEXT_AT - 1] = delivered;
	values[DELIVERY_NEXT_AT - 1] = delivered ? (Datum) 0 : TimestampTzGetDatum(notice_retry_at(attempt));
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (attempt > ROWS_KEPT + 1 && !delivered && row_of_attempt(rel, pending->id, channel, attempt - 1, &tid))
		CatalogTupleUpdate(rel, &tid, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	table_close(rel, NoLock);
}

/*
 * notice_attempt_done
 */
void
notice_attempt_done(PendingNotice *pending, NoticeChannel channel, bool delivered)
{
	pending->attempts[channel]++;
	pending->next[channel] = delivered ? 0 : notice_retry_at(pending->attempts[channel]);
	pending->waits[channel] = !delivered;
	if (pending->waits[NOTICE_NOTIFY] || pending->waits[NOTICE_COMMAND] || pending->running)
		return;
	pending_notices = list_delete_ptr(pending_notices, pending);
	pfree(pending);
}

/* ------------------------------------------------------------------------
 * For monitoring
 * ------------------------------------------------------------------------
 */

#define LOOK_BACK	1000		/* attempts, for the last of each outcome */

/* Of the notices told last: what went wrong last, and what went well. */
static void
summarise_last(Relation rel, NoticeChannel channel, NoticeSummary *summary)
{
	Relation	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	HeapTuple	tuple;
	int			n = 0;

	while (n++ < LOOK_BACK && HeapTupleIsValid(tuple = systable_getnext_ordered(scan, BackwardScanDirection)))
	{
		Datum		values[DELIVERY_NATTS];
		bool		nulls[DELIVERY_NATTS];
		TimestampTz at;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (strcmp(TextDatumGetCString(values[DELIVERY_CHANNEL - 1]), notice_channel_name(channel)) != 0)
			continue;
		at = DatumGetTimestampTz(values[DELIVERY_AT - 1]);
		if (strcmp(TextDatumGetCString(values[DELIVERY_STATUS - 1]), "delivered") == 0)
			summary->last_delivered_at = Max(summary->last_delivered_at, at);
		else if (at > summary->last_error_at)
		{
			summary->last_error_at = at;
			summary->last_error = nulls[DELIVERY_DETAIL - 1] ? NULL : TextDatumGetCString(values[DELIVERY_DETAIL - 1]);
		}
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
}

/*
 * notice_outbox_summary
 *		Counts from the position on, where the worker begins, too.
 */
void
notice_outbox_summary(NoticeChannel channel, NoticeSummary *summary)
{
	Relation	position_rel = open_table("delivery_position", AccessShareLock);
	Relation	notices = open_table("notice", AccessShareLock);
	Relation	deliveries = open_table("delivery", AccessShareLock);
	Relation	index = index_open(RelationGetPrimaryKeyIndex(notices), AccessShareLock);
	int64		position[NOTICE_CHANNELS];
	ItemPointerData tid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(summary, 0, sizeof(*summary));
	(void) read_position(position_rel, position, &tid);
	ScanKeyInit(&key, NOTICE_ID, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(position[channel]));
	scan = systable_beginscan_ordered(notices, index, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		bool		isnull;
		int64		id = DatumGetInt64(heap_getattr(tuple, NOTICE_ID, RelationGetDescr(notices), &isnull));
		int			attempts;
		TimestampTz next;

		CHECK_FOR_INTERRUPTS();
		if (last_attempt(deliveries, RelationGetPrimaryKeyIndex(deliveries), id, channel, &attempts, &next))
			continue;
		if (summary->pending++ == 0)
		{
			summary->oldest = id;
			summary->oldest_at = DatumGetTimestampTz(heap_getattr(tuple, NOTICE_CREATED_AT,
																  RelationGetDescr(notices), &isnull));
		}
		summary->failing += attempts > 0;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	summarise_last(deliveries, channel, summary);
	table_close(deliveries, AccessShareLock);
	table_close(notices, AccessShareLock);
	table_close(position_rel, AccessShareLock);
}
