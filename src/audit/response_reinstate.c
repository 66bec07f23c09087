/*-------------------------------------------------------------------------
 *
 * response_reinstate.c
 *		dataclass.reinstate_clearance(): an officer ends a suspension.
 *
 * Whoever is suspended is no officer (policy_is_officer()), so nobody
 * reinstates himself.  Breaches from before do not count any more: a row of
 * dataclass_audit.measure says from which record on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/response.h"
#include "pg_dataclass/suspension.h"

PG_FUNCTION_INFO_V1(dc_reinstate_clearance);

static void
check_officer(Oid role, const char *name)
{
	Refusal		refusal = {0};

	if (policy_is_officer())
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "reinstate_clearance";
	refusal.event.class_id = AuthIdRelationId;
	refusal.event.object_id = role;
	refusal.event.object_type = "role";
	refusal.event.object_identity = name;
	refusal.event.rule = "officer";
	refusal.message = "permission denied to reinstate a clearance";
	refusal.detail = "Only members of dataclass_officer whose own clearance is not suspended may do so.";
	refusal.event.detail = refusal.detail;
	refusal.hint = "Ask a security officer.";
	/* in every mode: what is decided here outlives the mode */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

/* The last record of the trail now: what came up to it is forgiven. */
static int64
last_seq(void)
{
	TrailHead	head;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool		found = trail_head_read(snapshot, &head);

	UnregisterSnapshot(snapshot);
	return found ? head.seq : 0;
}

/*
 * dataclass.reinstate_clearance(role, reason)
 */
Datum
dc_reinstate_clearance(PG_FUNCTION_ARGS)
{
	char	   *reason = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	rel;
	AuditEvent	event = {0};
	Oid			role;
	char	   *name;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("role must not be null")));
	role = PG_GETARG_OID(0);
	/* a role that was dropped may have left its row */
	name = GetUserNameFromId(role, true);
	if (name == NULL)
		name = psprintf("%u", role);
	check_officer(role, quote_identifier(name));
	direct_call_only(fcinfo, "dataclass.reinstate_clearance", "SELECT dataclass.reinstate_clearance('role', 'reason');");
	PreventCommandIfReadOnly("dataclass.reinstate_clearance()");
	PreventCommandIfParallelMode("dataclass.reinstate_clearance()");
	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reason is required"),
				 errdetail("It is kept in the audit trail.")));
	rel = suspension_open();
	if (!suspension_remove(rel, role))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("clearance of role \"%s\" is not suspended", name),
				 errhint("See dataclass.suspension.")));
	table_close(rel, NoLock);
	response_measure_record("", name, last_seq(), "reinstate", "applied", 0, reason);
	CommandCounterIncrement();
	policy_invalidate_all();

	event.kind = EVENT_CLEARANCE_CHANGE;
	event.severity = SEVERITY_WARNING;
	event.action = "reinstate_clearance";
	event.class_id = AuthIdRelationId;
	event.object_id = role;
	event.object_type = "role";
	event.object_identity = quote_identifier(name);
	event.detail = psprintf("The clearance is reinstated: %s", reason);
	report_change(&event);
	PG_RETURN_VOID();
}
