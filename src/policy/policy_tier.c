/*-------------------------------------------------------------------------
 *
 * policy_tier.c
 *		The tier that a session reaches, and what keeps it from the next.
 *
 * The lowest of four:
 *	- the highest tier up to which every session and server control is satisfied
 *	- dataclass.session_limit, where officers limit an account (of a pooler, say)
 *	- the values of dataclass.session_tier that the session came in with
 *	- dataclass.session_tier as it is now
 * So whatever a client sets can lower its tier and never raise it.  Storage
 * controls bind places of data (the at-rest part).
 *
 * Owns the setting and the cached answer: the first three are worked out once
 * per connection and policy generation.  The setting moves the subject's epoch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/setting_change.h"
#include "pg_dataclass/tier_control.h"

char	   *guc_session_tier = NULL;

static bool cached = false;
static uint64 cached_generation = 0;
static int	cached_tier = POLICY_RANK_NONE;

/* ------------------------------------------------------------------------
 * The four
 * ------------------------------------------------------------------------
 */

/* First control, from the lowest tier up, that is not satisfied; NULL if none.  *reached: rank below it. */
static const PolicyTierControl *
first_obstacle(const PolicySnapshot *p, const SessionFacts *facts, int *reached, ControlFinding *finding)
{
	*reached = POLICY_RANK_NONE;
	for (int t = 0; t < p->ntiers; t++)
	{
		const PolicyTier *tier = &p->tiers[t];

		for (int c = 0; c < tier->ncontrols; c++)
		{
			const PolicyTierControl *control = &tier->controls[c];
			const TierControlOps *ops = tier_control_find(control->control);

			if (tier_control_is_storage(ops, control->control))
				continue;
			(void) tier_control_judge(ops, control->requirement, facts, finding);
			if (!finding->satisfied)
				return control;
		}
		*reached = tier->rank;
	}
	return NULL;
}

/* The account is who authenticated: neither SET ROLE nor SET SESSION AUTHORIZATION changes it. */
int
session_tier_limit(const PolicySnapshot *p, const SessionFacts *facts)
{
	Oid			authenticated = compat_authenticated_user();
	int			limit = TIER_UNLIMITED;

	if (p->session_limits_unknown)
		return POLICY_RANK_NONE;
	for (int i = 0; i < p->nsession_limits; i++)
	{
		const PolicySessionLimit *l = &p->session_limits[i];

		if (l->role == authenticated && (l->any_network || network_contains(&l->network, &facts->client)))
			limit = Min(limit, l->tier);
	}
	return limit;
}

/* A tier that does not exist leaves nothing. */
static int
rank_of_name(const PolicySnapshot *p, const char *name)
{
	const PolicyTier *tier;

	if (name == NULL || name[0] == '\0')
		return TIER_UNLIMITED;
	tier = policy_tier_by_name(p, name);
	return tier ? tier->rank : POLICY_RANK_NONE;
}

static int
entry_limit(const PolicySnapshot *p, const SessionFacts *facts)
{
	int			limit = TIER_UNLIMITED;

	for (int i = 0; i < SESSION_ENTRY_TIERS && facts->entry_tier[i][0] != '\0'; i++)
		limit = Min(limit, rank_of_name(p, facts->entry_tier[i]));
	return limit;
}

int
session_tier_narrowed(const PolicySnapshot *p, const SessionFacts *facts)
{
	return Min(entry_limit(p, facts), rank_of_name(p, guc_session_tier));
}

/* ------------------------------------------------------------------------
 * The answer
 * ------------------------------------------------------------------------
 */

void
session_tier_forget(void)
{
	cached = false;
	subject_invalidate();
}

int
session_tier(const PolicySnapshot *p)
{
	if (!p->installed)
		return POLICY_RANK_NONE;
	if (!cached || cached_generation != policy_generation())
	{
		SessionFacts facts;
		ControlFinding finding;
		int			reached;

		session_facts(&facts);
		(void) first_obstacle(p, &facts, &reached, &finding);
		reached = Min(reached, session_tier_limit(p, &facts));
		cached_tier = Min(reached, entry_limit(p, &facts));

		/* p is of this generation or an earlier one, and loading a new one moves it */
		cached_generation = policy_generation();
		cached = true;
	}
	return Min(cached_tier, rank_of_name(p, guc_session_tier));
}

static const PolicyTier *
tier_above(const PolicySnapshot *p, int rank)
{
	for (int t = 0; t < p->ntiers; t++)
		if (p->tiers[t].rank > rank)
			return &p->tiers[t];
	return NULL;
}

const char *
session_tier_obstacle(const PolicySnapshot *p)
{
	int			reached = session_tier(p);
	const PolicyTier *next = tier_above(p, reached);
	const PolicyTierControl *control;
	SessionFacts facts;
	ControlFinding finding;
	int			by_controls;
	int			limit;

	if (next == NULL)
		return "";
	session_facts(&facts);
	control = first_obstacle(p, &facts, &by_controls, &finding);
	if (control && by_controls <= reached)
		return psprintf("%s: requires %s, found %s", control->control, control->requirement,
						finding.found[0] ? finding.found : "nothing");
	limit = session_tier_limit(p, &facts);
	if (limit <= reached)
		return psprintf("session_limit: requires %s, found %s", next->name, policy_tier_name(p, limit));
	return psprintf("session_tier: requires %s, found %s", next->name,
					policy_tier_name(p, session_tier_narrowed(p, &facts)));
}

/* ------------------------------------------------------------------------
 * The setting
 * ------------------------------------------------------------------------
 */

/*
 * Only the form: there is no catalog where settings are read.  Core asks here
 * about each value that roles, databases and the startup packet give, also
 * where another one takes precedence; all of them bind the session.
 */
static bool
check_session_tier(char **newval, void **extra, GucSource source)
{
	const char *name = *newval;

	if (name == NULL || name[0] == '\0')
		return true;
	if (strlen(name) >= SESSION_TIER_SIZE || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
	{
		GUC_check_errdetail("The name of a tier has lower-case letters, digits, \"_\" and \"-\", at most 63.");
		GUC_check_errhint("Give the name of a tier such as \"baseline\", or an empty string for none.");
		return false;
	}
	switch (source)
	{
		case PGC_S_GLOBAL:
		case PGC_S_DATABASE:
		case PGC_S_USER:
		case PGC_S_DATABASE_USER:
		case PGC_S_CLIENT:
			session_facts_entry_tier(name);
			cached = false;
			break;
		case PGC_S_DEFAULT:
		case PGC_S_DYNAMIC_DEFAULT:
		case PGC_S_ENV_VAR:
		case PGC_S_FILE:
		case PGC_S_ARGV:
		case PGC_S_OVERRIDE:
		case PGC_S_INTERACTIVE:
		case PGC_S_TEST:
		case PGC_S_SESSION:
			break;
	}
	return true;
}

static void
assign_session_tier(const char *newval, void *extra)
{
	setting_assigned("dataclass.session_tier", guc_session_tier, newval);
	session_tier_forget();
}

void
tier_init(void)
{
	DefineCustomStringVariable("dataclass.session_tier",
							   "Tier above which this session does not reach; can only lower it.",
							   "Empty: as high as controls and limits allow. A tier that does not exist leaves nothing.",
							   &guc_session_tier, "",
							   PGC_USERSET, 0,
							   check_session_tier, assign_session_tier, NULL);
	tier_session_init();
	tier_server_init();
}
