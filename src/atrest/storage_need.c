/*-------------------------------------------------------------------------
 *
 * storage_need.c
 *		What the policy asks of the place of data, and whether evidence is enough.
 *
 * The control is "at_rest"; its requirements are "none" and "encrypted".
 * Anything that cannot be interpreted is satisfied by nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"

#define AT_REST_CONTROL		"at_rest"

/* What the kernel reports is asked for, unless the class names a grade. */
#define DEFAULT_GRADE		EVIDENCE_GRADE_KERNEL

static StorageNeed
tier_need(const PolicySnapshot *p, int tier_rank)
{
	const char *requirement = policy_requirement(p, tier_rank, AT_REST_CONTROL);

	if (requirement == NULL || strcmp(requirement, "none") == 0)
		return STORAGE_NEED_NONE;
	if (strcmp(requirement, "encrypted") == 0)
		return STORAGE_NEED_ENCRYPTED;
	return STORAGE_NEED_UNKNOWN;
}

/*
 * storage_need
 */
StorageNeed
storage_need(const PolicySnapshot *p, const Label *label, int *grade, char **why)
{
	const PolicyClass *class = policy_class_of(p, label);
	StorageNeed need = STORAGE_NEED_UNKNOWN;

	if (grade)
		*grade = DEFAULT_GRADE;
	if (why)
		*why = NULL;
	if (class == NULL)
	{
		if (why)
			*why = psprintf("Class \"%.*s\" is not in the policy.",
							label->class_name.len, label->text + label->class_name.off);
		return need;
	}
	if (class->required_tier == POLICY_RANK_NONE)
	{
		if (why)
			*why = psprintf("Class \"%s\" requires a tier that is not in the policy.", class->name);
		return need;
	}
	if (grade && class->min_evidence > 0)
		*grade = class->min_evidence;
	need = tier_need(p, class->required_tier);
	if (need == STORAGE_NEED_UNKNOWN && why)
		*why = psprintf("Control at_rest of tier \"%s\" has a requirement that is not known: \"%s\".",
						policy_tier_name(p, class->required_tier),
						policy_requirement(p, class->required_tier, AT_REST_CONTROL));
	return need;
}

/*
 * storage_satisfies
 */
bool
storage_satisfies(const PolicySnapshot *p, const Label *label, const Evidence *evidence,
				  char **reason)
{
	const PolicyClass *class = policy_class_of(p, label);
	int			grade;
	char	   *why;

	*reason = NULL;
	switch (storage_need(p, label, &grade, &why))
	{
		case STORAGE_NEED_NONE:
			*reason = psprintf("Tier \"%s\" requires no encryption at rest.",
							   policy_tier_name(p, class->required_tier));
			return true;
		case STORAGE_NEED_UNKNOWN:
			*reason = why;
			return false;
		case STORAGE_NEED_ENCRYPTED:
			break;
	}

	if (evidence->verdict == EVIDENCE_ENCRYPTED && evidence->grade >= grade)
	{
		*reason = pstrdup(evidence->detail);
		return true;
	}
	*reason = psprintf("Control at_rest of tier \"%s\" requires encrypted storage with evidence of grade %d, found: %s, grade %d. %s",
					   policy_tier_name(p, class->required_tier), grade,
					   evidence_verdict_name(evidence->verdict), evidence->grade, evidence->detail);
	return false;
}

/*
 * storage_tier
 *		Controls of lower tiers hold too, so the first that is not met ends it.
 */
int
storage_tier(const PolicySnapshot *p, const Evidence *evidence)
{
	int			reached = POLICY_RANK_NONE;

	for (int i = 0; i < p->ntiers; i++)
	{
		StorageNeed need = tier_need(p, p->tiers[i].rank);

		if (need == STORAGE_NEED_UNKNOWN ||
			(need == STORAGE_NEED_ENCRYPTED &&
			 (evidence->verdict != EVIDENCE_ENCRYPTED || evidence->grade < DEFAULT_GRADE)))
			break;
		reached = p->tiers[i].rank;
	}
	return reached;
}
