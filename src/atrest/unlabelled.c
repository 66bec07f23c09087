/*-------------------------------------------------------------------------
 *
 * unlabelled.c
 *		dataclass.find_unlabelled(): what nobody has labelled yet, and what
 *		class its columns look like.
 *
 * For officers, over all relations without an effective label, whatever the
 * officer may read: what leaves is names, kinds and counts.  Each call is
 * recorded before anything is read.  A class is suggested by
 * dataclass.suggestion or else by its position in the policy, so that it works
 * under any profile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/officer_only.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/result_row.h"
#include "pg_dataclass/unlabelled.h"

#define UNLABELLED_COLUMNS	10
#define MAX_SAMPLE_ROWS		100000

/* Share of values that must have a format before it says something of the column. */
#define LEAST_SHARE			0.25

typedef struct Suggestions
{
	const PolicyClass *of_kind[PERSONAL_KIND_COUNT];	/* into the snapshot; NULL: none */
} Suggestions;

typedef struct Column
{
	char	   *name;
	char	   *type;
	uint32		by_name;
	uint32		by_type;
	ColumnSample sample;
	bool		sampled;
} Column;

typedef struct Report
{
	ReturnSetInfo *result;
	int64		max_rows;
} Report;

PG_FUNCTION_INFO_V1(dc_find_unlabelled);
extern PGDLLEXPORT Datum dc_find_unlabelled(PG_FUNCTION_ARGS);

static const PolicyClass *
class_by_name(const PolicySnapshot *p, const char *name)
{
	for (int i = 0; i < p->nclasses; i++)
		if (strcmp(p->classes[i].name, name) == 0)
			return &p->classes[i];
	return NULL;
}

/*
 * Without a word of the officers: what identifies or exposes a person is one
 * class below the highest, the rest in the middle.
 */
static const PolicyClass *
class_by_position(const PolicySnapshot *p, PersonalKind kind)
{
	int			below_top = Max(p->nclasses - 2, 0);

	if (p->nclasses == 0)
		return NULL;
	return &p->classes[personal_kind_is_sensitive(kind) ? below_top : Min(p->nclasses / 2, below_top)];
}

static void
read_suggestions(const PolicySnapshot *p, Suggestions *suggestions)
{
	Oid			relid = get_relname_relid("suggestion", p->schema_oid);
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;

	for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
		suggestions->of_kind[kind] = class_by_position(p, kind);
	if (!OidIsValid(relid))
		return;
	rel = table_open(relid, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull[2];
		Datum		kind_name = heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull[0]);
		Datum		class_name = heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull[1]);

		if (isnull[0] || isnull[1])
			continue;
		for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
			if (strcmp(personal_kind_name(kind), TextDatumGetCString(kind_name)) == 0)
			{
				const PolicyClass *class = class_by_name(p, TextDatumGetCString(class_name));

				/* a class that the policy no longer has says nothing */
				if (class)
					suggestions->of_kind[kind] = class;
			}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* The highest class that some of the kinds suggests. */
static const PolicyClass *
suggest(const Suggestions *suggestions, uint32 kinds)
{
	const PolicyClass *highest = NULL;

	for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
	{
		const PolicyClass *class = suggestions->of_kind[kind];

		if ((kinds & PERSONAL_BIT(kind)) && class && (highest == NULL || class->rank > highest->rank))
			highest = class;
	}
	return highest;
}

static PersonalShape
shape_of(Oid base_type)
{
	switch (base_type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			return SHAPE_TEXT;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			return SHAPE_NUMBER;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return SHAPE_TIME;
		default:
			return SHAPE_OTHER;
	}
}

static char *
type_name(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	char	   *name = NULL;

	if (HeapTupleIsValid(tuple))
	{
		name = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname));
		ReleaseSysCache(tuple);
	}
	return name ? name : psprintf("%u", type);
}

static Column *
column_of(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	Form_pg_attribute form;
	Column	   *column = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	if (!form->attisdropped)
	{
		Oid			base = getBaseType(form->atttypid);

		column = palloc0(sizeof(Column));
		column->name = pstrdup(NameStr(form->attname));
		column->type = format_type_with_typemod(form->atttypid, form->atttypmod);
		column->by_name = personal_by_name(column->name, shape_of(base));
		column->by_type = personal_by_type(type_name(base)) | personal_by_type(type_name(form->atttypid));
		column->sample.attnum = attnum;
		column->sample.base_type = base;
		column->sample.by_name = column->by_name;
		column->sampled = sample_reads_type(base);
	}
	ReleaseSysCache(tuple);
	return column;
}

/* Columns without a label of their own. */
static List *
columns_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			natts = 0;
	List	   *columns = NIL;

	if (HeapTupleIsValid(tuple))
	{
		natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
		ReleaseSysCache(tuple);
	}
	for (int attnum = 1; attnum <= natts; attnum++)
	{
		Column	   *column = relation_column_label(relation_labels(relid), attnum) ? NULL : column_of(relid, attnum);

		if (column)
			columns = lappend(columns, column);
	}
	return columns;
}

static const char *
sample_table(Oid relid, int64 max_rows, List *columns, int64 *rows)
{
	ColumnSample *samples = palloc0(sizeof(ColumnSample) * (list_length(columns) + 1));
	int			nsamples = 0;
	const char *why;
	ListCell   *cell;

	foreach(cell, columns)
		if (((Column *) lfirst(cell))->sampled)
			samples[nsamples++] = ((Column *) lfirst(cell))->sample;
	why = sample_columns(relid, max_rows, samples, nsamples, rows);
	nsamples = 0;
	foreach(cell, columns)
		if (((Column *) lfirst(cell))->sampled)
			((Column *) lfirst(cell))->sample = samples[nsamples++];
	return why;
}

/* Kinds that enough of the values have the format of; *share that of the most frequent. */
static uint32
kinds_by_format(const Column *column, double *share)
{
	const ColumnSample *sample = &column->sample;
	uint32		kinds = 0;

	*share = 0;
	for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
	{
		double		of_kind = sample->values > 0 ? (double) sample->matches[kind] / sample->values : 0;

		if (of_kind < LEAST_SHARE)
			continue;
		kinds |= PERSONAL_BIT(kind);
		*share = Max(*share, of_kind);
	}
	return kinds;
}

static Datum
text_array(const char *const *texts, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
		datums[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(datums, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
kinds_array(uint32 kinds)
{
	const char *names[PERSONAL_KIND_COUNT];
	int			n = 0;

	for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
		if (kinds & PERSONAL_BIT(kind))
			names[n++] = personal_kind_name(kind);
	return text_array(names, n);
}

static const char *
object_word(char relkind)
{
	switch (relkind)
	{
		case RELKIND_VIEW:
			return "VIEW";
		case RELKIND_MATVIEW:
			return "MATERIALIZED VIEW";
		case RELKIND_FOREIGN_TABLE:
			return "FOREIGN TABLE";
		default:
			return "TABLE";
	}
}

static char *
label_statement(Oid relid, const char *column, const PolicyClass *class)
{
	char	   *identity = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));

	if (class == NULL)
		return NULL;
	if (column)
		return psprintf("SECURITY LABEL FOR dataclass ON COLUMN %s.%s IS %s;", identity, quote_identifier(column),
						quote_literal_cstr(class->name));
	return psprintf("SECURITY LABEL FOR dataclass ON %s %s IS %s;", object_word(get_rel_relkind(relid)), identity,
					quote_literal_cstr(class->name));
}

/* column NULL: the relation as a whole */
static void
put_row(const Report *report, Oid relid, const Column *column, const PolicyClass *class, uint32 kinds,
		int64 rows, const char *note)
{
	Datum		values[UNLABELLED_COLUMNS] = {0};
	bool		nulls[UNLABELLED_COLUMNS] = {0};
	const char *evidence[3];
	int			nevidence = 0;
	double		share = 0;
	bool		by_format = column && kinds_by_format(column, &share) != 0;

	if (column && column->by_name)
		evidence[nevidence++] = "name";
	if (column && column->by_type)
		evidence[nevidence++] = "type";
	if (by_format)
		evidence[nevidence++] = "format";
	values[0] = ObjectIdGetDatum(relid);
	row_set_text(values, nulls, 1, column ? column->name : NULL);
	row_set_text(values, nulls, 2, column ? column->type : NULL);
	row_set_text(values, nulls, 3, class ? class->name : NULL);
	values[4] = kinds_array(kinds);
	values[5] = text_array(evidence, nevidence);
	nulls[5] = column == NULL;
	values[6] = Float4GetDatum((float4) share);
	nulls[6] = column == NULL || column->sample.values == 0;
	values[7] = Int64GetDatum(rows);
	row_set_text(values, nulls, 8, label_statement(relid, column ? column->name : NULL, class));
	row_set_text(values, nulls, 9, note);
	tuplestore_putvalues(report->result->setResult, report->result->setDesc, values, nulls);
}

static void
report_relation(const Report *report, Oid relid)
{
	List	   *columns = columns_of(relid);
	int64		rows = 0;
	const char *note = NULL;
	const PolicySnapshot *p;
	Suggestions suggestions;
	uint32		all = 0;
	ListCell   *cell;

	if (report->max_rows > 0)
		note = sample_table(relid, report->max_rows, columns, &rows);
	if (get_rel_name(relid) == NULL)
		return;
	/* anew: opening a relation takes in invalidations */
	p = policy_current();
	read_suggestions(p, &suggestions);
	foreach(cell, columns)
	{
		const Column *column = (const Column *) lfirst(cell);
		double		share;

		all |= column->by_name | column->by_type | kinds_by_format(column, &share);
	}
	put_row(report, relid, NULL, suggest(&suggestions, all), all, rows, note);
	foreach(cell, columns)
	{
		const Column *column = (const Column *) lfirst(cell);
		double		share;
		uint32		kinds = column->by_name | column->by_type | kinds_by_format(column, &share);

		if (kinds != 0)
			put_row(report, relid, column, suggest(&suggestions, kinds), kinds, rows, note);
	}
}

/* Relations that hold or show rows and are not the system's. */
static List *
candidates(void)
{
	List	   *relids = NIL;
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW ||
			 form->relkind == RELKIND_PARTITIONED_TABLE || form->relkind == RELKIND_FOREIGN_TABLE ||
			 form->relkind == RELKIND_VIEW))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relids;
}

static bool
is_unlabelled(Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);

	return !labels->is_catalog && !labels->governed && !labels->quarantined &&
		labels->row_label_attnum == InvalidAttrNumber;
}

/* Before anything is read, and whatever becomes of the transaction. */
static void
record_call(int64 max_rows)
{
	AuditEvent	event = {0};

	event.kind = EVENT_TRUSTED_ENTRY;
	event.severity = SEVERITY_INFO;
	event.outcome = OUTCOME_ALLOWED;
	event.action = "find_unlabelled";
	event.object_type = "function";
	event.object_identity = "dataclass.find_unlabelled";
	event.detail = psprintf("Relations without a label were looked through, up to " INT64_FORMAT " rows each; counts alone are shown.",
							max_rows);
	if (!event_record(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the call in the audit trail"),
				 errdetail("Data are not looked through while that cannot be recorded."),
				 errhint("See the server log.")));
}

/*
 * dataclass.find_unlabelled(sample_rows int)
 */
Datum
dc_find_unlabelled(PG_FUNCTION_ARGS)
{
	int32		max_rows = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0);
	MemoryContext work;
	MemoryContext old;
	Report		report;
	ListCell   *cell;

	officer_only("find_unlabelled", "Only members of dataclass_officer may look through what is not labelled.");
	if (max_rows < 0 || max_rows > MAX_SAMPLE_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of sampled rows must be between 0 and %d", MAX_SAMPLE_ROWS),
				 errhint("0 looks at names and types alone.")));
	record_call(max_rows);
	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	if (!policy_current()->installed)
		return (Datum) 0;
	report.result = (ReturnSetInfo *) fcinfo->resultinfo;
	report.max_rows = max_rows;
	work = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass unlabelled", ALLOCSET_DEFAULT_SIZES);
	foreach(cell, candidates())
	{
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(work);
		if (get_rel_name(lfirst_oid(cell)) != NULL && is_unlabelled(lfirst_oid(cell)))
			report_relation(&report, lfirst_oid(cell));
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}
	MemoryContextDelete(work);
	return (Datum) 0;
}
