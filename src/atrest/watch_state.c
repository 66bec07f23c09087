/*-------------------------------------------------------------------------
 *
 * watch_state.c
 *		Rows of dataclass.place_state: each place as it was found last.
 *
 * A row is written only when the evidence, the policy or the standing
 * violations differ from it, so that a pass which finds nothing new leaves no
 * trace in the table or the WAL.  Details are not compared: they may hold
 * figures that change all the time.
 *
 * Lock: ShareUpdateExclusiveLock on the table from the read to the end of the
 * transaction, which keeps passes apart and lets readers be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/quarantine.h"
#include "pg_dataclass/watch.h"

enum
{
	ATT_KIND = 1,
	ATT_TABLESPACE,
	ATT_NAME,
	ATT_PATH,
	ATT_DEVICE,
	ATT_VERDICT,
	ATT_GRADE,
	ATT_MECHANISM,
	ATT_CIPHER,
	ATT_KEY_BITS,
	ATT_HOSTING_MODEL,
	ATT_REGION,
	ATT_CHECKSUMS,
	ATT_DETAIL,
	ATT_VIOLATES,
	ATT_POLICY,
	ATT_SINCE,
	ATT_CHECKED_AT
};

#define NATTS ATT_CHECKED_AT

/* One row, as far as it is compared. */
typedef struct StateRow
{
	const char *text[NATTS + 1];	/* by attribute, NULL: null or no text */
	int			grade;
	int			key_bits;
	bool		checksums;
} StateRow;

static char *
device_of(const char *path)
{
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return NULL;
	return psprintf("%u:%u", major(st.st_dev), minor(st.st_dev));
}

static const char *
or_null(const char *text)
{
	return text && text[0] ? text : NULL;
}

static void
row_of_place(const Place *place, const char *device, StateRow *row)
{
	const Evidence *evidence = &place->evidence;

	memset(row, 0, sizeof(*row));
	row->text[ATT_KIND] = place_control(place->kind);
	row->text[ATT_NAME] = place->name;
	row->text[ATT_PATH] = place->path;
	row->text[ATT_DEVICE] = device;
	row->text[ATT_VERDICT] = evidence_verdict_name(evidence->verdict);
	row->text[ATT_MECHANISM] = evidence->mechanism;
	row->text[ATT_CIPHER] = or_null(evidence->cipher);
	row->text[ATT_HOSTING_MODEL] = or_null(evidence->hosting_model);
	row->text[ATT_REGION] = or_null(evidence->region);
	row->text[ATT_DETAIL] = evidence->detail;
	row->grade = evidence->grade;
	row->key_bits = evidence->key_bits;
	row->checksums = DataChecksumsEnabled();
}

static char *
row_text(const StateRow *row)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s, grade %d, %s", row->text[ATT_VERDICT], row->grade, row->text[ATT_MECHANISM]);
	if (row->text[ATT_CIPHER])
		appendStringInfo(&out, ", %s", row->text[ATT_CIPHER]);
	if (row->text[ATT_HOSTING_MODEL])
		appendStringInfo(&out, ", %s", row->text[ATT_HOSTING_MODEL]);
	if (row->text[ATT_REGION])
		appendStringInfo(&out, ", %s", row->text[ATT_REGION]);
	if (!row->checksums)
		appendStringInfoString(&out, ", without checksums");
	if (row->text[ATT_PATH] == NULL)
		appendStringInfoString(&out, ", directory not found");
	return out.data;
}

/*
 * watch_evidence_text
 */
char *
watch_evidence_text(const Place *place)
{
	StateRow	row;

	row_of_place(place, NULL, &row);
	return row_text(&row);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_evidence(const StateRow *a, const StateRow *b)
{
	static const int texts[] = {ATT_PATH, ATT_VERDICT, ATT_MECHANISM, ATT_CIPHER, ATT_HOSTING_MODEL, ATT_REGION};

	for (int i = 0; i < lengthof(texts); i++)
	{
		if (!same(a->text[texts[i]], b->text[texts[i]]))
			return false;
	}
	return a->grade == b->grade && a->key_bits == b->key_bits && a->checksums == b->checksums;
}

static List *
names_of(Datum array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *names = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			names = lappend(names, TextDatumGetCString(elements[i]));
	}
	return names;
}

static bool
is_text(int attnum)
{
	switch (attnum)
	{
		case ATT_KIND:
		case ATT_NAME:
		case ATT_PATH:
		case ATT_DEVICE:
		case ATT_VERDICT:
		case ATT_MECHANISM:
		case ATT_CIPHER:
		case ATT_HOSTING_MODEL:
		case ATT_REGION:
		case ATT_DETAIL:
			return true;
		default:
			return false;
	}
}

/* The place that a row is about: by tablespace where there is one, its name may have changed. */
static WatchPlace *
place_of_row(List *places, const char *kind, Oid tablespace, const char *name)
{
	ListCell   *cell;

	foreach(cell, places)
	{
		WatchPlace *place = lfirst(cell);

		if (place->place != NULL && !place->kept && strcmp(place->kind, kind) == 0 &&
			place->tablespace == tablespace &&
			(OidIsValid(tablespace) || strcmp(place->place->name, name) == 0))
			return place;
	}
	return NULL;
}

static List *
match_row(List *places, HeapTuple tuple, TupleDesc desc)
{
	Datum		values[NATTS];
	bool		nulls[NATTS];
	StateRow	row = {{0}};
	WatchPlace *place;

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int attnum = 1; attnum <= NATTS; attnum++)
	{
		if (is_text(attnum) && !nulls[attnum - 1])
			row.text[attnum] = TextDatumGetCString(values[attnum - 1]);
	}
	row.grade = DatumGetInt32(values[ATT_GRADE - 1]);
	row.key_bits = DatumGetInt32(values[ATT_KEY_BITS - 1]);
	row.checksums = DatumGetBool(values[ATT_CHECKSUMS - 1]);

	place = place_of_row(places, row.text[ATT_KIND], DatumGetObjectId(values[ATT_TABLESPACE - 1]),
						 row.text[ATT_NAME]);
	if (place == NULL)
	{
		place = palloc0(sizeof(WatchPlace));
		place->kind = row.text[ATT_KIND];
		place->tablespace = DatumGetObjectId(values[ATT_TABLESPACE - 1]);
		place->changed = true;
		places = lappend(places, place);
	}
	else
	{
		StateRow	now;

		row_of_place(place->place, place->device, &now);
		place->changed = !same_evidence(&row, &now);
		place->moved = !same(row.text[ATT_DEVICE], now.text[ATT_DEVICE]) ||
			!same(row.text[ATT_NAME], now.text[ATT_NAME]);
	}
	place->kept = true;
	place->tid = tuple->t_self;
	place->name = pstrdup(row.text[ATT_NAME]);
	place->before = row_text(&row);
	place->policy = DatumGetInt64(values[ATT_POLICY - 1]);
	place->since = DatumGetTimestampTz(values[ATT_SINCE - 1]);
	place->violates = names_of(values[ATT_VIOLATES - 1]);
	return places;
}

/*
 * watch_state_read
 */
List *
watch_state_read(Relation *rel)
{
	List	   *places = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *cell;

	*rel = kept_table_open("place_state", ShareUpdateExclusiveLock);
	if (*rel == NULL || RelationGetNumberOfAttributes(*rel) < NATTS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass.place_state is missing or of another version")));
	foreach(cell, list_concat(places_of_tablespaces(), places_common()))
	{
		WatchPlace *place = palloc0(sizeof(WatchPlace));

		place->place = lfirst(cell);
		place->kind = place_control(place->place->kind);
		place->tablespace = place->place->tablespace;
		place->name = pstrdup(place->place->name);
		place->device = device_of(place->place->path);
		place->changed = true;
		places = lappend(places, place);
	}
	scan = systable_beginscan(*rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		places = match_row(places, tuple, RelationGetDescr(*rel));
	systable_endscan(scan);
	return places;
}

static Datum
names_datum(List *names)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(names), 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, names)
		elements[n++] = CStringGetTextDatum((char *) lfirst(cell));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * watch_state_write
 */
void
watch_state_write(Relation rel, WatchPlace *place, int64 policy)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[NATTS] = {0};
	bool		nulls[NATTS] = {false};
	StateRow	row;
	HeapTuple	tuple;

	row_of_place(place->place, place->device, &row);
	for (int attnum = 1; attnum <= NATTS; attnum++)
	{
		if (!is_text(attnum))
			continue;
		nulls[attnum - 1] = row.text[attnum] == NULL;
		if (row.text[attnum] != NULL)
			values[attnum - 1] = CStringGetTextDatum(row.text[attnum]);
	}
	values[ATT_TABLESPACE - 1] = ObjectIdGetDatum(place->tablespace);
	values[ATT_GRADE - 1] = Int32GetDatum(row.grade);
	values[ATT_KEY_BITS - 1] = Int32GetDatum(row.key_bits);
	values[ATT_CHECKSUMS - 1] = BoolGetDatum(row.checksums);
	values[ATT_VIOLATES - 1] = names_datum(place->violates_now);
	values[ATT_POLICY - 1] = Int64GetDatum(policy);
	values[ATT_SINCE - 1] = TimestampTzGetDatum(place->kept && !place->changed ? place->since : now);
	values[ATT_CHECKED_AT - 1] = TimestampTzGetDatum(now);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (place->kept)
		CatalogTupleUpdate(rel, &place->tid, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
}

/*
 * watch_state_delete
 */
void
watch_state_delete(Relation rel, WatchPlace *place)
{
	CatalogTupleDelete(rel, &place->tid);
}
