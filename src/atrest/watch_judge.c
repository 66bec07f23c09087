/*-------------------------------------------------------------------------
 *
 * watch_judge.c
 *		Which relations lie where their class may not.
 *
 * What a place has to satisfy depends on the class alone, so each pair of
 * place and class is judged once.  Labels are looked up only of relations in
 * places that are not good enough for every class: where all places are, the
 * cost is two scans of catalogs, whatever the number of relations.
 *
 * Relations of classes that the policy does not have are left out: nobody may
 * read them anyway.  What has no storage of its own holds no data.
 *
 * Takes no locks on relations; a relation that moves meanwhile is judged by
 * the gate, or by the next pass.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/watch.h"

/* Where the parts of a relation lie: indexes into the list of places. */
typedef struct RelationPlaces
{
	Oid			relid;			/* hash key */
	Oid			owner;			/* of a TOAST table: the table it serves */
	char		relkind;
	Oid			tablespace;		/* real one; InvalidOid: no storage */
	Oid			toast;
	Bitmapset  *places;
} RelationPlaces;

EnforcementMode
watch_mode(void)
{
	return (EnforcementMode) Min(guc_enforcement, guc_at_rest_enforcement);
}

bool
watch_kind_quarantines(PlaceKind kind)
{
	/* the gate refuses spills themselves: what is stored is not affected */
	return kind != PLACE_TEMP;
}

/*
 * Places that all data of the server pass through bind only where a tier names
 * their control; those of relations always.
 */
static bool
binds(const PolicySnapshot *p, const PolicyClass *class, PlaceKind kind)
{
	return kind == PLACE_TABLESPACE || place_named(p, class->required_tier, kind);
}

static bool
class_label(const PolicyClass *class, Label *label)
{
	LabelError	error;

	return label_parse(class->name, strlen(class->name), label, &error);
}

/*
 * watch_judge_begin
 */
WatchJudge *
watch_judge_begin(List *places)
{
	WatchJudge *judge = palloc0(sizeof(WatchJudge));
	const PolicySnapshot *p = policy_current();

	judge->p = p;
	judge->places = places;
	judge->nplaces = list_length(places);
	judge->reasons = palloc0(sizeof(char *) * Max(judge->nplaces * p->nclasses, 1));
	judge->counts = palloc0(sizeof(int64) * Max(judge->nplaces * p->nclasses, 1));
	for (int i = 0; i < judge->nplaces; i++)
	{
		const WatchPlace *place = list_nth(places, i);

		for (int c = 0; place->place != NULL && c < p->nclasses; c++)
		{
			Label		label;
			char	   *reason;

			if (!binds(p, &p->classes[c], place->place->kind) || !class_label(&p->classes[c], &label))
				continue;
			if (!place_satisfies(p, &label, place->place, &reason))
				judge->reasons[i * p->nclasses + c] = reason ? reason : pstrdup("");
		}
	}
	return judge;
}

/* Places, by index, at which some class is in violation; common: those that are no tablespaces. */
static Bitmapset *
bad_places(const WatchJudge *judge, bool common)
{
	Bitmapset  *bad = NULL;

	for (int i = 0; i < judge->nplaces; i++)
	{
		const WatchPlace *place = list_nth(judge->places, i);

		if (place->place == NULL || (place->place->kind != PLACE_TABLESPACE) != common)
			continue;
		for (int c = 0; c < judge->p->nclasses; c++)
		{
			if (judge->reasons[i * judge->p->nclasses + c] != NULL)
				bad = bms_add_member(bad, i);
		}
	}
	return bad;
}

static int
place_index(const WatchJudge *judge, Oid tablespace)
{
	for (int i = 0; i < judge->nplaces; i++)
	{
		const WatchPlace *place = list_nth(judge->places, i);

		if (place->place != NULL && place->place->kind == PLACE_TABLESPACE && place->tablespace == tablespace)
			return i;
	}
	return -1;
}

static void
put_part(HTAB *relations, Oid relid, int place)
{
	RelationPlaces *entry = hash_search(relations, &relid, HASH_FIND, NULL);

	if (entry != NULL && place >= 0)
		entry->places = bms_add_member(entry->places, place);
}

/* All relations with storage, by oid, each with the place of its own file. */
static HTAB *
read_relations(const WatchJudge *judge)
{
	HASHCTL		ctl = {0};
	HTAB	   *relations;
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(RelationPlaces);
	ctl.hcxt = CurrentMemoryContext;
	relations = hash_create("pg_dataclass watched relations", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		RelationPlaces *entry;
		int			place;

		if (form->oid < FirstNormalObjectId || !RELKIND_HAS_STORAGE(form->relkind))
			continue;
		entry = hash_search(relations, &form->oid, HASH_ENTER, NULL);
		entry->owner = InvalidOid;
		entry->relkind = form->relkind;
		entry->tablespace = OidIsValid(form->reltablespace) ? form->reltablespace : MyDatabaseTableSpace;
		entry->toast = form->reltoastrelid;
		place = place_index(judge, entry->tablespace);
		entry->places = place >= 0 ? bms_make_singleton(place) : NULL;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relations;
}

static void
add_toast(const WatchJudge *judge, HTAB *relations)
{
	HASH_SEQ_STATUS seq;
	RelationPlaces *entry;

	hash_seq_init(&seq, relations);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		RelationPlaces *toast = OidIsValid(entry->toast) ?
			hash_search(relations, &entry->toast, HASH_FIND, NULL) : NULL;

		if (toast == NULL)
			continue;
		toast->owner = entry->relid;
		put_part(relations, entry->relid, place_index(judge, toast->tablespace));
	}
}

/* Indexes count as their table, those of a TOAST table as the table it serves. */
static void
add_indexes(const WatchJudge *judge, HTAB *relations)
{
	Relation	rel = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		Oid			indexid = form->indexrelid;
		Oid			relid = form->indrelid;
		RelationPlaces *index = hash_search(relations, &indexid, HASH_FIND, NULL);
		RelationPlaces *table = hash_search(relations, &relid, HASH_FIND, NULL);

		if (index == NULL || table == NULL)
			continue;
		if (OidIsValid(table->owner))
			relid = table->owner;
		put_part(relations, relid, place_index(judge, index->tablespace));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static bool
holds_data(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW || relkind == RELKIND_SEQUENCE;
}

/* The tablespace does not do; does what the server itself encrypts of this relation? */
static bool
satisfied_by_server(const WatchJudge *judge, const Place *place, Oid relid, const Label *label)
{
	const Place *own = place;
	char	   *reason;

	if (place->kind == PLACE_TABLESPACE)
		own = place_of_relation(place, relid);
	return own != place && place_satisfies(judge->p, label, own, &reason);
}

/* Judge one relation by its class; adds to the findings. */
static List *
judge_entry(WatchJudge *judge, const RelationPlaces *entry, const Bitmapset *common, List *findings)
{
	const PolicySnapshot *p = judge->p;
	const PolicyClass *class;
	Bitmapset  *places;
	WatchFinding *finding = NULL;
	Label		label;
	int			c;
	int			i = -1;

	if (relation_labels(entry->relid)->is_catalog || !relation_effective_label(entry->relid, &label))
		return findings;
	class = policy_class_of(p, &label);
	if (class == NULL)
		return findings;
	c = class - p->classes;
	places = bms_union(entry->places, common);
	while ((i = bms_next_member(places, i)) >= 0)
	{
		const WatchPlace *place = list_nth(judge->places, i);

		if (judge->reasons[i * p->nclasses + c] == NULL ||
			satisfied_by_server(judge, place->place, entry->relid, &label))
			continue;
		judge->counts[i * p->nclasses + c]++;
		if (finding != NULL || !watch_kind_quarantines(place->place->kind))
			continue;
		finding = palloc(sizeof(WatchFinding));
		finding->relid = entry->relid;
		finding->class = c;
		finding->place = i;
		findings = lappend(findings, finding);
	}
	bms_free(places);
	return findings;
}

/*
 * watch_judge_relations
 */
List *
watch_judge_relations(WatchJudge *judge)
{
	Bitmapset  *common = bad_places(judge, true);
	Bitmapset  *bad = bad_places(judge, false);
	List	   *findings = NIL;
	List	   *relids = NIL;
	HTAB	   *relations;
	HASH_SEQ_STATUS seq;
	RelationPlaces *entry;
	ListCell   *cell;

	if (common == NULL && bad == NULL)
		return NIL;
	relations = read_relations(judge);
	add_toast(judge, relations);
	add_indexes(judge, relations);

	/* looking up labels may raise, which a hash scan must not be open for */
	hash_seq_init(&seq, relations);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		if (holds_data(entry->relkind) && (common != NULL || bms_overlap(entry->places, bad)))
			relids = lappend_oid(relids, entry->relid);
	}
	list_sort(relids, list_oid_cmp);
	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);

		CHECK_FOR_INTERRUPTS();
		findings = judge_entry(judge, hash_search(relations, &relid, HASH_FIND, NULL), common, findings);
	}
	hash_destroy(relations);
	return findings;
}

/* True: not satisfied. */
static bool
place_fails(const PolicySnapshot *p, const Label *label, const Place *place, char **where, char **reason)
{
	if (place_satisfies(p, label, place, reason))
		return false;
	*where = pstrdup(place->name);
	return true;
}

/*
 * watch_judge_relation
 */
bool
watch_judge_relation(Oid relid, char **place, char **reason, const PolicyClass **class)
{
	const PolicySnapshot *p = policy_current();
	Label		label;
	ListCell   *cell;
	bool		any_common = false;

	*class = NULL;
	if (!holds_data(get_rel_relkind(relid)) || relation_labels(relid)->is_catalog ||
		!relation_effective_label(relid, &label))
		return false;
	p = policy_current();
	*class = policy_class_of(p, &label);
	foreach(cell, gate_relation_tablespaces(relid))
	{
		if (place_fails(p, &label, place_of_relation(place_of_tablespace(lfirst_oid(cell)), relid),
						place, reason))
			return true;
	}
	if (*class == NULL)
		return false;
	for (int kind = PLACE_WAL; kind <= PLACE_CORE; kind++)
		any_common |= watch_kind_quarantines(kind) && binds(p, *class, kind);
	if (!any_common)
		return false;
	foreach(cell, places_common())
	{
		const Place *common = lfirst(cell);

		if (watch_kind_quarantines(common->kind) && binds(p, *class, common->kind) &&
			place_fails(p, &label, common, place, reason))
			return true;
	}
	return false;
}
