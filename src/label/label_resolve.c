/*-------------------------------------------------------------------------
 *
 * label_resolve.c
 *		Effective labels of objects, computed from the catalogs.
 *
 * Owns no state; label_cache.c keeps what is computed here.  The effective
 * label of a relation is the least upper bound of its own and its ancestors'
 * effective labels; without any, its schema's; without that, its database's.
 * A TOAST table has the ceiling of the table it serves.  Whatever cannot be
 * interpreted resolves to POLICY_RANK_NONE, which nobody dominates.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_seclabel.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/label_cache.h"
#include "pg_dataclass/resolve.h"

void
resolve_label(const PolicySnapshot *p, const Label *label, ResolvedLabel *out)
{
	const PolicyClass *class = policy_class_of(p, label);
	const char *what;
	char		name[LABEL_MAX_TEXT];

	out->label = *label;
	out->rank = POLICY_RANK_NONE;
	out->required_tier = POLICY_RANK_NONE;
	if (class == NULL || !policy_label_known(p, label, &what, name, sizeof(name)))
		return;
	out->rank = class->rank;
	out->required_tier = class->required_tier;
}

/* Parse a stored label; one that does not parse keeps its place as an unknown label. */
static void
resolve_stored(const PolicySnapshot *p, LabelSpecKind kind, const char *text,
			   ResolvedLabel *out, LabelMask *mask)
{
	LabelSpec	spec;
	LabelError	error;

	if (label_parse_spec(kind, text, strlen(text), &spec, &error))
	{
		resolve_label(p, &spec.label, out);
		if (mask)
			*mask = spec.mask;
		return;
	}
	memset(out, 0, sizeof(*out));
	out->rank = POLICY_RANK_NONE;
	out->required_tier = POLICY_RANK_NONE;
	if (mask)
		memset(mask, 0, sizeof(*mask));
}

/* *into becomes the least upper bound of itself and other. */
static void
join_resolved(const PolicySnapshot *p, ResolvedLabel *into, bool *have, const ResolvedLabel *other)
{
	Label		joined;

	if (!*have)
	{
		*into = *other;
		*have = true;
		return;
	}
	if (into->rank == POLICY_RANK_NONE)
		return;
	if (other->rank == POLICY_RANK_NONE ||
		!label_join(&into->label, into->rank, &other->label, other->rank, &joined))
	{
		into->rank = POLICY_RANK_NONE;
		into->required_tier = POLICY_RANK_NONE;
		return;
	}
	resolve_label(p, &joined, into);
}

/* Of two masks for one column, what shows no more than either; denial shows nothing. */
static void
join_masks(LabelMask *into, const LabelMask *other)
{
	LabelMaskKind kind = LABEL_MASK_NULL;

	if (memcmp(into, other, sizeof(LabelMask)) == 0)
		return;
	if (into->kind == LABEL_MASK_NONE || other->kind == LABEL_MASK_NONE)
		kind = LABEL_MASK_NONE;
	memset(into, 0, sizeof(LabelMask));
	into->kind = kind;
}

/* Add or raise the label of one column. */
static void
join_column(const PolicySnapshot *p, RelationLabels *labels, AttrNumber attnum,
			const ResolvedLabel *resolved, const LabelMask *mask)
{
	for (int i = 0; i < labels->ncolumns; i++)
	{
		ColumnLabel *column = &labels->columns[i];
		bool		have = true;

		if (column->attnum != attnum)
			continue;
		join_resolved(p, &column->resolved, &have, resolved);
		join_masks(&column->mask, mask);
		return;
	}
	if (labels->columns == NULL)
		labels->columns = palloc(sizeof(ColumnLabel));
	else
		labels->columns = repalloc(labels->columns, sizeof(ColumnLabel) * (labels->ncolumns + 1));
	labels->columns[labels->ncolumns].attnum = attnum;
	labels->columns[labels->ncolumns].mask = *mask;
	labels->columns[labels->ncolumns].resolved = *resolved;
	labels->ncolumns++;
}

/*
 * Labels stored for the relation itself and its columns.  from is the
 * relation whose rows of pg_seclabel are read, labels->relid the one they are
 * applied to: an ancestor's column labels apply by column name.
 */
static void
read_stored_labels(const PolicySnapshot *p, Oid from, RelationLabels *labels,
				   ResolvedLabel *own, bool *have_own)
{
	Relation	rel = table_open(SecLabelRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(from));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	scan = systable_beginscan(rel, SecLabelObjectIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormData_pg_seclabel *form = (FormData_pg_seclabel *) GETSTRUCT(tuple);
		bool		isnull;
		char	   *provider = TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_provider,
																RelationGetDescr(rel), &isnull));
		char	   *stored;
		ResolvedLabel resolved;
		LabelMask	mask;
		AttrNumber	attnum = form->objsubid;

		if (strcmp(provider, DC_PROVIDER) != 0)
			continue;
		stored = TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_label,
												RelationGetDescr(rel), &isnull));
		resolve_stored(p, attnum ? LABEL_SPEC_COLUMN : LABEL_SPEC_PLAIN, stored, &resolved, &mask);
		if (attnum == 0)
		{
			join_resolved(p, own, have_own, &resolved);
			continue;
		}
		if (from != labels->relid)
		{
			char	   *name = get_attname(from, attnum, true);

			attnum = name ? get_attnum(labels->relid, name) : InvalidAttrNumber;
			if (attnum == InvalidAttrNumber)
				continue;
		}
		join_column(p, labels, attnum, &resolved, &mask);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Parents of a partition or an inheritance child; palloc'd list of oids. */
static List *
parents_of(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *parents = NIL;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return parents;
}

/* The label that schema, or else database, give to relations without one of their own. */
static bool
default_label(const PolicySnapshot *p, Oid nspid, ResolvedLabel *out)
{
	const ObjectLabel *object = object_label(NamespaceRelationId, nspid, LABEL_SPEC_PLAIN);

	if (!object->labeled)
		object = object_label(DatabaseRelationId, MyDatabaseId, LABEL_SPEC_PLAIN);
	if (!object->labeled)
		return false;
	if (object->malformed)
	{
		memset(out, 0, sizeof(*out));
		out->rank = POLICY_RANK_NONE;
		out->required_tier = POLICY_RANK_NONE;
	}
	else
		resolve_label(p, &object->spec.label, out);
	return true;
}

/*
 * Effective label of one relation in the hierarchy; column labels of it and of
 * all its ancestors are gathered into labels on the way.
 */
static bool
hierarchy_label(const PolicySnapshot *p, Oid relid, RelationLabels *labels, ResolvedLabel *out)
{
	bool		have = false;
	ListCell   *cell;

	check_stack_depth();
	read_stored_labels(p, relid, labels, out, &have);
	foreach(cell, parents_of(relid))
	{
		ResolvedLabel parent;

		if (hierarchy_label(p, lfirst_oid(cell), labels, &parent))
			join_resolved(p, out, &have, &parent);
	}
	if (!have)
		have = default_label(p, get_rel_namespace(relid), out);
	return have;
}

/* The table that a TOAST table serves, through its internal dependency. */
static Oid
toast_owner(Oid toastid)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(toastid));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId && form->deptype == DEPENDENCY_INTERNAL)
			owner = form->refobjid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owner;
}

/* First column of type dataclass.label (or a domain over it), 0 if none. */
static AttrNumber
find_row_label_column(Oid relid)
{
	Oid			type = row_label_type();
	HeapTuple	class_tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			natts = 0;

	if (HeapTupleIsValid(class_tuple))
	{
		natts = ((Form_pg_class) GETSTRUCT(class_tuple))->relnatts;
		ReleaseSysCache(class_tuple);
	}
	if (!OidIsValid(type))
		return InvalidAttrNumber;
	for (int attnum = 1; attnum <= natts; attnum++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
		bool		found = false;

		if (!HeapTupleIsValid(tuple))
			continue;
		if (!((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
		{
			Oid			atttype = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;

			found = atttype == type || (atttype >= FirstNormalObjectId && getBaseType(atttype) == type);
		}
		ReleaseSysCache(tuple);
		if (found)
			return attnum;
	}
	return InvalidAttrNumber;
}

static bool
ancestor_lacks_row_labels(Oid relid)
{
	ListCell   *cell;

	check_stack_depth();
	foreach(cell, parents_of(relid))
		if (find_row_label_column(lfirst_oid(cell)) == InvalidAttrNumber ||
			ancestor_lacks_row_labels(lfirst_oid(cell)))
			return true;
	return false;
}

static void
resolve_toast(RelationLabels *labels)
{
	Oid			owner = toast_owner(labels->relid);
	const RelationLabels *of_owner;

	if (!OidIsValid(owner))
		return;
	of_owner = relation_labels(owner);
	labels->governed = relation_ceiling(of_owner, &labels->label);
	labels->quarantined = of_owner->quarantined;
	labels->unlabelled_denied = of_owner->unlabelled_denied;
}

/*
 * Fill everything but relid and valid.  Arrays are allocated in the current
 * memory context.
 */
void
resolve_relation(const PolicySnapshot *p, RelationLabels *labels)
{
	Oid			nspid;

	if (!p->installed || labels->relid < FirstNormalObjectId)
	{
		labels->is_catalog = true;
		labels->relkind = RELKIND_RELATION;
		return;
	}
	labels->relkind = get_rel_relkind(labels->relid);
	nspid = get_rel_namespace(labels->relid);
	if (nspid == p->schema_oid || nspid == p->audit_schema_oid)
	{
		labels->is_catalog = true;
		return;
	}
	if (labels->relkind == RELKIND_TOASTVALUE)
	{
		resolve_toast(labels);
		return;
	}
	if (labels->relkind == RELKIND_INDEX || labels->relkind == RELKIND_PARTITIONED_INDEX)
		return;

	labels->quarantined = policy_is_quarantined(p, labels->relid);
	labels->governed = hierarchy_label(p, labels->relid, labels, &labels->label);
	for (int i = 0; i < labels->ncolumns; i++)
		labels->masked |= labels->columns[i].mask.kind != LABEL_MASK_NONE;
	if (labels->relkind == RELKIND_RELATION || labels->relkind == RELKIND_PARTITIONED_TABLE ||
		labels->relkind == RELKIND_MATVIEW || labels->relkind == RELKIND_FOREIGN_TABLE)
	{
		labels->row_label_attnum = find_row_label_column(labels->relid);
		if (labels->row_label_attnum != InvalidAttrNumber)
		{
			labels->row_label_unfiltered = ancestor_lacks_row_labels(labels->relid);
			resolve_row_proof(p, labels);
		}
		labels->unlabelled_denied = p->deny_unlabelled && !labels->governed &&
			labels->row_label_attnum == InvalidAttrNumber && !isAnyTempNamespace(nspid);
	}
}

const ColumnLabel *
relation_column_label(const RelationLabels *labels, AttrNumber attnum)
{
	for (int i = 0; i < labels->ncolumns; i++)
		if (labels->columns[i].attnum == attnum)
			return &labels->columns[i];
	return NULL;
}

/*
 * A row-labelled relation without a label of its own can hold any registered
 * label; with one, that is the ceiling.
 */
bool
relation_ceiling(const RelationLabels *labels, ResolvedLabel *ceiling)
{
	const PolicySnapshot *p = policy_current();
	const PolicyRowLabel *all;
	bool		have = labels->governed;

	if (have)
		*ceiling = labels->label;
	else if (labels->row_label_attnum != InvalidAttrNumber)
		for (int i = policy_row_labels(p, &all) - 1; i >= 0; i--)
		{
			ResolvedLabel row;

			resolve_stored(p, LABEL_SPEC_PLAIN, all[i].text, &row, NULL);
			join_resolved(p, ceiling, &have, &row);
		}
	for (int i = 0; i < labels->ncolumns; i++)
		join_resolved(p, ceiling, &have, &labels->columns[i].resolved);
	return have;
}

bool
relation_effective_label(Oid relid, Label *label)
{
	ResolvedLabel ceiling;

	if (!relation_ceiling(relation_labels(relid), &ceiling))
		return false;
	*label = ceiling.label;
	return true;
}

bool
schema_effective_label(Oid nspid, Label *label)
{
	ResolvedLabel resolved;
	const PolicySnapshot *p = policy_current();

	if (!p->installed || nspid == p->schema_oid || nspid == p->audit_schema_oid ||
		!default_label(p, nspid, &resolved))
		return false;
	*label = resolved.label;
	return true;
}

char *
role_label_text(Oid role)
{
	ObjectAddress address;

	ObjectAddressSet(address, AuthIdRelationId, role);
	return GetSecurityLabel(&address, DC_PROVIDER);
}

bool
function_trusted_label(Oid funcid, Label *label)
{
	const ObjectLabel *object;

	if (funcid < FirstNormalObjectId || !policy_current()->installed)
		return false;
	object = object_label(ProcedureRelationId, funcid, LABEL_SPEC_FUNCTION);
	if (!object->labeled || object->malformed)
		return false;
	*label = object->spec.label;
	return true;
}
