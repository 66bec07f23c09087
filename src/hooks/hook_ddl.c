/*-------------------------------------------------------------------------
 *
 * hook_ddl.c
 *		Commands on governed relations, before and after core runs them.
 *
 * Before: what runs code over rows or changes what protects them needs a
 * clearance that dominates everything the relation can hold; plain maintenance
 * (VACUUM, ANALYZE, REINDEX, plain indexes, new columns, comments, grants)
 * needs none.  After: whatever a command made or moved is labeled and judged
 * by its storage; protection that came from a parent, a schema or the sources
 * of a query is kept as a label of its own where the command would lose it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_publication.h"
#include "catalog/dependency.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"

static Oid
relation_of(const RangeVar *relation)
{
	return relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
}

static void
need_define(Oid relid, const char *command)
{
	if (OidIsValid(relid))
		access_check_relation(relid, ACTION_DEFINE, command);
}

/* Tables of users, of one schema or (InvalidOid) of all; of one row type if oftype is valid. */
static List *
find_tables(Oid nspid, Oid oftype)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *relids = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) &&
			(!OidIsValid(nspid) || form->relnamespace == nspid) &&
			(!OidIsValid(oftype) || form->reloftype == oftype))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relids;
}

static List *
user_tables(Oid nspid)
{
	return find_tables(nspid, InvalidOid);
}

/* ------------------------------------------------------------------------
 * ALTER TABLE
 * ------------------------------------------------------------------------
 */

/* Subcommands that neither run code over rows nor change what protects them. */
static bool
is_maintenance(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			{
				/* a default or generated expression would be evaluated for each row */
				ColumnDef  *column = (ColumnDef *) cmd->def;

				return column->constraints == NIL && column->raw_default == NULL;
			}
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_DropColumn:
		case AT_DropConstraint:
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetTableSpace:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplaceRelOptions:
		case AT_EnableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_SetNotNull:
			return true;
		case AT_AddIndex:
		case AT_AddConstraint:
			{
				Constraint *constraint = (Constraint *) cmd->def;

				return cmd->def && IsA(cmd->def, Constraint) &&
					(constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE ||
					 constraint->contype == CONSTR_FOREIGN);
			}
		default:
			return false;
	}
}

/* Nobody switches the flags off: core would stop hiding values and keys. */
static void
refuse_row_security_off(Oid relid)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_DDL_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "ALTER TABLE";
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = "row_security";
	refusal.message = psprintf("cannot switch off row security of row-labeled table \"%s\"", get_rel_name(relid));
	refusal.detail = "Row labels rely on it to keep statistics and error details from showing hidden rows.";
	refusal.hint = "Drop the label column to end row labels on this table.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

/*
 * A foreign key tells whether a key exists: whoever defines one must be
 * cleared for the table it points at.
 */
static void
check_references(List *constraints)
{
	ListCell   *cell;

	foreach(cell, constraints)
	{
		Node	   *node = lfirst(cell);

		if (IsA(node, Constraint) && ((Constraint *) node)->contype == CONSTR_FOREIGN)
			need_define(relation_of(((Constraint *) node)->pktable), "REFERENCES");
		else if (IsA(node, ColumnDef))
			check_references(((ColumnDef *) node)->constraints);
	}
}

static void
check_alter_table(AlterTableStmt *stmt)
{
	Oid			relid = relation_of(stmt->relation);
	ListCell   *cell;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_INDEX)
		return;
	/* ALTER TYPE ... CASCADE changes the typed tables */
	if (get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
	{
		foreach(cell, find_tables(InvalidOid, get_rel_type_id(relid)))
			need_define(lfirst_oid(cell), "ALTER TYPE");
		return;
	}
	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if ((cmd->subtype == AT_DisableRowSecurity || cmd->subtype == AT_NoForceRowSecurity) &&
			relation_labels(relid)->row_label_attnum != InvalidAttrNumber)
			refuse_row_security_off(relid);
		else if (!is_maintenance(cmd))
			need_define(relid, "ALTER TABLE");
		if (cmd->subtype == AT_AddConstraint || cmd->subtype == AT_AddColumn)
			check_references(list_make1(cmd->def));
	}
}

/* ------------------------------------------------------------------------
 * Publications
 * ------------------------------------------------------------------------
 */

/* Every governed table, of one schema or of all, as a publication would hand it on. */
static void
check_export_of_schema(Oid nspid)
{
	ListCell   *cell;

	foreach(cell, user_tables(nspid))
		access_check_relation(lfirst_oid(cell), ACTION_EXPORT, "CREATE PUBLICATION");
}

static void
check_publication(List *objects, bool for_all_tables)
{
	ListCell   *cell;

	if (for_all_tables)
		check_export_of_schema(InvalidOid);
	foreach(cell, objects)
	{
		PublicationObjSpec *object = lfirst(cell);

		switch (object->pubobjtype)
		{
			case PUBLICATIONOBJ_TABLE:
				if (OidIsValid(relation_of(object->pubtable->relation)))
					access_check_relation(relation_of(object->pubtable->relation), ACTION_EXPORT, "CREATE PUBLICATION");
				break;
			case PUBLICATIONOBJ_TABLES_IN_SCHEMA:
				check_export_of_schema(get_namespace_oid(object->name, false));
				break;
			case PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA:
			case PUBLICATIONOBJ_CONTINUATION:
				check_export_of_schema(InvalidOid);
				break;
		}
	}
}

/* ------------------------------------------------------------------------
 * All commands
 * ------------------------------------------------------------------------
 */

static bool
index_runs_code(const IndexStmt *stmt)
{
	ListCell   *cell;

	if (stmt->whereClause)
		return true;
	foreach(cell, stmt->indexParams)
	{
		IndexElem  *element = lfirst(cell);

		/* an operator class can be anybody's code */
		if (element->expr || element->opclass)
			return true;
	}
	return false;
}

/*
 * Native code, or another name for a function of core that reads below labels.
 * Scripts of extensions define such functions as a matter of course.
 */
static void
check_language(const CreateFunctionStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst(cell);
		const char *language;

		if (strcmp(option->defname, "language") != 0)
			continue;
		language = strVal(option->arg);
		if (!creating_extension && (strcmp(language, "internal") == 0 || strcmp(language, "c") == 0))
			access_check_server("CREATE FUNCTION", psprintf("language %s", language));
	}
}

void
ddl_check(Node *parsetree)
{
	ListCell   *cell;

	if (guc_enforcement == ENFORCEMENT_OFF || !policy_current()->installed)
		return;
	switch (nodeTag(parsetree))
	{
		case T_AlterTableStmt:
			check_alter_table((AlterTableStmt *) parsetree);
			break;
		case T_CreateFunctionStmt:
			check_language((CreateFunctionStmt *) parsetree);
			break;
		case T_CreateStmt:
			check_references(((CreateStmt *) parsetree)->tableElts);
			check_references(((CreateStmt *) parsetree)->constraints);
			break;
		case T_CopyStmt:
			if (((CopyStmt *) parsetree)->is_program)
				access_check_server("COPY", "PROGRAM");
			break;
		case T_IndexStmt:
			if (index_runs_code((IndexStmt *) parsetree))
				need_define(relation_of(((IndexStmt *) parsetree)->relation), "CREATE INDEX");
			break;
		case T_CreateTrigStmt:
			need_define(relation_of(((CreateTrigStmt *) parsetree)->relation), "CREATE TRIGGER");
			break;
		case T_RuleStmt:
			need_define(relation_of(((RuleStmt *) parsetree)->relation), "CREATE RULE");
			break;
		case T_CreatePolicyStmt:
			need_define(relation_of(((CreatePolicyStmt *) parsetree)->table), "CREATE POLICY");
			break;
		case T_AlterPolicyStmt:
			need_define(relation_of(((AlterPolicyStmt *) parsetree)->table), "ALTER POLICY");
			break;
		case T_CreateStatsStmt:
			foreach(cell, ((CreateStatsStmt *) parsetree)->relations)
				if (IsA(lfirst(cell), RangeVar))
					need_define(relation_of(lfirst(cell)), "CREATE STATISTICS");
			break;
		case T_RefreshMatViewStmt:
			need_define(relation_of(((RefreshMatViewStmt *) parsetree)->relation), "REFRESH MATERIALIZED VIEW");
			break;
		case T_LockStmt:
			if (((LockStmt *) parsetree)->mode > AccessShareLock)
				foreach(cell, ((LockStmt *) parsetree)->relations)
					need_define(relation_of(lfirst(cell)), "LOCK TABLE");
			break;
		case T_CreatePublicationStmt:
			check_publication(((CreatePublicationStmt *) parsetree)->pubobjects,
							  ((CreatePublicationStmt *) parsetree)->for_all_tables);
			break;
		case T_AlterPublicationStmt:
			if (((AlterPublicationStmt *) parsetree)->action != AP_DropObjects)
				check_publication(((AlterPublicationStmt *) parsetree)->pubobjects,
								  ((AlterPublicationStmt *) parsetree)->for_all_tables);
			break;
		default:
			break;
	}
}

/* ------------------------------------------------------------------------
 * Protection that a command would lose
 * ------------------------------------------------------------------------
 */

static List *
remember(List *kept, Oid relid)
{
	const RelationLabels *labels;
	KeptLabel  *entry;

	if (!OidIsValid(relid))
		return kept;
	labels = relation_labels(relid);
	if (!labels->governed)
		return kept;
	entry = palloc(sizeof(KeptLabel));
	entry->relid = relid;
	entry->label = labels->label;
	return lappend(kept, entry);
}

/* Every relation that an extension would take along to another schema. */
static List *
remember_members(Oid extension)
{
	List	   *kept = NIL;
	ListCell   *cell;

	if (OidIsValid(extension))
		foreach(cell, user_tables(InvalidOid))
			if (getExtensionOfObject(RelationRelationId, lfirst_oid(cell)) == extension)
				kept = remember(kept, lfirst_oid(cell));
	return kept;
}

/* Effective labels of what the command may cut off from where they come from. */
List *
ddl_labels_before(Node *parsetree)
{
	List	   *kept = NIL;
	ListCell   *cell;

	if (!policy_current()->installed)
		return NIL;
	if (IsA(parsetree, AlterObjectSchemaStmt))
	{
		AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) parsetree;

		return stmt->objectType == OBJECT_EXTENSION ?
			remember_members(get_extension_oid(strVal(stmt->object), true)) :
			remember(NIL, relation_of(stmt->relation));
	}
	if (!IsA(parsetree, AlterTableStmt))
		return NIL;
	foreach(cell, ((AlterTableStmt *) parsetree)->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_DetachPartition)
			kept = remember(kept, relation_of(((PartitionCmd *) cmd->def)->name));
		else if (cmd->subtype == AT_DropInherit)
			kept = remember(kept, relation_of(((AlterTableStmt *) parsetree)->relation));
	}
	return kept;
}

void
ddl_labels_after(List *kept)
{
	ListCell   *cell;

	if (kept == NIL)
		return;
	policy_invalidate_all();
	foreach(cell, kept)
	{
		KeptLabel  *entry = lfirst(cell);
		const RelationLabels *labels = relation_labels(entry->relid);

		if (get_rel_name(entry->relid) == NULL)
			continue;
		if (!labels->governed || labels->label.rank == POLICY_RANK_NONE ||
			!label_dominates(&labels->label.label, labels->label.rank, &entry->label.label, entry->label.rank))
			label_store_derived(entry->relid, &entry->label,
								"Label kept that the relation had from its parent or schema.");
	}
}

/* Relation that a command created or changed, to be judged afterwards; InvalidOid if none. */
Oid
ddl_created_relation(Node *parsetree)
{
	switch (nodeTag(parsetree))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return relation_of(((CreateStmt *) parsetree)->relation);
		case T_CreateTableAsStmt:
			return relation_of(((CreateTableAsStmt *) parsetree)->into->rel);
		case T_RefreshMatViewStmt:
			return relation_of(((RefreshMatViewStmt *) parsetree)->relation);
		case T_IndexStmt:
			return relation_of(((IndexStmt *) parsetree)->relation);
		case T_AlterTableStmt:
			return relation_of(((AlterTableStmt *) parsetree)->relation);
		case T_AlterObjectSchemaStmt:
			return relation_of(((AlterObjectSchemaStmt *) parsetree)->relation);
		default:
			return InvalidOid;
	}
}
