/*-------------------------------------------------------------------------
 *
 * archive.c
 *		dataclass_audit.archive(): ranges of the trail move to files.
 *
 * The only way by which records leave the table.  A range is made of whole
 * tiles, all of them under a checkpoint, older than asked for and than policy
 * keeps, and before the first record of an incident that is not closed.  Each
 * record is checked against its hash, its link and its tile before the range
 * is written, flushed and read back; then the rows go, in the transaction that
 * inserts the row of dataclass_audit.archived_range and the event.  So there may be a
 * file without a row, but no row without its file.
 *
 * Locks: ShareUpdateExclusiveLock on archived_range keeps a second archive
 * away; the writer of the trail takes no lock that it would wait for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/archive.h"
#include "pg_dataclass/archive_limit.h"
#include "pg_dataclass/checkpoint_note.h"
#include "pg_dataclass/report.h"

#define FILE_RECORDS	65536	/* records in a file, 256 tiles */
#define RESULT_COLUMNS	4

extern PGDLLEXPORT Datum dc_audit_archive(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_archive);

typedef struct Archiving
{
	TileReader	reader;
	ArchiveLimit limit;
	char		trail[17];		/* names the trail: its first leaf hash */

	/* the range that is being written */
	ArchivedRange range;
	ArchiveWriter writer;
	MerkleFrontier frontier;
	uint8		prev_hash[AUDIT_HASH_SIZE];
	ItemPointerData *tids;		/* FILE_RECORDS */

	/* the tile that is being read */
	uint8		tile[TILE_WIDTH][AUDIT_HASH_SIZE];
	int64		tile_from;
	bool		young;			/* holds a record that must stay */
	StringInfoData lines;
} Archiving;

static void
check_auditor(void)
{
	Refusal		refusal = {0};

	if (policy_is_auditor() && !InSecurityRestrictedOperation())
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = "archive";
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = trail_relid("event");
	refusal.event.object_type = "table";
	refusal.event.object_identity = DC_AUDIT_SCHEMA ".event";
	refusal.event.rule = "auditor";
	refusal.message = "permission denied for dataclass_audit.archive()";
	refusal.detail = "Only members of dataclass_auditor may archive records of the audit trail; being a superuser or an officer is not enough.";
	refusal.event.detail = refusal.detail;
	refusal.hint = "Ask an auditor to call it directly.";
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static pg_attribute_noreturn() void
damaged(int64 seq, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("record %lld of the audit trail cannot be archived", (long long) seq),
			 errdetail("%s", what),
			 errhint("See SELECT * FROM dataclass_audit.verify().")));
}

static bool
take_record(const TrailCopy *copy, void *arg)
{
	Archiving  *a = arg;
	int64		seq = copy->fields.place.seq;
	char		line[TRAIL_LINE_MAX];
	size_t		len;

	if (archive_limit_keeps(&a->limit, &copy->fields))
	{
		a->young = true;
		return false;
	}
	if (copy->fields.leaf_hash == NULL || memcmp(copy->fields.leaf_hash, copy->leaf_hash, AUDIT_HASH_SIZE) != 0)
		damaged(seq, "It was changed: its hash does not fit its content.");
	if (memcmp(copy->fields.prev_hash, a->prev_hash, AUDIT_HASH_SIZE) != 0)
		damaged(seq, "It does not follow the one before it: its link does not fit.");
	if (memcmp(a->tile[seq - a->tile_from], copy->leaf_hash, AUDIT_HASH_SIZE) != 0)
		damaged(seq, "Its hash is another one in dataclass_audit.tile.");
	len = trail_base64_encode(copy->leaf, copy->leaf_len, line, sizeof(line));
	if (len == 0)
		damaged(seq, "It is too long.");
	appendBinaryStringInfo(&a->lines, line, len);
	appendStringInfoChar(&a->lines, '\n');
	memcpy(a->prev_hash, copy->leaf_hash, AUDIT_HASH_SIZE);
	a->tids[seq - a->range.from] = copy->tuple->t_self;
	return true;
}

/* The lines of a tile; false: something in it must stay. */
static bool
read_tile(Archiving *a, int64 from)
{
	resetStringInfo(&a->lines);
	a->tile_from = from;
	if (!tile_read(&a->reader, 0, (from - 1) / TILE_WIDTH, &a->tile[0][0], NULL))
		damaged(from, "Its hash is not in dataclass_audit.tile.");
	trail_copy_records(&a->reader, from, from + TILE_WIDTH - 1, take_record, a);
	return !a->young;
}

static void
begin_file(Archiving *a)
{
	char		line[TRAIL_HEADER_MAX];
	size_t		len;
	uint8		prev_hash[AUDIT_HASH_SIZE];

	trail_copy_start(&a->reader, a->range.from, &a->frontier, prev_hash);
	len = trail_header_text(a->range.from, prev_hash, &a->frontier, line, sizeof(line));
	archive_write_open(&a->writer, psprintf("trail-%s", a->trail));
	archive_write_line(&a->writer, line, len);
}

static void
add_tile(Archiving *a)
{
	archive_write(&a->writer, a->lines.data, a->lines.len);
	for (int i = 0; i < TILE_WIDTH; i++)
	{
		if (!merkle_append(&a->frontier, a->tile[i]))
			damaged(a->tile_from + i, "The tree could not be computed.");
	}
	a->range.to = a->tile_from + TILE_WIDTH - 1;
}

/* Beside the range: that its tree is the beginning of the one under the checkpoint. */
static void
write_proof(Archiving *a)
{
	char	   *text = palloc(PROOF_TEXT_MAX);
	MerkleProof proof;
	ArchiveWriter writer;
	uint8		ignored[AUDIT_HASH_SIZE];
	size_t		len;

	if (!merkle_consistency_proof(tile_node, &a->reader, a->range.to, a->limit.checkpoint_size, &proof))
		damaged(a->range.to, "The tree under the checkpoint is not to be had.");
	len = consistency_text(a->range.to, &proof, a->limit.note, strlen(a->limit.note), text, PROOF_TEXT_MAX);
	if (len == 0)
		damaged(a->range.to, "The proof is too long.");
	archive_write_open(&writer, psprintf("trail-%s", a->trail));
	archive_write(&writer, text, len);
	/* a later checkpoint proves the same */
	archive_write_close(&writer, psprintf("%s.proof", a->range.file), true, ignored);
	pfree(text);
}

static void
end_file(Archiving *a)
{
	char		line[TRAIL_END_MAX];
	uint8		root[AUDIT_HASH_SIZE];
	size_t		len;

	if (!merkle_root(&a->frontier, root))
		damaged(a->range.to, "The tree could not be computed.");
	len = trail_end_text(a->range.to, root, line, sizeof(line));
	archive_write_line(&a->writer, line, len);
	a->range.file = psprintf("trail-%s-%012lld-%012lld", a->trail, (long long) a->range.from, (long long) a->range.to);
	archive_write_close(&a->writer, a->range.file, false, a->range.sha256);
	a->range.bytes = a->writer.bytes;
	write_proof(a);
}

static void
delete_rows(const Archiving *a)
{
	Relation	rel = table_open(RelationGetRelid(a->reader.event), RowExclusiveLock);

	for (int64 i = 0; i <= a->range.to - a->range.from; i++)
	{
		CHECK_FOR_INTERRUPTS();
		CatalogTupleDelete(rel, &a->tids[i]);
	}
	table_close(rel, NoLock);
}

static void
record_range(const ArchivedRange *range)
{
	AuditEvent	event = {0};
	char		hex[2 * AUDIT_HASH_SIZE + 1];

	hex[hex_encode((const char *) range->sha256, AUDIT_HASH_SIZE, hex)] = '\0';
	event.kind = EVENT_ARCHIVE;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_ALLOWED;
	event.action = "archive";
	event.class_id = RelationRelationId;
	event.object_id = trail_relid("event");
	event.object_type = "table";
	event.object_identity = DC_AUDIT_SCHEMA ".event";
	event.detail = psprintf("Records %lld to %lld were moved to file %s, SHA-256 %s.",
							(long long) range->from, (long long) range->to, range->file, hex);
	report_change(&event);
}

/* One file; false: there is nothing to archive from this record on. */
static bool
archive_range(Archiving *a, int64 from)
{
	int64		last = Min(a->limit.last, from + FILE_RECORDS - 1);

	memset(&a->range, 0, sizeof(a->range));
	a->range.from = from;
	if (from > 1 && !tile_node(&a->reader, 0, from - 2, a->prev_hash))
		damaged(from - 1, "Its hash is not to be had.");
	for (int64 tile = from; tile + TILE_WIDTH - 1 <= last && read_tile(a, tile); tile += TILE_WIDTH)
	{
		if (tile == from)
			begin_file(a);
		add_tile(a);
	}
	if (a->range.to == 0)
		return false;
	end_file(a);
	archive_range_insert(&a->range);
	delete_rows(a);
	record_range(&a->range);
	CommandCounterIncrement();
	return true;
}

static void
put_result(ReturnSetInfo *rsinfo, const ArchivedRange *range)
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	values[0] = Int64GetDatum(range->from);
	values[1] = Int64GetDatum(range->to);
	values[2] = CStringGetTextDatum(range->file);
	values[3] = Int64GetDatum(range->bytes);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Tiles from record 1 on name the trail; one that has no tile has nothing to archive. */
static bool
name_trail(Archiving *a)
{
	uint8		first[AUDIT_HASH_SIZE];

	if (!tile_read(&a->reader, 0, 0, &a->tile[0][0], NULL))
		return false;
	memcpy(first, a->tile[0], AUDIT_HASH_SIZE);
	a->trail[hex_encode((const char *) first, 8, a->trail)] = '\0';
	return true;
}

/* An auditor who gets no row should not have to guess. */
static void
tell_why_none(const Archiving *a, int64 from)
{
	if (a->young)
		ereport(NOTICE,
				(errmsg("no records were archived"),
				 errdetail("Among records %lld to %lld is one that is not older than the time given.",
						   (long long) from, (long long) from + TILE_WIDTH - 1)));
	else if (a->limit.first_open > 0 && a->limit.first_open < from + TILE_WIDTH)
		ereport(NOTICE,
				(errmsg("no records were archived"),
				 errdetail("An incident that is not closed begins at record %lld.", (long long) a->limit.first_open),
				 errhint("See SELECT id, state, first_seq FROM dataclass_audit.incident.")));
	else
		ereport(NOTICE,
				(errmsg("no records were archived"),
				 errdetail("Records are archived in groups of %d under a checkpoint; the next group begins at record %lld.",
						   TILE_WIDTH, (long long) from)));
}

static void
archive_all(ReturnSetInfo *rsinfo, TimestampTz before)
{
	Archiving  *a = palloc0(sizeof(Archiving));
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		first = archive_last(snapshot) + 1;
	int64		from = first;

	tile_reader_open(&a->reader, snapshot);
	initStringInfo(&a->lines);
	a->tids = palloc_extended(FILE_RECORDS * sizeof(ItemPointerData), 0);
	if (name_trail(a) && archive_limit_find(&a->limit, &a->reader, before))
	{
		while (!a->young && archive_range(a, from))
		{
			put_result(rsinfo, &a->range);
			from = a->range.to + 1;
		}
	}
	if (from == first)
		tell_why_none(a, first);
	tile_reader_close(&a->reader);
	UnregisterSnapshot(snapshot);
}

/*
 * archive(before)
 */
Datum
dc_audit_archive(PG_FUNCTION_ARGS)
{
	Oid			relid = trail_relid("archived_range");

	PreventCommandIfReadOnly("dataclass_audit.archive()");
	PreventCommandIfParallelMode("dataclass_audit.archive()");
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	check_auditor();
	direct_call_only(fcinfo, "dataclass_audit.archive", "SELECT * FROM dataclass_audit.archive(before);");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("time before which records are archived must not be null")));
	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	/* before the snapshot, and kept until the rows that are gone are seen to be */
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	archive_all((ReturnSetInfo *) fcinfo->resultinfo, PG_GETARG_TIMESTAMPTZ(0));
	PG_RETURN_NULL();
}
