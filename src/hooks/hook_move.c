/*-------------------------------------------------------------------------
 *
 * hook_move.c
 *		Rows that an UPDATE moves out from under a partition's column labels.
 *
 * A partition may label columns that its parent does not.  An UPDATE of the
 * partition key takes a row elsewhere, with values that the one who moves it
 * may neither read nor write, to where nobody hides them.  So whoever updates
 * the key of a partitioned table must be cleared for the columns that only its
 * partitions label.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/mask.h"

/* The same columns in another relation of the family, by name. */
static Bitmapset *
translate_columns(Oid from, Oid to, Bitmapset *columns)
{
	Bitmapset  *result = NULL;
	int			column = -1;

	if (from == to)
		return columns;
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber	attnum = column + FirstLowInvalidHeapAttributeNumber;
		char	   *name = attnum > 0 ? get_attname(from, attnum, true) : NULL;
		AttrNumber	theirs = name ? get_attnum(to, name) : InvalidAttrNumber;

		if (theirs != InvalidAttrNumber)
			result = bms_add_member(result, theirs - FirstLowInvalidHeapAttributeNumber);
	}
	return result;
}

/* Could the update make a row belong to another partition, on any level? */
static bool
moves_rows(const CompatAccess *access, List *family)
{
	ListCell   *cell;

	foreach(cell, family)
	{
		Oid			relid = lfirst_oid(cell);
		Relation	rel;
		bool		moves;

		if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
			continue;
		rel = table_open(relid, AccessShareLock);
		moves = has_partition_attrs(rel, translate_columns(access->relid, relid, access->updated), NULL);
		table_close(rel, NoLock);
		if (moves)
			return true;
	}
	return false;
}

/* A column that the subject may read through the parent, but not where the row is; 0 if none. */
static AttrNumber
uncovered_column(Oid parent, Oid child, ResolvedLabel *label)
{
	const RelationLabels *labels = relation_labels(child);
	int			ncolumns = labels->ncolumns;
	ColumnLabel *columns = palloc(sizeof(ColumnLabel) * Max(ncolumns, 1));

	/* further look-ups may move the original */
	if (ncolumns > 0)
		memcpy(columns, labels->columns, sizeof(ColumnLabel) * ncolumns);
	for (int i = 0; i < ncolumns; i++)
	{
		char	   *name = get_attname(child, columns[i].attnum, true);
		AttrNumber	attnum = name ? get_attnum(parent, name) : InvalidAttrNumber;

		if (attnum == InvalidAttrNumber || mask_column_readable(child, columns[i].attnum) ||
			!mask_column_readable(parent, attnum))
			continue;
		*label = columns[i].resolved;
		return attnum;
	}
	return InvalidAttrNumber;
}

AttrNumber
move_uncovers_column(const CompatAccess *access, ResolvedLabel *label)
{
	List	   *family;
	ListCell   *cell;

	if (access->updated == NULL || access->relkind != RELKIND_PARTITIONED_TABLE ||
		!relation_column_labels_exist())
		return InvalidAttrNumber;
	family = find_all_inheritors(access->relid, NoLock, NULL);
	if (!moves_rows(access, family))
		return InvalidAttrNumber;
	foreach(cell, family)
	{
		AttrNumber	attnum = uncovered_column(access->relid, lfirst_oid(cell), label);

		if (attnum != InvalidAttrNumber)
			return attnum;
	}
	return InvalidAttrNumber;
}
