/*-------------------------------------------------------------------------
 *
 * policy_report.c
 *		From a decision to a record and an error: the only such place.
 *
 * Order matters: the record is durable before the client can see the error.
 * Texts for the client name the rule that failed and the next step, never a
 * label that the reader may not know nor a value.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

uint64		report_refusals = 0;

char *
report_relation_identity(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = name ? get_namespace_name(get_rel_namespace(relid)) : NULL;

	if (name == NULL)
		return psprintf("%u", relid);
	return quote_qualified_identifier(schema, name);
}

void
report_refusal(const Refusal *refusal)
{
	AuditEvent	event = refusal->event;

	report_refusals++;
	switch (refusal->mode)
	{
		case ENFORCEMENT_OFF:
			return;
		case ENFORCEMENT_PERMISSIVE:
			event.outcome = OUTCOME_PERMITTED;
			event_record(&event);
			return;
		case ENFORCEMENT_ENFORCING:
			break;
	}
	event.outcome = OUTCOME_DENIED;
	event_record(&event);
	ereport(ERROR,
			(errcode(refusal->sqlstate ? refusal->sqlstate : ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s", refusal->message),
			 refusal->detail ? errdetail("%s", refusal->detail) : 0,
			 refusal->hint ? errhint("%s", refusal->hint) : 0,
	/* the trail has the statement, without its constants; the server log must not have them either */
			 errhidestmt(true), errhidecontext(true)));
}

void
report_unless_officer(const char *function, const char *message, const char *detail)
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
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = "Ask a security officer.";
	/* no mode of enforcement makes an officer of anybody */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

void
report_change(const AuditEvent *event)
{
	AuditEvent	change = *event;

	change.outcome = OUTCOME_ALLOWED;
	if (!event_record_at_commit(&change))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the change in the audit trail"),
				 errdetail("Changes of labels and policy are refused while they cannot be recorded."),
				 errhint("See the server log; dataclass.on_audit_failure = continue lets changes go on unrecorded.")));
}

static const char *
why_denied(const PolicyDecision *decision, const PolicySnapshot *p, const char **hint)
{
	*hint = "See why: SELECT * FROM dataclass.explain_access(current_user, 'relation', 'SELECT').";
	switch (decision->first)
	{
		case DECISION_UNKNOWN_LABEL:
			*hint = "An officer can add the missing class or compartment, or label the object anew; see dataclass.posture.";
			return "The label of the object is not known to the policy of this database.";
		case DECISION_QUARANTINE:
			*hint = "An officer can release it once its storage is compliant: SELECT dataclass.release_quarantine('relation', 'reason'); or accept the risk for a time: SELECT dataclass.accept_risk('relation', 'reason', until).";
			return "The relation is quarantined.";
		case DECISION_NO_CLEARANCE:
			*hint = "An officer can clear the role: SECURITY LABEL FOR dataclass ON ROLE ... IS '...'.";
			if (p->nsuspended > 0 && subject_is_suspended(p))
			{
				*hint = "An officer can reinstate it: SELECT dataclass.reinstate_clearance('role', 'reason').";
				return "The clearance of the role is suspended.";
			}
			return "The role has no clearance in this database.";
		case DECISION_DOMINANCE:
			return "No clearance of the role dominates the label of the object.";
		case DECISION_FLOOR:
			return "The label of the object is below the floor of the role's clearance.";
		case DECISION_PRIVILEGE:
			*hint = "An officer can grant it: SECURITY LABEL FOR dataclass ON ROLE ... IS '... with (export)'.";
			return "The clearance lacks the privilege that this action needs.";
		case DECISION_SESSION_TIER:
			*hint = "Connect over an encrypted transport with a verified identity; SELECT * FROM dataclass.session() names the control that is missing.";
			return psprintf("The session reaches tier \"%s\", which is below the tier the data needs.",
							policy_tier_name(p, decision->found_tier));
	}
	return "The action is not allowed.";
}

void
report_decision(const PolicyDecision *decision, Oid relid, AttrNumber attnum,
				const char *action, const Label *label)
{
	const PolicySnapshot *p = policy_current();
	Refusal		refusal = {0};
	char	   *name = get_rel_name(relid);

	if (decision->verdict == DECISION_ALLOW)
		return;
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = action;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_subid = attnum;
	refusal.event.object_type = attnum ? "column" : "table";
	refusal.event.object_identity = report_relation_identity(relid);
	if (attnum)
		refusal.event.object_identity = psprintf("%s.%s", refusal.event.object_identity,
												 quote_identifier(get_attname(relid, attnum, false)));
	refusal.event.label = label ? label->text : NULL;
	refusal.event.rule = decision_rule_name(decision->first);
	refusal.event.required_tier = decision->required_tier == POLICY_RANK_NONE ? NULL :
		policy_tier_name(p, decision->required_tier);
	refusal.event.found_tier = policy_tier_name(p, decision->found_tier);
	if (attnum)
		refusal.message = psprintf("permission denied for column \"%s\" of relation \"%s\"",
								   get_attname(relid, attnum, false), name ? name : "?");
	else
		refusal.message = psprintf("permission denied for relation \"%s\"", name ? name : "?");
	refusal.detail = why_denied(decision, p, &refusal.hint);
	refusal.event.detail = refusal.detail;
	refusal.mode = decision->verdict == DECISION_PERMIT ? ENFORCEMENT_PERMISSIVE : ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}
