/*-------------------------------------------------------------------------
 *
 * profile_impact.c
 *		What a profile that is not in force would do to what exists.
 *
 * Data are judged at the places where they lie, by a snapshot made of the
 * profile; what is below its tier already under the present policy is not the
 * profile's doing and left out.  The parts of a relation (its label, its
 * columns' labels) are judged one by one, since which of them is the highest
 * depends on the policy.  Labels, clearances and rows that name a class which
 * goes, or which changes its place among the others, are listed.
 *
 * Each place is probed once per call.  Rows are looked at only where a class
 * goes or moves.  Locks: AccessShareLock on tables whose rows are read, kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_shseclabel.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/profile_impact.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/resolve.h"

typedef struct Survey
{
	const PolicySnapshot *before;
	const PolicySnapshot *after;
	List	   *gone;			/* char *: classes that the profile does not have */
	List	   *moved;			/* char *: classes that change their order */
	List	   *places;			/* Place *, probed so far */
	List	   *impacts;
} Survey;

const char *
profile_impact_name(ProfileImpactKind kind)
{
	switch (kind)
	{
		case IMPACT_BELOW_TIER:
			return "below its tier";
		case IMPACT_CLASS_UNKNOWN:
			return "class unknown";
		case IMPACT_ROWS_UNKNOWN:
			return "row labels unknown";
		case IMPACT_ORDER:
			return "order changes";
	}
	return "unknown";
}

static ProfileImpact *
add_impact(Survey *survey, ProfileImpactKind kind, const ObjectAddress *object)
{
	ProfileImpact *impact = palloc0(sizeof(ProfileImpact));

	impact->kind = kind;
	impact->class_id = object->classId;
	impact->object_id = object->objectId;
	impact->object_subid = object->objectSubId;
	impact->object_type = getObjectTypeDescription(object, true);
	impact->identity = getObjectIdentity(object, true);
	survey->impacts = lappend(survey->impacts, impact);
	return impact;
}

static bool
names(const List *list, const Label *label)
{
	ListCell   *cell;

	foreach(cell, list)
		if (label_class_is(label, lfirst(cell)))
			return true;
	return false;
}

/* ------------------------------------------------------------------------
 * Classes that go or move
 * ------------------------------------------------------------------------
 */

static const PolicyClass *
class_named(const PolicySnapshot *p, const char *name)
{
	for (int i = 0; i < p->nclasses; i++)
		if (strcmp(p->classes[i].name, name) == 0)
			return &p->classes[i];
	return NULL;
}

static void
compare_policies(Survey *survey)
{
	const PolicySnapshot *before = survey->before;

	for (int i = 0; i < before->nclasses; i++)
	{
		const PolicyClass *class = &before->classes[i];
		const PolicyClass *now = class_named(survey->after, class->name);
		bool		moved = false;

		if (now == NULL)
		{
			survey->gone = lappend(survey->gone, pstrdup(class->name));
			continue;
		}
		for (int j = 0; j < before->nclasses; j++)
		{
			const PolicyClass *other = class_named(survey->after, before->classes[j].name);

			if (other && j != i && (class->rank < before->classes[j].rank) != (now->rank < other->rank))
				moved = true;
		}
		if (moved)
			survey->moved = lappend(survey->moved, pstrdup(class->name));
	}
}

static void
survey_label(Survey *survey, const ObjectAddress *object, const char *text)
{
	LabelSpecKind kind;
	LabelSpec	spec;
	LabelError	error;
	ProfileImpact *impact;
	bool		gone;

	if (!label_kind_of(object, &kind) || !label_parse_spec(kind, text, strlen(text), &spec, &error))
		return;
	gone = names(survey->gone, &spec.label) || (spec.has_floor && names(survey->gone, &spec.floor));
	if (!gone && !names(survey->moved, &spec.label) && !(spec.has_floor && names(survey->moved, &spec.floor)))
		return;
	impact = add_impact(survey, gone ? IMPACT_CLASS_UNKNOWN : IMPACT_ORDER, object);
	impact->label = pstrdup(text);
	impact->reason = gone ? "The profile does not have the class that the label names." :
		"The class that the label names would stand otherwise among the classes than before.";
}

static void
survey_own_labels(Survey *survey)
{
	Relation	rel = table_open(SecLabelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[Natts_pg_seclabel];
		bool		nulls[Natts_pg_seclabel];
		ObjectAddress object;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (strcmp(TextDatumGetCString(values[Anum_pg_seclabel_provider - 1]), DC_PROVIDER) != 0)
			continue;
		ObjectAddressSubSet(object, DatumGetObjectId(values[Anum_pg_seclabel_classoid - 1]),
							DatumGetObjectId(values[Anum_pg_seclabel_objoid - 1]),
							DatumGetInt32(values[Anum_pg_seclabel_objsubid - 1]));
		survey_label(survey, &object, TextDatumGetCString(values[Anum_pg_seclabel_label - 1]));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Of roles, and of this database; other databases have policies of their own. */
static void
survey_shared_labels(Survey *survey)
{
	Relation	rel = table_open(SharedSecLabelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[Natts_pg_shseclabel];
		bool		nulls[Natts_pg_shseclabel];
		ObjectAddress object;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (strcmp(TextDatumGetCString(values[Anum_pg_shseclabel_provider - 1]), DC_PROVIDER) != 0)
			continue;
		ObjectAddressSet(object, DatumGetObjectId(values[Anum_pg_shseclabel_classoid - 1]),
						 DatumGetObjectId(values[Anum_pg_shseclabel_objoid - 1]));
		if (object.classId == DatabaseRelationId && object.objectId != MyDatabaseId)
			continue;
		survey_label(survey, &object, TextDatumGetCString(values[Anum_pg_shseclabel_label - 1]));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* ------------------------------------------------------------------------
 * Places of data
 * ------------------------------------------------------------------------
 */

static Place *
place_at(Survey *survey, Oid tablespace)
{
	ListCell   *cell;
	Place	   *place;

	foreach(cell, survey->places)
	{
		place = lfirst(cell);
		if (place->tablespace == tablespace)
			return place;
	}
	place = place_of_tablespace(tablespace);
	survey->places = lappend(survey->places, place);
	return place;
}

static void
survey_place(Survey *survey, const ObjectAddress *object, const Label *label, const Place *place)
{
	const PolicyClass *class = policy_class_of(survey->after, label);
	ProfileImpact *impact;
	char	   *reason;
	char	   *former;

	/* that its class goes is told of the label itself */
	if (class == NULL || place_satisfies(survey->after, label, place, &reason) ||
		!place_satisfies(survey->before, label, place, &former))
		return;
	impact = add_impact(survey, IMPACT_BELOW_TIER, object);
	impact->label = pstrdup(label->text);
	impact->required = pstrdup(policy_tier_name(survey->after, class->required_tier));
	impact->found = pstrdup(policy_tier_name(survey->after, place_tier(survey->after, place)));
	impact->reason = psprintf("Place \"%s\": %s", place->name, reason);
}

static void
survey_relation(Survey *survey, Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);
	bool		foreign = labels->relkind == RELKIND_FOREIGN_TABLE;
	List	   *parts = NIL;	/* Label * */
	List	   *columns = NIL;	/* attribute numbers, 0: the relation */
	List	   *places = NIL;
	ListCell   *cell;
	Label	   *copy;

	if (labels->is_catalog)
		return;
	/* copied: what follows may take in invalidations */
	if (labels->governed)
	{
		copy = palloc(sizeof(Label));
		*copy = labels->label.label;
		parts = lappend(parts, copy);
		columns = lappend_int(columns, 0);
	}
	for (int i = 0; i < labels->ncolumns; i++)
	{
		copy = palloc(sizeof(Label));
		*copy = labels->columns[i].resolved.label;
		parts = lappend(parts, copy);
		columns = lappend_int(columns, labels->columns[i].attnum);
	}
	if (parts == NIL)
		return;
	if (foreign)
	{
		Place	   *place = palloc0(sizeof(Place));

		place->name = "foreign server";
		evidence_set(&place->evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, "none",
					 "The data lie on a foreign server.");
		places = list_make1(place);
	}
	else
		foreach(cell, gate_relation_tablespaces(relid))
			places = lappend(places, (void *) place_of_relation(place_at(survey, lfirst_oid(cell)), relid));

	for (int i = 0; i < list_length(parts); i++)
	{
		ObjectAddress object;

		ObjectAddressSubSet(object, RelationRelationId, relid, list_nth_int(columns, i));
		foreach(cell, places)
			survey_place(survey, &object, list_nth(parts, i), lfirst(cell));
	}
}

/* ------------------------------------------------------------------------
 * Rows
 * ------------------------------------------------------------------------
 */

static RowStanding
row_class_stands(uint64 id, const void *arg)
{
	const List *classes = arg;
	const PolicyRowLabel *row = policy_row_label_by_id(policy_current(), id);
	Label		label;
	LabelError	error;

	if (row && label_parse(row->text, strlen(row->text), &label, &error) && names(classes, &label))
		return ROW_STANDS_ABOVE;
	return ROW_STANDS_WITHIN;
}

static void
survey_rows(Survey *survey, Oid relid, const List *classes, ProfileImpactKind kind)
{
	RowCensus	census;
	ObjectAddress object;
	ProfileImpact *impact;

	if (classes == NIL)
		return;
	protect_progress_begin(relid);
	PG_TRY();
	{
		protect_scan(list_make1_oid(relid), false, row_class_stands, classes, &census);
	}
	PG_FINALLY();
	{
		protect_progress_end();
	}
	PG_END_TRY();
	if (census.above == 0)
		return;
	ObjectAddressSet(object, RelationRelationId, relid);
	impact = add_impact(survey, kind, &object);
	impact->found = psprintf(UINT64_FORMAT " rows", census.above);
	impact->reason = kind == IMPACT_ROWS_UNKNOWN ?
		"Rows have labels whose class the profile does not have: nobody would see them." :
		"Rows have labels whose class would stand otherwise among the classes than before.";
}

/* Relations that hold data; with storage those that have rows of their own. */
static List *
relations(void)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *relids = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW ||
			form->relkind == RELKIND_PARTITIONED_TABLE || form->relkind == RELKIND_SEQUENCE ||
			form->relkind == RELKIND_FOREIGN_TABLE)
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relids;
}

static void
survey_relation_rows(Survey *survey, Oid relid)
{
	char		relkind;

	if (relation_labels(relid)->is_catalog || relation_labels(relid)->row_label_attnum == InvalidAttrNumber)
		return;
	LockRelationOid(relid, AccessShareLock);
	relkind = get_rel_relkind(relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_MATVIEW)
		return;
	survey_rows(survey, relid, survey->gone, IMPACT_ROWS_UNKNOWN);
	survey_rows(survey, relid, survey->moved, IMPACT_ORDER);
}

/* Data first, then by name: the same state is told in the same words. */
static int
compare_impacts(const ListCell *a, const ListCell *b)
{
	const ProfileImpact *left = lfirst(a);
	const ProfileImpact *right = lfirst(b);

	if (left->kind != right->kind)
		return (int) left->kind - (int) right->kind;
	return strcmp(left->identity ? left->identity : "", right->identity ? right->identity : "");
}

List *
profile_impact(const Profile *before, const Profile *after)
{
	Survey		survey = {0};
	List	   *relids = relations();
	ListCell   *cell;

	survey.before = profile_snapshot(before);
	survey.after = profile_snapshot(after);
	compare_policies(&survey);
	if (survey.gone != NIL || survey.moved != NIL)
	{
		survey_own_labels(&survey);
		survey_shared_labels(&survey);
	}
	foreach(cell, relids)
	{
		CHECK_FOR_INTERRUPTS();
		if (get_rel_relkind(lfirst_oid(cell)) == '\0')
			continue;
		survey_relation(&survey, lfirst_oid(cell));
		if (survey.gone != NIL || survey.moved != NIL)
			survey_relation_rows(&survey, lfirst_oid(cell));
	}
	list_sort(survey.impacts, compare_impacts);
	return survey.impacts;
}
