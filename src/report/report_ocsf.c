/*-------------------------------------------------------------------------
 *
 * report_ocsf.c
 *		A record as an event of the Open Cybersecurity Schema Framework.
 *
 * What the storage of data fails or satisfies is a Compliance Finding (2003),
 * another breach or denial a Data Security Finding (2006), all else Datastore
 * Activity (6005).  Every field of the record that has no attribute of its own
 * goes into "unmapped", hashes included, so that nothing is lost on the way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/event.h"
#include "pg_dataclass/report_event.h"
#include "pg_dataclass/report_json.h"

#define OCSF_COMPLIANCE		2003
#define OCSF_DATA_SECURITY	2006
#define OCSF_DATASTORE		6005

typedef struct NamedId
{
	const char *name;
	int			id;
	const char *caption;
} NamedId;

static const NamedId severities[] = {
	{"info", 1, "Informational"},
	{"notice", 2, "Low"},
	{"warning", 3, "Medium"},
	{"high", 4, "High"},
	{"critical", 5, "Critical"}
};

static const NamedId confidentialities[] = {
	{"public", 1, "Not Confidential"},
	{"open", 1, "Not Confidential"},
	{"confidential", 2, "Confidential"},
	{"secret", 3, "Secret"},
	{"top-secret", 4, "Top Secret"},
	{"private", 5, "Private"},
	{"restricted", 6, "Restricted"}
};

static const NamedId activities[] = {
	{"SELECT", 1, "Read"},
	{"COPY TO", 1, "Read"},
	{"EXPORT", 1, "Read"},
	{"LOGIN", 3, "Connect"},
	{"INSERT", 5, "Write"},
	{"COPY FROM", 5, "Write"},
	{"UPDATE", 2, "Update"},
	{"MERGE", 2, "Update"},
	{"DELETE", 7, "Delete"},
	{"TRUNCATE", 7, "Delete"}
};

static const NamedId *
find_id(const NamedId *ids, int n, const char *name)
{
	for (int i = 0; i < n; i++)
	{
		if (name && pg_strcasecmp(ids[i].name, name) == 0)
			return &ids[i];
	}
	return NULL;
}

static bool
is_kind(const ReportEvent *event, EventKind kind)
{
	return event->text[FIELD_KIND] && strcmp(event->text[FIELD_KIND], event_kind_name(kind)) == 0;
}

static bool
is_outcome(const ReportEvent *event, EventOutcome outcome)
{
	return event->text[FIELD_OUTCOME] && strcmp(event->text[FIELD_OUTCOME], event_outcome_name(outcome)) == 0;
}

static int
ocsf_class(const ReportEvent *event)
{
	static const EventKind storage[] = {EVENT_AT_REST_REFUSED, EVENT_AT_REST_VIOLATION, EVENT_AT_REST_HEALED,
	EVENT_QUARANTINE, EVENT_RISK_ACCEPTED, EVENT_ATTESTATION};

	for (int i = 0; i < lengthof(storage); i++)
	{
		if (is_kind(event, storage[i]))
			return OCSF_COMPLIANCE;
	}
	return event->breach || is_outcome(event, OUTCOME_DENIED) ? OCSF_DATA_SECURITY : OCSF_DATASTORE;
}

/* Caption for what the class has no number for: the command itself. */
static int
ocsf_activity(const ReportEvent *event, const char **caption)
{
	const NamedId *activity;

	*caption = "Create";
	if (ocsf_class(event) != OCSF_DATASTORE)
		return 1;
	if (is_kind(event, EVENT_LOGIN_FAILED))
	{
		*caption = "Connect";
		return 3;
	}
	activity = find_id(activities, lengthof(activities), event->text[FIELD_ACTION]);
	if (activity == NULL && is_kind(event, EVENT_READ))
		activity = &activities[0];
	*caption = activity ? activity->caption :
		event->text[FIELD_ACTION] ? event->text[FIELD_ACTION] : event->text[FIELD_KIND];
	return activity ? activity->id : 99;
}

int
report_ocsf_type(const ReportEvent *event)
{
	const char *caption;

	return ocsf_class(event) * 100 + ocsf_activity(event, &caption);
}

int
report_ocsf_severity(const char *severity)
{
	const NamedId *found = find_id(severities, lengthof(severities), severity);

	return found ? found->id : 99;
}

static void
put_severity(StringInfo out, const ReportEvent *event)
{
	const NamedId *found = find_id(severities, lengthof(severities), event->text[FIELD_SEVERITY]);

	json_int(out, "severity_id", found ? found->id : 99);
	json_string(out, "severity", found ? found->caption : event->text[FIELD_SEVERITY]);
}

static void
put_class(StringInfo out, const ReportEvent *event)
{
	const char *activity_name;
	int			class = ocsf_class(event);
	int			activity = ocsf_activity(event, &activity_name);
	const char *class_name = class == OCSF_COMPLIANCE ? "Compliance Finding" :
		class == OCSF_DATA_SECURITY ? "Data Security Finding" : "Datastore Activity";

	json_int(out, "category_uid", class / 1000);
	json_string(out, "category_name", class == OCSF_DATASTORE ? "Application Activity" : "Findings");
	json_int(out, "class_uid", class);
	json_string(out, "class_name", class_name);
	json_int(out, "activity_id", activity);
	json_string(out, "activity_name", activity_name);
	json_int(out, "type_uid", class * 100 + activity);
	json_string(out, "type_name", psprintf("%s: %s", class_name, activity == 99 ? "Other" : activity_name));
}

static void
put_metadata(StringInfo out, const ReportEvent *event, const ReportSource *source)
{
	json_open(out, "metadata", '{');
	json_string(out, "version", REPORT_OCSF_VERSION);
	report_ocsf_product(out, source);
	json_string(out, "uid", event->text[FIELD_EVENT_ID]);
	json_string(out, "event_code", event->text[FIELD_KIND]);
	json_number(out, "sequence", event->text[FIELD_SEQ]);
	json_int(out, "logged_time", event->recorded_ms);
	json_string(out, "log_name", "dataclass_audit.event");
	json_string(out, "log_provider", REPORT_PRODUCT);
	json_open(out, "profiles", '[');
	json_item(out, "security_control");
	json_item(out, "data_classification");
	if (ocsf_class(event) != OCSF_DATASTORE)
		json_item(out, "incident");
	json_close(out, ']');
	json_close(out, '}');
}

/* What the reference monitor did. */
static void
put_disposition(StringInfo out, const ReportEvent *event)
{
	int			action = 3;
	int			disposition = 15;
	const char *action_name = "Observed";
	const char *disposition_name = "Detected";

	if (is_outcome(event, OUTCOME_DENIED))
	{
		action = 2, disposition = 2;
		action_name = "Denied", disposition_name = "Blocked";
	}
	else if (is_outcome(event, OUTCOME_ALLOWED))
	{
		action = 1, disposition = 1;
		action_name = "Allowed", disposition_name = "Allowed";
	}
	else if (is_outcome(event, OUTCOME_PERMITTED))
	{
		/* against the policy, which is not enforced: allowed, and worth a look */
		action = 1, disposition = 19;
		action_name = "Allowed", disposition_name = "Alert";
	}
	json_int(out, "action_id", action);
	json_string(out, "action", action_name);
	json_int(out, "disposition_id", disposition);
	json_string(out, "disposition", disposition_name);
	json_bool(out, "is_alert", event->breach);
}

static void
put_status(StringInfo out, const ReportEvent *event)
{
	bool		denied = is_outcome(event, OUTCOME_DENIED);
	bool		settled = !event->breach && !denied;

	if (ocsf_class(event) == OCSF_DATASTORE)
	{
		json_int(out, "status_id", denied ? 2 : 1);
		json_string(out, "status", denied ? "Failure" : "Success");
		return;
	}
	json_int(out, "status_id", settled ? 4 : 1);
	json_string(out, "status", settled ? "Resolved" : "New");
	json_bool(out, "is_suspected_breach", event->breach);
}

static void
put_actor(StringInfo out, const ReportEvent *event)
{
	const char *subject = event->text[FIELD_SUBJECT];

	json_open(out, "actor", '{');
	if (subject)
	{
		json_open(out, "user", '{');
		json_string(out, "name", subject);
		json_int(out, "type_id", 1);
		json_string(out, "type", "User");
		if (event->text[FIELD_AUTHENTICATED_USER])
			json_string(out, "credential_uid", event->text[FIELD_AUTHENTICATED_USER]);
		json_close(out, '}');
	}
	if (event->text[FIELD_SESSION_ID])
	{
		json_open(out, "session", '{');
		json_string(out, "uid", event->text[FIELD_SESSION_ID]);
		json_close(out, '}');
	}
	json_string(out, "app_name", event->text[FIELD_APPLICATION] ? event->text[FIELD_APPLICATION] :
				subject ? NULL : REPORT_PRODUCT);
	json_close(out, '}');
}

static bool
is_address(const char *client)
{
	return client && client[0] != '[';
}

static void
put_endpoints(StringInfo out, const ReportEvent *event)
{
	const char *client = event->text[FIELD_CLIENT_ADDR];

	json_open(out, "src_endpoint", '{');
	if (is_address(client))
	{
		json_string(out, "ip", client);
		json_number(out, "port", event->text[FIELD_CLIENT_PORT]);
	}
	else if (client)
		json_string(out, "name", client);
	else
		json_string(out, "svc_name", REPORT_PRODUCT);
	json_close(out, '}');
	if (event->text[FIELD_NODE])
	{
		json_open(out, "dst_endpoint", '{');
		json_string(out, "name", event->text[FIELD_NODE]);
		json_string(out, "svc_name", "postgresql");
		json_close(out, '}');
	}
}

static void
put_confidentiality(StringInfo out, const char *class)
{
	const NamedId *found = find_id(confidentialities, lengthof(confidentialities), class);

	json_int(out, "category_id", 2);
	json_string(out, "category", "Governmental");
	json_int(out, "confidentiality_id", found ? found->id : class ? 99 : 0);
	json_string(out, "confidentiality", class ? class : "Unknown");
}

static void
put_policy(StringInfo out, const ReportSource *source)
{
	json_open(out, "policy", '{');
	json_string(out, "name", "dataclass");
	json_string(out, "uid", source->trail);
	json_close(out, '}');
}

static void
put_data_security(StringInfo out, const ReportEvent *event, const ReportSource *source, const char *class)
{
	json_open(out, "data_security", '{');
	put_confidentiality(out, class);
	json_int(out, "data_lifecycle_state_id", 3);
	json_string(out, "data_lifecycle_state", "Data in-Use");
	json_int(out, "detection_system_id", 9);
	json_string(out, "detection_system", "Database Activity Monitoring");
	put_policy(out, source);
	json_close(out, '}');
}

static bool
is_table(const ReportEvent *event)
{
	const char *type = event->text[FIELD_OBJECT_TYPE];

	return type && event->text[FIELD_OBJECT_IDENTITY] &&
		(strstr(type, "table") || strstr(type, "view") || strcmp(type, "column") == 0) && !strstr(type, "tablespace");
}

static void
put_objects(StringInfo out, const ReportEvent *event, const ReportSource *source, const char *class)
{
	bool		compliance = ocsf_class(event) == OCSF_COMPLIANCE;

	if (!compliance)
	{
		json_open(out, "database", '{');
		json_string(out, "name", event->text[FIELD_DATABASE] ? event->text[FIELD_DATABASE] : source->database);
		json_int(out, "type_id", 1);
		json_string(out, "type", "Relational");
		json_close(out, '}');
	}
	if (is_table(event) && !compliance)
	{
		json_open(out, "table", '{');
		json_string(out, "name", event->text[FIELD_OBJECT_IDENTITY]);
		json_string(out, "uid", event->text[FIELD_OBJECT_ID]);
		json_close(out, '}');
	}
	if (ocsf_class(event) == OCSF_DATASTORE)
	{
		json_int(out, "type_id", is_table(event) ? 3 : 1);
		json_string(out, "type", is_table(event) ? "Table" : "Database");
		return;
	}
	if (event->text[FIELD_OBJECT_IDENTITY] == NULL)
		return;
	json_open(out, "resources", '[');
	json_open(out, NULL, '{');
	json_string(out, "name", event->text[FIELD_OBJECT_IDENTITY]);
	json_string(out, "type", event->text[FIELD_OBJECT_TYPE]);
	json_string(out, "uid", event->text[FIELD_OBJECT_ID]);
	if (event->text[FIELD_LABEL])
	{
		json_open(out, "labels", '[');
		json_item(out, event->text[FIELD_LABEL]);
		json_close(out, ']');
	}
	if (class)
	{
		json_open(out, "data_classifications", '[');
		json_open(out, NULL, '{');
		put_confidentiality(out, class);
		json_close(out, '}');
		json_close(out, ']');
	}
	json_close(out, '}');
	json_close(out, ']');
}

static void
put_finding(StringInfo out, const ReportEvent *event, const char *title)
{
	json_open(out, "finding_info", '{');
	json_string(out, "uid", event->text[FIELD_EVENT_ID]);
	json_string(out, "title", title);
	json_string(out, "desc", event->text[FIELD_DETAIL]);
	json_int(out, "created_time", event->time_ms);
	json_open(out, "types", '[');
	json_item(out, event->text[FIELD_KIND]);
	json_close(out, ']');
	if (event->text[FIELD_RULE])
	{
		json_open(out, "analytic", '{');
		json_int(out, "type_id", 1);
		json_string(out, "type", "Rule");
		json_string(out, "name", event->text[FIELD_RULE]);
		json_string(out, "uid", event->text[FIELD_RULE]);
		json_close(out, '}');
	}
	json_open(out, "data_sources", '[');
	json_item(out, "dataclass_audit.event");
	json_close(out, ']');
	json_close(out, '}');
}

static void
put_compliance(StringInfo out, const ReportEvent *event)
{
	bool		failed = event->breach || is_outcome(event, OUTCOME_DENIED);
	bool		passed = !failed && (is_kind(event, EVENT_AT_REST_HEALED) || is_kind(event, EVENT_ATTESTATION));

	json_open(out, "compliance", '{');
	json_string(out, "control", event->text[FIELD_RULE] ? event->text[FIELD_RULE] : "at_rest");
	json_open(out, "standards", '[');
	json_item(out, "dataclass.tier_control");
	json_close(out, ']');
	if (event->text[FIELD_REQUIRED_TIER])
	{
		json_open(out, "requirements", '[');
		json_item(out, event->text[FIELD_REQUIRED_TIER]);
		json_close(out, ']');
	}
	json_int(out, "status_id", failed ? 3 : passed ? 1 : 2);
	json_string(out, "status", failed ? "Fail" : passed ? "Pass" : "Warning");
	if (event->text[FIELD_DETAIL])
	{
		json_open(out, "status_details", '[');
		json_item(out, event->text[FIELD_DETAIL]);
		json_close(out, ']');
	}
	json_close(out, '}');
}

static void
put_observable(StringInfo out, const char *name, int type_id, const char *type, const char *value)
{
	if (value == NULL)
		return;
	json_open(out, NULL, '{');
	json_string(out, "name", name);
	json_int(out, "type_id", type_id);
	json_string(out, "type", type);
	json_string(out, "value", value);
	json_close(out, '}');
}

static void
put_observables(StringInfo out, const ReportEvent *event)
{
	const char *client = event->text[FIELD_CLIENT_ADDR];
	bool		finding = ocsf_class(event) != OCSF_DATASTORE;

	json_open(out, "observables", '[');
	put_observable(out, "actor.user.name", 4, "User Name", event->text[FIELD_SUBJECT]);
	put_observable(out, "src_endpoint.ip", 2, "IP Address", is_address(client) && ocsf_class(event) != OCSF_COMPLIANCE ? client : NULL);
	put_observable(out, "resources[].name", 38, "Resource Details: name", finding ? event->text[FIELD_OBJECT_IDENTITY] : NULL);
	json_close(out, ']');
}

static void
put_unmapped(StringInfo out, const ReportEvent *event)
{
	static const struct
	{
		const char *name;
		ReportField field;
		bool		number;
	}			rest[] = {
		{"outcome", FIELD_OUTCOME}, {"action", FIELD_ACTION}, {"label", FIELD_LABEL}, {"rule", FIELD_RULE},
		{"required_tier", FIELD_REQUIRED_TIER}, {"found_tier", FIELD_FOUND_TIER}, {"statement", FIELD_STATEMENT},
		{"session_user_name", FIELD_SESSION_USER}, {"current_user_name", FIELD_CURRENT_USER},
		{"authenticated_user", FIELD_AUTHENTICATED_USER}, {"client_addr", FIELD_CLIENT_ADDR},
		{"client_port", FIELD_CLIENT_PORT, true}, {"backend_pid", FIELD_BACKEND_PID, true},
		{"transaction_id", FIELD_TRANSACTION_ID, true}, {"database", FIELD_DATABASE},
		{"object_type", FIELD_OBJECT_TYPE}, {"object_identity", FIELD_OBJECT_IDENTITY},
		{"class_id", FIELD_CLASS_ID, true}, {"object_id", FIELD_OBJECT_ID, true}, {"object_subid", FIELD_OBJECT_SUBID, true},
		{"node", FIELD_NODE}, {"origin", FIELD_ORIGIN}, {"format_version", FIELD_FORMAT_VERSION, true},
		{"prev_hash", FIELD_PREV_HASH}, {"leaf_hash", FIELD_LEAF_HASH}
	};

	json_open(out, "unmapped", '{');
	json_bool(out, "breach", event->breach);
	for (int i = 0; i < lengthof(rest); i++)
	{
		if (rest[i].number)
			json_number(out, rest[i].name, event->text[rest[i].field]);
		else
			json_string(out, rest[i].name, event->text[rest[i].field]);
	}
	json_close(out, '}');
}

/* The object "product" of metadata. */
void
report_ocsf_product(StringInfo out, const ReportSource *source)
{
	json_open(out, "product", '{');
	json_string(out, "name", REPORT_PRODUCT);
	json_string(out, "uid", REPORT_PRODUCT);
	json_string(out, "vendor_name", REPORT_PRODUCT);
	json_string(out, "version", source->version);
	json_close(out, '}');
}

void
report_ocsf_event(StringInfo out, const ReportEvent *event, const ReportSource *source)
{
	int			class = ocsf_class(event);
	char	   *title = report_kind_title(event->text[FIELD_KIND]);
	char	   *data_class = report_label_class(event->text[FIELD_LABEL]);

	json_open(out, NULL, '{');
	put_metadata(out, event, source);
	put_class(out, event);
	json_int(out, "time", event->time_ms);
	json_int(out, "timezone_offset", 0);
	put_severity(out, event);
	put_status(out, event);
	put_disposition(out, event);
	json_string(out, "message", event->text[FIELD_DETAIL] ? event->text[FIELD_DETAIL] : title);
	json_number(out, "count", event->text[FIELD_REPEATS] ? event->text[FIELD_REPEATS] : "1");
	put_actor(out, event);
	if (class != OCSF_COMPLIANCE)
		put_endpoints(out, event);
	if (class == OCSF_COMPLIANCE)
		put_compliance(out, event);
	if (class == OCSF_DATA_SECURITY)
		put_data_security(out, event, source, data_class);
	put_objects(out, event, source, data_class);
	if (class != OCSF_DATASTORE)
		put_finding(out, event, title);
	else if (event->text[FIELD_STATEMENT])
	{
		json_open(out, "query_info", '{');
		json_string(out, "query_string", event->text[FIELD_STATEMENT]);
		json_close(out, '}');
	}
	put_observables(out, event);
	put_unmapped(out, event);
	json_close(out, '}');
}
