/*-------------------------------------------------------------------------
 *
 * protect_undo.c
 *		dataclass.unprotect(): the way back.
 *
 * Puts back what dataclass.protected remembers.  Rows whose label column goes
 * lose their label, so that takes more than setting it up: an officer with the
 * privilege declassify who is cleared for the ceiling, and no row above his
 * clearance.  Where the column was there before it stays, and so do row
 * security and the filter: only ceiling, default and label of the table go.
 *
 * Locks: AccessExclusiveLock on the tree, as protect() takes them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

#define COMMAND "dataclass.unprotect"

PG_FUNCTION_INFO_V1(dc_unprotect);

/* ------------------------------------------------------------------------
 * May it be done?
 * ------------------------------------------------------------------------
 */

static void
refuse(Oid relid, const char *rule, const char *detail, const char *hint)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_LABEL_REFUSED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = COMMAND;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = rule;
	refusal.event.detail = detail;
	refusal.message = psprintf("permission denied to unprotect table \"%s\"", get_rel_name(relid));
	refusal.detail = detail;
	refusal.hint = hint;
	/* who may lower labels does not depend on the mode of enforcement of reads */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static void
need_declassify(Oid relid)
{
	if (!(subject_current()->privileges & LABEL_PRIVILEGE_DECLASSIFY))
		refuse(relid, "declassify", "Taking row labels away needs the privilege declassify.",
			   "An officer can grant it: SECURITY LABEL FOR dataclass ON ROLE ... IS '... with (declassify)'.");
}

/* Cleared for all that the relation may hold? */
static void
need_clearance(Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);
	ResolvedLabel ceiling;
	PolicyRequest request;
	PolicyDecision decision;

	request_init(&request, subject_current(), ACTION_DEFINE);
	request.governed = true;
	request.quarantined = labels->quarantined;
	if (!relation_ceiling(labels, &ceiling))
		return;
	request_object(&request, &ceiling);
	decision = policy_decide(&request);
	report_decision(&decision, relid, InvalidAttrNumber, COMMAND, &ceiling.label);
}

/*
 * Rows whose column goes are nobody's secret any more, and that for old snapshots
 * too: a version that was above, and is still seen by some transaction, counts.
 */
static void
need_readable_rows(Oid relid, List *relids)
{
	RowCensus	census;

	protect_scan(relids, true, row_stands_to_subject, NULL, &census);
	if (census.above > 0)
		refuse(relid, decision_rule_name(DECISION_DOMINANCE),
			   psprintf(UINT64_FORMAT " of its " UINT64_FORMAT " rows are above the clearance of the role, or were for a transaction that still runs; they would lose their label.",
						census.above, census.rows),
			   "Have a role do this that is cleared for every row, or try again when older transactions have ended.");
}

/* ------------------------------------------------------------------------
 * Putting things back
 * ------------------------------------------------------------------------
 */

static void
drop_ceiling(Oid relid)
{
	ListCell   *cell;

	foreach(cell, ceiling_constraints(relid))
	{
		const CeilingConstraint *constraint = lfirst(cell);

		if (!constraint->inherited && strcmp(constraint->name, PROTECT_CONSTRAINT) == 0)
			protect_alter(relid, "DROP CONSTRAINT %s", PROTECT_CONSTRAINT);
	}
}

/* The index that protect() made; it went with the column if that went. */
static void
drop_index(const ProtectEntry *entry)
{
	ObjectAddress object;
	Oid			index;

	if (entry->index_name == NULL)
		return;
	index = get_relname_relid(entry->index_name, get_rel_namespace(entry->relid));
	if (!OidIsValid(index) ||
		(get_rel_relkind(index) != RELKIND_INDEX && get_rel_relkind(index) != RELKIND_PARTITIONED_INDEX) ||
		IndexGetRelation(index, true) != entry->relid)
		return;
	ObjectAddressSet(object, RelationRelationId, index);
	performDeletion(&object, DROP_RESTRICT, 0);
	CommandCounterIncrement();
}

/* A column that stays gets its default and its null back. */
static void
restore_column(const ProtectEntry *entry, const char *column)
{
	if (entry->default_before)
		protect_alter(entry->relid, "ALTER COLUMN %s SET DEFAULT %s", quote_identifier(column), entry->default_before);
	else
		protect_alter(entry->relid, "ALTER COLUMN %s DROP DEFAULT", quote_identifier(column));
	if (!entry->not_null_before)
		protect_alter(entry->relid, "ALTER COLUMN %s DROP NOT NULL", quote_identifier(column));
}

static void
restore_label(const ProtectEntry *entry)
{
	ObjectAddress object;

	if (!entry->labeled)
		return;
	ObjectAddressSet(object, RelationRelationId, entry->relid);
	label_check_change(&object, entry->label_before);
	SetSecurityLabel(&object, DC_PROVIDER, entry->label_before);
	CommandCounterIncrement();
}

/* One entry for each relation of the tree, the table first. */
static List *
entries_of(const ProtectEntry *root, List *relids)
{
	List	   *entries = NIL;
	ListCell   *cell;

	foreach(cell, relids)
	{
		ProtectEntry *entry = palloc0(sizeof(ProtectEntry));

		if (!protect_entry_read(lfirst_oid(cell), entry))
			protect_entry_derive(lfirst_oid(cell), root, entry);
		entries = lappend(entries, entry);
	}
	return entries;
}

static void
unprotect(const ProtectEntry *root, List *relids)
{
	List	   *entries = entries_of(root, relids);
	ListCell   *cell;
	ProtectActing acting;
	AttrNumber	attnum = relation_labels(root->relid)->row_label_attnum;
	char	   *column = attnum != InvalidAttrNumber ? get_attname(root->relid, attnum, true) : NULL;

	protect_progress_phase(PROTECT_REMOVING);
	protect_act_begin(&acting, BOOTSTRAP_SUPERUSERID);
	foreach(cell, relids)
		drop_ceiling(lfirst_oid(cell));
	drop_index(root);
	/* while the label of the table still says what the column can hold */
	if (column && root->column_added)
		protect_alter(root->relid, "DROP COLUMN %s", quote_identifier(column));
	foreach(cell, entries)
	{
		const ProtectEntry *entry = lfirst(cell);
		bool		row_labeled;

		policy_invalidate_all();
		attnum = relation_labels(entry->relid)->row_label_attnum;
		row_labeled = attnum != InvalidAttrNumber;
		if (row_labeled)
			restore_column(entry, get_attname(entry->relid, attnum, false));
		restore_label(entry);
		if (!row_labeled)
			protect_set_row_security(entry->relid, entry->rls_was_enabled, entry->rls_was_forced);
		protect_entry_forget(entry->relid);
		CacheInvalidateRelcacheByRelid(entry->relid);
		CommandCounterIncrement();
	}
	protect_act_end(&acting);
	policy_invalidate_all();
	ereport(NOTICE,
			(errmsg(root->column_added ? "%s: column \"%s\" of \"%s\" removed with its row labels" :
					"%s: column \"%s\" of \"%s\" stays, its rows keep their labels",
					COMMAND, column ? column : root->column, report_relation_identity(root->relid))));
}

static void
unprotect_relation(Oid relid)
{
	List	   *relids = protect_lock_tree(relid, COMMAND);
	ListCell   *cell;
	ProtectEntry root;

	if (!protect_entry_read(relid, &root))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not protected", get_rel_name(relid)),
				 errdetail("Its row labels were not set up by dataclass.protect(), or were taken away."),
				 errhint("SELECT * FROM dataclass.protected lists the tables that are; a label that was set by hand is removed by dataclass.set_label().")));
	need_declassify(relid);
	foreach(cell, relids)
		need_clearance(lfirst_oid(cell));
	if (root.column_added)
		need_readable_rows(relid, relids);
	unprotect(&root, relids);
	protect_record(relid, COMMAND, root.label_before,
				   root.column_added ? "Row labels and their column were taken away." :
				   "The ceiling of the row labels was taken away.");
}

Datum
dc_unprotect(PG_FUNCTION_ARGS)
{
	protect_need_officer(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0), COMMAND);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	protect_progress_begin(PG_GETARG_OID(0));
	PG_TRY();
	{
		unprotect_relation(PG_GETARG_OID(0));
	}
	PG_FINALLY();
	{
		protect_progress_end();
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}
