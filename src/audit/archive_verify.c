/*-------------------------------------------------------------------------
 *
 * archive_verify.c
 *		dataclass_audit.verify_archive(): are the files as they were written?
 *
 * Reads each file that dataclass_audit.archived_range names: size and SHA-256, each record's
 * encoding, hash and link, its hash in the tile of level 0, the tree before and
 * after the range.  What it finds is recorded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/archive.h"
#include "pg_dataclass/policy.h"

#define RESULT_COLUMNS	6

extern PGDLLEXPORT Datum dc_audit_verify_archive(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_verify_archive);

typedef struct ArchiveCheck
{
	TileReader	tiles;
	TrailReader reader;
	int64		tile;			/* that hashes are of; -1: none */
	uint8		hashes[TILE_WIDTH][AUDIT_HASH_SIZE];
	int64		first_bad;		/* 0: none of the records */
	const char *reason;			/* NULL: sound so far */
} ArchiveCheck;

static bool
bad(ArchiveCheck *check, int64 seq, const char *reason)
{
	check->first_bad = seq;
	check->reason = reason;
	return false;
}

/* The hash of the record that was read, where it stayed in the database. */
static bool
check_tile(ArchiveCheck *check)
{
	int64		at = check->reader.place.seq - 1;

	if (check->tile != at / TILE_WIDTH)
	{
		check->tile = at / TILE_WIDTH;
		if (!tile_read(&check->tiles, 0, check->tile, &check->hashes[0][0], NULL))
			return bad(check, at + 1, "the hash of the record is not in dataclass_audit.tile");
	}
	if (memcmp(check->hashes[at % TILE_WIDTH], check->reader.leaf_hash, AUDIT_HASH_SIZE) != 0)
		return bad(check, at + 1, "the record was changed: its hash is another one in dataclass_audit.tile");
	return true;
}

static bool
check_line(const char *line, size_t len, void *arg)
{
	ArchiveCheck *check = arg;

	switch (trail_reader_line(&check->reader, line, len))
	{
		case TRAIL_RECORD:
			return check_tile(check);
		case TRAIL_BAD:
			return bad(check, check->reader.bad, check->reader.error);
		case TRAIL_HEADER:
		case TRAIL_END:
			break;
	}
	return true;
}

/* The tree that the header claims to stand before the range. */
static void
check_start(ArchiveCheck *check, const MerkleFrontier *frontier, const uint8 *prev_hash, int64 from)
{
	char		expected[TRAIL_HEADER_MAX];
	size_t		len = trail_header_text(from, prev_hash, frontier, expected, sizeof(expected));

	trail_reader_init(&check->reader);
	(void) trail_reader_line(&check->reader, expected, len);
	check->reader.inside = false;
}

static void
check_file(ArchiveCheck *check, const ArchivedRange *range)
{
	MerkleFrontier frontier;
	uint8		prev_hash[AUDIT_HASH_SIZE];
	uint8		sha256[AUDIT_HASH_SIZE];
	const char *error;
	int64		bytes;

	trail_copy_start(&check->tiles, range->from, &frontier, prev_hash);
	check_start(check, &frontier, prev_hash, range->from);
	error = archive_read(range->file, &bytes, sha256, check_line, check);
	if (check->reason != NULL)
		return;
	if (error != NULL)
		bad(check, 0, error);
	else if (!trail_reader_finish(&check->reader))
		bad(check, check->reader.bad, check->reader.error);
	else if (check->reader.next != range->to + 1)
		bad(check, check->reader.next, "the record is missing: the file ends before the range");
	else if (bytes != range->bytes || memcmp(sha256, range->sha256, AUDIT_HASH_SIZE) != 0)
		bad(check, 0, "the file is not the one that was written: its SHA-256 is another");
}

static void
record_finding(const ArchivedRange *range, const ArchiveCheck *check)
{
	AuditEvent	event = {0};

	event.kind = EVENT_TRAIL_TAMPERED;
	event.severity = SEVERITY_CRITICAL;
	event.outcome = OUTCOME_OBSERVED;
	event.breach = true;
	event.action = "verify_archive";
	event.object_type = "file";
	event.object_identity = range->file;
	event.detail = check->first_bad == 0 ? psprintf("%s.", check->reason) :
		psprintf("Record %lld: %s.", (long long) check->first_bad, check->reason);
	(void) event_record(&event);
}

static void
put_result(ReturnSetInfo *rsinfo, const ArchivedRange *range, const ArchiveCheck *check)
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	values[0] = Int64GetDatum(range->from);
	values[1] = Int64GetDatum(range->to);
	values[2] = CStringGetTextDatum(range->file);
	values[3] = BoolGetDatum(check->reason == NULL);
	nulls[4] = check->first_bad == 0;
	values[4] = Int64GetDatum(check->first_bad);
	nulls[5] = check->reason == NULL;
	values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(check->reason);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
check_privilege(void)
{
	Oid			relid = trail_relid("archived_range");
	AclResult	acl;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, "archived_range");
}

/*
 * verify_archive()
 */
Datum
dc_audit_verify_archive(PG_FUNCTION_ARGS)
{
	ArchiveCheck *check = palloc0(sizeof(ArchiveCheck));
	Snapshot	snapshot;
	int64		next = 1;
	ListCell   *lc;

	check_privilege();
	/* a standby has no copy of the files */
	PreventCommandDuringRecovery("dataclass_audit.verify_archive()");
	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	tile_reader_open(&check->tiles, snapshot);
	foreach(lc, archive_ranges(snapshot))
	{
		const ArchivedRange *range = lfirst(lc);

		check->tile = -1;
		check->first_bad = 0;
		check->reason = NULL;
		if (range->from != next || range->to < range->from)
			bad(check, next, "the ranges do not follow each other: rows of dataclass_audit.archived_range are missing or were changed");
		else
			check_file(check, range);
		next = range->to + 1;
		if (check->reason != NULL)
			record_finding(range, check);
		put_result((ReturnSetInfo *) fcinfo->resultinfo, range, check);
	}
	tile_reader_close(&check->tiles);
	UnregisterSnapshot(snapshot);
	PG_RETURN_NULL();
}
