/*-------------------------------------------------------------------------
 *
 * label_cache.c
 *		Per-backend cache of effective labels.
 *
 * Owns two hash tables in one memory context: relations (RelationLabels) and
 * plain objects (ObjectLabel).  Callbacks only flip flags; the next look-up
 * empties the whole cache when policy_generation() moved (any label or policy
 * change anywhere), or refills one relation that core invalidated.  Entries
 * are complete or invalid, also when filling raises.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/label_cache.h"

static MemoryContext cache_cxt = NULL;
static HTAB *relations = NULL;
static HTAB *objects = NULL;
static uint64 cache_generation = 0;
uint64		relation_labels_stamp = 0;	/* counts relcache messages */
static Oid	label_type = InvalidOid;

/* Returned where nothing can be governed: no transaction, no extension. */
static RelationLabels ungoverned;

static void
relcache_callback(Datum arg, Oid relid)
{
	RelationLabels *entry;

	relation_labels_stamp++;
	if (relations == NULL || relid == InvalidOid)
		return;					/* InvalidOid moves the policy generation */
	entry = hash_search(relations, &relid, HASH_FIND, NULL);
	if (entry)
		entry->valid = false;
}

void
label_cache_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

static void
reset_cache(void)
{
	HASHCTL		ctl = {0};

	if (cache_cxt)
		MemoryContextReset(cache_cxt);
	else
		cache_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass labels",
										  ALLOCSET_DEFAULT_SIZES);
	relations = objects = NULL;
	label_type = InvalidOid;

	ctl.hcxt = cache_cxt;
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(RelationLabels);
	relations = hash_create("pg_dataclass relations", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.keysize = sizeof(ObjectLabelKey);
	ctl.entrysize = sizeof(ObjectLabel);
	objects = hash_create("pg_dataclass objects", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Bring the cache in step with the policy; returns the policy. */
static const PolicySnapshot *
current_cache(void)
{
	const PolicySnapshot *p = policy_current();

	if (relations == NULL || objects == NULL || cache_generation != policy_generation())
	{
		reset_cache();
		cache_generation = policy_generation();
	}
	return p;
}

/*
 * Move what hangs on an entry into the memory of the cache.  A refilled entry
 * takes its former memory over where the size is the same: an autovacuum or an
 * ANALYZE must not make a long-lived backend grow.
 */
static void *
keep(void *former, Size former_size, const void *from, Size size)
{
	if (from == NULL)
		return NULL;
	if (former == NULL || former_size != size)
		former = MemoryContextAlloc(cache_cxt, size);
	return memcpy(former, from, size);
}

static void
keep_arrays(RelationLabels *labels, const RelationLabels *former)
{
	labels->columns = keep(former->columns, sizeof(ColumnLabel) * former->ncolumns,
						   labels->columns, sizeof(ColumnLabel) * labels->ncolumns);
	labels->row_ceiling = keep(former->row_ceiling, sizeof(ResolvedLabel),
							   labels->row_ceiling, sizeof(ResolvedLabel));
	labels->bound = keep(former->bound, sizeof(uint64) * former->nbound,
						 labels->bound, sizeof(uint64) * labels->nbound);
}

const RelationLabels *
relation_labels(Oid relid)
{
	const PolicySnapshot *p = current_cache();
	RelationLabels *entry;

	if (!p->installed)
	{
		ungoverned.is_catalog = true;
		return &ungoverned;
	}
	entry = hash_search(relations, &relid, HASH_FIND, NULL);
	while (entry == NULL || !entry->valid)
	{
		RelationLabels fresh = {0};
		MemoryContext work_cxt;
		MemoryContext old_cxt;
		uint64		before = relation_labels_stamp;
		uint64		generation = cache_generation;
		bool		found;

		/*
		 * Filling reads catalogs, which may process invalidations.  Start
		 * over rather than keep what was read before one of them.
		 */
		fresh.relid = relid;
		work_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass resolve",
										 ALLOCSET_SMALL_SIZES);
		old_cxt = MemoryContextSwitchTo(work_cxt);
		resolve_relation(p, &fresh);
		MemoryContextSwitchTo(old_cxt);
		p = current_cache();
		entry = NULL;
		if (generation != cache_generation)
		{
			MemoryContextDelete(work_cxt);
			continue;
		}
		entry = hash_search(relations, &relid, HASH_ENTER, &found);
		if (!found)
			memset(entry, 0, sizeof(*entry));
		entry->relid = relid;
		entry->valid = false;
		keep_arrays(&fresh, entry);
		MemoryContextDelete(work_cxt);
		*entry = fresh;
		entry->valid = before == relation_labels_stamp;
		CHECK_FOR_INTERRUPTS();
	}
	return entry;
}

const ObjectLabel *
object_label(Oid class_id, Oid object_id, LabelSpecKind kind)
{
	ObjectLabelKey key = {class_id, object_id};
	ObjectLabel *entry;
	ObjectLabel fresh = {0};
	ObjectAddress address;
	char	   *text;

	current_cache();
	entry = hash_search(objects, &key, HASH_FIND, NULL);
	if (entry)
		return entry;

	fresh.key = key;
	ObjectAddressSet(address, class_id, object_id);
	text = GetSecurityLabel(&address, DC_PROVIDER);
	if (text)
	{
		LabelError	error;

		fresh.labeled = true;
		fresh.malformed = !label_parse_spec(kind, text, strlen(text), &fresh.spec, &error);
		pfree(text);
	}

	/*
	 * If the look-up processed an invalidation, the tables are emptied by the
	 * next current_cache() and this entry with them.
	 */
	entry = hash_search(objects, &key, HASH_ENTER, NULL);
	*entry = fresh;
	return entry;
}

Oid
row_label_type(void)
{
	const PolicySnapshot *p = current_cache();

	if (!OidIsValid(label_type) && p->installed)
		label_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									 CStringGetDatum("label"), ObjectIdGetDatum(p->schema_oid));
	return label_type;
}
