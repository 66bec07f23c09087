/*-------------------------------------------------------------------------
 *
 * sql_api.c
 *		SQL functions that tell: session() and explain_access().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/break_glass.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

PG_FUNCTION_INFO_V1(dc_session);
PG_FUNCTION_INFO_V1(dc_explain_access);
PG_FUNCTION_INFO_V1(dc_statistics_visible);
PG_FUNCTION_INFO_V1(dc_statistics_ext_visible);

static const char *
mode_name(int mode)
{
	switch ((EnforcementMode) mode)
	{
		case ENFORCEMENT_OFF:
			return "off";
		case ENFORCEMENT_PERMISSIVE:
			return "permissive";
		case ENFORCEMENT_ENFORCING:
			return "enforcing";
	}
	return "?";
}

static char *
clearance_text(const Clearance *clearance)
{
	LabelSpec	spec = {0};
	char	   *buf = palloc(LABEL_SPEC_MAX_TEXT);

	if (clearance->emergency)
		return pstrdup("break_glass");
	spec.kind = LABEL_SPEC_ROLE;
	spec.label = clearance->ceiling;
	spec.has_floor = clearance->has_floor;
	spec.floor = clearance->floor;
	spec.privileges = clearance->privileges;
	label_spec_text(&spec, buf, LABEL_SPEC_MAX_TEXT);
	return buf;
}

static Datum
text_array(List *strings)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(1, list_length(strings)));
	ListCell   *cell;
	int			n = 0;

	foreach(cell, strings)
		values[n++] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(n ? construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT) :
						   construct_empty_array(TEXTOID));
}

static Datum
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return DirectFunctionCall1(namein, CStringGetDatum(name ? name : ""));
}

Datum
dc_session(PG_FUNCTION_ARGS)
{
	const PolicySnapshot *p = policy_current();
	const Subject *s = subject_current();
	const char *obstacle = session_tier_obstacle(p);
	SessionFacts facts;
	TupleDesc	desc;
	Datum		values[16];
	bool		nulls[16] = {0};
	List	   *clearances = NIL;
	List	   *privileges = NIL;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function returning record called in context that cannot accept type record")));
	session_facts(&facts);
	for (int i = 0; i < s->nclearances; i++)
		if (s->clearances[i].rank != POLICY_RANK_NONE && !s->clearances[i].emergency)
			clearances = lappend(clearances, clearance_text(&s->clearances[i]));
	if (s->privileges & LABEL_PRIVILEGE_BREAK_GLASS)
		privileges = lappend(privileges, pstrdup("break_glass"));
	if (s->privileges & LABEL_PRIVILEGE_DECLASSIFY)
		privileges = lappend(privileges, pstrdup("declassify"));
	if (s->privileges & LABEL_PRIVILEGE_RECLASSIFY)
		privileges = lappend(privileges, pstrdup("reclassify"));
	if (s->privileges & LABEL_PRIVILEGE_EXPORT)
		privileges = lappend(privileges, pstrdup("export"));

	values[0] = role_name(s->role);
	values[1] = role_name(GetSessionUserId());
	values[2] = role_name(compat_authenticated_user());
	values[3] = text_array(clearances);
	values[4] = text_array(privileges);
	nulls[5] = !s->has_ceiling;
	values[5] = s->has_ceiling ? CStringGetTextDatum(s->ceiling.text) : (Datum) 0;
	values[6] = CStringGetTextDatum(policy_tier_name(p, s->session_tier));
	values[7] = CStringGetTextDatum(obstacle);
	nulls[7] = obstacle[0] == '\0';
	values[8] = CStringGetTextDatum(facts.transport);
	values[9] = CStringGetTextDatum(facts.authentication);
	values[10] = BoolGetDatum(policy_is_officer());
	values[11] = ObjectIdGetDatum(s->trusted_function);
	nulls[11] = !OidIsValid(s->trusted_function);
	values[12] = CStringGetTextDatum(mode_name(guc_enforcement));
	values[13] = CStringGetTextDatum(mode_name(guc_session_tier_enforcement));
	values[14] = CStringGetTextDatum(mode_name(guc_at_rest_enforcement));
	nulls[15] = !break_glass_is_open();
	values[15] = TimestampTzGetDatum(break_glass_until);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ------------------------------------------------------------------------
 * explain_access
 * ------------------------------------------------------------------------
 */

static PolicyAction
action_of_privilege(const char *privilege)
{
	if (pg_strcasecmp(privilege, "SELECT") == 0)
		return ACTION_READ;
	if (pg_strcasecmp(privilege, "INSERT") == 0 || pg_strcasecmp(privilege, "UPDATE") == 0 ||
		pg_strcasecmp(privilege, "DELETE") == 0 || pg_strcasecmp(privilege, "TRUNCATE") == 0)
		return ACTION_WRITE;
	if (pg_strcasecmp(privilege, "EXPORT") == 0)
		return ACTION_EXPORT;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized privilege \"%s\"", privilege),
			 errhint("Privileges are SELECT, INSERT, UPDATE, DELETE, TRUNCATE and EXPORT.")));
}

static const char *
reason_of(const PolicyDecision *decision)
{
	switch (decision->first)
	{
		case 0:
			return "allowed";
		case DECISION_UNKNOWN_LABEL:
			return "the label is not known to the policy of this database";
		case DECISION_QUARANTINE:
			return "the relation is quarantined";
		case DECISION_NO_CLEARANCE:
			return "the role has no clearance in this database";
		case DECISION_DOMINANCE:
			return "no clearance of the role dominates the label";
		case DECISION_FLOOR:
			return "the label is below the floor of the clearance";
		case DECISION_PRIVILEGE:
			return "the clearance lacks the privilege export";
		case DECISION_SESSION_TIER:
			return "the session is below the tier that the class needs";
	}
	return "not allowed";
}

static bool
by_emergency(const PolicyRequest *request, const PolicyDecision *decision)
{
	return decision->clearance >= 0 && decision->clearance < request->nclearances &&
		request->clearances[decision->clearance].emergency;
}

static void
explain_row(ReturnSetInfo *rsinfo, const PolicySnapshot *p, const PolicyRequest *request, const char *object,
			const LabelMask *mask, bool show_label)
{
	PolicyDecision decision = policy_decide(request);
	Datum		values[9];
	bool		nulls[9] = {0};
	static const char *const verdicts[] = {"allow", "permit", "deny"};
	bool		masked;

	values[0] = CStringGetTextDatum(object);
	values[1] = BoolGetDatum(decision.verdict != DECISION_DENY);
	masked = mask && mask->kind != LABEL_MASK_NONE && request->action == ACTION_READ &&
		decision.verdict == DECISION_DENY;
	values[2] = CStringGetTextDatum(masked ? "mask" : verdicts[decision.verdict]);
	nulls[3] = decision.first == 0;
	values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(decision_rule_name(decision.first));
	nulls[4] = !request->governed || request->label == NULL || !(show_label || decision.verdict == DECISION_ALLOW);
	values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(request->label->text);
	nulls[5] = decision.clearance < 0 || decision.clearance >= request->nclearances;
	values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(clearance_text(&request->clearances[decision.clearance]));
	nulls[6] = !request->governed;
	values[6] = CStringGetTextDatum(policy_tier_name(p, request->required_tier));
	values[7] = CStringGetTextDatum(policy_tier_name(p, request->session_tier));
	values[8] = CStringGetTextDatum(!request->governed ? "not governed by a label" :
									masked ? psprintf("%s: queries get the mask", reason_of(&decision)) :
									by_emergency(request, &decision) ? "allowed by emergency access (break_glass) alone" :
									reason_of(&decision));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
refuse_other_role(Oid role)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_WARNING;
	refusal.event.breach = true;
	refusal.event.action = "explain_access";
	refusal.event.class_id = AuthIdRelationId;
	refusal.event.object_id = role;
	refusal.event.object_type = "role";
	refusal.event.object_identity = GetUserNameFromId(role, true);
	refusal.event.rule = "officer";
	refusal.event.detail = "Only officers and auditors may ask about other roles.";
	refusal.message = "permission denied to explain the access of another role";
	refusal.detail = refusal.event.detail;
	refusal.hint = "Ask about yourself: SELECT * FROM dataclass.explain_access(current_user::regrole, ...).";
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

Datum
dc_explain_access(PG_FUNCTION_ARGS)
{
	Oid			role = PG_GETARG_OID(0);
	Oid			relid = PG_GETARG_OID(1);
	PolicyAction action = action_of_privilege(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	const PolicySnapshot *p;
	const RelationLabels *labels;
	Subject		subject;
	PolicyRequest request;
	bool		privileged = policy_is_officer() ||
		(OidIsValid(get_role_oid(DC_AUDITOR_ROLE, true)) &&
		 role_inherits(GetOuterUserId(), get_role_oid(DC_AUDITOR_ROLE, true)));

	if (role != GetOuterUserId() && !privileged)
		refuse_other_role(role);
	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	labels = relation_labels(relid);
	p = policy_current();
	subject_of_role(role, &subject, CurrentMemoryContext);

	request_init(&request, &subject, action);
	request.quarantined = labels->quarantined;
	if (labels->governed)
		request_object(&request, &labels->label);
	else
		request.governed = labels->unlabelled_denied || labels->quarantined;
	explain_row((ReturnSetInfo *) fcinfo->resultinfo, p, &request,
				labels->row_label_attnum == InvalidAttrNumber ? report_relation_identity(relid) :
				psprintf("%s (ceiling; decided row by row)", report_relation_identity(relid)), NULL, privileged);
	for (int i = 0; i < labels->ncolumns; i++)
	{
		const char *column = get_attname(relid, labels->columns[i].attnum, true);

		request_object(&request, &labels->columns[i].resolved);
		explain_row((ReturnSetInfo *) fcinfo->resultinfo, p, &request,
					psprintf("%s.%s", report_relation_identity(relid), quote_identifier(column ? column : "?")),
					&labels->columns[i].mask, privileged);
	}
	return (Datum) 0;
}

/* ------------------------------------------------------------------------
 * Filters on statistics
 * ------------------------------------------------------------------------
 */

/* Statistics of a parent hold values of its children. */
static bool
may_read_with_children(Oid relid, AttrNumber attnum)
{
	const char *name = attnum != InvalidAttrNumber ? get_attname(relid, attnum, true) : NULL;
	ListCell   *cell;

	if (!access_may_read(relid, attnum))
		return false;
	if (!has_subclass(relid))
		return true;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
	{
		AttrNumber	child_attnum = name ? get_attnum(lfirst_oid(cell), name) : InvalidAttrNumber;

		if (!access_may_read(lfirst_oid(cell), child_attnum))
			return false;
	}
	return true;
}

/* Statistics of an index are of its expressions, which may be made of any column of the table. */
Datum
dc_statistics_visible(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char		relkind = get_rel_relkind(relid);

	/* dropped meanwhile, or never there */
	if (relkind == '\0')
		PG_RETURN_BOOL(false);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		PG_RETURN_BOOL(may_read_with_children(IndexGetRelation(relid, false), InvalidAttrNumber));
	PG_RETURN_BOOL(may_read_with_children(relid, PG_GETARG_INT16(1)));
}

/* Extended statistics: all that their table can hold. */
Datum
dc_statistics_ext_visible(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(PG_GETARG_OID(0)));
	Oid			relid;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_BOOL(false);
	relid = ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid;
	ReleaseSysCache(tuple);
	PG_RETURN_BOOL(may_read_with_children(relid, InvalidAttrNumber));
}
