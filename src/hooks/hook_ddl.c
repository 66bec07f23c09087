/*-------------------------------------------------------------------------
 *
 * hook_ddl.c
 *		Commands on governed relations, before and after core runs them.
 *
 * Before: what runs code over rows or changes what protects them needs a
 * clearance that dominates everything the relation can hold; plain maintenance
 * (VACUUM, ANALYZE, REINDEX, plain indexes, new columns, comments, grants)
 * needs none.  After: whatever a command made or moved is labeled and judged
 * by its storage (for what would lose its label see hook_keep.c).
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
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "catalog/dependency.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/plan_target.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"

static Oid
relation_of(const RangeVar *relation)
{
	return relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
}

/*
 * Tables of users, of one schema or (InvalidOid) of all; of one row type if
 * oftype is valid; materialized views too if asked for.
 */
static List *
find_tables(Oid nspid, Oid oftype, bool matviews)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *relids = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE ||
			 (matviews && form->relkind == RELKIND_MATVIEW)) &&
			(!OidIsValid(nspid) || form->relnamespace == nspid) &&
			(!OidIsValid(oftype) || form->reloftype == oftype))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	/* the same order every time, whatever has become of pg_class: the first one refused is named */
	list_sort(relids, list_oid_cmp);
	return relids;
}

static List *
user_tables(Oid nspid)
{
	return find_tables(nspid, InvalidOid, false);
}

/* Tables and materialized views of one schema, or of all. */
List *
ddl_user_tables(Oid nspid)
{
	return find_tables(nspid, InvalidOid, true);
}

/* ------------------------------------------------------------------------
 * ALTER TABLE
 * ------------------------------------------------------------------------
 */

/* Does anything labeled depend on these columns, or is the relation labeled as a whole? */
static bool
concerns_columns(Oid relid, List *names)
{
	const RelationLabels *labels = relation_labels(relid);
	ListCell   *cell;

	/* a restore in parallel adds keys while other tables, the policy's among them, are being filled */
	if (policy_is_restoring())
		return false;
	if (labels->governed || labels->quarantined || labels->unlabelled_denied ||
		labels->row_label_attnum != InvalidAttrNumber)
		return true;
	foreach(cell, names)
	{
		AttrNumber	attnum = get_attnum(relid, strVal(lfirst(cell)));

		for (int i = 0; i < labels->ncolumns; i++)
			if (labels->columns[i].attnum == attnum)
				return true;
	}
	return false;
}

static bool
is_constant(Node *expr)
{
	while (expr && IsA(expr, TypeCast))
		expr = ((TypeCast *) expr)->arg;
	return expr == NULL || IsA(expr, A_Const);
}

/*
 * A column that is empty or constant shows and runs nothing.  A label column
 * would put the decision about each row in the place of the relation's label;
 * a domain brings constraints and a default of its own.
 */
static bool
is_plain_column(const ColumnDef *column)
{
	Oid			type = column->typeName ? LookupTypeNameOid(NULL, column->typeName, true) : InvalidOid;
	ListCell   *cell;

	if (!OidIsValid(type) || type == row_label_type() || get_typtype(type) == TYPTYPE_DOMAIN)
		return false;
	foreach(cell, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);

		if (constraint->contype == CONSTR_DEFAULT ? !is_constant(constraint->raw_expr) :
			constraint->contype != CONSTR_NULL && constraint->contype != CONSTR_NOTNULL)
			return false;
	}
	return column->raw_default == NULL;
}

/*
 * Existing rows are compared with each other or with another table: an error
 * shows a key of theirs.
 */
static bool
compares_rows(Oid relid, const Constraint *constraint)
{
	if (constraint->contype == CONSTR_FOREIGN)
		return !constraint->skip_validation && concerns_columns(relid, constraint->fk_attrs);
	return !define_is_fresh(relid) &&
		(constraint->indexname != NULL || concerns_columns(relid, constraint->keys));
}

/* What rows without a label of their own get is part of their protection. */
static bool
is_label_column(Oid relid, const char *name)
{
	AttrNumber	attnum = relation_labels(relid)->row_label_attnum;

	return attnum != InvalidAttrNumber && name && get_attnum(relid, name) == attnum;
}

/* Subcommands that neither run code over rows nor change what protects them. */
static bool
is_maintenance(Oid relid, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			return is_plain_column((ColumnDef *) cmd->def);
		case AT_ColumnDefault:
			return cmd->def == NULL || !is_label_column(relid, cmd->name);
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
		case AT_DetachPartitionFinalize:
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
					 constraint->contype == CONSTR_FOREIGN) &&
					!compares_rows(relid, constraint);
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
			define_check_tree(relation_of(((Constraint *) node)->pktable), "REFERENCES");
		else if (IsA(node, ColumnDef))
			check_references(((ColumnDef *) node)->constraints);
	}
}

/*
 * A table that becomes a partition is searched for rows out of its bounds, with
 * the functions of the partition key; so is the default partition.
 */
static void
check_attach(Oid parent, const PartitionCmd *cmd)
{
	Oid			child = relation_of(cmd->name);

	if (OidIsValid(child) && get_rel_relkind(child) != RELKIND_INDEX && get_rel_relkind(child) != RELKIND_PARTITIONED_INDEX)
		define_check_tree(child, "ALTER TABLE");
	define_check_default_partition(parent, "ALTER TABLE");
}

/*
 * What is proven of the rows of a table is proven since its newest child came;
 * core tells sessions of a new child of the parent only.
 */
static void
invalidate_ancestors(Oid relid)
{
	ListCell   *cell;

	check_stack_depth();
	if (!OidIsValid(relid))
		return;
	CacheInvalidateRelcacheByRelid(relid);
	foreach(cell, protect_parents(relid))
		invalidate_ancestors(lfirst_oid(cell));
}

/* file_fdw runs what this option says as COPY ... PROGRAM does, wherever in its wrapper, server or table it stands. */
static void
check_program_option(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "program") == 0)
			access_check_server("FOREIGN TABLE", "PROGRAM");
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
		foreach(cell, find_tables(InvalidOid, get_rel_type_id(relid), false))
			define_check_tree(lfirst_oid(cell), "ALTER TYPE");
		return;
	}
	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		protect_check_alter(relid, stmt->relation->inh, cmd);
		if ((cmd->subtype == AT_DisableRowSecurity || cmd->subtype == AT_NoForceRowSecurity) &&
			relation_labels(relid)->row_label_attnum != InvalidAttrNumber)
			refuse_row_security_off(relid);
		else if (!is_maintenance(relid, cmd))
		{
			if (stmt->relation->inh)
				define_check_tree(relid, "ALTER TABLE");
			else
				access_check_relation(relid, ACTION_DEFINE, "ALTER TABLE");
		}
		if (cmd->subtype == AT_AttachPartition)
		{
			check_attach(relid, (PartitionCmd *) cmd->def);
			invalidate_ancestors(relid);
		}
		if (cmd->subtype == AT_AddInherit)
			invalidate_ancestors(relation_of((RangeVar *) cmd->def));
		if (cmd->subtype == AT_AddConstraint || cmd->subtype == AT_AddColumn)
			check_references(list_make1(cmd->def));
	}
}

/* ------------------------------------------------------------------------
 * Publications
 * ------------------------------------------------------------------------
 */

static void
check_export(Oid relid)
{
	access_check_relation(relid, ACTION_EXPORT, "CREATE PUBLICATION");
	export_published(relid, "CREATE PUBLICATION");
}

/* Every governed table, of one schema or of all, as a publication would hand it on. */
static void
check_export_of_schema(Oid nspid)
{
	ListCell   *cell;

	foreach(cell, user_tables(nspid))
		check_export(lfirst_oid(cell));
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
					check_export(relation_of(object->pubtable->relation));
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

static void
check_create_index(const IndexStmt *stmt)
{
	Oid			relid = relation_of(stmt->relation);
	List	   *names = NIL;
	ListCell   *cell;

	/* CREATE TABLE comes here for its keys */
	if (!OidIsValid(relid) || define_is_fresh(relid))
		return;
	foreach(cell, stmt->indexParams)
		if (lfirst_node(IndexElem, cell)->name)
			names = lappend(names, makeString(lfirst_node(IndexElem, cell)->name));
	if (index_runs_code(stmt) || stmt->excludeOpNames != NIL ||
		(stmt->unique && concerns_columns(relid, names)))
		define_check_tree(relid, "CREATE INDEX");
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

/* A constraint of a domain is checked against every column of that type. */
static void
check_alter_domain(const AlterDomainStmt *stmt)
{
	Oid			type;

	/* T: default, N: drop not null, X: drop constraint */
	if (stmt->subtype != 'C' && stmt->subtype != 'V' && stmt->subtype != 'O')
		return;
	type = LookupTypeNameOid(NULL, makeTypeNameFromNameList(stmt->typeName), true);
	if (OidIsValid(type))
		define_check_dependents(TypeRelationId, type, "ALTER DOMAIN");
}

/* Its settings decide what the names in its body mean.  For CREATE OR REPLACE see hook_objectaccess.c. */
static void
check_alter_function(const AlterFunctionStmt *stmt)
{
	Oid			function = LookupFuncWithArgs(stmt->objtype, stmt->func, true);

	if (OidIsValid(function))
		define_check_dependents(ProcedureRelationId, function, "ALTER FUNCTION");
}

/* What leads to files and programs of the server, in every database of the cluster. */
static void
check_server_access(Node *parsetree)
{
	ListCell   *cell;

	switch (nodeTag(parsetree))
	{
		case T_CopyStmt:
			if (((CopyStmt *) parsetree)->is_program)
				access_check_server("COPY", "PROGRAM");
			else if (((CopyStmt *) parsetree)->filename && !((CopyStmt *) parsetree)->is_from &&
					 server_file_is_own(((CopyStmt *) parsetree)->filename))
				access_check_server("COPY", "files of the server");
			break;
		case T_AlterTableStmt:
			foreach(cell, ((AlterTableStmt *) parsetree)->cmds)
				if (lfirst_node(AlterTableCmd, cell)->subtype == AT_GenericOptions)
					check_program_option((List *) lfirst_node(AlterTableCmd, cell)->def);
			break;
		case T_CreateFunctionStmt:
			if (!policy_current()->installed)
				check_language((CreateFunctionStmt *) parsetree);
			break;
		case T_CreateForeignTableStmt:
			check_program_option(((CreateForeignTableStmt *) parsetree)->options);
			break;
		case T_CreateForeignServerStmt:
			check_program_option(((CreateForeignServerStmt *) parsetree)->options);
			break;
		case T_AlterForeignServerStmt:
			check_program_option(((AlterForeignServerStmt *) parsetree)->options);
			break;
		case T_CreateFdwStmt:
			check_program_option(((CreateFdwStmt *) parsetree)->options);
			break;
		case T_AlterFdwStmt:
			check_program_option(((AlterFdwStmt *) parsetree)->options);
			break;
		default:
			break;
	}
}

void
ddl_check(Node *parsetree)
{
	ListCell   *cell;

	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	check_server_access(parsetree);
	if (!policy_current()->installed)
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
			if (((CreateStmt *) parsetree)->partbound)
				define_check_default_partition(relation_of(linitial(((CreateStmt *) parsetree)->inhRelations)), "CREATE TABLE");
			break;
		case T_CopyStmt:
			if (((CopyStmt *) parsetree)->is_from && OidIsValid(relation_of(((CopyStmt *) parsetree)->relation)))
				target_check_copy(relation_of(((CopyStmt *) parsetree)->relation));
			break;
		case T_IndexStmt:
			check_create_index((IndexStmt *) parsetree);
			break;
		case T_CreateTrigStmt:
			define_check_tree(relation_of(((CreateTrigStmt *) parsetree)->relation), "CREATE TRIGGER");
			break;
		case T_RuleStmt:
			define_check_tree(relation_of(((RuleStmt *) parsetree)->relation), "CREATE RULE");
			break;
		case T_CreatePolicyStmt:
			define_check_tree(relation_of(((CreatePolicyStmt *) parsetree)->table), "CREATE POLICY");
			break;
		case T_AlterPolicyStmt:
			define_check_tree(relation_of(((AlterPolicyStmt *) parsetree)->table), "ALTER POLICY");
			break;
		case T_CreateStatsStmt:
			foreach(cell, ((CreateStatsStmt *) parsetree)->relations)
				if (IsA(lfirst(cell), RangeVar) && OidIsValid(relation_of(lfirst(cell))) &&
					!define_is_fresh(relation_of(lfirst(cell))))
					define_check_tree(relation_of(lfirst(cell)), "CREATE STATISTICS");
			break;
		case T_RefreshMatViewStmt:
			define_check_tree(relation_of(((RefreshMatViewStmt *) parsetree)->relation), "REFRESH MATERIALIZED VIEW");
			break;
		case T_VacuumStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_LockStmt:
			maintenance_check(parsetree);
			break;
		case T_AlterDomainStmt:
			check_alter_domain((AlterDomainStmt *) parsetree);
			break;
		case T_AlterFunctionStmt:
			check_alter_function((AlterFunctionStmt *) parsetree);
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
 * What came of it
 * ------------------------------------------------------------------------
 */

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
