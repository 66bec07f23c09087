/*-------------------------------------------------------------------------
 *
 * hook_export.c
 *		Labeled data that leave the server: allowed, and recorded before.
 *
 * COPY ... TO a client, file or program: while such a command runs, every
 * governed relation that its permission checks let through is recorded, once
 * for each command, before core reads the first row.  The same for rows that a
 * statement writes into a foreign table.  Publications are recorded when they
 * commit; files, programs and WAL of the server, which hold data of every
 * label, when somebody reaches for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

#define MAX_NOTED	64

/* Where the rows of the COPY that runs go to; NULL: none runs. */
static const char *destination = NULL;
static Oid	noted[MAX_NOTED];		/* relations that it recorded */
static int	nnoted = 0;

/* What was last recorded of the server's own files. */
static TimestampTz server_statement = 0;
static char server_what[NAMEDATALEN];

/* ------------------------------------------------------------------------
 * Recording
 * ------------------------------------------------------------------------
 */

static void
require_recorded(bool recorded)
{
	if (!recorded)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the export in the audit trail"),
				 errdetail("Labeled data do not leave the server unrecorded."),
				 errhint("See the server log for the state of the audit trail.")));
}

static bool
describe_relation(Oid relid, const char *action, const char *detail, AuditEvent *event)
{
	const RelationLabels *labels = relation_labels(relid);
	Label	   *label;

	if (labels->is_catalog || (!labels->governed && labels->ncolumns == 0 &&
							   labels->row_label_attnum == InvalidAttrNumber))
		return false;
	label = palloc(sizeof(Label));
	memset(event, 0, sizeof(*event));
	event->kind = EVENT_EXPORT;
	event->severity = SEVERITY_NOTICE;
	event->outcome = OUTCOME_ALLOWED;
	event->action = action;
	event->class_id = RelationRelationId;
	event->object_id = relid;
	event->object_type = "table";
	event->object_identity = report_relation_identity(relid);
	if (relation_effective_label(relid, label))
		event->label = label->text;
	event->rule = "export";
	event->detail = detail;
	return true;
}

static bool
already_noted(Oid relid)
{
	for (int i = 0; i < nnoted; i++)
		if (noted[i] == relid)
			return true;
	if (nnoted < MAX_NOTED)
		noted[nnoted++] = relid;
	return false;
}

/* ------------------------------------------------------------------------
 * COPY TO and foreign tables
 * ------------------------------------------------------------------------
 */

/* Around the run of each utility command; returns what export_end() puts back. */
const char *
export_begin(const Node *parsetree)
{
	const char *outer = destination;
	const CopyStmt *stmt = (const CopyStmt *) parsetree;

	if (!IsA(parsetree, CopyStmt) || stmt->is_from)
		return outer;
	destination = stmt->is_program ? "Rows go to a program of the server." :
		stmt->filename ? "Rows go to a file of the server." : "Rows go to the client.";
	nnoted = 0;
	return outer;
}

void
export_end(const char *outer)
{
	destination = outer;
}

static bool
reads(const CompatAccess *access)
{
	return (access->required & ACL_SELECT) != 0 || access->required == 0;
}

static bool
writes_foreign(List *range_table, List *perminfos)
{
	CompatAccess access;
	ListCell   *cell;

	foreach(cell, range_table)
		if (compat_access_of(lfirst(cell), perminfos, &access) && access.relkind == RELKIND_FOREIGN_TABLE &&
			(access.required & (ACL_INSERT | ACL_UPDATE)) != 0)
			return true;
	return false;
}

/*
 * The permission check of a range table passed.  Children that inheritance
 * added speak for themselves only where their parent is not governed.
 */
void
export_note(List *range_table, List *perminfos)
{
	const char *detail = destination;
	const char *action = "COPY TO";
	bool		any = false;
	ListCell   *cell;

	if (IsParallelWorker())
		return;
	if (detail == NULL)
	{
		if (!writes_foreign(range_table, perminfos))
			return;
		detail = "Rows go to another server by way of a foreign table.";
		action = "INSERT";
		nnoted = 0;
	}
	for (int children = 0; children < 2 && !any; children++)
		foreach(cell, range_table)
		{
			CompatAccess access;
			AuditEvent	event;

			if (!compat_access_of(lfirst(cell), perminfos, &access) || !reads(&access) ||
				(access.required == 0) != (children == 1) || access.relkind == RELKIND_VIEW ||
				!describe_relation(access.relid, action, detail, &event))
				continue;
			any = true;
			if (!already_noted(access.relid))
				require_recorded(event_record(&event));
		}
}

/* A relation was put into a publication. */
void
export_published(Oid relid, const char *command)
{
	AuditEvent	event;

	if (describe_relation(relid, command, "Rows go to whoever subscribes to the publication.", &event))
		report_change(&event);
}

/* ------------------------------------------------------------------------
 * Files, programs and WAL of the server
 * ------------------------------------------------------------------------
 */

/* Once for each statement: a function is looked at when it is planned and when it is prepared. */
static void
note_server(const char *command, const char *what)
{
	AuditEvent	event = {0};

	if (strcmp(command, "COPY") != 0 && strcmp(command, "EXECUTE") != 0)
		return;
	if (server_statement == GetCurrentStatementStartTimestamp() && strcmp(server_what, what) == 0)
		return;
	event.kind = EVENT_EXPORT;
	event.severity = SEVERITY_WARNING;
	event.outcome = OUTCOME_ALLOWED;
	event.action = command;
	event.object_type = "server";
	event.object_identity = what;
	event.rule = "export";
	event.detail = "Files and WAL of the server hold data of every label.";
	require_recorded(event_record(&event));
	server_statement = GetCurrentStatementStartTimestamp();
	strlcpy(server_what, what, sizeof(server_what));
}

/*
 * What reads below labels (files of the server, WAL) needs a clearance of the
 * highest class with the privilege export.
 */
void
access_check_server(const char *command, const char *what)
{
	const PolicySnapshot *p = policy_current();
	PolicyRequest request;
	PolicyDecision decision;
	ResolvedLabel top;
	LabelError	error;
	Label		label;
	Refusal		refusal = {0};
	const char *name = p->nclasses ? p->classes[p->nclasses - 1].name : NULL;

	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	/* another database of the cluster, without classes: files are the same there, officers as well */
	if (!p->installed)
	{
		if (IsBinaryUpgrade || policy_is_officer())
			return;
		refusal.event.kind = EVENT_DDL_DENIED;
		refusal.event.severity = SEVERITY_HIGH;
		refusal.event.breach = true;
		refusal.event.action = command;
		refusal.event.object_type = "server";
		refusal.event.object_identity = what;
		refusal.event.rule = "officer";
		refusal.event.detail = "Files and WAL of the server hold data of every label.";
		refusal.message = psprintf("permission denied for %s", what);
		refusal.detail = refusal.event.detail;
		refusal.hint = "Ask a member of dataclass_officer.";
		refusal.mode = guc_enforcement;
		report_refusal(&refusal);
		return;
	}
	request_init(&request, subject_current(), ACTION_EXPORT);
	request.governed = true;
	if (name && label_parse(name, strlen(name), &label, &error))
	{
		resolve_label(p, &label, &top);
		request_object(&request, &top);
	}
	decision = policy_decide(&request);
	if (decision.verdict == DECISION_ALLOW)
	{
		note_server(command, what);
		read_audit_server(command, what);
		return;
	}
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = command;
	refusal.event.object_type = "server";
	refusal.event.object_identity = what;
	refusal.event.rule = decision_rule_name(decision.first);
	refusal.event.detail = "Files and WAL of the server hold data of every label.";
	refusal.message = psprintf("permission denied for %s", what);
	refusal.detail = refusal.event.detail;
	refusal.hint = "This needs a clearance of the highest class with the privilege export.";
	refusal.mode = decision.verdict == DECISION_PERMIT ? ENFORCEMENT_PERMISSIVE : ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}
