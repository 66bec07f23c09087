/*-------------------------------------------------------------------------
 *
 * incident_sql.c
 *		SQL functions of the life of an incident, and who may call which.
 *
 * Officers answer for the data, auditors are the side that is told.  Being
 * granted EXECUTE is not enough: a superuser who is no auditor, or no officer
 * (dataclass.superuser_is_officer), is refused, and that is recorded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/incident.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

extern PGDLLEXPORT Datum dc_incident_mark_notified(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_incident_submit_report(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_incident_apply_measure(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_incident_acknowledge(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_incident_request_report(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_incident_decide_measure(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum dc_incident_close(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_mark_notified);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_submit_report);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_apply_measure);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_acknowledge);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_request_report);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_decide_measure);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_incident_close);

/* As policy_is_officer(), but being a superuser makes no auditor of anybody, whatever is set. */
static bool
is_auditor(void)
{
	Oid			auditor = get_role_oid(DC_AUDITOR_ROLE, true);
	Oid			role = GetOuterUserId();
	Oid			authenticated = compat_authenticated_user();

	return OidIsValid(auditor) && role_inherits(role, auditor) &&
		(guc_superuser_is_officer || !OidIsValid(authenticated) || authenticated == role ||
		 role_may_assume(authenticated, role));
}

static void
member_only(const char *side, const char *function)
{
	bool		officers = strcmp(side, DC_OFFICER_ROLE) == 0;
	Refusal		refusal = {0};

	if (officers ? policy_is_officer() : is_auditor())
		return;
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = function;
	refusal.event.object_type = "function";
	refusal.event.object_identity = psprintf("%s.%s", DC_AUDIT_SCHEMA, function);
	refusal.event.rule = officers ? "officer" : "auditor";
	refusal.event.detail = psprintf("Only members of %s take this step of an incident.", side);
	refusal.message = psprintf("permission denied for function %s", function);
	refusal.detail = refusal.event.detail;
	refusal.hint = psprintf("Ask a member of %s.", side);
	/* no mode of enforcement makes a member of anybody */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static char *
given_reason(FunctionCallInfo fcinfo, const char *what)
{
	char	   *reason = PG_ARGISNULL(1) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", what),
				 errdetail("It is kept with the incident and in the audit trail.")));
	return reason;
}

static Datum
step(FunctionCallInfo fcinfo, const char *side, const char *function, IncidentState state, const char *what)
{
	member_only(side, function);
	direct_call_only(fcinfo, psprintf("%s.%s", DC_AUDIT_SCHEMA, function),
					 psprintf("SELECT %s.%s(incident, '%s');", DC_AUDIT_SCHEMA, function, what));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("incident must not be null"),
				 errhint("See dataclass_audit.incident.")));
	incident_add_step(PG_GETARG_INT64(0), state, NULL, given_reason(fcinfo, what));
	PG_RETURN_VOID();
}

Datum
dc_incident_mark_notified(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_OFFICER_ROLE, "mark_notified", INCIDENT_NOTIFIED, "reason");
}

Datum
dc_incident_submit_report(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_OFFICER_ROLE, "submit_report", INCIDENT_REPORT_SUBMITTED, "reason");
}

Datum
dc_incident_apply_measure(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_OFFICER_ROLE, "apply_measure", INCIDENT_MEASURE_APPLIED, "reason");
}

Datum
dc_incident_acknowledge(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_AUDITOR_ROLE, "acknowledge", INCIDENT_ACKNOWLEDGED, "reason");
}

Datum
dc_incident_request_report(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_AUDITOR_ROLE, "request_report", INCIDENT_REPORT_REQUESTED, "reason");
}

Datum
dc_incident_decide_measure(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_AUDITOR_ROLE, "decide_measure", INCIDENT_MEASURE_DECIDED, "measure");
}

Datum
dc_incident_close(PG_FUNCTION_ARGS)
{
	return step(fcinfo, DC_AUDITOR_ROLE, "close_incident", INCIDENT_CLOSED, "reason");
}
