/*-------------------------------------------------------------------------
 *
 * policy_change.c
 *		Triggers of the policy tables, registration of row labels.
 *
 * The tables are ordinary ones that officers change with INSERT, UPDATE and
 * DELETE.  The triggers (ENABLE ALWAYS) tell every backend and the trail, keep
 * row labels true to their content, and let a restored dump replace the rows
 * that CREATE EXTENSION has just loaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest.h"
#include "pg_dataclass/era.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/rowfilter.h"

PG_FUNCTION_INFO_V1(dc_policy_changed);
PG_FUNCTION_INFO_V1(dc_policy_restore);
PG_FUNCTION_INFO_V1(dc_row_label_check);
PG_FUNCTION_INFO_V1(dc_create_label);

/* Policy tables whose shipped rows this session has already replaced. */
static List *restored_tables = NIL;

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	return (TriggerData *) fcinfo->context;
}

/*
 * Run one statement of ours and return the number of its rows; the search path
 * cannot matter, all names are qualified.
 */
static uint64
execute(const char *query, int nargs, Oid *types, Datum *values, int expected)
{
	int			result;
	uint64		processed;

	SPI_connect();
	result = SPI_execute_with_args(query, nargs, types, values, NULL, false, 0);
	if (result != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not change the policy: %s", SPI_result_code_string(result))));
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

/* Each class name is a row label by itself. */
static void
register_classes(void)
{
	execute("INSERT INTO dataclass.row_label (id, label)"
			" SELECT c.name::dataclass.label, c.name FROM dataclass.data_class c"
			" WHERE NOT EXISTS (SELECT FROM dataclass.row_label l WHERE l.label OPERATOR(pg_catalog.=) c.name)",
			0, NULL, NULL, SPI_OK_INSERT);
}

/* ... and goes with it: a label that no policy explains would bar everybody from tables that may hold it. */
static void
unregister_classes(void)
{
	const char *orphans = "FROM dataclass.row_label l"
		" WHERE pg_catalog.strpos(l.label, ':') OPERATOR(pg_catalog.=) 0"
		" AND NOT EXISTS (SELECT FROM dataclass.data_class c WHERE c.name OPERATOR(pg_catalog.=) l.label)";

	/* a DELETE of nothing would be a change of the policy all the same */
	if (execute(psprintf("SELECT %s", orphans), 0, NULL, NULL, SPI_OK_SELECT) > 0)
		execute(psprintf("DELETE %s", orphans), 0, NULL, NULL, SPI_OK_DELETE);
}

/* What rows were judged by may have changed. */
static void
note_era(const TriggerData *trigger)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);
	bool		added = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);

	if (creating_extension)
		return;
	if (strcmp(table, "data_class") == 0)
		policy_era_changed(false, added);
	else if (!added && (strcmp(table, "compartment") == 0 || strcmp(table, "row_label") == 0))
		policy_era_changed(true, false);
}

/* AFTER, statement: everybody must look again. */
Datum
dc_policy_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);
	AuditEvent	event = {0};

	/* first: what registers classes below must see them */
	policy_invalidate_all();
	policy_hasten();
	note_era(trigger);
	if (strcmp(RelationGetRelationName(trigger->tg_relation), "data_class") == 0 && !creating_extension &&
		!policy_is_restoring())	/* a dump brings them */
	{
		if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
			unregister_classes();
		if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
			register_classes();
	}

	event.kind = EVENT_POLICY_CHANGE;
	event.severity = SEVERITY_WARNING;
	event.action = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? "INSERT" :
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE" :
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? "DELETE" : "TRUNCATE";
	event.class_id = RelationRelationId;
	event.object_id = RelationGetRelid(trigger->tg_relation);
	event.object_type = "table";
	event.object_identity = report_relation_identity(RelationGetRelid(trigger->tg_relation));
	event.detail = "The policy was changed.";
	if (!creating_extension)
		report_change(&event);
	return PointerGetDatum(NULL);
}

/*
 * BEFORE INSERT, statement: while a dump is restored, the first rows for a
 * policy table replace the shipped ones.
 */
Datum
dc_policy_restore(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	MemoryContext old_cxt;

	if (creating_extension || !policy_is_restoring() || list_member_oid(restored_tables, relid))
		return PointerGetDatum(NULL);
	old_cxt = MemoryContextSwitchTo(TopMemoryContext);
	restored_tables = lappend_oid(restored_tables, relid);
	MemoryContextSwitchTo(old_cxt);
	execute(psprintf("DELETE FROM %s WHERE shipped", report_relation_identity(relid)),
			0, NULL, NULL, SPI_OK_DELETE);
	/* derived rows of shipped classes would collide with the dumped ones */
	if (strcmp(RelationGetRelationName(trigger->tg_relation), "row_label") == 0)
		execute("DELETE FROM dataclass.row_label", 0, NULL, NULL, SPI_OK_DELETE);
	return PointerGetDatum(NULL);
}

/* Canonical label text of known names; raises. */
static void
parse_row_label(const char *given, Label *label)
{
	const PolicySnapshot *p = policy_current();
	LabelSpec	spec;
	const char *what;
	char		name[LABEL_MAX_TEXT];

	label_parse_or_raise(LABEL_SPEC_PLAIN, given, &spec);
	*label = spec.label;
	if (creating_extension || policy_is_restoring() || policy_label_known(p, label, &what, name, sizeof(name)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s \"%s\"", what, name),
			 errdetail("A row label can only name classes and compartments of the policy."),
			 errhint("Add it first: INSERT INTO dataclass.%s ....",
					 strcmp(what, "compartment") == 0 ? "compartment" : "data_class")));
}

/* BEFORE, row: id and text belong together. */
Datum
dc_row_label_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	bool		isnull;
	Datum		given = heap_getattr(tuple, 2, desc, &isnull);
	Label		label;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	int			columns[2] = {1, 2};

	if (isnull)
		return PointerGetDatum(tuple);	/* NOT NULL refuses it */
	parse_row_label(TextDatumGetCString(given), &label);
	values[0] = Int64GetDatum((int64) label_id(&label));
	values[1] = CStringGetTextDatum(label.text);
	return PointerGetDatum(heap_modify_tuple_by_cols(tuple, desc, 2, columns, values, nulls));
}

Datum
dc_create_label(PG_FUNCTION_ARGS)
{
	char	   *given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const PolicyRowLabel *known;
	Label		label;
	Datum		values[1];
	Oid			types[1] = {TEXTOID};
	uint64		id;

	report_unless_officer("create_label", "permission denied to register a row label",
						  "Only members of dataclass_officer may register row labels.");
	parse_row_label(given, &label);
	id = label_id(&label);
	known = policy_row_label_by_id(policy_current(), id);
	if (known && strcmp(known->text, label.text) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("label \"%s\" has the same identifier as another registered label", label.text),
				 errdetail("Two labels whose SHA-256 begins with the same 64 bits cannot both be registered."),
				 errhint("Rename a compartment of this label.")));
	if (known == NULL)
	{
		values[0] = CStringGetTextDatum(label.text);
		execute("INSERT INTO dataclass.row_label (label) VALUES ($1)", 1, types, values, SPI_OK_INSERT);
	}
	PG_RETURN_INT64((int64) id);
}
