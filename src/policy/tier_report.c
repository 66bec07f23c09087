/*-------------------------------------------------------------------------
 *
 * tier_report.c
 *		dataclass.tier_report(): every control of every tier, for this session.
 *
 * Judges anew; nothing here is cached or decides anything.  What storage was
 * found to be, and where, is for officers and auditors; verdicts are for all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/tier_control.h"

#define REPORT_COLUMNS	8

PG_FUNCTION_INFO_V1(dc_tier_report);

static bool
may_see_details(void)
{
	Oid			auditor = get_role_oid(DC_AUDITOR_ROLE, true);

	return policy_is_officer() || (OidIsValid(auditor) && role_inherits(GetOuterUserId(), auditor));
}

static void
put_row(ReturnSetInfo *rsinfo, const PolicyTier *tier, const char *control, const char *domain,
		const char *required, const char *found, const char *verdict, const char *detail)
{
	Datum		values[REPORT_COLUMNS];
	bool		nulls[REPORT_COLUMNS] = {0};

	values[0] = CStringGetTextDatum(tier->name);
	values[1] = Int32GetDatum(tier->rank);
	values[2] = CStringGetTextDatum(control);
	values[3] = CStringGetTextDatum(domain);
	values[4] = CStringGetTextDatum(required);
	nulls[5] = found == NULL || found[0] == '\0';
	values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(found);
	values[6] = CStringGetTextDatum(verdict);
	nulls[7] = detail == NULL || detail[0] == '\0';
	values[7] = nulls[7] ? (Datum) 0 : CStringGetTextDatum(detail);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_control(ReturnSetInfo *rsinfo, const PolicyTier *tier, const PolicyTierControl *control,
			const SessionFacts *facts, bool details)
{
	const TierControlOps *ops = tier_control_find(control->control);
	bool		storage = tier_control_is_storage(ops, control->control);
	ControlFinding finding;

	if (!tier_control_judge(ops, control->requirement, facts, &finding))
	{
		put_row(rsinfo, tier, control->control,
				ops ? control_domain_name(ops->domain) : storage ? control_domain_name(CONTROL_STORAGE) : "unknown",
				control->requirement, NULL, "unknown",
				ops ? psprintf("The requirement is not known; there are: %s.", ops->requirements) :
				"Nothing judges a control of this name; it is never satisfied.");
		return;
	}
	put_row(rsinfo, tier, control->control, control_domain_name(ops->domain), control->requirement,
			storage && !details ? NULL : finding.found,
			finding.satisfied ? "satisfied" : "failed",
			ops->domain != CONTROL_SESSION && !details ? NULL : finding.detail);
}

/* What limits the session whatever its controls, as if it were a control. */
static void
put_limit(ReturnSetInfo *rsinfo, const PolicySnapshot *p, const PolicyTier *tier, const char *name, int limit,
		  const char *detail)
{
	if (limit == TIER_UNLIMITED)
		return;
	put_row(rsinfo, tier, name, control_domain_name(CONTROL_SESSION), tier->name, policy_tier_name(p, limit),
			tier->rank <= limit ? "satisfied" : "failed", detail);
}

Datum
dc_tier_report(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const PolicySnapshot *p;
	SessionFacts facts;
	bool		details;
	int			limit;
	int			narrowed;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	details = may_see_details();
	session_facts(&facts);
	p = policy_current();
	limit = session_tier_limit(p, &facts);
	narrowed = session_tier_narrowed(p, &facts);
	for (int t = 0; t < p->ntiers; t++)
	{
		const PolicyTier *tier = &p->tiers[t];

		for (int c = 0; c < tier->ncontrols; c++)
			put_control(rsinfo, tier, &tier->controls[c], &facts, details);
		put_limit(rsinfo, p, tier, "session_limit", limit, "Officers limit this account in dataclass.session_limit.");
		put_limit(rsinfo, p, tier, "session_tier", narrowed, "The session narrowed itself, or came in narrowed.");
	}
	return (Datum) 0;
}
