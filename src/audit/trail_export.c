/*-------------------------------------------------------------------------
 *
 * trail_export.c
 *		Records of the trail as lines of text, for auditors and archives.
 *
 * Owns dataclass_audit.export_trail().  The bytes of a record are made from
 * its columns, as verify() makes them: what is exported is what the table says
 * now, and whether that is what was written shows when it is verified.
 *
 * Records are read a tile at a time with the snapshot of the query; nothing is
 * open between two rows of the result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/archive.h"

extern PGDLLEXPORT Datum dc_audit_export_trail(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_export_trail);

static pg_attribute_noreturn() void
damaged(int64 seq, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("audit trail is damaged at record %lld", (long long) seq),
			 errdetail("%s", what),
			 errhint("See SELECT * FROM dataclass_audit.verify().")));
}

static void
copy_record(const TileReader *reader, HeapTuple tuple, int64 expected, TrailCopy *copy)
{
	static uint8 leaf[AUDIT_LEAF_MAX];

	copy->tuple = tuple;
	trail_deform(tuple, RelationGetDescr(reader->event), &copy->fields);
	if (copy->fields.place.seq != expected)
		damaged(expected, "The record is missing, or there is more than one before it.");
	if (copy->fields.format_version != AUDIT_FORMAT_VERSION || copy->fields.prev_hash == NULL)
		damaged(expected, "The record is of an unknown format.");
	copy->leaf = leaf;
	copy->leaf_len = audit_leaf_encode_record(&copy->fields.place, &copy->fields.record, leaf, sizeof(leaf));
	if (copy->leaf_len == 0 || !merkle_leaf(leaf, copy->leaf_len, copy->leaf_hash))
		damaged(expected, "The record has no encoding: it is not as it was written.");
}

void
trail_copy_records(const TileReader *reader, int64 from, int64 to, trail_copy_type work, void *arg)
{
	Relation	index_rel = index_open(reader->event_index, AccessShareLock);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "dataclass trail copy", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	int64		expected = from;
	bool		go_on = true;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], TRAIL_SEQ, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(from));
	ScanKeyInit(&keys[1], TRAIL_SEQ, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(to));
	scan = systable_beginscan_ordered(reader->event, index_rel, reader->snapshot, 2, keys);
	while (go_on && HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		TrailCopy	copy;

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		copy_record(reader, tuple, expected++, &copy);
		MemoryContextSwitchTo(caller);
		go_on = work(&copy, arg);
		MemoryContextReset(context);
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	MemoryContextDelete(context);
	if (go_on && expected <= to)
		damaged(expected, "The record is missing.");
}

void
trail_copy_start(TileReader *reader, int64 from, MerkleFrontier *frontier, uint8 *prev_hash)
{
	uint64		size = (uint64) from - 1;
	uint64		start = 0;

	merkle_init(frontier);
	memset(prev_hash, 0, AUDIT_HASH_SIZE);
	if (size == 0)
		return;
	for (int level = MERKLE_MAX_LEVELS - 1; level >= 0; level--)
	{
		uint64		width = UINT64CONST(1) << level;

		if ((size & width) == 0)
			continue;
		if (!tile_node(reader, level, start / width, frontier->root[frontier->nroots++]))
			damaged(from, "The tree over the records before it is not to be had.");
		start += width;
	}
	frontier->size = size;
	if (!tile_node(reader, 0, size - 1, prev_hash))
		damaged(from - 1, "The hash of the record is not to be had.");
}

int64
trail_copy_last(const TileReader *reader)
{
	uint8		hash[AUDIT_HASH_SIZE];
	int64		seq = 0;

	(void) trail_last(reader->event, reader->event_index, reader->snapshot, &seq, hash);
	return seq;
}

/* ---- dataclass_audit.export_trail() ---- */

typedef enum ExportPhase
{
	EXPORT_HEADER,
	EXPORT_RECORDS,
	EXPORT_END,
	EXPORT_DONE
} ExportPhase;

typedef struct Export
{
	ExportPhase phase;
	int64		next;			/* first record that is not in lines */
	int64		to;
	MerkleFrontier frontier;
	MemoryContext batch;		/* of lines */
	text	   *lines[TILE_WIDTH];
	int			nlines;
	int			given;
} Export;

static void
check_privilege(void)
{
	Oid			relid = trail_relid("event");
	AclResult	acl;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, "event");
}

static void
check_range(const Export *export, int64 archived, int64 last)
{
	if (export->next < 1 || export->to < export->next - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range of records must start at 1 or later and must not end before it starts"),
				 errhint("Export the whole trail with SELECT dataclass_audit.export_trail().")));
	if (export->next <= archived)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("records up to %lld are archived", (long long) archived),
				 errhint("Take them from the files that SELECT file FROM dataclass_audit.archived_range names.")));
	if (export->to > last)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the trail ends at record %lld", (long long) last)));
}

static void
begin_export(Export *export, FunctionCallInfo fcinfo)
{
	TileReader	reader;
	int64		archived;
	int64		last;

	check_privilege();
	tile_reader_open(&reader, GetActiveSnapshot());
	archived = archive_last(reader.snapshot);
	last = Max(trail_copy_last(&reader), archived);
	export->next = PG_ARGISNULL(0) ? archived + 1 : PG_GETARG_INT64(0);
	export->to = PG_ARGISNULL(1) ? last : PG_GETARG_INT64(1);
	check_range(export, archived, last);
	tile_reader_close(&reader);
	export->batch = AllocSetContextCreate(CurrentMemoryContext, "dataclass export", ALLOCSET_DEFAULT_SIZES);
}

static text *
make_header(Export *export)
{
	char		line[TRAIL_HEADER_MAX];
	uint8		prev_hash[AUDIT_HASH_SIZE];
	TileReader	reader;

	tile_reader_open(&reader, GetActiveSnapshot());
	trail_copy_start(&reader, export->next, &export->frontier, prev_hash);
	tile_reader_close(&reader);
	if (trail_header_text(export->next, prev_hash, &export->frontier, line, sizeof(line)) == 0)
		elog(ERROR, "header of the trail does not fit");
	return cstring_to_text(line);
}

static text *
make_end(Export *export)
{
	char		line[TRAIL_END_MAX];
	uint8		root[AUDIT_HASH_SIZE];

	if (!merkle_root(&export->frontier, root) ||
		trail_end_text(export->to, root, line, sizeof(line)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the root of the audit trail")));
	return cstring_to_text(line);
}

static bool
keep_line(const TrailCopy *copy, void *arg)
{
	Export	   *export = arg;
	char		line[TRAIL_LINE_MAX];
	size_t		len = trail_base64_encode(copy->leaf, copy->leaf_len, line, sizeof(line));

	if (len == 0 || !merkle_append(&export->frontier, copy->leaf_hash))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the root of the audit trail")));
	export->lines[export->nlines++] = cstring_to_text_with_len(line, len);
	return true;
}

static void
fill_batch(Export *export)
{
	int64		last = Min(export->to, export->next + TILE_WIDTH - 1);
	TileReader	reader;
	MemoryContext old;

	MemoryContextReset(export->batch);
	export->nlines = export->given = 0;
	if (export->next > export->to)
		return;
	old = MemoryContextSwitchTo(export->batch);
	tile_reader_open(&reader, GetActiveSnapshot());
	trail_copy_records(&reader, export->next, last, keep_line, export);
	tile_reader_close(&reader);
	MemoryContextSwitchTo(old);
	export->next = last + 1;
}

/* The next line; NULL: there is none. */
static text *
next_line(Export *export)
{
	if (export->phase == EXPORT_HEADER)
	{
		export->phase = EXPORT_RECORDS;
		return make_header(export);
	}
	if (export->phase == EXPORT_RECORDS)
	{
		if (export->given == export->nlines)
			fill_batch(export);
		if (export->given < export->nlines)
			return export->lines[export->given++];
		export->phase = EXPORT_END;
	}
	if (export->phase == EXPORT_END)
	{
		export->phase = EXPORT_DONE;
		return make_end(export);
	}
	return NULL;
}

/*
 * export_trail(from_seq, to_seq)
 */
Datum
dc_audit_export_trail(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	text	   *line;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = palloc0(sizeof(Export));
		begin_export(call->user_fctx, fcinfo);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	line = next_line(call->user_fctx);
	if (line == NULL)
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, PointerGetDatum(line));
}
