/*-------------------------------------------------------------------------
 *
 * audit_throttle.c
 *		Repeats of a denial: the first is a record, the rest one exact summary.
 *
 * Two denials are repeats of each other when nothing but id, time and
 * transaction tells them apart: same session, subject, object, rule, statement.
 * The first opens a window of dataclass.repeat_window; later ones within it are
 * counted in a row of dataclass_audit.repeat, committed before the client hears
 * of its denial as any record is.  When the window is over, one record with
 * their number takes the place of that row, in one transaction.
 *
 * The count is exact: a repeat leaves no id behind by which a second delivery
 * could be told, so the queue seals the slots of a batch before they count (a
 * sealed one is no longer withdrawn), and whether a sealed batch counted is
 * asked of its transaction.
 *
 * Windows go by the time of the events, not of their arrival, so that the
 * import of an old journal makes the records that would have been made.
 *
 * Owns the table and a copy of it in the writer's memory.  The copy is thrown
 * away after any failed transaction and read again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_throttle.h"
#include "pg_dataclass/audit_writer.h"

#define WINDOWS_MAX		8192	/* more at once are not throttled */
#define SUMMARIES_MAX	256		/* in one transaction */
#define SUMMARY_RETRY	1000	/* ms */

typedef struct RepeatKey
{
	uint8		hash[AUDIT_HASH_SIZE];
} RepeatKey;

typedef struct RepeatWindow
{
	RepeatKey	key;			/* must be first */
	int64		first_seq;		/* record of the first one */
	int64		end;			/* of the window, unix time, microseconds */
	int64		repeats;
	int64		first_time;		/* of the repeats */
	int64		last_time;
	ItemPointerData tid;		/* of the row; invalid: there is none yet */
	uint8	   *payload;		/* of the first one */
	uint32		len;
	int			held;			/* in this batch */
	bool		changed;		/* counted in this batch */
} RepeatWindow;

/* Columns of dataclass_audit.repeat. */
enum
{
	REPEAT_KEY = 1,
	REPEAT_FIRST_SEQ,
	REPEAT_WINDOW_END,
	REPEAT_REPEATS,
	REPEAT_FIRST_TIME,
	REPEAT_LAST_TIME,
	REPEAT_PAYLOAD,
	REPEAT_COLUMN_COUNT = REPEAT_PAYLOAD
};

typedef struct HeldRepeat
{
	RepeatKey	key;
	int64		time;
} HeldRepeat;

static MemoryContext throttle_context = NULL;
static HTAB *windows = NULL;	/* NULL: to be read from the table */
static TimestampTz retry_at = 0;	/* after a summary that failed */
static int64 next_end = PG_INT64_MAX;	/* no window ends before */
static HeldRepeat *held = NULL;
static int	nheld = 0;
static int	held_size = 0;

/* ------------------------------------------------------------------------
 * Memory
 * ------------------------------------------------------------------------
 */

static void
forget(void)
{
	if (throttle_context)
		MemoryContextDelete(throttle_context);
	throttle_context = NULL;
	windows = NULL;
	held = NULL;
	nheld = held_size = 0;
	next_end = PG_INT64_MAX;
}

static void
make_windows(void)
{
	HASHCTL		ctl = {0};

	throttle_context = AllocSetContextCreate(TopMemoryContext, "dataclass repeats", ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(RepeatKey);
	ctl.entrysize = sizeof(RepeatWindow);
	ctl.hcxt = throttle_context;
	windows = hash_create("dataclass repeats", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static RepeatWindow *
open_window(const RepeatKey *key, const uint8 *payload, uint32 len, int64 first_seq, int64 end)
{
	RepeatWindow *window = hash_search(windows, key, HASH_ENTER, NULL);

	memset((char *) window + sizeof(RepeatKey), 0, sizeof(RepeatWindow) - sizeof(RepeatKey));
	ItemPointerSetInvalid(&window->tid);
	window->payload = MemoryContextAlloc(throttle_context, len);
	memcpy(window->payload, payload, len);
	window->len = len;
	window->first_seq = first_seq;
	window->end = end;
	next_end = Min(next_end, end);
	return window;
}

static void
drop_window(RepeatWindow *window)
{
	pfree(window->payload);
	(void) hash_search(windows, &window->key, HASH_REMOVE, NULL);
}

/* ------------------------------------------------------------------------
 * The table
 * ------------------------------------------------------------------------
 */

static Relation
open_repeats(LOCKMODE mode)
{
	Oid			relid = trail_relid("repeat");
	Relation	rel;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	rel = table_open(relid, mode);
	if (RelationGetNumberOfAttributes(rel) != REPEAT_COLUMN_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("table dataclass_audit.repeat has not the columns it was created with")));
	return rel;
}

static void
read_window(HeapTuple tuple, TupleDesc desc)
{
	Datum		values[REPEAT_COLUMN_COUNT];
	bool		nulls[REPEAT_COLUMN_COUNT];
	bytea	   *key;
	bytea	   *payload;
	RepeatKey	hash;
	RepeatWindow *window;

	heap_deform_tuple(tuple, desc, values, nulls);
	key = DatumGetByteaPP(values[REPEAT_KEY - 1]);
	payload = DatumGetByteaPP(values[REPEAT_PAYLOAD - 1]);
	if (VARSIZE_ANY_EXHDR(key) != AUDIT_HASH_SIZE)
		return;
	memcpy(hash.hash, VARDATA_ANY(key), AUDIT_HASH_SIZE);
	window = open_window(&hash, (const uint8 *) VARDATA_ANY(payload), VARSIZE_ANY_EXHDR(payload),
						 DatumGetInt64(values[REPEAT_FIRST_SEQ - 1]),
						 audit_unix_time(DatumGetTimestampTz(values[REPEAT_WINDOW_END - 1])));
	window->repeats = DatumGetInt64(values[REPEAT_REPEATS - 1]);
	window->first_time = audit_unix_time(DatumGetTimestampTz(values[REPEAT_FIRST_TIME - 1]));
	window->last_time = audit_unix_time(DatumGetTimestampTz(values[REPEAT_LAST_TIME - 1]));
	window->tid = tuple->t_self;
}

void
throttle_begin(TrailBatch *batch)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;

	nheld = 0;
	if (windows != NULL)
		return;
	make_windows();
	rel = open_repeats(AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		read_window(tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static void
write_window(Relation rel, CatalogIndexState indexes, RepeatWindow *window)
{
	Datum		values[REPEAT_COLUMN_COUNT];
	bool		nulls[REPEAT_COLUMN_COUNT] = {false};
	HeapTuple	tuple;

	values[REPEAT_KEY - 1] = PointerGetDatum(trail_make_bytea(window->key.hash, AUDIT_HASH_SIZE));
	values[REPEAT_FIRST_SEQ - 1] = Int64GetDatum(window->first_seq);
	values[REPEAT_WINDOW_END - 1] = TimestampTzGetDatum(audit_timestamp(window->end));
	values[REPEAT_REPEATS - 1] = Int64GetDatum(window->repeats);
	values[REPEAT_FIRST_TIME - 1] = TimestampTzGetDatum(audit_timestamp(window->first_time));
	values[REPEAT_LAST_TIME - 1] = TimestampTzGetDatum(audit_timestamp(window->last_time));
	values[REPEAT_PAYLOAD - 1] = PointerGetDatum(trail_make_bytea(window->payload, window->len));
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (ItemPointerIsValid(&window->tid))
		CatalogTupleUpdateWithInfo(rel, &window->tid, tuple, indexes);
	else
		CatalogTupleInsertWithInfo(rel, tuple, indexes);
	window->tid = tuple->t_self;
	heap_freetuple(tuple);
}

/* ------------------------------------------------------------------------
 * Counting
 * ------------------------------------------------------------------------
 */

static bool
text_is(const AuditRecord *record, AuditTextField field, const char *text)
{
	return record->text[field].len == strlen(text) &&
		memcmp(record->text[field].data, text, record->text[field].len) == 0;
}

/* What can repeat: denials, and what would have been one.  A record that stands for several does not. */
static bool
can_repeat(const AuditRecord *record)
{
	return !record->number[AUDIT_REPEATS].present &&
		(text_is(record, AUDIT_OUTCOME, "denied") || text_is(record, AUDIT_OUTCOME, "permitted"));
}

static bool
make_key(const AuditRecord *record, RepeatKey *key)
{
	static uint8 bytes[AUDIT_PAYLOAD_MAX];
	AuditRecord same = *record;
	size_t		len;

	memset(same.event_id, 0, AUDIT_ID_SIZE);
	same.number[AUDIT_TIME].value = 0;
	same.number[AUDIT_TRANSACTION_ID].present = false;
	len = audit_payload_encode(&same, bytes, sizeof(bytes));
	return len > 0 && merkle_leaf(bytes, len, key->hash);
}

static void
hold(const RepeatWindow *window, int64 time)
{
	if (nheld == held_size)
	{
		held_size = Max(AUDIT_BATCH_MAX, held_size * 2);
		held = held ? repalloc(held, held_size * sizeof(HeldRepeat)) :
			MemoryContextAlloc(throttle_context, held_size * sizeof(HeldRepeat));
	}
	held[nheld].key = window->key;
	held[nheld++].time = time;
}

/* The record that stands for the repeats of a window. */
static void
insert_summary(TrailBatch *batch, const RepeatWindow *window)
{
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;
	AuditRecord record;
	const char *error;
	char	   *from = pstrdup(timestamptz_to_str(audit_timestamp(window->first_time)));
	char	   *detail;

	if (!audit_payload_decode(window->payload, window->len, &record, &error))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("repeated audit event cannot be read: %s", error)));
	detail = psprintf("Repeated %lld times after record %lld, from %s to %s.",
					  (long long) window->repeats, (long long) window->first_seq, from,
					  timestamptz_to_str(audit_timestamp(window->last_time)));
	record.number[AUDIT_TIME].value = window->last_time;
	record.number[AUDIT_TRANSACTION_ID].present = false;
	record.number[AUDIT_REPEATS].present = true;
	record.number[AUDIT_REPEATS].value = window->repeats;
	record.text[AUDIT_DETAIL].data = detail;
	record.text[AUDIT_DETAIL].len = strlen(detail);
	if (!audit_make_event_id(record.event_id, window->last_time))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make the id of an audit event")));
	payload.data = bytes;
	payload.len = audit_payload_encode(&record, bytes, sizeof(bytes));
	trail_insert(batch, &payload, "writer");
}

/* Sum up within the transaction; the caller forgets the window when it has committed. */
static void
close_window(TrailBatch *batch, RepeatWindow *window)
{
	Relation	rel;

	if (window->repeats == 0)
		return;
	insert_summary(batch, window);
	rel = open_repeats(RowExclusiveLock);
	CatalogTupleDelete(rel, &window->tid);
	table_close(rel, NoLock);
}

bool
throttle_insert(TrailBatch *batch, const AuditPayload *payload, const char *origin)
{
	AuditRecord record;
	const char *error;
	RepeatKey	key;
	RepeatWindow *window;
	int64		time;

	if (guc_repeat_window == 0 ||
		!audit_payload_decode(payload->data, payload->len, &record, &error) ||
		!can_repeat(&record) || !make_key(&record, &key))
	{
		trail_insert(batch, payload, origin);
		return false;
	}
	time = record.number[AUDIT_TIME].value;
	window = hash_search(windows, &key, HASH_FIND, NULL);
	if (window != NULL && time < window->end)
	{
		window->held++;
		hold(window, time);
		return true;
	}
	trail_insert(batch, payload, origin);
	/* What this batch holds of the old window is not counted yet: the next denial opens a new one. */
	if (window != NULL && (window->held > 0 || window->changed))
		return false;
	if (window != NULL)
	{
		close_window(batch, window);
		drop_window(window);
	}
	else if (hash_get_num_entries(windows) >= WINDOWS_MAX)
		return false;
	(void) open_window(&key, payload->data, payload->len,
					   ((TrailInserted *) llast(trail_inserted(batch)))->seq,
					   time + guc_repeat_window * INT64CONST(1000));
	return false;
}

int
throttle_held(void)
{
	return nheld;
}

void
throttle_count(const bool *counts)
{
	for (int i = 0; i < nheld; i++)
	{
		RepeatWindow *window = hash_search(windows, &held[i].key, HASH_FIND, NULL);

		if (window == NULL)
			continue;
		window->held--;
		if (!counts[i])
			continue;
		if (window->repeats == 0 || held[i].time < window->first_time)
			window->first_time = held[i].time;
		if (window->repeats == 0 || held[i].time > window->last_time)
			window->last_time = held[i].time;
		window->repeats++;
		window->changed = true;
	}
}

void
throttle_close(TrailBatch *batch)
{
	Relation	rel = NULL;
	CatalogIndexState indexes = NULL;

	for (int i = 0; i < nheld; i++)
	{
		RepeatWindow *window = hash_search(windows, &held[i].key, HASH_FIND, NULL);

		if (window == NULL || !window->changed)
			continue;
		if (rel == NULL)
		{
			rel = open_repeats(RowExclusiveLock);
			indexes = CatalogOpenIndexes(rel);
		}
		write_window(rel, indexes, window);
		window->changed = false;
	}
	nheld = 0;
	if (rel != NULL)
	{
		CatalogCloseIndexes(indexes);
		table_close(rel, NoLock);
	}
}

void
throttle_end(bool committed)
{
	if (!committed)
		forget();
}

/* ------------------------------------------------------------------------
 * Summaries
 * ------------------------------------------------------------------------
 */

typedef struct SummaryWork
{
	RepeatWindow *window[SUMMARIES_MAX];
	int			n;
} SummaryWork;

static void
summarize_work(TrailBatch *batch, void *arg)
{
	SummaryWork *work = arg;

	for (int i = 0; i < work->n; i++)
		close_window(batch, work->window[i]);
}

/* The windows are read as for any transaction. */
static void
read_work(TrailBatch *batch, void *arg)
{
}

static long
try_later(TimestampTz now)
{
	retry_at = TimestampTzPlusMilliseconds(now, SUMMARY_RETRY);
	return SUMMARY_RETRY;
}

/* Windows that are over; those without a repeat are forgotten at once. */
static void
collect_ended(SummaryWork *work, int64 now, bool all)
{
	HASH_SEQ_STATUS status;
	RepeatWindow *window;

	work->n = 0;
	next_end = PG_INT64_MAX;
	hash_seq_init(&status, windows);
	while ((window = hash_seq_search(&status)) != NULL)
	{
		if ((window->end > now && !all) || (window->repeats > 0 && work->n == SUMMARIES_MAX))
			next_end = Min(next_end, window->end);
		else if (window->repeats > 0)
			work->window[work->n++] = window;
		else
			drop_window(window);
	}
}

long
throttle_summarize(TimestampTz now, bool all)
{
	int64		unix_now = audit_unix_time(now);
	SummaryWork work;
	int			sqlstate;

	if (!all && retry_at > now)
		return TimestampDifferenceMilliseconds(now, retry_at) + 1;
	/* Nothing else may happen that has them read: what is over is summed up all the same. */
	if (windows == NULL && !writer_transaction(read_work, NULL, &sqlstate))
		return try_later(now);
	while (windows != NULL && (all || next_end <= unix_now))
	{
		collect_ended(&work, unix_now, all);
		if (work.n == 0)
			break;
		/* After a failure the rows are still there, and read again by the next transaction. */
		if (!writer_transaction(summarize_work, &work, &sqlstate))
			return try_later(now);
		for (int i = 0; i < work.n; i++)
			drop_window(work.window[i]);
	}
	if (windows == NULL || next_end == PG_INT64_MAX)
		return -1;
	return (long) Max((next_end - unix_now) / 1000 + 1, 1);
}
