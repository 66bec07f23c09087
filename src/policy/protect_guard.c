/*-------------------------------------------------------------------------
 *
 * protect_guard.c
 *		What owners may not do to a table that an officer protected.
 *
 * The label column, its default and its ceiling constraint are part of the
 * protection: only officers change or remove them.  (Dropping the whole table
 * is for whoever is cleared for it, see hook_objectaccess.c.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/report.h"

static void
refuse(Oid relid, const char *what)
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
	refusal.event.rule = "officer";
	refusal.message = psprintf("permission denied to change %s of protected table \"%s\"", what, get_rel_name(relid));
	refusal.detail = "An officer protected the table; its label column and ceiling are for officers to change.";
	refusal.event.detail = refusal.detail;
	refusal.hint = psprintf("Ask a security officer to run: SELECT dataclass.unprotect(%s).",
							quote_literal_cstr(report_relation_identity(relid)));
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

static bool
is_ceiling(Oid relid, const char *name)
{
	ListCell   *cell;

	foreach(cell, ceiling_constraints(relid))
		if (strcmp(((const CeilingConstraint *) lfirst(cell))->name, name) == 0)
			return true;
	return false;
}

static bool
is_label_column(Oid relid, const char *name)
{
	AttrNumber	attnum = relation_labels(relid)->row_label_attnum;

	return attnum != InvalidAttrNumber && get_attnum(relid, name) == attnum;
}

static void
check_one(Oid relid, const AlterTableCmd *cmd)
{
	if (cmd->name == NULL)
		return;
	switch (cmd->subtype)
	{
		case AT_DropConstraint:
			if (is_ceiling(relid, cmd->name) && protect_covers(relid))
				refuse(relid, "the ceiling");
			break;
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_AlterColumnType:
		case AT_DropColumn:
			if (is_label_column(relid, cmd->name) && protect_covers(relid))
				refuse(relid, "the label column");
			break;
		default:
			break;
	}
}

/* Also for tables below the one that is named, which may have become so after they were protected. */
void
protect_check_alter(Oid relid, bool recurses, const AlterTableCmd *cmd)
{
	ListCell   *cell;

	if (policy_is_officer())
		return;
	check_one(relid, cmd);
	if (recurses && has_subclass(relid))
		foreach(cell, find_all_inheritors(relid, NoLock, NULL))
			check_one(lfirst_oid(cell), cmd);
}
