/*-------------------------------------------------------------------------
 *
 * protect.c
 *		dataclass.protect(): row labels for an existing table in one call.
 *
 * One transaction: lock the tree, see what is there, ask the provider whether
 * the label may be set, look at the rows, and only then change anything.
 *
 *		column		added with the label as its constant default, which core keeps
 *					in the catalog: no row is rewritten and none need be looked at.
 *					A column that is there is used; its rows are judged, and rows
 *					without a label get the label (that does rewrite the table).
 *		default		dataclass.row_label(), not null
 *		ceiling		CHECK (dataclass.row_within(column, label, era)), valid at once
 *		flags		ENABLE and FORCE ROW LEVEL SECURITY on all of the tree
 *		label		SECURITY LABEL of the table, by way of the provider
 *
 * Called again it moves the ceiling: a constraint that core vouches for and that
 * the new label dominates saves the look at the rows.
 *
 * Locks: AccessExclusiveLock on the tree, to the end of the transaction (see
 * protect_check.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"

#define COMMAND			"dataclass.protect"
#define ROW_LABEL_CALL	DC_SCHEMA ".row_label()"

PG_FUNCTION_INFO_V1(dc_protect);
extern PGDLLEXPORT Datum dc_create_label(PG_FUNCTION_ARGS);

typedef struct Job
{
	Oid			relid;
	const char *identity;		/* qualified name, for messages */
	char	   *column;
	bool		index;
	LabelSpec	spec;
	ResolvedLabel ceiling;
	const char *era;
	List	   *relids;			/* the tree, the table first */
	bool		again;			/* protected already */
	List	   *entries;		/* ProtectEntry, by relid: as found, for those without one */
	bool		has_column;		/* the table has the column */
	bool		all_not_null;
	bool		all_default;
	RowCensus	census;
} Job;

/* ------------------------------------------------------------------------
 * What is there
 * ------------------------------------------------------------------------
 */

/* Default of a column as SQL; the search path is pinned, so that names are qualified. */
static char *
default_of(Relation rel, AttrNumber attnum)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr && i < constr->num_defval; i++)
		if (constr->defval[i].adnum == attnum)
			return deparse_expression(stringToNode(constr->defval[i].adbin),
									  deparse_context_for(RelationGetRelationName(rel), RelationGetRelid(rel)),
									  false, false);
	return NULL;
}

static void
check_column(const Job *job, Relation rel, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	if (att->atttypid != row_label_type() && getBaseType(att->atttypid) != row_label_type())
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" cannot hold row labels",
						job->column, RelationGetRelationName(rel)),
				 errdetail("It has type %s, not dataclass.label.", format_type_be(att->atttypid)),
				 errhint("Name another column: SELECT dataclass.protect(%s, '%s', '...').",
						 quote_literal_cstr(job->identity), job->spec.label.text)));
	if (att->attgenerated || att->attidentity)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("column \"%s\" of relation \"%s\" cannot hold row labels",
						job->column, RelationGetRelationName(rel)),
				 errdetail("It is a generated column; who writes a row has to give its label."),
				 errhint("Name another column: SELECT dataclass.protect(%s, '%s', '...').",
						 quote_literal_cstr(job->identity), job->spec.label.text)));
}

/* One relation of the tree: remember what will have to be put back. */
static void
examine(Job *job, Oid relid)
{
	ProtectEntry *entry = palloc0(sizeof(ProtectEntry));
	AttrNumber	label_attnum = relation_labels(relid)->row_label_attnum;
	AttrNumber	attnum = get_attnum(relid, job->column);
	Relation	rel = table_open(relid, NoLock);
	ObjectAddress object;

	if (label_attnum != InvalidAttrNumber && label_attnum != attnum)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" has its row labels in another column", RelationGetRelationName(rel)),
				 errdetail("Column \"%s\" is of type dataclass.label; a table has one label column.",
						   get_attname(relid, label_attnum, false)),
				 errhint("Name that column: SELECT dataclass.protect(%s, '%s', %s).", quote_literal_cstr(job->identity),
						 job->spec.label.text, quote_literal_cstr(get_attname(relid, label_attnum, false)))));
	if (attnum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column name \"%s\" conflicts with a system column name", job->column)));
	if (attnum > 0)
		check_column(job, rel, attnum);

	entry->relid = relid;
	entry->root = job->relid;
	entry->column = job->column;
	entry->column_added = attnum == InvalidAttrNumber;
	entry->rls_was_enabled = rel->rd_rel->relrowsecurity;
	entry->rls_was_forced = rel->rd_rel->relforcerowsecurity;
	if (attnum > 0)
	{
		entry->not_null_before = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull;
		entry->default_before = default_of(rel, attnum);
	}
	ObjectAddressSet(object, RelationRelationId, relid);
	entry->label_before = GetSecurityLabel(&object, DC_PROVIDER);
	job->all_not_null &= entry->not_null_before;
	job->all_default &= entry->default_before && strcmp(entry->default_before, ROW_LABEL_CALL) == 0;
	job->entries = lappend(job->entries, entry);
	table_close(rel, NoLock);
}

static void
examine_tree(Job *job)
{
	ProtectEntry old;
	ListCell   *cell;

	job->again = protect_entry_read(job->relid, &old);
	foreach(cell, job->relids)
	{
		/* attached to a protected tree after it was protected by itself: taken over below */
		if (lfirst_oid(cell) != job->relid && !job->again &&
			protect_entry_read(lfirst_oid(cell), &old) && old.root == lfirst_oid(cell))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("relation \"%s\" is protected by itself", get_rel_name(lfirst_oid(cell))),
					 errdetail("It belongs to the tree of \"%s\", which has one ceiling.", job->identity),
					 errhint("Detach it, take its row labels away with dataclass.unprotect(), and attach it again.")));
		examine(job, lfirst_oid(cell));
	}
	job->has_column = get_attnum(job->relid, job->column) != InvalidAttrNumber;
}

/* ------------------------------------------------------------------------
 * The rows
 * ------------------------------------------------------------------------
 */

static void
refuse_rows(const Job *job)
{
	const RowCensus *census = &job->census;

	if (census->unregistered > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg(UINT64_FORMAT " of " UINT64_FORMAT " rows of relation \"%s\" have labels that are not registered",
						census->unregistered, census->rows, get_rel_name(job->relid)),
				 errdetail("Nobody can read rows whose label is not in dataclass.row_label, and no ceiling covers them."),
				 errhint("Register their labels: SELECT dataclass.create_label('...').")));
	if (census->above > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg(UINT64_FORMAT " of " UINT64_FORMAT " rows of relation \"%s\" have labels above \"%s\"",
						census->above, census->rows, get_rel_name(job->relid), job->spec.label.text),
				 errdetail("The label of a table is the ceiling of its rows."),
				 errhint("Protect the table with a label that dominates those of its rows, or lower the rows first.")));
}

/* Relations whose rows neither the new column nor a constraint answers for. */
static List *
unproven(const Job *job)
{
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, job->entries)
	{
		const ProtectEntry *entry = lfirst(cell);

		if (!entry->column_added && !protect_is_proven(entry->relid, &job->ceiling))
			relids = lappend_oid(relids, entry->relid);
	}
	return relids;
}

static void
look_at_rows(Job *job)
{
	List	   *relids = unproven(job);

	if (relids == NIL)
	{
		ereport(NOTICE,
				(errmsg("%s: no row of \"%s\" needs to be looked at", COMMAND, job->identity)));
		return;
	}
	protect_scan(relids, false, row_stands_to_ceiling, &job->ceiling, &job->census);
	ereport(NOTICE,
			(errmsg("%s: " UINT64_FORMAT " rows of \"%s\" looked at, " UINT64_FORMAT " of them without a label",
					COMMAND, job->census.rows, job->identity, job->census.unlabeled)));
	refuse_rows(job);
}

/* ------------------------------------------------------------------------
 * The changes
 * ------------------------------------------------------------------------
 */

static void
register_label(const Job *job)
{
	const PolicyRowLabel *known = policy_row_label_by_id(policy_current(), label_id(&job->spec.label));

	if (known && strcmp(known->text, job->spec.label.text) == 0)
		return;
	(void) DirectFunctionCall1(dc_create_label, CStringGetTextDatum(job->spec.label.text));
	CommandCounterIncrement();
}

/*
 * This rewrites the table and evaluates what its owner attached to the column,
 * with the owner's rights.
 */
static void
label_rows(const Job *job)
{
	ProtectActing acting;
	Relation	rel = table_open(job->relid, NoLock);
	Oid			owner = rel->rd_rel->relowner;
	Oid			type = TupleDescAttr(RelationGetDescr(rel), get_attnum(job->relid, job->column) - 1)->atttypid;

	table_close(rel, NoLock);
	protect_progress_phase(PROTECT_LABELING_ROWS);
	protect_act_begin(&acting, owner);
	protect_alter(job->relid, "ALTER COLUMN %s TYPE %s USING coalesce(%s, %s::%s)",
				  quote_identifier(job->column), format_type_be_qualified(type),
				  quote_identifier(job->column), quote_literal_cstr(job->spec.label.text),
				  format_type_be_qualified(type));
	protect_act_end(&acting);
	ereport(NOTICE,
			(errmsg("%s: rows of \"%s\" without a label got \"%s\"", COMMAND, job->identity, job->spec.label.text)));
}

static void
set_up_column(const Job *job)
{
	const char *column = quote_identifier(job->column);

	protect_progress_phase(PROTECT_ADDING_COLUMN);
	if (!job->has_column || job->census.unlabeled > 0)
		register_label(job);
	if (!job->has_column)
	{
		protect_alter(job->relid, "ADD COLUMN %s " DC_SCHEMA ".label NOT NULL DEFAULT %s::" DC_SCHEMA ".label",
					  column, quote_literal_cstr(job->spec.label.text));
		ereport(NOTICE,
				(errmsg("%s: column \"%s\" of \"%s\" added", COMMAND, job->column, job->identity)));
	}
	if (job->census.unlabeled > 0)
		label_rows(job);
	if (!job->all_not_null)
		protect_alter(job->relid, "ALTER COLUMN %s SET NOT NULL", column);
	if (!job->all_default)
		protect_alter(job->relid, "ALTER COLUMN %s SET DEFAULT " ROW_LABEL_CALL, column);
}

/* Ours, of any era and ceiling; a child may have its own from before it became one. */
static void
drop_ceilings(const Job *job)
{
	ListCell   *cell;
	ListCell   *inner;

	foreach(cell, job->relids)
		foreach(inner, ceiling_constraints(lfirst_oid(cell)))
		{
			const CeilingConstraint *constraint = lfirst(inner);

			if (!constraint->inherited && strcmp(constraint->name, PROTECT_CONSTRAINT) == 0)
				protect_alter(lfirst_oid(cell), "DROP CONSTRAINT %s", PROTECT_CONSTRAINT);
		}
}

static bool
ceiling_is_in_place(const Job *job)
{
	ListCell   *cell;

	foreach(cell, ceiling_constraints(job->relid))
	{
		const CeilingConstraint *constraint = lfirst(cell);

		if (strcmp(constraint->name, PROTECT_CONSTRAINT) == 0 && !constraint->no_inherit &&
			strcmp(constraint->ceiling, job->spec.label.text) == 0 &&
			strcmp(constraint->era, job->era) == 0 && relation_labels(job->relid)->row_ceiling)
			return true;
	}
	return false;
}

static void
set_up_ceiling(const Job *job)
{
	if (ceiling_is_in_place(job))
		return;
	protect_progress_phase(PROTECT_ADDING_CEILING);
	drop_ceilings(job);
	protect_add_ceiling(job->relid, PROTECT_CONSTRAINT, false, job->column, job->spec.label.text, job->era);
	ereport(NOTICE,
			(errmsg("%s: rows of \"%s\" are confined to \"%s\"", COMMAND, job->identity, job->spec.label.text)));
}

/* Asks the provider, which records; nothing is stored yet. */
static bool
check_label(const Job *job, ObjectAddress *object)
{
	char	   *stored;

	ObjectAddressSet(*object, RelationRelationId, job->relid);
	stored = GetSecurityLabel(object, DC_PROVIDER);
	if (stored && strcmp(stored, job->spec.label.text) == 0)
		return false;
	label_check_change(object, job->spec.label.text);
	return true;
}

static void
set_up_row_security(const Job *job)
{
	ListCell   *cell;

	foreach(cell, job->relids)
	{
		row_security_switch_on(lfirst_oid(cell));
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
	}
	CommandCounterIncrement();
}

static char *
set_up_index(const Job *job)
{
	bool		made;
	char	   *name;

	if (!job->index)
		return NULL;
	protect_progress_phase(PROTECT_BUILDING_INDEX);
	name = protect_add_index(job->relid, job->column, &made);
	ereport(NOTICE,
			(errmsg(made ? "%s: index \"%s\" built" : "%s: index \"%s\" serves already", COMMAND, name)));
	return made ? name : NULL;
}

/* What was before stays what it was when a table is protected again. */
static void
remember(const Job *job, bool relabel, const char *index_name)
{
	ProtectEntry root;
	ListCell   *cell;

	/* the table itself comes first */
	foreach(cell, job->entries)
	{
		ProtectEntry *found = lfirst(cell);
		ProtectEntry entry;

		if (protect_entry_read(found->relid, &entry))
			entry.root = job->relid;
		else if (job->again && found->relid != job->relid)
			protect_entry_derive(found->relid, &root, &entry);
		else
			entry = *found;
		if (found->relid == job->relid)
		{
			entry.labeled |= relabel;
			if (index_name)
				entry.index_name = pstrdup(index_name);
			root = entry;
		}
		protect_entry_write(&entry);
	}
}

static void
protect(Job *job)
{
	ObjectAddress object;
	ProtectActing acting;
	ListCell   *cell;
	bool		relabel;
	char	   *index_name;

	job->relids = protect_lock_tree(job->relid, COMMAND);
	job->identity = report_relation_identity(job->relid);
	ereport(NOTICE,
			(errmsg_plural("%s: \"%s\" locked, %d relation", "%s: \"%s\" locked, %d relations",
						   list_length(job->relids), COMMAND, job->identity, list_length(job->relids))));
	protect_act_begin(&acting, BOOTSTRAP_SUPERUSERID);
	examine_tree(job);

	/* unknown names, lowering without declassify, storage below the tier: refused here */
	relabel = check_label(job, &object);
	resolve_label(policy_current(), &job->spec.label, &job->ceiling);
	job->era = policy_current()->era ? pstrdup(policy_current()->era) : NULL;
	if (job->era == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("policy of this database has no era"),
				 errdetail("Table dataclass.era is empty.")));
	look_at_rows(job);

	set_up_column(job);
	set_up_ceiling(job);
	index_name = set_up_index(job);
	protect_progress_phase(PROTECT_LABELING_TABLE);
	if (relabel)
		SetSecurityLabel(&object, DC_PROVIDER, job->spec.label.text);
	set_up_row_security(job);
	remember(job, relabel, index_name);
	policy_invalidate_all();
	foreach(cell, job->relids)
		if (!gate_check_relation(&job->spec.label, lfirst_oid(cell), COMMAND))
			quarantine_relation(lfirst_oid(cell), "restored onto storage below its tier");
	protect_act_end(&acting);

	protect_record(job->relid, COMMAND, job->spec.label.text,
				   job->again ? "The ceiling of its row labels was set anew." : "The table got row labels.");
	ereport(NOTICE,
			(errmsg("%s: \"%s\" is labeled \"%s\"", COMMAND, job->identity, job->spec.label.text)));
}

Datum
dc_protect(PG_FUNCTION_ARGS)
{
	Job			job = {0};

	protect_need_officer(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0), COMMAND);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation, label, column and index must not be null")));
	job.relid = PG_GETARG_OID(0);
	label_parse_or_raise(LABEL_SPEC_PLAIN, text_to_cstring(PG_GETARG_TEXT_PP(1)), &job.spec);
	job.column = pstrdup(NameStr(*PG_GETARG_NAME(2)));
	job.index = PG_GETARG_BOOL(3);
	job.all_not_null = true;
	job.all_default = true;
	protect_progress_begin(job.relid);
	PG_TRY();
	{
		protect(&job);
	}
	PG_FINALLY();
	{
		protect_progress_end();
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}
