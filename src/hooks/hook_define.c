/*-------------------------------------------------------------------------
 *
 * hook_define.c
 *		Who may make code run over the rows of governed relations.
 *
 * A trigger, a CHECK constraint, an expression index, a policy, extended
 * statistics: PostgreSQL runs their functions on every row, hidden or not, and
 * an error or a NOTICE carries what they saw.  Such things may be defined only
 * by who is cleared for everything the relation can hold, and so may what they
 * are made of: the functions that they call and the domains of the columns.
 * What core's own dependencies tell is followed through functions with parsed
 * bodies, operators and types; a function called from a body that is a string
 * is not known to anybody.
 *
 * Commands recurse: what is defined on a parent is defined on its partitions
 * and children, which may be labeled although the parent is not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"

/*
 * Raises unless the subject is cleared for all that the relation, its children
 * and its partitions can hold.
 */
void
define_check_tree(Oid relid, const char *command)
{
	ListCell   *cell;

	if (!OidIsValid(relid))
		return;
	access_check_relation(relid, ACTION_DEFINE, command);
	if (!has_subclass(relid))
		return;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		access_check_relation(lfirst_oid(cell), ACTION_DEFINE, command);
}

/* A table that only its label column governs, without a single block of storage. */
static bool
is_empty(Relation rel)
{
	const RelationLabels *labels = relation_labels(RelationGetRelid(rel));

	return rel->rd_rel->relkind == RELKIND_RELATION &&
		!labels->governed && labels->ncolumns == 0 && !labels->quarantined &&
		RelationGetNumberOfBlocks(rel) == 0;
}

/*
 * Nobody's rows are in it.  The caller holds a lock that keeps it so, as DROP
 * and TRUNCATE do.
 */
bool
define_is_empty(Oid relid)
{
	Relation	rel = relation_open(relid, NoLock);
	bool		empty = is_empty(rel);

	relation_close(rel, NoLock);
	return empty;
}

/* The same for a table made in this transaction, which nobody else can have written to. */
bool
define_is_fresh(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		fresh;

	if (rel == NULL)
		return false;
	fresh = rel->rd_createSubid != InvalidSubTransactionId && is_empty(rel);
	relation_close(rel, AccessShareLock);
	return fresh;
}

/*
 * A new partition is compared with the rows of the default partition: who adds
 * one learns whether some row is within its bounds.
 */
void
define_check_default_partition(Oid parent, const char *command)
{
	Oid			partition;

	if (!OidIsValid(parent) || get_rel_relkind(parent) != RELKIND_PARTITIONED_TABLE)
		return;
	partition = get_default_partition_oid(parent);
	define_check_tree(partition, command);
}

/* ------------------------------------------------------------------------
 * What governed relations rest on
 * ------------------------------------------------------------------------
 */

/* The table that a part of one (trigger, constraint, ...) belongs to; InvalidOid if none. */
static Oid
table_of_part(Oid class_id, Oid index_id, AttrNumber oid_column, Oid object_id, AttrNumber relid_column)
{
	Relation	rel = table_open(class_id, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&key, oid_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object_id));
	scan = systable_beginscan(rel, index_id, true, NULL, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		relid = DatumGetObjectId(heap_getattr(tuple, relid_column, RelationGetDescr(rel), &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relid;
}

/*
 * Table of a trigger, rule, policy, constraint, default or statistics object.
 * Constraints of a domain have none.
 */
Oid
define_table_of(Oid class_id, Oid object_id)
{
	switch (class_id)
	{
		case TriggerRelationId:
			return table_of_part(class_id, TriggerOidIndexId, Anum_pg_trigger_oid, object_id, Anum_pg_trigger_tgrelid);
		case RewriteRelationId:
			return table_of_part(class_id, RewriteOidIndexId, Anum_pg_rewrite_oid, object_id, Anum_pg_rewrite_ev_class);
		case PolicyRelationId:
			return table_of_part(class_id, PolicyOidIndexId, Anum_pg_policy_oid, object_id, Anum_pg_policy_polrelid);
		case ConstraintRelationId:
			return table_of_part(class_id, ConstraintOidIndexId, Anum_pg_constraint_oid, object_id, Anum_pg_constraint_conrelid);
		case AttrDefaultRelationId:
			return table_of_part(class_id, AttrDefaultOidIndexId, Anum_pg_attrdef_oid, object_id, Anum_pg_attrdef_adrelid);
		case StatisticExtRelationId:
			return table_of_part(class_id, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid, object_id, Anum_pg_statistic_ext_stxrelid);
		default:
			return InvalidOid;
	}
}

/* Is it one of a constraint's own triggers, which come and go with it? */
bool
define_trigger_is_internal(Oid trigger)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		internal = false;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		internal = ((Form_pg_trigger) GETSTRUCT(tuple))->tgisinternal;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return internal;
}

/* Tables with rows of their own; views show what their sources' labels allow. */
static bool
stores_rows(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_MATVIEW || relkind == RELKIND_FOREIGN_TABLE;
}

static ObjectAddress *
make_address(Oid class_id, Oid object_id)
{
	ObjectAddress *address = palloc(sizeof(ObjectAddress));

	ObjectAddressSet(*address, class_id, object_id);
	return address;
}

/* A relation depends on what was asked for: check it, or say what to follow. */
static List *
check_dependent_relation(Oid relid, const char *command, List *follow)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		access_check_relation(IndexGetRelation(relid, false), ACTION_DEFINE, command);
	else if (relkind == RELKIND_COMPOSITE_TYPE)
		follow = lappend(follow, make_address(TypeRelationId, get_rel_type_id(relid)));
	else if (stores_rows(relkind))
		access_check_relation(relid, ACTION_DEFINE, command);
	return follow;
}

/* The domain that a constraint belongs to, InvalidOid if it is a table's. */
static Oid
domain_of_constraint(Oid constraint)
{
	return table_of_part(ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid,
						 constraint, Anum_pg_constraint_contypid);
}

/* Check the relation that the dependent is, or is a part of; returns the list with what else to follow. */
static List *
check_dependent(Oid class_id, Oid object_id, const char *command, List *follow)
{
	Oid			relid;

	switch (class_id)
	{
		case RelationRelationId:
			return check_dependent_relation(object_id, command, follow);
		case ConstraintRelationId:
		case TriggerRelationId:
		case RewriteRelationId:
		case PolicyRelationId:
		case AttrDefaultRelationId:
		case StatisticExtRelationId:
			relid = define_table_of(class_id, object_id);
			if (OidIsValid(relid) && stores_rows(get_rel_relkind(relid)))
				access_check_relation(relid, ACTION_DEFINE, command);
			else if (class_id == ConstraintRelationId && OidIsValid(domain_of_constraint(object_id)))
				follow = lappend(follow, make_address(TypeRelationId, domain_of_constraint(object_id)));
			return follow;
		case ProcedureRelationId:
		case OperatorRelationId:
		case OperatorClassRelationId:
		case OperatorFamilyRelationId:
		case CastRelationId:
		case TypeRelationId:
			return lappend(follow, make_address(class_id, object_id));
		default:
			return follow;
	}
}

/* Objects recorded in pg_depend as depending on one object. */
static List *
check_direct_dependents(const ObjectAddress *object, const char *command, List *follow)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		follow = check_dependent(form->classid, form->objid, command, follow);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return follow;
}

/*
 * Raises unless the subject is cleared for every governed relation whose rows
 * the function, or the constraints of the type, see.
 */
void
define_check_dependents(Oid class_id, Oid object_id, const char *command)
{
	List	   *todo = list_make1(make_address(class_id, object_id));
	List	   *seen = NIL;

	while (todo != NIL)
	{
		ObjectAddress *object = linitial(todo);
		ListCell   *cell;
		bool		known = false;

		CHECK_FOR_INTERRUPTS();
		todo = list_delete_first(todo);
		foreach(cell, seen)
		{
			ObjectAddress *other = lfirst(cell);

			known |= other->classId == object->classId && other->objectId == object->objectId;
		}
		if (known)
			continue;
		seen = lappend(seen, object);
		todo = check_direct_dependents(object, command, todo);
	}
}
