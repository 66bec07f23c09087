/*-------------------------------------------------------------------------
 *
 * hook_keep.c
 *		Protection that a command would lose.
 *
 * A partition that is detached, a child that leaves its parent, a table that
 * moves to another schema may have its labels from there.  What protected the
 * relation and its columns before is compared with what does so afterwards;
 * what is missing is stored as labels of its own, in the same transaction.
 *
 * DETACH PARTITION CONCURRENTLY commits on its way: there the labels are stored
 * first, so that no moment and no crash leaves the partition without them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "commands/seclabel.h"
#include "nodes/value.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/provider.h"

static Oid
relation_of(const RangeVar *relation)
{
	return relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
}

/*
 * What to store for a column that loses its parent: the parent's own words,
 * if they alone made the label; else what all of them came to.
 */
static char *
column_text(Oid relid, Oid parent, const ColumnLabel *column)
{
	ObjectAddress object;
	LabelSpec	spec = {0};
	char	   *text;
	char	   *name = get_attname(relid, column->attnum, true);
	AttrNumber	theirs = name && OidIsValid(parent) ? get_attnum(parent, name) : InvalidAttrNumber;

	ObjectAddressSubSet(object, RelationRelationId, relid, column->attnum);
	if (theirs != InvalidAttrNumber && GetSecurityLabel(&object, DC_PROVIDER) == NULL)
	{
		ObjectAddressSubSet(object, RelationRelationId, parent, theirs);
		name = GetSecurityLabel(&object, DC_PROVIDER);
		if (name)
			return name;
	}
	spec.kind = LABEL_SPEC_COLUMN;
	spec.label = column->resolved.label;
	spec.mask = column->mask;
	text = palloc(LABEL_SPEC_MAX_TEXT);
	label_spec_text(&spec, text, LABEL_SPEC_MAX_TEXT);
	return text;
}

static List *
remember(List *kept, Oid relid, Oid parent)
{
	const RelationLabels *labels;
	KeptLabel  *entry;

	if (!OidIsValid(relid))
		return kept;
	labels = relation_labels(relid);
	if (!labels->governed && labels->ncolumns == 0)
		return kept;
	entry = palloc0(sizeof(KeptLabel));
	entry->relid = relid;
	entry->governed = labels->governed;
	entry->label = labels->label;
	entry->ncolumns = labels->ncolumns;
	if (labels->ncolumns > 0)
	{
		entry->columns = palloc(sizeof(ColumnLabel) * labels->ncolumns);
		entry->column_texts = palloc(sizeof(char *) * labels->ncolumns);
		memcpy(entry->columns, labels->columns, sizeof(ColumnLabel) * labels->ncolumns);
		for (int i = 0; i < entry->ncolumns; i++)
			entry->column_texts[i] = column_text(relid, parent, &entry->columns[i]);
	}
	return lappend(kept, entry);
}

/* Every relation that an extension would take along to another schema. */
static List *
remember_members(Oid extension)
{
	List	   *kept = NIL;
	ListCell   *cell;

	if (OidIsValid(extension))
		foreach(cell, ddl_user_tables(InvalidOid))
			if (getExtensionOfObject(RelationRelationId, lfirst_oid(cell)) == extension)
				kept = remember(kept, lfirst_oid(cell), InvalidOid);
	return kept;
}

static bool
covers(const ResolvedLabel *now, const ResolvedLabel *before)
{
	return now->rank != POLICY_RANK_NONE &&
		label_dominates(&now->label, now->rank, &before->label, before->rank);
}

static bool
column_is_covered(const RelationLabels *labels, const ColumnLabel *before)
{
	for (int i = 0; i < labels->ncolumns; i++)
		if (labels->columns[i].attnum == before->attnum)
			return covers(&labels->columns[i].resolved, &before->resolved) &&
				memcmp(&labels->columns[i].mask, &before->mask, sizeof(LabelMask)) == 0;
	return false;
}

/* Store what the relation, looked at now or (early) as if it had no parent, would lack. */
static void
restore(const KeptLabel *entry, bool early)
{
	const RelationLabels *labels = relation_labels(entry->relid);
	bool		whole = entry->governed && (early || !labels->governed || !covers(&labels->label, &entry->label));
	bool	   *column = palloc0(sizeof(bool) * (entry->ncolumns + 1));

	/* the labels may move in memory once the first one is stored */
	for (int i = 0; i < entry->ncolumns; i++)
		column[i] = early || !column_is_covered(labels, &entry->columns[i]);
	if (whole)
		label_store_derived(entry->relid, &entry->label,
							"Label kept that the relation had from its parent or schema.");
	for (int i = 0; i < entry->ncolumns; i++)
		if (column[i])
			label_store_derived_column(entry->relid, entry->columns[i].attnum, entry->column_texts[i],
									   "Label kept that the column had from the relation's parent.");
}

static List *
remember_alter_table(AlterTableStmt *stmt)
{
	Oid			relid = relation_of(stmt->relation);
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_DetachPartition || cmd->subtype == AT_DetachPartitionFinalize)
			kept = remember(kept, relation_of(((PartitionCmd *) cmd->def)->name), relid);
		else if (cmd->subtype == AT_DropInherit)
			kept = remember(kept, relid, relation_of((RangeVar *) cmd->def));
		if (cmd->subtype == AT_DetachPartition && ((PartitionCmd *) cmd->def)->concurrent)
		{
			ListCell   *entry;

			foreach(entry, kept)
				restore(lfirst(entry), true);
			kept = NIL;
		}
	}
	return kept;
}

/* Effective labels of what the command may cut off from where they come from. */
List *
keep_labels_before(Node *parsetree)
{
	if (!policy_current()->installed)
		return NIL;
	if (IsA(parsetree, AlterObjectSchemaStmt))
	{
		AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) parsetree;

		return stmt->objectType == OBJECT_EXTENSION ?
			remember_members(get_extension_oid(strVal(stmt->object), true)) :
			remember(NIL, relation_of(stmt->relation), InvalidOid);
	}
	if (IsA(parsetree, AlterTableStmt))
		return remember_alter_table((AlterTableStmt *) parsetree);
	return NIL;
}

void
keep_labels_after(List *kept)
{
	ListCell   *cell;

	if (kept == NIL)
		return;
	policy_invalidate_all();
	foreach(cell, kept)
	{
		KeptLabel  *entry = lfirst(cell);

		if (get_rel_name(entry->relid) != NULL)
			restore(entry, false);
	}
}
