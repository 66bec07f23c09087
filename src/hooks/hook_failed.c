/*-------------------------------------------------------------------------
 *
 * hook_failed.c
 *		Records commands on governed objects that failed for other reasons than
 *		a denial: dependencies, wrong types, names that are taken.
 *
 * What they name is looked up before they run: afterwards the transaction is
 * no place to look into catalogs.  Refusals have records of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "tcop/utility.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/report.h"

/* Before the command; the first governed relation that it names, NULL: there is none, or it defines nothing. */
FailedCommand *
failed_command(Node *parsetree)
{
	FailedCommand *failed;
	Label	   *label;
	Oid			relid = InvalidOid;
	ListCell   *cell;

	if (GetCommandLogLevel(parsetree) != LOGSTMT_DDL || guc_enforcement == ENFORCEMENT_OFF ||
		!policy_current()->installed)
		return NULL;
	foreach(cell, denied_named_in_command(parsetree, NULL))
	{
		const RangeVar *rv = lfirst(cell);

		/* core is about to say that there is no such database here */
		if (rv->catalogname && strcmp(rv->catalogname, get_database_name(MyDatabaseId)) != 0)
			continue;
		relid = RangeVarGetRelid(rv, NoLock, true);
		if (OidIsValid(relid) && governed_relation(relid))
			break;
		relid = InvalidOid;
	}
	if (!OidIsValid(relid))
		return NULL;
	label = palloc(sizeof(Label));
	failed = palloc0(sizeof(FailedCommand));
	failed->refusals = report_refusals;
	failed->relid = relid;
	failed->identity = report_relation_identity(relid);
	failed->label = relation_effective_label(relid, label) ? label->text : NULL;
	failed->action = GetCommandTagName(CreateCommandTag(parsetree));
	return failed;
}

/* After an error was caught, which the caller raises again. */
void
failed_record(const FailedCommand *failed, int sqlstate)
{
	AuditEvent	event = {0};
	char		detail[64];

	if (sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE || failed->refusals != report_refusals)
		return;
	snprintf(detail, sizeof(detail), "The command failed with SQLSTATE %s.", unpack_sql_state(sqlstate));
	event.kind = EVENT_DDL;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_OBSERVED;
	event.action = failed->action;
	event.class_id = RelationRelationId;
	event.object_id = failed->relid;
	event.object_type = "table";
	event.object_identity = failed->identity;
	event.label = failed->label;
	event.rule = "failed";
	event.detail = detail;
	(void) event_record(&event);
	/* commands around this one fail with it */
	report_refusals++;
}
