/*-------------------------------------------------------------------------
 *
 * officer_only.c
 *		Functions of the at-rest part that are for officers: others are
 *		refused, and that is recorded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/officer_only.h"
#include "pg_dataclass/report.h"

void
officer_only(const char *function, const char *detail)
{
	Refusal		refusal = {0};

	if (policy_is_officer())
		return;
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = function;
	refusal.event.object_type = "function";
	refusal.event.object_identity = psprintf("%s.%s", DC_SCHEMA, function);
	refusal.event.rule = "officer";
	refusal.event.detail = detail;
	refusal.message = psprintf("permission denied for function %s", function);
	refusal.detail = detail;
	refusal.hint = "Ask a security officer.";
	/* no mode of enforcement makes an officer of anybody */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}
