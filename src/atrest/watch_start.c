/*-------------------------------------------------------------------------
 *
 * watch_start.c
 *		Storage is checked before the first governed access after a start.
 *
 * While policy_setting check_at_start is on, a server that comes up on changed
 * storage serves nothing from it in the time until the watch's first pass:
 * each statement has the places of its relations probed.  Once a pass was
 * made, a backend learns it and looks no more.  A standby makes no passes, so
 * there every statement does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/watch.h"

bool		watch_passed = false;

static void
refuse(Oid relid, const char *command, const char *place, const char *why)
{
	Refusal		refusal = {0};
	char	   *name = get_rel_name(relid);
	Label		label;

	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = command;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	if (relation_effective_label(relid, &label))
		refusal.event.label = label.text;
	refusal.event.rule = decision_rule_name(DECISION_QUARANTINE);
	refusal.event.detail = psprintf("Place \"%s\", checked before the first access since the server started: %s",
									place, why);
	refusal.message = psprintf("permission denied for relation \"%s\"", name ? name : "?");
	refusal.detail = "The storage of the relation was checked before its first use since the server started, and does not satisfy its class.";
	refusal.hint = "An officer sees what was found in dataclass.posture, and can accept the risk for a time: SELECT dataclass.accept_risk('relation', 'reason', until).";
	refusal.mode = watch_mode();
	report_refusal(&refusal);
}

/*
 * watch_check_access
 */
bool
watch_check_access(Oid relid, const char *command, bool report)
{
	const PolicySnapshot *p = policy_current();
	const PolicyClass *class;
	char	   *place;
	char	   *why;

	if (!p->check_at_start || watch_mode() == ENFORCEMENT_OFF || policy_is_restoring())
		return true;
	if (watch_passed_since_start(MyDatabaseId))
	{
		watch_passed = true;
		return true;
	}
	/* under quarantine it is denied anyway, by those who come after us */
	if (relation_labels(relid)->quarantined ||
		!watch_judge_relation(relid, &place, &why, &class) ||
		(class != NULL && !class->quarantines) ||
		policy_risk_accepted(policy_current(), relid))
		return true;
	if (!report)
		return watch_mode() != ENFORCEMENT_ENFORCING;
	refuse(relid, command, place, why);
	return true;
}
