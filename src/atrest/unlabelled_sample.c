/*-------------------------------------------------------------------------
 *
 * unlabelled_sample.c
 *		Counting formats in rows chosen at random; values stay in here.
 *
 * Blocks of plain heap tables are read directly, under a registered snapshot:
 * no query, so no rule, policy, operator, cast or domain of anybody runs, and
 * nothing of the values can be logged.  Only values of built-in types are
 * turned into text, by the code of this file or core's own output functions,
 * and none of those raises an error that would quote one.  What leaves is counts.
 *
 * Locks are taken if they are free, else the table is passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/unlabelled.h"

/* However few rows a block has. */
#define MAX_BLOCKS	256

bool
sample_reads_type(Oid base_type)
{
	switch (base_type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			return true;
		default:
			return false;
	}
}

static void
count_text(ColumnSample *column, const char *text, size_t len)
{
	uint32		weak;
	uint32		kinds = personal_by_value(text, len, &weak);

	kinds |= weak & column->by_name;
	for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
		if (kinds & PERSONAL_BIT(kind))
			column->matches[kind]++;
}

static void
count_varlena(ColumnSample *column, Datum value)
{
	struct varlena *text;

	/* what is long has none of the formats: do not fetch it */
	if (toast_raw_datum_size(value) > 4 * PERSONAL_MAX_VALUE)
		return;
	text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
	count_text(column, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

static void
count_value(ColumnSample *column, Datum value)
{
	char		number[64];
	const char *text = number;

	column->values++;
	switch (column->base_type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			count_varlena(column, value);
			return;
		case INT4OID:
			snprintf(number, sizeof(number), "%d", DatumGetInt32(value));
			break;
		case INT8OID:
			snprintf(number, sizeof(number), INT64_FORMAT, DatumGetInt64(value));
			break;
		case NUMERICOID:
			if (toast_raw_datum_size(value) > PERSONAL_MAX_VALUE)
				return;
			text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
			break;
		case FLOAT4OID:
			snprintf(number, sizeof(number), "%.6f", DatumGetFloat4(value));
			break;
		case FLOAT8OID:
			snprintf(number, sizeof(number), "%.6f", DatumGetFloat8(value));
			break;
		default:
			return;
	}
	count_text(column, text, strlen(text));
}

static void
count_row(Relation rel, HeapTuple tuple, ColumnSample *columns, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, columns[i].attnum, RelationGetDescr(rel), &isnull);

		if (!isnull)
			count_value(&columns[i], value);
	}
}

/* Copies of the visible rows of a block, so that no lock is held while they are looked at. */
static List *
rows_of_block(Relation rel, BlockNumber block, Snapshot snapshot, BufferAccessStrategy strategy, int64 limit)
{
	List	   *rows = NIL;
	Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	for (OffsetNumber at = FirstOffsetNumber; at <= PageGetMaxOffsetNumber(page) && list_length(rows) < limit; at++)
	{
		ItemId		item = PageGetItemId(page, at);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_tableOid = RelationGetRelid(rel);
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, block, at);
		if (HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer))
			rows = lappend(rows, heap_copytuple(&tuple));
	}
	UnlockReleaseBuffer(buffer);
	return rows;
}

static void
sample_blocks(Relation rel, int64 max_rows, ColumnSample *columns, int ncolumns, int64 *rows)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass sample", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockSamplerData sampler;

	(void) BlockSampler_Init(&sampler, RelationGetNumberOfBlocks(rel), MAX_BLOCKS, compat_random_seed());
	MemoryContextSwitchTo(work);
	while (*rows < max_rows && BlockSampler_HasMore(&sampler))
	{
		BlockNumber block = BlockSampler_Next(&sampler);
		MemoryContext per_block = AllocSetContextCreate(work, "pg_dataclass block", ALLOCSET_DEFAULT_SIZES);
		ListCell   *cell;

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(per_block);
		foreach(cell, rows_of_block(rel, block, snapshot, strategy, max_rows - *rows))
		{
			count_row(rel, (HeapTuple) lfirst(cell), columns, ncolumns);
			(*rows)++;
		}
		MemoryContextSwitchTo(work);
		MemoryContextDelete(per_block);
	}
	UnregisterSnapshot(snapshot);
	FreeAccessStrategy(strategy);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

const char *
sample_columns(Oid relid, int64 max_rows, ColumnSample *columns, int ncolumns, int64 *rows)
{
	Relation	rel;
	const char *why = NULL;

	*rows = 0;
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return "locked by another session";
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
	{
		UnlockRelationOid(relid, AccessShareLock);
		return "dropped meanwhile";
	}
	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_MATVIEW)
		why = "holds no rows of its own";
	else if (RELATION_IS_OTHER_TEMP(rel))
		why = "temporary table of another session";
	else if (rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		why = "another access method than heap";
	else if (rel->rd_rel->relkind == RELKIND_MATVIEW && !rel->rd_rel->relispopulated)
		why = "not populated";
	else if (ncolumns > 0 && max_rows > 0)
		sample_blocks(rel, max_rows, columns, ncolumns, rows);
	relation_close(rel, AccessShareLock);
	return why;
}
