/*-------------------------------------------------------------------------
 *
 * incident_policy.c
 *		What the writer knows of the policy: classes and disclosure windows.
 *
 * Owns a copy of both tables in a context of its own, read again when the
 * policy generation moved.  Officers may lock these tables as they like: the
 * writer goes on with the copy it has, and waits for nobody.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/incident_internal.h"
#include "pg_dataclass/policy.h"

typedef struct KnownClass
{
	char	   *name;
	int			rank;
} KnownClass;

typedef struct KnownWindow
{
	char	   *class_name;
	char	   *recipient;
	Interval	within;
} KnownWindow;

typedef struct Knowledge
{
	MemoryContext cxt;
	uint64		generation;
	List	   *classes;
	List	   *windows;
} Knowledge;

static Knowledge *known = NULL;

char *
incident_class_of(const AuditText *label)
{
	/* labels of objects, of columns, clearances, trusted procedures */
	static const LabelSpecKind kinds[] = {
		LABEL_SPEC_PLAIN, LABEL_SPEC_COLUMN, LABEL_SPEC_ROLE, LABEL_SPEC_FUNCTION
	};

	if (label->data == NULL)
		return NULL;
	for (int i = 0; i < lengthof(kinds); i++)
	{
		LabelSpec	spec;
		LabelError	error;

		if (label_parse_spec(kinds[i], label->data, label->len, &spec, &error))
			return pnstrdup(spec.label.text + spec.label.class_name.off, spec.label.class_name.len);
	}
	return NULL;
}

/* NULL: locked by somebody, or not there. */
static Relation
open_policy_table(const char *name)
{
	Oid			nsp = get_namespace_oid(DC_SCHEMA, true);
	Oid			relid = OidIsValid(nsp) ? get_relname_relid(name, nsp) : InvalidOid;

	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	return table_open(relid, NoLock);
}

static void
read_class(Knowledge *fresh, HeapTuple tuple, TupleDesc desc)
{
	KnownClass *class = palloc(sizeof(KnownClass));
	bool		name_null;
	bool		rank_null;
	Datum		name = heap_getattr(tuple, 1, desc, &name_null);
	Datum		rank = heap_getattr(tuple, 2, desc, &rank_null);

	if (name_null || rank_null)
		return;
	class->name = TextDatumGetCString(name);
	class->rank = DatumGetInt32(rank);
	fresh->classes = lappend(fresh->classes, class);
}

static void
read_window(Knowledge *fresh, HeapTuple tuple, TupleDesc desc)
{
	KnownWindow *window = palloc(sizeof(KnownWindow));
	bool		nulls[3];
	Datum		class = heap_getattr(tuple, 1, desc, &nulls[0]);
	Datum		recipient = heap_getattr(tuple, 2, desc, &nulls[1]);
	Datum		within = heap_getattr(tuple, 3, desc, &nulls[2]);

	if (nulls[0] || nulls[1] || nulls[2])
		return;
	window->class_name = TextDatumGetCString(class);
	window->recipient = TextDatumGetCString(recipient);
	window->within = *DatumGetIntervalP(within);
	fresh->windows = lappend(fresh->windows, window);
}

static void
read_all(Knowledge *fresh, Relation rel, void (*reader) (Knowledge *, HeapTuple, TupleDesc))
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		reader(fresh, tuple, RelationGetDescr(rel));
	systable_endscan(scan);
}

void
incident_policy_refresh(void)
{
	uint64		generation = policy_generation();
	Relation	classes;
	Relation	windows;
	Knowledge  *fresh;
	MemoryContext cxt;
	MemoryContext old;

	if (known != NULL && known->generation == generation)
		return;
	classes = open_policy_table("data_class");
	windows = open_policy_table("disclosure_window");
	if (classes != NULL && windows != NULL)
	{
		/* a child of the transaction's memory until it is complete */
		cxt = AllocSetContextCreate(CurrentMemoryContext, "dataclass incident policy", ALLOCSET_SMALL_SIZES);
		old = MemoryContextSwitchTo(cxt);
		fresh = palloc0(sizeof(Knowledge));
		fresh->cxt = cxt;
		fresh->generation = generation;
		read_all(fresh, classes, read_class);
		read_all(fresh, windows, read_window);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(cxt, TopMemoryContext);
		if (known != NULL)
			MemoryContextDelete(known->cxt);
		known = fresh;
	}
	else if (known == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not obtain lock on the policy tables")));
	if (classes != NULL)
		table_close(classes, AccessShareLock);
	if (windows != NULL)
		table_close(windows, AccessShareLock);
}

int
incident_class_rank(const char *class_name)
{
	ListCell   *cell;

	if (class_name == NULL)
		return INCIDENT_RANK_NONE;
	foreach(cell, known->classes)
	{
		const KnownClass *class = lfirst(cell);

		if (strcmp(class->name, class_name) == 0)
			return class->rank;
	}
	return INCIDENT_RANK_UNKNOWN;
}

/* Where no class is known the shortest window that any class has counts, for each recipient. */
void
incident_policy_deadlines(IncidentTable *table, int64 incident, const char *class_name,
						  TimestampTz since)
{
	int			rank = incident_class_rank(class_name);
	bool		any = rank == INCIDENT_RANK_NONE || rank == INCIDENT_RANK_UNKNOWN;
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, known->windows)
	{
		const KnownWindow *window = lfirst(cell);
		TimestampTz due;
		bool		shortest = true;

		if (!any && strcmp(window->class_name, class_name) != 0)
			continue;
		due = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(since),
													  IntervalPGetDatum(&window->within)));
		/* once for each recipient: the first of the shortest ones */
		foreach(other, any ? known->windows : NIL)
		{
			const KnownWindow *w = lfirst(other);
			int			cmp;

			if (w == window || strcmp(w->recipient, window->recipient) != 0)
				continue;
			cmp = DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(&w->within),
													IntervalPGetDatum(&window->within)));
			if (cmp < 0 || (cmp == 0 && foreach_current_index(other) < foreach_current_index(cell)))
				shortest = false;
		}
		if (shortest)
			incident_deadline_put(table, incident, window->recipient, class_name, due);
	}
}
