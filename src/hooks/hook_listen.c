/*-------------------------------------------------------------------------
 *
 * hook_listen.c
 *		LISTEN on the channel of notices.
 *
 * Core lets everybody listen to everything.  What is told there, who tried what
 * against which class, is for officers, auditors and monitoring.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/report.h"

static bool
may_listen(void)
{
	Oid			auditor = get_role_oid(DC_AUDITOR_ROLE, true);

	return policy_is_officer() || has_privs_of_role(GetUserId(), ROLE_PG_MONITOR) ||
		(OidIsValid(auditor) && has_privs_of_role(GetUserId(), auditor));
}

/*
 * listen_check
 */
void
listen_check(const Node *parsetree)
{
	Refusal		refusal = {0};

	if (!IsA(parsetree, ListenStmt) || !policy_current()->installed ||
		strcmp(((const ListenStmt *) parsetree)->conditionname, NOTICE_CHANNEL) != 0 || may_listen())
		return;
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_WARNING;
	refusal.event.breach = true;
	refusal.event.action = "LISTEN";
	refusal.event.object_type = "channel";
	refusal.event.object_identity = NOTICE_CHANNEL;
	refusal.event.rule = "officer";
	refusal.message = "permission denied to listen to channel \"" NOTICE_CHANNEL "\"";
	refusal.detail = "Notices of breaches are for members of dataclass_officer, dataclass_auditor and pg_monitor.";
	refusal.event.detail = refusal.detail;
	refusal.hint = "Ask a security officer.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}
