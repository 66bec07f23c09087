/*-------------------------------------------------------------------------
 *
 * checkpoint_sql.c
 *		SQL functions about checkpoints.
 *
 * Sessions only read: who asks for a checkpoint puts a record into the trail,
 * which the writer follows up on (checkpoint.c), and waits until it sees the
 * result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/checkpoint.h"

#define DEMAND_PATIENCE 10000	/* ms to wait for the writer */
#define DEMAND_POLL		5

extern PGDLLEXPORT Datum dc_checkpoint_make(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_checkpoint_latest(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_checkpoint_key(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_checkpoint_check(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_checkpoint_make);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_checkpoint_latest);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_checkpoint_key);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_checkpoint_check);

/* What is committed now, whatever the isolation of the transaction. */
static int64
committed_head(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TrailHead	head;
	bool		valid = trail_head_read(snapshot, &head);

	UnregisterSnapshot(snapshot);
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("audit trail is damaged"),
				 errdetail("The head row is missing or damaged."),
				 errhint("See SELECT * FROM dataclass_audit.verify().")));
	return head.seq;
}

static bool
covered(int64 seq, Checkpoint *out)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool		found = checkpoint_read_covering(snapshot, seq, out);

	UnregisterSnapshot(snapshot);
	return found;
}

static void
cannot_make(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no checkpoint of the audit trail can be made now"),
			 errdetail("%s", detail),
			 errhint("See SELECT * FROM dataclass_audit.status(), and SELECT detail FROM dataclass_audit.event WHERE kind = 'audit_impaired' ORDER BY seq DESC LIMIT 1.")));
}

void
checkpoint_demand(Checkpoint *out)
{
	AuditEvent	event = {0};
	TimestampTz deadline;
	int64		seq;

	if (RecoveryInProgress())
		cannot_make("This server is a standby: only the primary makes checkpoints.");
	event.kind = EVENT_CHECKPOINT;
	event.severity = SEVERITY_INFO;
	event.outcome = OUTCOME_ALLOWED;
	event.action = CHECKPOINT_ASK;
	if (!event_record(&event))
		cannot_make("That it was asked for could not be recorded.");
	seq = committed_head();
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DEMAND_PATIENCE);
	while (!covered(seq, out))
	{
		CHECK_FOR_INTERRUPTS();
		if (GetCurrentTimestamp() >= deadline)
			cannot_make("The writer of the trail made none in time.");
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 DEMAND_POLL, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

Datum
dc_checkpoint_make(PG_FUNCTION_ARGS)
{
	Checkpoint	checkpoint;

	checkpoint_demand(&checkpoint);
	PG_RETURN_TEXT_P(cstring_to_text(checkpoint.note));
}

Datum
dc_checkpoint_latest(PG_FUNCTION_ARGS)
{
	Checkpoint	checkpoint;

	if (!covered(1, &checkpoint))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(checkpoint.note));
}

static TupleDesc
result_desc(FunctionCallInfo fcinfo)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(desc);
}

Datum
dc_checkpoint_key(PG_FUNCTION_ARGS)
{
	Datum		values[2];
	bool		nulls[2] = {false};
	CheckpointKey key;
	char		why[CHECKPOINT_WHY_MAX];
	char		text[NOTE_VERIFIER_MAX];
	char	   *pem;

	if (!checkpoint_key_load(false, &key, why))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no usable key for checkpoints"),
				 errdetail("%s", why),
				 errhint("The first checkpoint makes the default key: SELECT dataclass_audit.make_checkpoint(). Another one is named by dataclass.checkpoint_key_file in the configuration file.")));
	pem = checkpoint_key_pem(&key);
	if (note_key_format(&key.note, text, sizeof(text)) == 0 || pem == NULL)
	{
		checkpoint_key_free(&key);
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not write the public key")));
	}
	checkpoint_key_free(&key);
	values[0] = CStringGetTextDatum(text);
	values[1] = CStringGetTextDatum(pem);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls)));
}

NoteVerdict
checkpoint_judge(const char *note, size_t len, const CheckpointNote *parsed)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	CheckpointKey key;
	char		why[CHECKPOINT_WHY_MAX];
	NoteVerdict verdict = NOTE_UNSIGNED;

	if (checkpoint_key_load(false, &key, why))
	{
		verdict = checkpoint_verify(note, len, parsed, &key.note);
		checkpoint_key_free(&key);
	}
	if (verdict == NOTE_UNSIGNED)
		(void) checkpoint_key_known(snapshot, note, len, parsed, &verdict);
	UnregisterSnapshot(snapshot);
	return verdict;
}

/* What the trail, as it is committed now, says to a checkpoint of its own. */
static const char *
compare_with_trail(const CheckpointNote *note, char **detail)
{
	int64		seq = committed_head();
	Snapshot	snapshot;
	TileReader	reader;
	uint8		root[AUDIT_HASH_SIZE];
	bool		known;

	if (note->size > (uint64_t) seq)
	{
		*detail = psprintf("The checkpoint covers %llu records, the trail ends at record %lld.",
						   (unsigned long long) note->size, (long long) seq);
		return "rewound";
	}
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	tile_reader_open(&reader, snapshot);
	known = tile_tree_root(&reader, (int64) note->size, root);
	tile_reader_close(&reader);
	UnregisterSnapshot(snapshot);
	if (known && memcmp(root, note->root, AUDIT_HASH_SIZE) == 0)
	{
		*detail = psprintf("The first %llu records are those of the checkpoint.", (unsigned long long) note->size);
		return "consistent";
	}
	*detail = known ?
		psprintf("The first %llu records are not those of the checkpoint.", (unsigned long long) note->size) :
		psprintf("Parts of the tree over the first %llu records are missing.", (unsigned long long) note->size);
	return "forked";
}

static void
record_breach(const char *verdict, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_TRAIL_TAMPERED;
	event.severity = SEVERITY_CRITICAL;
	event.outcome = OUTCOME_OBSERVED;
	event.breach = true;
	event.action = "check_checkpoint";
	event.rule = verdict;
	event.object_type = "table";
	event.object_identity = "dataclass_audit.event";
	event.class_id = RelationRelationId;
	event.object_id = trail_relid("event");
	event.detail = detail;
	(void) event_record(&event);
}

Datum
dc_checkpoint_check(PG_FUNCTION_ARGS)
{
	text	   *arg = PG_GETARG_TEXT_PP(0);
	const char *note = VARDATA_ANY(arg);
	size_t		len = VARSIZE_ANY_EXHDR(arg);
	CheckpointNote parsed;
	const char *error;
	const char *verdict = NULL;
	char	   *detail = NULL;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (!checkpoint_parse(note, len, &parsed, &error))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a checkpoint: %s", error),
				 errhint("Give the whole text, as dataclass_audit.latest_checkpoint() returned it, with its last newline.")));
	switch (checkpoint_judge(note, len, &parsed))
	{
		case NOTE_GOOD:
			verdict = compare_with_trail(&parsed, &detail);
			break;
		case NOTE_BAD:
			verdict = "forged";
			detail = "A signature under it is not by the key that it names.";
			break;
		case NOTE_UNSIGNED:
			verdict = "foreign";
			detail = "No key of this trail signed it.";
			break;
	}
	if (strcmp(verdict, "rewound") == 0 || strcmp(verdict, "forked") == 0)
		record_breach(verdict, detail);
	values[0] = CStringGetTextDatum(verdict);
	values[1] = Int64GetDatum((int64) parsed.size);
	values[2] = CStringGetTextDatum(detail);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls)));
}
