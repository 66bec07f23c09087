/*-------------------------------------------------------------------------
 *
 * canary_proof.c
 *		dataclass.canary_proof(): the steps of a proof, and its report.
 *
 * Write, flush the log, read the log, checkpoint, read the files, spill, read
 * the spill; all in a subtransaction that is rolled back.  The log is read
 * before the checkpoint, which may give its segments away.  What was not read
 * whole proves nothing.
 *
 * Encryption by the file system or the disk is not seen from here: the server
 * reads through it.  So heap is always plain, which says nothing against the
 * place it lies in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "postmaster/bgwriter.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/resowner.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/canary.h"
#include "pg_dataclass/officer_only.h"

#define PROOF_COLUMNS	7
#define NEEDLES_OF(bytes)	((int) (bytes) / CANARY_NEEDLE_BYTES)
/* long values: every fourth stretch will do, parts that a page boundary cuts are next to parts that it does not */
#define LONG_STRIDE		(4 * CANARY_NEEDLE_BYTES)

enum
{
	PLACE_OF_RELATION,
	PLACE_OF_INDEX,
	PLACE_OF_TOAST,
	PLACE_OF_WAL,
	PLACE_OF_SPILL,
	NPLACES
};

typedef struct Proof
{
	Oid			access_method;
	Oid			tablespace;
	const char *tablespace_name;
	CanaryRow  *rows;
	CanaryNeedle *needles;
	int			nneedles;
	CanaryPlace control;
	CanaryPlace places[NPLACES];
	bool		control_works;
} Proof;

PG_FUNCTION_INFO_V1(dc_canary_proof);
extern PGDLLEXPORT Datum dc_canary_proof(PG_FUNCTION_ARGS);

static void
fill_rows(CanaryRow *rows)
{
	if (!pg_strong_random(rows, sizeof(CanaryRow) * CANARY_ROWS))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random marker")));
	for (int r = 0; r < CANARY_ROWS; r++)
		for (size_t at = CANARY_UNIT_BYTES; at < CANARY_LONG_BYTES; at += CANARY_UNIT_BYTES)
			memcpy(rows[r].repeated + at, rows[r].repeated, CANARY_UNIT_BYTES);
}

static void
add_needles(Proof *proof, const unsigned char *bytes, size_t len, size_t stride)
{
	for (size_t at = 0; at + CANARY_NEEDLE_BYTES <= len; at += stride)
		memcpy(proof->needles[proof->nneedles++].bytes, bytes + at, CANARY_NEEDLE_BYTES);
}

static void
make_needles(Proof *proof)
{
	proof->needles = palloc0(sizeof(CanaryNeedle) * NEEDLES_OF(sizeof(CanaryRow)) * CANARY_ROWS);
	for (int r = 0; r < CANARY_ROWS; r++)
	{
		const CanaryRow *row = &proof->rows[r];

		add_needles(proof, row->key, sizeof(row->key), CANARY_NEEDLE_BYTES);
		add_needles(proof, row->inline_value, sizeof(row->inline_value), CANARY_NEEDLE_BYTES);
		add_needles(proof, row->long_value, sizeof(row->long_value), LONG_STRIDE);
		add_needles(proof, row->repeated, CANARY_UNIT_BYTES, CANARY_NEEDLE_BYTES);
	}
}

/* All forks of a relation that are there. */
static void
look_at_relation(const Proof *proof, Oid relid, CanaryPlace *place)
{
	CanarySearch search;
	Relation	rel;

	if (!OidIsValid(relid))
	{
		place->applies = false;
		place->detail = "The access method keeps long values elsewhere.";
		return;
	}
	rel = relation_open(relid, AccessShareLock);
	canary_search_init(&search, proof->needles, proof->nneedles);
	if (!RELKIND_HAS_STORAGE(rel->rd_rel->relkind) || !RelationNeedsWAL(rel))
		place->detail = "The relation has no logged file of its own.";
	else
	{
		FlushRelationBuffers(rel);
		place->path = compat_relation_path(rel, MAIN_FORKNUM);
		place->readable = canary_read(&search, place->path, 0, 0, &place->detail);
		if (place->readable && search.all_zero)
		{
			place->readable = false;
			place->detail = "The file holds nothing but zeros.";
		}
		for (int fork = MAIN_FORKNUM + 1; place->readable && fork <= MAX_FORKNUM; fork++)
			if (smgrexists(RelationGetSmgr(rel), fork))
				place->readable = canary_read(&search, compat_relation_path(rel, fork), 0, 0, &place->detail);
	}
	place->bytes_read = search.bytes;
	place->found = canary_search_found(&search);
	relation_close(rel, AccessShareLock);
}

static void
look_at_wal(const Proof *proof, const CanaryRelation *made, CanaryPlace *place)
{
	CanarySearch search;
	uint64		start = made->wal_start - made->wal_start % XLOG_BLCKSZ;
	uint64		end = TYPEALIGN64(XLOG_BLCKSZ, made->wal_end);

	if (!XLogIsNeeded() || made->wal_end <= made->wal_start)
	{
		place->detail = "Nothing of the relation was written to the log: with wal_level = minimal new tables are not.";
		return;
	}
	XLogFlush(made->wal_end);
	canary_search_init(&search, proof->needles, proof->nneedles);
	place->readable = true;
	while (place->readable && start < end)
	{
		char		path[MAXPGPATH];
		XLogSegNo	segment;
		uint64		offset = XLogSegmentOffset(start, wal_segment_size);
		uint64		length = Min(end - start, (uint64) wal_segment_size - offset);

		XLByteToSeg(start, segment, wal_segment_size);
		XLogFilePath(path, compat_timeline(), segment, wal_segment_size);
		if (place->path == NULL)
			place->path = pstrdup(path);
		place->readable = canary_read(&search, path, offset, length, &place->detail);
		start += length;
	}
	if (place->readable && search.all_zero)
	{
		place->readable = false;
		place->detail = "The log holds nothing but zeros there.";
	}
	place->bytes_read = search.bytes;
	place->found = canary_search_found(&search);
}

static void
look_at_spill(const Proof *proof, CanaryPlace *place)
{
	CanarySearch search;

	canary_search_init(&search, proof->needles, proof->nneedles);
	canary_spill(&search, proof->rows[0].long_value, CANARY_LONG_BYTES, place);
	place->found = canary_search_found(&search);
}

static void
expect(CanaryPlace *place, const char *name, int markers, uint64 bytes)
{
	place->name = name;
	place->applies = true;
	place->markers = markers * CANARY_ROWS;
	place->bytes_due = bytes * CANARY_ROWS;
}

/* In the caller's subtransaction; paths and texts go to the current memory context. */
static void
run_proof(Proof *proof, const char *access_method)
{
	CanaryRelation made = {0};
	CanaryPlace *places = proof->places;

	proof->control.name = "control";
	proof->control_works = canary_control(proof->tablespace, &proof->control);
	expect(&places[PLACE_OF_RELATION], "relation file", 2, CANARY_KEY_BYTES + CANARY_SHORT_BYTES);
	expect(&places[PLACE_OF_INDEX], "index", 1, CANARY_KEY_BYTES);
	expect(&places[PLACE_OF_TOAST], "toast", 2, 2 * CANARY_LONG_BYTES);
	expect(&places[PLACE_OF_WAL], "wal", 4, sizeof(CanaryRow));
	expect(&places[PLACE_OF_SPILL], "spill file", 1, CANARY_LONG_BYTES);

	canary_relation_make(access_method, proof->tablespace_name, proof->rows, CANARY_ROWS, &made);
	if (!OidIsValid(made.toastid))
		expect(&places[PLACE_OF_RELATION], "relation file", 4, sizeof(CanaryRow));
	look_at_wal(proof, &made, &places[PLACE_OF_WAL]);
	RequestCheckpoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE | CHECKPOINT_WAIT);
	look_at_relation(proof, made.relid, &places[PLACE_OF_RELATION]);
	look_at_relation(proof, made.indexid, &places[PLACE_OF_INDEX]);
	look_at_relation(proof, made.toastid, &places[PLACE_OF_TOAST]);
	look_at_spill(proof, &places[PLACE_OF_SPILL]);
}

static void
run_in_subtransaction(Proof *proof, const char *access_method)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	run_proof(proof, access_method);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

static const char *
say_place(const CanaryPlace *place, EvidenceVerdict verdict)
{
	if (!place->applies)
		return place->detail;
	switch (verdict)
	{
		case EVIDENCE_PLAIN:
			return "The marker lies there in the clear.";
		case EVIDENCE_ENCRYPTED:
			return "The file was read whole and the marker is not in it.";
		case EVIDENCE_UNKNOWN:
			break;
	}
	if (place->detail)
		return place->detail;
	if (place->bytes_read < place->bytes_due)
		return "The file is smaller than what was written: it is compressed, or the data lie elsewhere.";
	return "It could not be read whole.";
}

/* One sentence for the trail, the table of results and the last row. */
static char *
say_proof(const Proof *proof, EvidenceVerdict verdict)
{
	StringInfoData text;
	const char *separator = "";

	initStringInfo(&text);
	if (verdict == EVIDENCE_ENCRYPTED)
	{
		appendStringInfoString(&text, "The marker was found in none of the files it was written to.");
		return text.data;
	}
	appendStringInfoString(&text, verdict == EVIDENCE_PLAIN ? "In the clear: " : "Not proved: ");
	for (int i = 0; i < NPLACES; i++)
		if (proof->places[i].applies && canary_judge_place(&proof->places[i]) == verdict)
		{
			appendStringInfo(&text, "%s%s", separator, proof->places[i].name);
			separator = ", ";
		}
	if (separator[0] == '\0')
		appendStringInfoString(&text, "the search itself does not work");
	appendStringInfoChar(&text, '.');
	if (verdict == EVIDENCE_PLAIN && proof->access_method == HEAP_TABLE_AM_OID)
		appendStringInfoString(&text, " Not applicable to encryption by the file system or disk: the server reads through it.");
	return text.data;
}

static void
put_row(ReturnSetInfo *result, const CanaryPlace *place, const char *verdict, const char *detail)
{
	Datum		values[PROOF_COLUMNS] = {0};
	bool		nulls[PROOF_COLUMNS] = {0};

	values[0] = CStringGetTextDatum(place->name);
	nulls[1] = place->path == NULL;
	if (place->path)
		values[1] = CStringGetTextDatum(place->path);
	values[2] = Int64GetDatum((int64) place->bytes_read);
	values[3] = Int32GetDatum(place->markers);
	values[4] = BoolGetDatum(place->found > 0);
	values[5] = CStringGetTextDatum(verdict);
	values[6] = CStringGetTextDatum(detail ? detail : "");
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static EvidenceVerdict
report_proof(const Proof *proof, ReturnSetInfo *result, char **detail)
{
	EvidenceVerdict verdict = canary_judge(proof->places, NPLACES, proof->control_works);
	CanaryPlace all = {.name = "proof"};

	put_row(result, &proof->control, proof->control_works ? "works" : "failed", proof->control.detail);
	for (int i = 0; i < NPLACES; i++)
	{
		const CanaryPlace *place = &proof->places[i];
		EvidenceVerdict of_place = canary_judge_place(place);

		/* without a search that works nothing is absent */
		if (of_place == EVIDENCE_ENCRYPTED && !proof->control_works)
			of_place = EVIDENCE_UNKNOWN;
		put_row(result, place, place->applies ? evidence_verdict_name(of_place) : "not applicable",
				say_place(place, of_place));
		if (!place->applies)
			continue;
		all.bytes_read += place->bytes_read;
		all.markers += place->markers;
		all.found += place->found;
	}
	*detail = say_proof(proof, verdict);
	put_row(result, &all, evidence_verdict_name(verdict), *detail);
	return verdict;
}

/*
 * dataclass.canary_proof(access_method name, tablespace name)
 */
Datum
dc_canary_proof(PG_FUNCTION_ARGS)
{
	Proof		proof = {0};
	const char *access_method;
	EvidenceVerdict verdict;
	char	   *detail;

	officer_only("canary_proof", "Only members of dataclass_officer may prove how the server writes data.");
	PreventCommandIfReadOnly("dataclass.canary_proof()");
	PreventCommandDuringRecovery("dataclass.canary_proof()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("access method must not be null")));
	access_method = NameStr(*PG_GETARG_NAME(0));
	proof.access_method = get_table_am_oid(access_method, false);
	proof.tablespace = PG_ARGISNULL(1) ? MyDatabaseTableSpace :
		get_tablespace_oid(NameStr(*PG_GETARG_NAME(1)), false);
	proof.tablespace_name = get_tablespace_name(proof.tablespace);

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	proof.rows = palloc(sizeof(CanaryRow) * CANARY_ROWS);
	fill_rows(proof.rows);
	make_needles(&proof);
	run_in_subtransaction(&proof, access_method);
	verdict = report_proof(&proof, (ReturnSetInfo *) fcinfo->resultinfo, &detail);
	canary_result_store(proof.access_method, proof.tablespace_name, verdict, detail);
	return (Datum) 0;
}
