/*-------------------------------------------------------------------------
 *
 * policy_event.c
 *		What lower layers call to speak to the audit trail, and the names that
 *		records use.
 *
 * The audit layer installs the sinks when the library is loaded.  Without a
 * sink nothing can be recorded, and callers are told so: fail closed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/event.h"

event_sink_type event_sink_now = NULL;
event_sink_type event_sink_at_commit = NULL;
event_sink_list_type event_sink_list = NULL;
event_databases_type event_databases = NULL;
bool		event_from_system = false;

bool
event_record(const AuditEvent *event)
{
	if (event_sink_now == NULL)
		return false;
	return event_sink_now(event);
}

bool
event_record_list(const AuditEvent *events, int n, bool acknowledged)
{
	if (event_sink_list == NULL)
		return false;
	return event_sink_list(events, n, acknowledged);
}

bool
event_record_at_commit(const AuditEvent *event)
{
	if (event_sink_at_commit == NULL)
		return false;
	return event_sink_at_commit(event);
}

/* The names are part of the record format: never change one. */
const char *
event_kind_name(EventKind kind)
{
	switch (kind)
	{
		case EVENT_TRAIL_BEGIN:
			return "trail_begin";
		case EVENT_ACCESS_DENIED:
			return "access_denied";
		case EVENT_ROW_DENIED:
			return "row_denied";
		case EVENT_LABEL_CHANGE:
			return "label_change";
		case EVENT_CLEARANCE_CHANGE:
			return "clearance_change";
		case EVENT_LABEL_REFUSED:
			return "label_refused";
		case EVENT_POLICY_CHANGE:
			return "policy_change";
		case EVENT_AT_REST_REFUSED:
			return "at_rest_refused";
		case EVENT_AT_REST_VIOLATION:
			return "at_rest_violation";
		case EVENT_DDL_DENIED:
			return "ddl_denied";
		case EVENT_DDL:
			return "ddl";
		case EVENT_TRAIL_GUARD:
			return "trail_guard";
		case EVENT_TRAIL_TAMPERED:
			return "trail_tampered";
		case EVENT_ENFORCEMENT_CHANGE:
			return "enforcement_change";
		case EVENT_TRUSTED_ENTRY:
			return "trusted_entry";
		case EVENT_AUDIT_IMPAIRED:
			return "audit_impaired";
		case EVENT_AT_REST_HEALED:
			return "at_rest_healed";
		case EVENT_QUARANTINE:
			return "quarantine";
		case EVENT_RISK_ACCEPTED:
			return "risk_accepted";
		case EVENT_ATTESTATION:
			return "attestation";
		case EVENT_PROFILE:
			return "profile";
		case EVENT_SETTING_CHANGE:
			return "setting_change";
		case EVENT_BREAK_GLASS:
			return "break_glass";
		case EVENT_EXPORT:
			return "export";
		case EVENT_PRIVILEGE_DENIED:
			return "privilege_denied";
		case EVENT_LOGIN_FAILED:
			return "login_failed";
		case EVENT_READ:
			return "read";
		case EVENT_SUPERUSER_ACCESS:
			return "superuser_access";
		case EVENT_GRANT:
			return "grant";
		case EVENT_INCIDENT:
			return "incident";
		case EVENT_DISCLOSURE:
			return "disclosure";
		case EVENT_MEASURE:
			return "measure";
		case EVENT_CHECKPOINT:
			return "checkpoint";
		case EVENT_ARCHIVE:
			return "archive";
	}
	return "unknown";
}

const char *
event_severity_name(EventSeverity severity)
{
	switch (severity)
	{
		case SEVERITY_INFO:
			return "info";
		case SEVERITY_NOTICE:
			return "notice";
		case SEVERITY_WARNING:
			return "warning";
		case SEVERITY_HIGH:
			return "high";
		case SEVERITY_CRITICAL:
			return "critical";
	}
	return "unknown";
}

const char *
event_outcome_name(EventOutcome outcome)
{
	switch (outcome)
	{
		case OUTCOME_ALLOWED:
			return "allowed";
		case OUTCOME_DENIED:
			return "denied";
		case OUTCOME_PERMITTED:
			return "permitted";
		case OUTCOME_OBSERVED:
			return "observed";
	}
	return "unknown";
}
