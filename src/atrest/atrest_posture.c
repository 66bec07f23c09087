/*-------------------------------------------------------------------------
 *
 * atrest_posture.c
 *		What lies where, what it needs, and what was found.
 *
 * Behind dataclass.storage_evidence() and dataclass.posture.  Each place is
 * probed once per call, so the cost grows with the number of places, and for
 * posture with one look-up per relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/result_row.h"

#define EVIDENCE_COLUMNS	11
#define POSTURE_COLUMNS		13

typedef struct Posture
{
	ReturnSetInfo *result;
	List	   *places;			/* Place *, tablespaces probed so far */
	List	   *classes;		/* Label *, one per class that governs some relation */
} Posture;

PG_FUNCTION_INFO_V1(dc_storage_evidence);
PG_FUNCTION_INFO_V1(dc_posture);
extern PGDLLEXPORT Datum dc_storage_evidence(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_posture(PG_FUNCTION_ARGS);

static const char *
text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
put_evidence(ReturnSetInfo *result, const Place *place)
{
	Datum		values[EVIDENCE_COLUMNS];
	bool		nulls[EVIDENCE_COLUMNS] = {0};

	row_set_text(values, nulls, 0, place->name);
	row_set_text(values, nulls, 1, place->path);
	row_set_text(values, nulls, 2, evidence_verdict_name(place->evidence.verdict));
	values[3] = Int32GetDatum(place->evidence.grade);
	row_set_text(values, nulls, 4, place->evidence.mechanism);
	row_set_text(values, nulls, 5, place->evidence.detail);
	row_set_text(values, nulls, 6, text_or_null(place->evidence.cipher));
	values[7] = Int32GetDatum(place->evidence.key_bits);
	nulls[7] = place->evidence.key_bits <= 0;
	row_set_text(values, nulls, 8, text_or_null(place->evidence.hosting_model));
	row_set_text(values, nulls, 9, text_or_null(place->evidence.region));
	row_set_text(values, nulls, 10, place_control(place->kind));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * dataclass.storage_evidence(tablespace name)
 *		Evidence for one tablespace; NULL: for all, and what goes with them.
 */
Datum
dc_storage_evidence(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	if (!PG_ARGISNULL(0))
	{
		Oid			tablespace = get_tablespace_oid(NameStr(*PG_GETARG_NAME(0)), false);

		put_evidence(result, place_of_tablespace(tablespace));
		return (Datum) 0;
	}

	foreach(cell, places_of_tablespaces())
		put_evidence(result, (Place *) lfirst(cell));
	foreach(cell, places_common())
		put_evidence(result, (Place *) lfirst(cell));
	return (Datum) 0;
}

static Place *
posture_place(Posture *posture, Oid tablespace)
{
	ListCell   *cell;
	Place	   *place;

	foreach(cell, posture->places)
	{
		place = (Place *) lfirst(cell);
		if (place->tablespace == tablespace)
			return place;
	}
	place = place_of_tablespace(tablespace);
	posture->places = lappend(posture->places, place);
	return place;
}

/* Remember the class of a label. */
static void
posture_need_class(Posture *posture, const Label *label)
{
	ListCell   *cell;
	Label	   *copy;

	foreach(cell, posture->classes)
	{
		const Label *known = (const Label *) lfirst(cell);

		if (known->class_name.len == label->class_name.len &&
			memcmp(known->text + known->class_name.off, label->text + label->class_name.off,
				   label->class_name.len) == 0)
			return;
	}
	copy = palloc(sizeof(Label));
	*copy = *label;
	posture->classes = lappend(posture->classes, copy);
}

/*
 * One row.  relid InvalidOid: for all relations of the class.  place NULL: not
 * about storage; then remark is the reason and the verdict is a violation.
 */
static void
put_posture(Posture *posture, Oid relid, char relkind, const Label *label,
			const Place *place, const char *mechanism, const char *remark)
{
	const PolicySnapshot *p = policy_current();
	const PolicyClass *class = policy_class_of(p, label);
	Datum		values[POSTURE_COLUMNS] = {0};
	bool		nulls[POSTURE_COLUMNS] = {0};
	int			required_grade = 0;
	StorageNeed need = storage_need(p, label, &required_grade, NULL);
	const char *verdict = "violation";
	const char *reason = remark;

	if (place != NULL)
	{
		char	   *why;

		verdict = place_verdict_name(place_judge(p, label, place, &why));
		if (reason == NULL)
			reason = why;
	}

	values[0] = ObjectIdGetDatum(relid);
	nulls[0] = !OidIsValid(relid);
	values[1] = CharGetDatum(relkind);
	nulls[1] = !OidIsValid(relid);
	row_set_text(values, nulls, 2, place ? place->name : NULL);
	row_set_text(values, nulls, 3, place ? place->path : NULL);
	row_set_text(values, nulls, 4, OidIsValid(relid) ? label->text : NULL);
	row_set_text(values, nulls, 5, class ? class->name :
			 pnstrdup(label->text + label->class_name.off, label->class_name.len));
	row_set_text(values, nulls, 6, class ? policy_tier_name(p, class->required_tier) : NULL);
	row_set_text(values, nulls, 7, place ? policy_tier_name(p, place_tier(p, place)) : NULL);
	values[8] = Int32GetDatum(place != NULL && place_needed(p, label, place->kind) ? required_grade : 0);
	nulls[8] = place == NULL || need == STORAGE_NEED_UNKNOWN;
	row_set_text(values, nulls, 9, verdict);
	values[10] = Int32GetDatum(place ? place->evidence.grade : 0);
	nulls[10] = place == NULL;
	row_set_text(values, nulls, 11, place ? place->evidence.mechanism : mechanism);
	row_set_text(values, nulls, 12, reason);
	tuplestore_putvalues(posture->result->setResult, posture->result->setDesc, values, nulls);
}

/* Row security that was switched off on a table that needs it for its row labels. */
static void
posture_row_security(Posture *posture, Oid relid, char relkind, const Label *label)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		enabled;
	bool		forced;

	if (!HeapTupleIsValid(tuple))
		return;
	enabled = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
	forced = ((Form_pg_class) GETSTRUCT(tuple))->relforcerowsecurity;
	ReleaseSysCache(tuple);
	if (enabled && forced)
		return;
	put_posture(posture, relid, relkind, label, NULL, "row security",
				psprintf("The table has row labels, but row level security is not %s: ALTER TABLE %s %s ROW LEVEL SECURITY.",
						 enabled ? "forced" : "enabled",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
													get_rel_name(relid)),
						 enabled ? "FORCE" : "ENABLE"));
}

/* All rows about one relation. */
static void
posture_relation(Posture *posture, Oid relid, char relkind)
{
	const RelationLabels *labels = relation_labels(relid);
	bool		row_labelled = labels->row_label_attnum != InvalidAttrNumber;
	Label		label;
	ListCell   *cell;

	if (labels->is_catalog || !relation_effective_label(relid, &label))
		return;
	posture_need_class(posture, &label);

	if (relkind == RELKIND_FOREIGN_TABLE)
	{
		Place	   *place = palloc0(sizeof(Place));

		place->name = "foreign server";
		evidence_set(&place->evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, "none",
					 "The data lie on a foreign server.");
		put_posture(posture, relid, relkind, &label, place, NULL, NULL);
	}
	else
	{
		/* Indexes and TOAST count as their table wherever they lie. */
		foreach(cell, gate_relation_tablespaces(relid))
			put_posture(posture, relid, relkind, &label,
						place_of_relation(posture_place(posture, lfirst_oid(cell)), relid), NULL, NULL);
	}
	if (row_labelled && relkind != RELKIND_FOREIGN_TABLE)
		posture_row_security(posture, relid, relkind, &label);
}

/* Kinds that hold data, or protect what holds it. */
static List *
posture_relations(void)
{
	List	   *relids = NIL;
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		switch (form->relkind)
		{
			case RELKIND_RELATION:
			case RELKIND_MATVIEW:
			case RELKIND_PARTITIONED_TABLE:
			case RELKIND_SEQUENCE:
			case RELKIND_FOREIGN_TABLE:
				relids = lappend_oid(relids, form->oid);
				break;
			default:
				break;
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relids;
}

/*
 * dataclass.posture_report()
 */
Datum
dc_posture(PG_FUNCTION_ARGS)
{
	Posture		posture = {0};
	ListCell   *cell;
	ListCell   *class;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	posture.result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (!policy_current()->installed)
		return (Datum) 0;
	foreach(cell, posture_relations())
	{
		char		relkind = get_rel_relkind(lfirst_oid(cell));

		CHECK_FOR_INTERRUPTS();
		if (relkind != '\0')
			posture_relation(&posture, lfirst_oid(cell), relkind);
	}

	/* What all relations of a class share is shown once per class. */
	if (posture.classes != NIL)
	{
		List	   *common = places_common();

		foreach(class, posture.classes)
		{
			foreach(cell, common)
			{
				const Place *place = (const Place *) lfirst(cell);
				const Label *label = (const Label *) lfirst(class);

				if (place_needed(policy_current(), label, place->kind))
					put_posture(&posture, InvalidOid, '\0', label, place, NULL, NULL);
			}
		}
	}
	return (Datum) 0;
}
