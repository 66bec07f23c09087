/*-------------------------------------------------------------------------
 *
 * checkpoint.c
 *		When the writer makes a checkpoint, and how.
 *
 * A stage of the writer.  While records are inserted it only takes notes; the
 * checkpoint is made between transactions, over records that are committed and
 * acknowledged, in a transaction of its own.  So nothing here delays a session
 * that waits for its record, and no checkpoint speaks of a record that a crash
 * can take back.
 *
 * Without a usable key recording goes on: that is recorded once, and tried
 * again after a while.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/checkpoint.h"
#include "pg_dataclass/policy.h"

#define RETRY_FIRST		1000	/* ms after a checkpoint that failed */
#define RETRY_LAST		300000
#define BREACH_SPACING	200		/* ms between checkpoints after breaches, in a storm of them */
#define CLASSES_MAX		8
#define CLASS_NAME_MAX	64

/* The last checkpoint, as this writer knows it. */
static struct
{
	bool		known;
	int64		size;
	TimestampTz made_at;
	char		key[NOTE_VERIFIER_MAX];
	int			signatures;		/* of that key */
}			last;

static const char *wanted = NULL;	/* reason, whatever the counts say */
static char breached[CLASSES_MAX][CLASS_NAME_MAX];	/* classes, to be looked up */
static int	nbreached = 0;
static TimestampTz retry_at = 0;
static long retry_delay = RETRY_FIRST;
static char complaint[CHECKPOINT_WHY_MAX];	/* recorded already */
static char announced[NOTE_VERIFIER_MAX];	/* key in a record of this writer */

/* ---- taking notes ---- */

static bool
text_is(const AuditRecord *record, AuditTextField field, const char *value)
{
	const AuditText *text = &record->text[field];

	return text->data != NULL && text->len == strlen(value) && memcmp(text->data, value, text->len) == 0;
}

/* The class of a label is what stands before the colon. */
static void
note_breach(const AuditText *label)
{
	const char *colon = memchr(label->data, ':', label->len);
	size_t		len = colon ? (size_t) (colon - label->data) : label->len;

	for (int i = 0; i < nbreached; i++)
	{
		if (strlen(breached[i]) == len && memcmp(breached[i], label->data, len) == 0)
			return;
	}
	/* Too many to look up: one more checkpoint does no harm. */
	if (nbreached == CLASSES_MAX || len >= CLASS_NAME_MAX)
	{
		wanted = "breach";
		return;
	}
	memcpy(breached[nbreached], label->data, len);
	breached[nbreached++][len] = '\0';
}

static void
look_at_records(TrailBatch *batch, List *records)
{
	ListCell   *lc;

	foreach(lc, records)
	{
		const AuditRecord *record = &((const TrailInserted *) lfirst(lc))->record;

		if (record->number[AUDIT_BREACH].value != 0 && record->text[AUDIT_LABEL].data != NULL)
			note_breach(&record->text[AUDIT_LABEL]);
		/* Evidence about the trail itself should not wait either. */
		if (text_is(record, AUDIT_KIND, "trail_tampered"))
			wanted = "breach";
		else if (text_is(record, AUDIT_KIND, "checkpoint") && text_is(record, AUDIT_ACTION, CHECKPOINT_ASK) &&
				 wanted == NULL)
			wanted = "asked";
	}
}

/* ---- reading, in a transaction of its own that may fail ---- */

static bool
in_transaction(void (*work) (void))
{
	volatile bool ok = false;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		work();
		PopActiveSnapshot();
		CommitTransactionCommand();
		ok = true;
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopMemoryContext);
	return ok;
}

static void
read_last(void)
{
	Checkpoint	checkpoint;

	memset(&last, 0, sizeof(last));
	if (checkpoint_read(GetActiveSnapshot(), 0, &checkpoint))
	{
		last.size = checkpoint.size;
		last.made_at = checkpoint.made_at;
		strlcpy(last.key, checkpoint.key, sizeof(last.key));
		if (guc_checkpoint_key_evolve > 0)
			last.signatures = checkpoint_count_key(GetActiveSnapshot(), last.key, guc_checkpoint_key_evolve);
	}
	last.known = true;
}

/*
 * Is one of the noted classes the highest one, or none that the policy knows?
 * The policy's table may be locked by an officer at work: the writer does not
 * wait for it.
 */
static void
judge_breaches(void)
{
	Oid			namespace_id = get_namespace_oid(DC_SCHEMA, true);
	Oid			relid = OidIsValid(namespace_id) ? get_relname_relid("data_class", namespace_id) : InvalidOid;
	AttrNumber	name_column;
	AttrNumber	rank_column;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		known[CLASSES_MAX] = {false};
	int			rank[CLASSES_MAX] = {0};
	int			highest = PG_INT32_MIN;

	wanted = "breach";
	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, AccessShareLock))
		return;
	name_column = get_attnum(relid, "name");
	rank_column = get_attnum(relid, "rank");
	if (name_column == InvalidAttrNumber || rank_column == InvalidAttrNumber)
		return;
	rel = table_open(relid, NoLock);
	scan = systable_beginscan(rel, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		char	   *name = TextDatumGetCString(heap_getattr(tuple, name_column, RelationGetDescr(rel), &isnull));
		int			this_rank = DatumGetInt32(heap_getattr(tuple, rank_column, RelationGetDescr(rel), &isnull));

		highest = Max(highest, this_rank);
		for (int i = 0; i < nbreached; i++)
		{
			if (strcmp(breached[i], name) != 0)
				continue;
			known[i] = true;
			rank[i] = this_rank;
		}
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	for (int i = 0; i < nbreached; i++)
	{
		if (!known[i] || rank[i] == highest)
			return;
	}
	wanted = NULL;
}

/* ---- making one ---- */

typedef struct MakeCheckpoint
{
	const CheckpointKey *key;
	const char *reason;
	const char *key_text;
	Checkpoint	made;
} MakeCheckpoint;

static void
make_work(TrailBatch *batch, void *arg)
{
	MakeCheckpoint *make = arg;
	const TrailHead *head = trail_batch_head(batch);
	char	   *note = palloc(NOTE_MAX);
	uint8		signature[NOTE_SIGNATURE_SIZE];
	size_t		len;

	make->made.size = head->seq;
	make->made.made_at = GetCurrentTimestamp();
	make->made.key = make->key_text;
	make->made.note = note;
	if (!merkle_root(&head->frontier, make->made.root) ||
		(len = checkpoint_text(make->key->note.name, (uint64_t) head->seq, make->made.root, note, NOTE_MAX)) == 0 ||
		!checkpoint_key_sign(make->key, note, len, signature) ||
		note_finish(note, len, NOTE_MAX, &make->key->note, signature) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not sign a checkpoint of the audit trail")));
	/* Before anybody can see it. */
	if (!checkpoint_file_write(MyDatabaseId, head->seq, make->made.root))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write the last checkpoint to the head file of the audit trail: %m")));
	checkpoint_insert(&make->made, make->reason, make->key->note.name);
}

/* Over everything that is committed now. */
static bool
make_checkpoint(const CheckpointKey *key, const char *key_text, const char *reason)
{
	MakeCheckpoint make = {key, reason, key_text};
	int			sqlstate;

	if (!writer_transaction(make_work, &make, &sqlstate))
		return false;
	last.signatures = strcmp(last.key, key_text) == 0 ? last.signatures + 1 : 1;
	last.size = make.made.size;
	last.made_at = make.made.made_at;
	strlcpy(last.key, key_text, sizeof(last.key));
	return true;
}

static void
complain_work(TrailBatch *batch, void *arg)
{
	writer_note(batch, EVENT_AUDIT_IMPAIRED, SEVERITY_HIGH, false,
				psprintf("No checkpoint can be made. %s", (const char *) arg));
}

static void
key_failed(char *why)
{
	int			sqlstate;

	ereport(LOG,
			(errmsg("could not make a checkpoint of the audit trail"),
			 errdetail("%s", why)));
	/* Once for each cause. */
	if (strcmp(complaint, why) != 0 && writer_transaction(complain_work, why, &sqlstate))
		strlcpy(complaint, why, sizeof(complaint));
}

typedef struct KeyNote
{
	const char *key;
	EventSeverity severity;
	const char *detail;
} KeyNote;

static void
key_work(TrailBatch *batch, void *arg)
{
	const KeyNote *note = arg;

	writer_note_object(batch, EVENT_CHECKPOINT, note->severity, CHECKPOINT_KEY, "key", note->key, note->detail);
}

/* The record of a key stands before the first checkpoint that it signs. */
static bool
announce_key(const char *key_text, EventSeverity severity, const char *detail)
{
	KeyNote		note = {key_text, severity, detail};
	int			sqlstate;

	if (!writer_transaction(key_work, &note, &sqlstate))
		return false;
	strlcpy(announced, key_text, sizeof(announced));
	return true;
}

/* True if the key may sign now: the trail knows it. */
static bool
key_is_known(const char *key_text)
{
	if (strcmp(last.key, key_text) == 0 || strcmp(announced, key_text) == 0)
		return true;
	if (last.key[0] == '\0')
		return announce_key(key_text, SEVERITY_NOTICE, "Checkpoints are signed with this key from now on.");
	/* Somebody put it there, or removed the former one. */
	return announce_key(key_text, SEVERITY_WARNING,
						"The key file holds another key than before: checkpoints are signed with this one from now on.");
}

static bool attempt(const char *reason);

/*
 * A successor for the key: made, announced, certified by a checkpoint that the
 * former key signs over the announcement, and only then put in its place.  A
 * crash in between leaves the former key in use and one announcement more.
 */
static void
evolve(const CheckpointKey *key, const char *key_text)
{
	NoteKey		next;
	char		next_text[NOTE_VERIFIER_MAX];
	char		why[CHECKPOINT_WHY_MAX] = "The crypto library gives no key.";

	if (!checkpoint_key_succeed(&next, why) ||
		note_key_format(&next, next_text, sizeof(next_text)) == 0)
		key_failed(why);
	else if (announce_key(next_text, SEVERITY_NOTICE, "Successor of the key that signs checkpoints: the former key signs the checkpoint over this record and is destroyed.") &&
			 make_checkpoint(key, key_text, "key"))
	{
		if (!checkpoint_key_switch(why))
			key_failed(why);
		else if (announce_key(next_text, SEVERITY_NOTICE, "The former key is destroyed, checkpoints are signed with this one from now on."))
			(void) attempt("key");
	}
}

static bool
attempt(const char *reason)
{
	CheckpointKey key;
	char		text[NOTE_VERIFIER_MAX];
	char		why[CHECKPOINT_WHY_MAX];
	bool		ok;

	if (!checkpoint_key_load(true, &key, why))
	{
		key_failed(why);
		return false;
	}
	ok = note_key_format(&key.note, text, sizeof(text)) > 0 &&
		key_is_known(text) && make_checkpoint(&key, text, reason);
	if (ok)
	{
		complaint[0] = '\0';
		if (guc_checkpoint_key_evolve > 0 && last.signatures >= guc_checkpoint_key_evolve && strcmp(reason, "key") != 0)
			evolve(&key, text);
	}
	checkpoint_key_free(&key);
	return ok;
}

/* Why a checkpoint is due now, or NULL and the ms until one is (-1: no time). */
static const char *
due(TimestampTz now, int64 uncovered, long *wait)
{
	int			interval = guc_checkpoint_interval;
	TimestampTz at;

	*wait = -1;
	if (wanted != NULL)
	{
		at = TimestampTzPlusMilliseconds(last.made_at, BREACH_SPACING);
		if (now >= at || strcmp(wanted, "breach") != 0)
			return wanted;
		*wait = TimestampDifferenceMilliseconds(now, at) + 1;
		return NULL;
	}
	if (last.size == 0)
		return "begin";
	if (uncovered >= guc_checkpoint_records)
		return "records";
	if (interval == 0)
		return NULL;
	/* The writer leaves when it is idle: not without a checkpoint. */
	if (guc_writer_idle_timeout > 0)
		interval = Min(interval, guc_writer_idle_timeout);
	at = TimestampTzPlusMilliseconds(last.made_at, interval * INT64CONST(1000));
	if (now >= at)
		return "interval";
	*wait = TimestampDifferenceMilliseconds(now, at) + 1;
	return NULL;
}

static long
try_later(TimestampTz now)
{
	long		wait = retry_delay;

	last.known = false;			/* as far as it came */
	retry_at = TimestampTzPlusMilliseconds(now, retry_delay);
	retry_delay = Min(retry_delay * 2, RETRY_LAST);
	return wait;
}

static long
checkpoint_tick(TimestampTz now)
{
	const TrailHead *head = writer_trail_head();
	const char *reason;
	long		wait;

	if (retry_at > now)
		return TimestampDifferenceMilliseconds(now, retry_at) + 1;
	if (!head->valid)
		writer_begin();			/* a transaction failed: where are we? */
	if (!head->valid || (!last.known && !in_transaction(read_last)))
		return try_later(now);
	if (nbreached > 0 && (wanted != NULL || in_transaction(judge_breaches)))
		nbreached = 0;
	if (head->seq <= last.size)
	{
		wanted = NULL;
		return -1;
	}
	reason = due(now, head->seq - last.size, &wait);
	if (reason == NULL)
		return wait;
	if (!attempt(reason))
		return try_later(now);
	wanted = NULL;
	retry_delay = RETRY_FIRST;
	return 0;
}

const WriterStage checkpoint_stage = {
	.in_transaction = look_at_records,
	.tick = checkpoint_tick
};
