/*-------------------------------------------------------------------------
 *
 * policy_decide.c
 *		The reference monitor's decision: one pure function of its request.
 *
 * Every rule is evaluated, also after another one failed, so that a record
 * and dataclass.explain_access() can name all that stands in the way; only
 * rules about the clearance that dominates wait for there being one.
 *
 * Whatever is not known fails: a label, a rank, a tier, an action, a mode.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/decide.h"

/* What the clearances of a request came to. */
typedef struct ClearanceResult
{
	uint32		failed;			/* NO_CLEARANCE, DOMINANCE, FLOOR, PRIVILEGE */
	int			index;			/* the first clearance that satisfies all of it, or -1 */
} ClearanceResult;

/* A floor binds writes: the label must dominate it. */
static bool
floor_respected(const PolicyRequest *request, const Clearance *clearance)
{
	return !clearance->has_floor ||
		label_dominates(request->label, request->label_rank,
						&clearance->floor, clearance->floor_rank);
}

/*
 * Emergency access reaches every compartment up to the highest class, to read
 * and write.  It is no way around the floor or a missing privilege of a
 * clearance that dominates the label itself.
 */
static bool
clearance_reaches(const PolicyRequest *request, const Clearance *clearance, bool dominated)
{
	if (!clearance->emergency)
		return label_dominates(&clearance->ceiling, clearance->rank,
							   request->label, request->label_rank);
	return !dominated && request->label_rank <= clearance->rank &&
		(request->action == ACTION_READ || request->action == ACTION_WRITE);
}

/* What a clearance that dominates the label lacks for the action: a DECISION_* bit, or 0. */
static uint32
action_obstacle(const PolicyRequest *request, const Clearance *clearance)
{
	switch (request->action)
	{
		case ACTION_READ:
		case ACTION_DEFINE:
			return 0;
		case ACTION_WRITE:
			return floor_respected(request, clearance) ? 0 : DECISION_FLOOR;
		case ACTION_EXPORT:
			return (clearance->privileges & LABEL_PRIVILEGE_EXPORT) != 0 ? 0 : DECISION_PRIVILEGE;
	}
	return DECISION_PRIVILEGE;	/* an action nobody can have the right to */
}

/* Only called with a label whose rank is known. */
static ClearanceResult
check_clearances(const PolicyRequest *request)
{
	ClearanceResult result = {0, -1};
	uint32		obstacle = 0;
	bool		any = false;
	bool		dominated = false;

	for (int i = 0; i < request->nclearances; i++)
	{
		const Clearance *clearance = &request->clearances[i];
		uint32		lacks;

		if (clearance->rank < 0)
			continue;
		any = true;
		if (!clearance_reaches(request, clearance, dominated))
			continue;
		dominated = true;
		lacks = action_obstacle(request, clearance);
		if (lacks == 0)
		{
			result.index = i;
			break;
		}
		obstacle |= lacks;
	}

	if (!any)
		result.failed |= DECISION_NO_CLEARANCE;
	else if (!dominated)
		result.failed |= DECISION_DOMINANCE;
	else if (result.index < 0)
		result.failed |= obstacle;

	/* The session may have narrowed itself, never widened. */
	if (request->ceiling != NULL &&
		!label_dominates(request->ceiling, request->ceiling_rank,
						 request->label, request->label_rank))
		result.failed |= DECISION_DOMINANCE;
	return result;
}

/* Without a label to compare with, only the lack of any clearance can be told. */
static bool
has_any_clearance(const PolicyRequest *request)
{
	for (int i = 0; i < request->nclearances; i++)
	{
		if (request->clearances[i].rank >= 0)
			return true;
	}
	return false;
}

static DecisionVerdict
verdict_of(const PolicyRequest *request, uint32 failed)
{
	if (failed == 0)
		return DECISION_ALLOW;
	if (request->enforcement == ENFORCEMENT_PERMISSIVE)
		return DECISION_PERMIT;
	if (failed == DECISION_SESSION_TIER &&
		request->session_tier_enforcement == ENFORCEMENT_PERMISSIVE)
		return DECISION_PERMIT;
	return DECISION_DENY;
}

PolicyDecision
policy_decide(const PolicyRequest *request)
{
	PolicyDecision decision;
	ClearanceResult cleared = {0, -1};

	decision.verdict = DECISION_ALLOW;
	decision.failed = 0;
	decision.first = 0;
	decision.clearance = -1;
	decision.required_tier = request->required_tier;
	decision.found_tier = request->session_tier;

	if (!request->governed || request->enforcement == ENFORCEMENT_OFF)
		return decision;

	if (request->quarantined)
		decision.failed |= DECISION_QUARANTINE;

	if (request->label != NULL && request->label_rank >= 0)
	{
		cleared = check_clearances(request);
		decision.failed |= cleared.failed;
	}
	else
	{
		decision.failed |= DECISION_UNKNOWN_LABEL;
		if (!has_any_clearance(request))
			decision.failed |= DECISION_NO_CLEARANCE;
	}

	if (request->session_tier_enforcement != ENFORCEMENT_OFF &&
		(request->required_tier < 0 || request->session_tier < request->required_tier))
		decision.failed |= DECISION_SESSION_TIER;

	/* Bits are numbered in the order of the rules. */
	decision.first = decision.failed & (~decision.failed + 1);
	decision.verdict = verdict_of(request, decision.failed);
	if (decision.verdict != DECISION_DENY && cleared.failed == 0)
		decision.clearance = cleared.index;
	return decision;
}

const char *
decision_rule_name(uint32 bit)
{
	switch (bit)
	{
		case DECISION_UNKNOWN_LABEL:
			return "unknown_label";
		case DECISION_QUARANTINE:
			return "quarantine";
		case DECISION_NO_CLEARANCE:
			return "no_clearance";
		case DECISION_DOMINANCE:
			return "dominance";
		case DECISION_FLOOR:
			return "floor";
		case DECISION_PRIVILEGE:
			return "privilege";
		case DECISION_SESSION_TIER:
			return "session_tier";
		default:
			return "none";
	}
}
