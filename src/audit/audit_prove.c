/*-------------------------------------------------------------------------
 *
 * audit_prove.c
 *		SQL functions that make proofs about the trail, and check them.
 *
 * What is handed out is text for others to check without this server; the
 * functions that check it here are for tests and for the curious.  A proof
 * takes as many nodes as the tree is high, each from one tile, see audit_tile.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/checkpoint.h"

extern PGDLLEXPORT Datum dc_inclusion_proof(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_inclusion_proof_id(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_consistency_proof(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_verify_inclusion(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_verify_consistency(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_inclusion_proof);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_inclusion_proof_id);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_consistency_proof);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_verify_inclusion);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_verify_consistency);

static void
no_such_record(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no such record in the audit trail"),
			 errhint("Give its seq, from 1 to (SELECT seq FROM dataclass_audit.head).")));
}

static void
no_such_checkpoint(int64 size)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no checkpoint over %lld records", (long long) size),
			 errhint("Sizes there are: SELECT size FROM dataclass_audit.checkpoint; make one with SELECT dataclass_audit.make_checkpoint().")));
}

static void
incomplete_tree(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the tree over the audit trail is incomplete"),
			 errhint("See SELECT * FROM dataclass_audit.verify().")));
}

/* The checkpoint that a record is proved against, and a snapshot that sees both. */
static void
find_checkpoint(int64 seq, int64 size, Checkpoint *out)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TrailHead	head;
	bool		found;

	if (!trail_head_read(snapshot, &head) || seq < 1 || seq > head.seq)
		no_such_record();
	found = size > 0 ? checkpoint_read(snapshot, size, out) : checkpoint_read_covering(snapshot, seq, out);
	UnregisterSnapshot(snapshot);
	if (size != 0 && (!found || size < 1))
		no_such_checkpoint(size);
	if (!found)
		checkpoint_demand(out);
	if (out->size < seq)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("record %lld is not under the checkpoint over %lld records", (long long) seq, (long long) size)));
}

static Datum
prove_inclusion(int64 seq, int64 size)
{
	Checkpoint	checkpoint;
	Snapshot	snapshot;
	TileReader	reader;
	MerkleProof proof;
	char	   *out = palloc(PROOF_TEXT_MAX);
	size_t		len;
	bool		made;

	find_checkpoint(seq, size, &checkpoint);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	tile_reader_open(&reader, snapshot);
	made = merkle_inclusion_proof(tile_node, &reader, (uint64_t) seq - 1, (uint64_t) checkpoint.size, &proof);
	tile_reader_close(&reader);
	UnregisterSnapshot(snapshot);
	if (!made)
		incomplete_tree();
	len = inclusion_text((uint64_t) seq - 1, &proof, checkpoint.note, strlen(checkpoint.note), out, PROOF_TEXT_MAX);
	if (len == 0)
		incomplete_tree();
	return PointerGetDatum(cstring_to_text_with_len(out, len));
}

static int64
size_argument(FunctionCallInfo fcinfo)
{
	int64		size;

	if (PG_ARGISNULL(1))
		return 0;
	size = PG_GETARG_INT64(1);
	if (size < 1)
		no_such_checkpoint(size);
	return size;
}

Datum
dc_inclusion_proof(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return prove_inclusion(PG_GETARG_INT64(0), size_argument(fcinfo));
}

/* The place of an event in the trail; 0 if it has none. */
static int64
place_of_event(const pg_uuid_t *id)
{
	Oid			relid = trail_relid("event");
	Oid			index = trail_relid("event_event_id_key");
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		seq = 0;

	if (!OidIsValid(relid) || !OidIsValid(index))
		no_such_record();
	rel = table_open(relid, AccessShareLock);
	ScanKeyInit(&key, TRAIL_EVENT_ID, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(id));
	scan = systable_beginscan(rel, index, true, snapshot, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		seq = DatumGetInt64(heap_getattr(tuple, TRAIL_SEQ, RelationGetDescr(rel), &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	UnregisterSnapshot(snapshot);
	return seq;
}

Datum
dc_inclusion_proof_id(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return prove_inclusion(place_of_event(PG_GETARG_UUID_P(0)), size_argument(fcinfo));
}

Datum
dc_consistency_proof(PG_FUNCTION_ARGS)
{
	int64		old_size = PG_GETARG_INT64(0);
	int64		new_size = PG_GETARG_INT64(1);
	Snapshot	snapshot;
	Checkpoint	checkpoint;
	TileReader	reader;
	MerkleProof proof;
	char	   *out = palloc(PROOF_TEXT_MAX);
	size_t		len;
	bool		made;

	if (old_size < 1 || old_size > new_size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the old size must be at least 1 and not above the new one"),
				 errhint("Sizes of checkpoints: SELECT size FROM dataclass_audit.checkpoint.")));
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!checkpoint_read(snapshot, new_size, &checkpoint))
		no_such_checkpoint(new_size);
	tile_reader_open(&reader, snapshot);
	made = merkle_consistency_proof(tile_node, &reader, (uint64_t) old_size, (uint64_t) new_size, &proof);
	tile_reader_close(&reader);
	UnregisterSnapshot(snapshot);
	if (!made)
		incomplete_tree();
	len = consistency_text((uint64_t) old_size, &proof, checkpoint.note, strlen(checkpoint.note), out, PROOF_TEXT_MAX);
	if (len == 0)
		incomplete_tree();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out, len));
}

/* Parses the checkpoint of a proof, or one alone; false if no key of ours signed it. */
static bool
signed_checkpoint(const char *note, size_t len, CheckpointNote *parsed)
{
	const char *error;

	if (!checkpoint_parse(note, len, parsed, &error))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a checkpoint: %s", error)));
	return checkpoint_judge(note, len, parsed) == NOTE_GOOD;
}

static void
read_proof_argument(text *arg, bool (*parse) (const char *, size_t, ProofText *, const char **), ProofText *proof)
{
	const char *error;

	if (!parse(VARDATA_ANY(arg), VARSIZE_ANY_EXHDR(arg), proof, &error))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a proof: %s", error)));
}

Datum
dc_verify_inclusion(PG_FUNCTION_ARGS)
{
	bytea	   *leaf = PG_GETARG_BYTEA_PP(0);
	text	   *arg = PG_GETARG_TEXT_PP(1);
	ProofText	proof;
	CheckpointNote checkpoint;

	read_proof_argument(arg, inclusion_parse, &proof);
	if (!signed_checkpoint(proof.checkpoint, proof.checkpoint_len, &checkpoint) ||
		VARSIZE_ANY_EXHDR(leaf) != AUDIT_HASH_SIZE)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(merkle_verify_inclusion(proof.number, checkpoint.size, (const uint8_t *) VARDATA_ANY(leaf),
										   &proof.proof, checkpoint.root));
}

Datum
dc_verify_consistency(PG_FUNCTION_ARGS)
{
	text	   *old_arg = PG_GETARG_TEXT_PP(0);
	text	   *arg = PG_GETARG_TEXT_PP(1);
	ProofText	proof;
	CheckpointNote old_checkpoint;
	CheckpointNote new_checkpoint;

	read_proof_argument(arg, consistency_parse, &proof);
	if (!signed_checkpoint(VARDATA_ANY(old_arg), VARSIZE_ANY_EXHDR(old_arg), &old_checkpoint) ||
		!signed_checkpoint(proof.checkpoint, proof.checkpoint_len, &new_checkpoint) ||
		proof.number != old_checkpoint.size)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(merkle_verify_consistency(old_checkpoint.size, new_checkpoint.size,
											 old_checkpoint.root, new_checkpoint.root, &proof.proof));
}
