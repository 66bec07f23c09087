/*-------------------------------------------------------------------------
 *
 * label_mask.c
 *		Masked columns: where they are, and which masks suit a column.
 *
 * Owns the list of relations that have a masked column of their own, read from
 * pg_seclabel once per generation of the policy, and only when somebody asks
 * about a table with children: a query on a parent shows the columns of its
 * children, whose own labels hold as well, and moves rows between them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/resolve.h"

/* A hash with fewer digits than this tells apart too few values. */
#define MASK_HASH_MIN_LENGTH 16

static Oid *masked = NULL;		/* ascending */
static int	nmasked = 0;
static bool labeled_columns = false;	/* some column has a label, masked or not */
static uint64 masked_generation = 0;

/* ------------------------------------------------------------------------
 * Where masked columns are
 * ------------------------------------------------------------------------
 */

static int
compare_oids(const void *a, const void *b)
{
	Oid			x = *(const Oid *) a;
	Oid			y = *(const Oid *) b;

	return x < y ? -1 : x > y;
}

static bool
is_stored_mask(HeapTuple tuple, TupleDesc desc)
{
	LabelSpec	spec;
	LabelError	error;
	bool		isnull;
	text	   *provider = DatumGetTextPP(heap_getattr(tuple, Anum_pg_seclabel_provider, desc, &isnull));
	text	   *label;

	if (VARSIZE_ANY_EXHDR(provider) != strlen(DC_PROVIDER) ||
		memcmp(VARDATA_ANY(provider), DC_PROVIDER, strlen(DC_PROVIDER)) != 0)
		return false;
	label = DatumGetTextPP(heap_getattr(tuple, Anum_pg_seclabel_label, desc, &isnull));
	return label_parse_spec(LABEL_SPEC_COLUMN, VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label), &spec, &error) &&
		spec.mask.kind != LABEL_MASK_NONE;
}

/* Read all column labels of this database. */
static void
load_masked(void)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		generation;
	List	   *found = NIL;
	bool		any = false;
	ListCell   *cell;

	policy_current();
	if (masked_generation == policy_generation() && masked_generation != 0)
		return;
	generation = policy_generation();
	rel = table_open(SecLabelRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormData_pg_seclabel *form = (FormData_pg_seclabel *) GETSTRUCT(tuple);

		if (form->objsubid == 0 || form->classoid != RelationRelationId)
			continue;
		any = true;
		if (is_stored_mask(tuple, RelationGetDescr(rel)))
			found = list_append_unique_oid(found, form->objoid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	masked_generation = 0;
	nmasked = 0;
	if (masked)
		pfree(masked);
	masked = NULL;
	masked = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * Max(list_length(found), 1));
	foreach(cell, found)
		masked[nmasked++] = lfirst_oid(cell);
	qsort(masked, nmasked, sizeof(Oid), compare_oids);
	labeled_columns = any;
	/* a change that came in meanwhile moved the generation on: read again next time */
	masked_generation = generation;
}

List *
relation_masked_children(Oid relid)
{
	List	   *children = NIL;
	ListCell   *cell;

	if (!has_subclass(relid))
		return NIL;
	load_masked();
	if (nmasked == 0)
		return NIL;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
	{
		Oid			child = lfirst_oid(cell);

		/* masks come with a column's name from any ancestor */
		if (child != relid && relation_labels(child)->masked)
			children = lappend_oid(children, child);
	}
	return children;
}

bool
relation_column_labels_exist(void)
{
	load_masked();
	return labeled_columns;
}

bool
relation_is_masked(Oid relid, bool children)
{
	ListCell   *cell;

	if (relation_labels(relid)->masked)
		return true;
	if (!children || !has_subclass(relid))
		return false;
	load_masked();
	if (nmasked == 0)
		return false;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		if (relation_labels(lfirst_oid(cell))->masked)
			return true;
	return false;
}

/* ------------------------------------------------------------------------
 * Which masks suit a column
 * ------------------------------------------------------------------------
 */

bool
label_mask_is_text(Oid type)
{
	Oid			base = getBaseType(type);

	return base == BPCHAROID || base == NAMEOID || IsBinaryCoercible(base, TEXTOID);
}

static void
refuse_mask(Oid relid, AttrNumber attnum, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("mask does not suit column \"%s\" of relation \"%s\"",
					get_attname(relid, attnum, false), get_rel_name(relid)),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/* The constant must be input that the column's type takes. */
static void
check_constant(Oid relid, AttrNumber attnum, Oid type, int32 typmod, const LabelMask *mask)
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(type, &input, &ioparam);
	PG_TRY();
	{
		(void) OidInputFunctionCall(input, pstrdup(mask->text), ioparam, typmod);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(cxt);
		edata = CopyErrorData();
		/* what the value is to blame for; anything else is not ours to translate */
		if (ERRCODE_TO_CATEGORY(edata->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
			ERRCODE_TO_CATEGORY(edata->sqlerrcode) != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
			ERRCODE_TO_CATEGORY(edata->sqlerrcode) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
			PG_RE_THROW();
		edata->message = psprintf("mask does not suit column \"%s\" of relation \"%s\"",
								  get_attname(relid, attnum, false), get_rel_name(relid));
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg_internal("%s", edata->message),
				 errdetail("The text of the mask is no value of type %s.", format_type_with_typemod(type, typmod)),
				 errhint("Write a text that the type takes as input, or use mask alone, which shows NULL.")));
	}
	PG_END_TRY();
}

void
label_mask_check(Oid relid, AttrNumber attnum, const LabelMask *mask)
{
	Oid			type;
	Oid			base;
	Oid			collation;
	int32		typmod;

	if (mask->kind == LABEL_MASK_NONE)
		return;
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	if (attnum < 0 || getBaseType(type) == row_label_type())
		refuse_mask(relid, attnum, "Row labels and system columns cannot be masked.",
					"Label the column without a mask.");
	if (mask->kind == LABEL_MASK_CONSTANT)
		check_constant(relid, attnum, type, typmod, mask);
	if (mask->kind != LABEL_MASK_PARTIAL && mask->kind != LABEL_MASK_HASH)
		return;
	if (!label_mask_is_text(type))
		refuse_mask(relid, attnum,
					psprintf("Masks partial and hash are for text, the column has type %s.", format_type_be(type)),
					"Use mask alone, which shows NULL, or mask constant('...').");
	base = getBaseTypeAndTypmod(type, &typmod);
	if (mask->kind == LABEL_MASK_HASH && (base == VARCHAROID || base == BPCHAROID) &&
		typmod >= (int32) VARHDRSZ && typmod - (int32) VARHDRSZ < MASK_HASH_MIN_LENGTH)
		refuse_mask(relid, attnum, "The column is too short for a hash: it needs room for 16 characters.",
					"Use mask alone, which shows NULL, or mask constant('...').");
}

/* ------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------
 */

static void
invalidate_ancestors(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *parents = NIL;
	ListCell   *cell;

	check_stack_depth();
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(cell, parents)
	{
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
		invalidate_ancestors(lfirst_oid(cell));
	}
}

/*
 * A label of a column holds for the columns of that name below, and a query on
 * a table above shows it.
 */
void
label_mask_invalidate_plans(Oid relid)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(cell))))
			CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
	invalidate_ancestors(relid);
}
