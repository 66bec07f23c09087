/*-------------------------------------------------------------------------
 *
 * policy_rowlabel.c
 *		Registered row labels, read when somebody asks for them.
 *
 * There may be tens of thousands; a session meets a few.  So the policy
 * snapshot does not carry them: a look-up by id goes through the primary key
 * and is remembered, also when nothing was found, for as long as the snapshot
 * lives.  Registration replaces the snapshot of every backend.
 *
 * Owns a hash table per snapshot, in the snapshot's memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/rowfilter.h"

#define ATT_ID		1
#define ATT_LABEL	2

typedef struct RowLabelEntry
{
	uint64		id;				/* hash key */
	bool		known;
	PolicyRowLabel label;		/* if known */
} RowLabelEntry;

struct PolicyRowLabelCache
{
	HTAB	   *by_id;
	bool		complete;		/* all[] is filled */
	int			more_than;		/* there are more than so many */
	int			nall;
	PolicyRowLabel *all;		/* sorted by id */
};

/* The cache of a snapshot; NULL if there can be no labels. */
static PolicyRowLabelCache *
cache_of(const PolicySnapshot *p)
{
	MemoryContext cxt = policy_snapshot_context(p);
	PolicyRowLabelCache *cache = p->row_labels;
	HASHCTL		ctl = {0};

	if (cache || cxt == NULL || !p->installed)
		return cache;
	cache = MemoryContextAllocZero(cxt, sizeof(PolicyRowLabelCache));
	ctl.hcxt = cxt;
	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(RowLabelEntry);
	cache->by_id = hash_create("pg_dataclass row labels", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	/* the one part of a snapshot that grows after it was made */
	((PolicySnapshot *) p)->row_labels = cache;
	return cache;
}

static Relation
open_row_labels(const PolicySnapshot *p)
{
	Oid			relid = get_relname_relid("row_label", p->schema_oid);
	Relation	rel;

	if (!OidIsValid(relid))
		return NULL;
	rel = table_open(relid, AccessShareLock);
	if (RelationGetNumberOfAttributes(rel) < ATT_LABEL)
	{
		table_close(rel, AccessShareLock);
		return NULL;
	}
	return rel;
}

static char *
label_of(HeapTuple tuple, Relation rel, MemoryContext cxt)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, ATT_LABEL, RelationGetDescr(rel), &isnull);
	char	   *loose;
	char	   *kept;

	if (isnull)
		return NULL;
	loose = TextDatumGetCString(value);
	kept = MemoryContextStrdup(cxt, loose);
	pfree(loose);
	return kept;
}

/* Text of one label, in cxt; NULL if it is not registered. */
static char *
read_label(const PolicySnapshot *p, uint64 id, MemoryContext cxt)
{
	Oid			equal = row_function_oid(ROW_FUNCTION_EQUAL);
	Relation	rel = OidIsValid(equal) ? open_row_labels(p) : NULL;
	Oid			index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *text = NULL;

	if (rel == NULL)
		return NULL;
	index = RelationGetPrimaryKeyIndex(rel);
	ScanKeyInit(&key, ATT_ID, BTEqualStrategyNumber, equal, Int64GetDatum((int64) id));
	scan = systable_beginscan(rel, index, OidIsValid(index), NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		text = label_of(tuple, rel, cxt);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return text;
}

const PolicyRowLabel *
policy_row_label_by_id(const PolicySnapshot *p, uint64 id)
{
	PolicyRowLabelCache *cache = cache_of(p);
	RowLabelEntry *entry;
	MemoryContext cxt;
	char	   *text;
	bool		found;

	if (cache == NULL)
		return NULL;
	entry = hash_search(cache->by_id, &id, HASH_FIND, NULL);
	if (entry)
		return entry->known ? &entry->label : NULL;

	/*
	 * Reading may take in an invalidation that retires this snapshot; its
	 * memory stays until the transaction ends, and so does the answer.
	 */
	cxt = GetMemoryChunkContext(cache);
	text = read_label(p, id, cxt);
	entry = hash_search(cache->by_id, &id, HASH_ENTER, &found);
	entry->known = text != NULL;
	entry->label.id = id;
	entry->label.text = text;
	return entry->known ? &entry->label : NULL;
}

static int
compare_row_labels(const void *a, const void *b)
{
	uint64		left = ((const PolicyRowLabel *) a)->id;
	uint64		right = ((const PolicyRowLabel *) b)->id;

	return left < right ? -1 : left > right;
}

static void
read_all(const PolicySnapshot *p, PolicyRowLabelCache *cache, int limit)
{
	MemoryContext cxt = GetMemoryChunkContext(cache);
	Relation	rel = open_row_labels(p);
	SysScanDesc scan;
	HeapTuple	tuple;
	PolicyRowLabel *all = NULL;
	int			n = 0;
	int			room = 0;

	if (rel == NULL)
		return;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		id = heap_getattr(tuple, ATT_ID, RelationGetDescr(rel), &isnull);
		char	   *text = isnull ? NULL : label_of(tuple, rel, cxt);

		if (text == NULL)
			continue;
		if (n == limit)
		{
			cache->more_than = limit;
			break;
		}
		if (n == room)
		{
			room = room ? room * 2 : 64;
			all = all ? repalloc_huge(all, sizeof(PolicyRowLabel) * room) :
				MemoryContextAlloc(cxt, sizeof(PolicyRowLabel) * room);
		}
		all[n].id = (uint64) DatumGetInt64(id);
		all[n].text = text;
		n++;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (n > 0)
		qsort(all, n, sizeof(PolicyRowLabel), compare_row_labels);
	if (cache->more_than == limit)
		return;
	cache->all = all;
	cache->nall = n;
	cache->complete = true;
}

/* All registered labels by id; the array lives as long as the snapshot. */
int
policy_row_labels(const PolicySnapshot *p, const PolicyRowLabel **all)
{
	return policy_row_labels_up_to(p, INT_MAX, all);
}

/* The same unless there are more than limit: then -1, without reading on. */
int
policy_row_labels_up_to(const PolicySnapshot *p, int limit, const PolicyRowLabel **all)
{
	PolicyRowLabelCache *cache = cache_of(p);

	*all = NULL;
	if (cache == NULL)
		return 0;
	if (!cache->complete && cache->more_than < limit)
		read_all(p, cache, limit);
	if (!cache->complete || cache->nall > limit)
		return -1;
	*all = cache->all;
	return cache->nall;
}
