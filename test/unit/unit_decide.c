/*-------------------------------------------------------------------------
 *
 * unit_decide.c
 *		policy_decide() by hand-written cases, and on requests out of range.
 *
 * unit_decide_model.c compares it with an independent model exhaustively;
 * here stands what a reader wants to see spelt out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/decide.h"
#include "tap.h"

#define UNKNOWN		DECISION_UNKNOWN_LABEL
#define QUARANTINE	DECISION_QUARANTINE
#define NONE		DECISION_NO_CLEARANCE
#define DOMINANCE	DECISION_DOMINANCE
#define FLOOR		DECISION_FLOOR
#define PRIVILEGE	DECISION_PRIVILEGE
#define TIER		DECISION_SESSION_TIER

static const char *const classes[] = {"open", "public", "restricted", "confidential", "secret"};

static int
rank_of(const Label *label)
{
	for (size_t i = 0; i < lengthof(classes); i++)
	{
		if (label_class_is(label, classes[i]))
			return (int) i;
	}
	return POLICY_RANK_NONE;
}

static Clearance
clearance(const char *input)
{
	Clearance	c = {0};
	LabelSpec	spec;
	LabelError	error;

	/* "!": emergency access */
	if (input[0] == '!')
	{
		c = clearance(input + 1);
		c.emergency = true;
		return c;
	}
	if (!label_parse_spec(LABEL_SPEC_ROLE, input, strlen(input), &spec, &error))
		printf("Bail out! %s: %s\n", input, error.message);
	c.ceiling = spec.label;
	c.rank = rank_of(&spec.label);
	c.has_floor = spec.has_floor;
	c.floor = spec.floor;
	c.floor_rank = spec.has_floor ? rank_of(&spec.floor) : POLICY_RANK_NONE;
	c.privileges = spec.privileges;
	return c;
}

typedef struct Case
{
	const char *name;
	PolicyAction action;
	const char *clearances[3];
	const char *ceiling;		/* of the session */
	const char *label;
	uint32		failed;
	int			clearance;
}			Case;

static const Case cases[] =
{
	{"equal label", ACTION_READ, {"secret:health"}, NULL, "secret:health", 0, 0},
	{"lower class", ACTION_READ, {"secret:health"}, NULL, "open", 0, 0},
	{"higher class", ACTION_READ, {"restricted:health"}, NULL, "confidential:health", DOMINANCE, -1},
	{"missing compartment", ACTION_READ, {"secret"}, NULL, "open:health", DOMINANCE, -1},
	{"other compartment", ACTION_READ, {"secret:audit"}, NULL, "open:health", DOMINANCE, -1},
	{"ancestor covers descendant", ACTION_READ, {"secret:health"}, NULL, "secret:health.punjab", 0, 0},
	{"descendant does not cover ancestor", ACTION_READ, {"secret:health.punjab"}, NULL, "secret:health", DOMINANCE, -1},
	{"one alternative is enough", ACTION_READ, {"secret:nadra,audit"}, NULL, "confidential:audit,health|nadra", 0, 0},
	{"all clauses are needed", ACTION_READ, {"secret:nadra"}, NULL, "confidential:audit,health|nadra", DOMINANCE, -1},
	{"a clearance for either is not one for both", ACTION_READ, {"secret:health|nadra"}, NULL, "open:health", DOMINANCE, -1},
	{"the second clearance serves", ACTION_READ, {"public", "secret"}, NULL, "restricted", 0, 1},
	{"clearances do not add up", ACTION_READ, {"secret", "open:health"}, NULL, "secret:health", DOMINANCE, -1},
	{"compartments do not add up", ACTION_READ, {"secret:a", "secret:b"}, NULL, "secret:a,b", DOMINANCE, -1},
	{"no clearance", ACTION_READ, {NULL}, NULL, "open", NONE, -1},
	{"clearance of an unknown class", ACTION_READ, {"cosmic"}, NULL, "open", NONE, -1},
	{"unknown class beside a known one", ACTION_READ, {"cosmic", "open"}, NULL, "open", 0, 1},
	{"unknown label", ACTION_READ, {"secret"}, NULL, "cosmic", UNKNOWN, -1},
	{"unknown label, no clearance", ACTION_READ, {NULL}, NULL, "cosmic", UNKNOWN | NONE, -1},
	{"an unknown class does not dominate itself", ACTION_READ, {"cosmic"}, NULL, "cosmic", UNKNOWN | NONE, -1},
	{"no label", ACTION_WRITE, {"secret"}, NULL, NULL, UNKNOWN, -1},
	{"session narrowed enough", ACTION_READ, {"secret"}, "restricted", "restricted", 0, 0},
	{"session narrowed too far", ACTION_READ, {"secret"}, "public", "restricted", DOMINANCE, -1},
	{"session ceiling without compartment", ACTION_READ, {"secret:health"}, "secret", "open:health", DOMINANCE, -1},
	{"a session ceiling gives nothing", ACTION_READ, {"open"}, "secret", "restricted", DOMINANCE, -1},
	{"a session ceiling is no clearance", ACTION_READ, {NULL}, "secret", "open", NONE, -1},
	{"session ceiling of an unknown class", ACTION_READ, {"secret"}, "cosmic", "open", DOMINANCE, -1},
	{"write at the floor", ACTION_WRITE, {"restricted..secret"}, NULL, "restricted", 0, 0},
	{"write below the floor", ACTION_WRITE, {"restricted..secret"}, NULL, "public", FLOOR, -1},
	{"read below the floor", ACTION_READ, {"restricted..secret"}, NULL, "public", 0, 0},
	{"define below the floor", ACTION_DEFINE, {"restricted..secret"}, NULL, "public", 0, 0},
	{"floor with a compartment", ACTION_WRITE, {"public:health..secret:health"}, NULL, "secret", FLOOR, -1},
	{"floor of an unknown class", ACTION_WRITE, {"cosmic..secret"}, NULL, "secret", FLOOR, -1},
	{"floor of an unknown class, read", ACTION_READ, {"cosmic..secret"}, NULL, "secret", 0, 0},
	{"another clearance without that floor", ACTION_WRITE, {"restricted..secret", "public"}, NULL, "public", 0, 1},
	{"another clearance that does not dominate", ACTION_WRITE, {"restricted..secret", "open"}, NULL, "public", FLOOR, -1},
	{"write above the clearance", ACTION_WRITE, {"open..public"}, NULL, "secret", DOMINANCE, -1},
	{"export without the privilege", ACTION_EXPORT, {"secret with (declassify, reclassify)"}, NULL, "open", PRIVILEGE, -1},
	{"export with the privilege", ACTION_EXPORT, {"secret with (export)"}, NULL, "open", 0, 0},
	{"export by the second clearance", ACTION_EXPORT, {"secret", "public with (export)"}, NULL, "public", 0, 1},
	{"privilege and clearance do not add up", ACTION_EXPORT, {"secret", "public with (export)"}, NULL, "secret", PRIVILEGE, -1},
	{"export above the clearance", ACTION_EXPORT, {"public with (export)"}, NULL, "secret", DOMINANCE, -1},
	{"a privilege does not help to read", ACTION_READ, {"public with (export, declassify, reclassify)"}, NULL, "secret", DOMINANCE, -1},
	{"emergency reaches compartments", ACTION_READ, {"public", "!secret"}, NULL, "secret:health", 0, 1},
	{"emergency writes", ACTION_WRITE, {"public", "!secret"}, NULL, "secret:health", 0, 1},
	{"emergency is not needed", ACTION_READ, {"secret:health", "!secret"}, NULL, "restricted:health", 0, 0},
	{"emergency above its class", ACTION_READ, {"public", "!restricted"}, NULL, "secret", DOMINANCE, -1},
	{"emergency of an unknown label", ACTION_READ, {"public", "!secret"}, NULL, "cosmic", UNKNOWN, -1},
	{"emergency does not define", ACTION_DEFINE, {"public", "!secret"}, NULL, "secret", DOMINANCE, -1},
	{"emergency does not export", ACTION_EXPORT, {"public with (export)", "!secret"}, NULL, "secret", DOMINANCE, -1},
	{"emergency is no way around a floor", ACTION_WRITE, {"restricted..secret", "!secret"}, NULL, "public", FLOOR, -1},
	{"emergency keeps the floor", ACTION_WRITE, {"public", "!restricted..secret"}, NULL, "public:health", FLOOR, -1},
	{"emergency and session ceiling", ACTION_READ, {"public", "!secret"}, "open", "secret", DOMINANCE, -1},
	{"floor and session ceiling both fail", ACTION_WRITE, {"restricted..secret"}, "open", "public", DOMINANCE | FLOOR, -1},
	{"privilege and session ceiling both fail", ACTION_EXPORT, {"secret"}, "open", "public", DOMINANCE | PRIVILEGE, -1},
};

/* Owns what a request points to. */
typedef struct Scene
{
	PolicyRequest request;
	Clearance	clearances[3];
	Label		label;
	Label		ceiling;
}			Scene;

static void
scene_make(Scene *s, const Case *c)
{
	LabelError	error;

	memset(s, 0, sizeof(*s));
	s->request.action = c->action;
	for (int i = 0; i < 3 && c->clearances[i] != NULL; i++)
		s->clearances[s->request.nclearances++] = clearance(c->clearances[i]);
	s->request.clearances = s->clearances;
	if (c->label != NULL && label_parse(c->label, strlen(c->label), &s->label, &error))
		s->request.label = &s->label;
	s->request.label_rank = c->label != NULL ? rank_of(&s->label) : POLICY_RANK_NONE;
	if (c->ceiling != NULL && label_parse(c->ceiling, strlen(c->ceiling), &s->ceiling, &error))
		s->request.ceiling = &s->ceiling;
	s->request.ceiling_rank = c->ceiling != NULL ? rank_of(&s->ceiling) : POLICY_RANK_NONE;
	s->request.governed = true;
	s->request.session_tier = 2;
	s->request.required_tier = 2;
	s->request.enforcement = ENFORCEMENT_ENFORCING;
	s->request.session_tier_enforcement = ENFORCEMENT_ENFORCING;
}

static void
is_decision(const PolicyRequest *request, DecisionVerdict verdict, uint32 failed, uint32 first,
			int clearance, const char *name)
{
	PolicyDecision d = policy_decide(request);

	if (!tap_ok(d.verdict == verdict && d.failed == failed && d.first == first &&
				d.clearance == clearance && d.required_tier == request->required_tier &&
				d.found_tier == request->session_tier, "%s", name))
		tap_note("verdict %d, failed 0x%02x, first 0x%02x, clearance %d; expected %d, 0x%02x, 0x%02x, %d",
				 d.verdict, d.failed, d.first, d.clearance, verdict, failed, first, clearance);
}

static void
test_cases(void)
{
	for (size_t i = 0; i < lengthof(cases); i++)
	{
		const Case *c = &cases[i];
		Scene		s;

		scene_make(&s, c);
		is_decision(&s.request, c->failed ? DECISION_DENY : DECISION_ALLOW, c->failed,
					c->failed & -c->failed, c->clearance, c->name);
	}
}

static void
test_modes(void)
{
	static const Case high = {"", ACTION_READ, {"public"}, NULL, "secret", 0, 0};
	static const Case fine = {"", ACTION_READ, {"secret"}, NULL, "secret", 0, 0};
	Scene		s;

	scene_make(&s, &high);
	s.request.session_tier = 1;
	s.request.quarantined = true;
	is_decision(&s.request, DECISION_DENY, QUARANTINE | DOMINANCE | TIER, QUARANTINE, -1, "all that fails is collected");
	s.request.enforcement = ENFORCEMENT_PERMISSIVE;
	is_decision(&s.request, DECISION_PERMIT, QUARANTINE | DOMINANCE | TIER, QUARANTINE, -1, "permissive permits all of it");
	s.request.enforcement = ENFORCEMENT_OFF;
	is_decision(&s.request, DECISION_ALLOW, 0, 0, -1, "off looks at nothing");
	s.request.enforcement = ENFORCEMENT_ENFORCING;
	s.request.governed = false;
	is_decision(&s.request, DECISION_ALLOW, 0, 0, -1, "not governed: nothing is looked at");

	scene_make(&s, &fine);
	s.request.session_tier = 1;
	is_decision(&s.request, DECISION_DENY, TIER, TIER, -1, "session tier too low");
	s.request.session_tier_enforcement = ENFORCEMENT_PERMISSIVE;
	is_decision(&s.request, DECISION_PERMIT, TIER, TIER, 0, "session tier permissive");
	s.request.quarantined = true;
	is_decision(&s.request, DECISION_DENY, QUARANTINE | TIER, QUARANTINE, -1, "session tier permissive does not excuse another rule");
	s.request.quarantined = false;
	s.request.session_tier_enforcement = ENFORCEMENT_OFF;
	is_decision(&s.request, DECISION_ALLOW, 0, 0, 0, "session tier off");
	s.request.session_tier_enforcement = ENFORCEMENT_ENFORCING;
	s.request.required_tier = POLICY_RANK_NONE;
	s.request.session_tier = 100;
	is_decision(&s.request, DECISION_DENY, TIER, TIER, -1, "a tier that does not exist cannot be reached");

	for (PolicyAction action = ACTION_READ; action <= ACTION_EXPORT; action++)
	{
		scene_make(&s, &fine);
		s.clearances[0].privileges = LABEL_PRIVILEGE_EXPORT;
		s.request.action = action;
		s.request.quarantined = true;
		is_decision(&s.request, DECISION_DENY, QUARANTINE, QUARANTINE, -1, "quarantine holds for every action");
	}
}

/* What no caller should ask is denied. */
static void
test_out_of_range(void)
{
	static const Case fine = {"", ACTION_READ, {"secret with (export)"}, NULL, "secret", 0, 0};
	static const Case high = {"", ACTION_READ, {"public"}, NULL, "secret", 0, 0};
	Scene		s;

	scene_make(&s, &fine);
	s.request.action = (PolicyAction) 99;
	is_decision(&s.request, DECISION_DENY, PRIVILEGE, PRIVILEGE, -1, "unknown action");

	scene_make(&s, &high);
	s.request.enforcement = (EnforcementMode) 99;
	is_decision(&s.request, DECISION_DENY, DOMINANCE, DOMINANCE, -1, "unknown mode enforces");
	scene_make(&s, &fine);
	s.request.session_tier = 0;
	s.request.session_tier_enforcement = (EnforcementMode) 99;
	is_decision(&s.request, DECISION_DENY, TIER, TIER, -1, "unknown tier mode enforces");

	scene_make(&s, &fine);
	s.request.nclearances = -1;
	is_decision(&s.request, DECISION_DENY, NONE, NONE, -1, "negative number of clearances");
	scene_make(&s, &fine);
	s.request.nclearances = 0;
	s.request.clearances = NULL;
	is_decision(&s.request, DECISION_DENY, NONE, NONE, -1, "clearances NULL");
	scene_make(&s, &fine);
	s.request.label_rank = -7;
	is_decision(&s.request, DECISION_DENY, UNKNOWN, UNKNOWN, -1, "any negative rank is unknown");
}

static void
test_names(void)
{
	static const char *const names[] = {"unknown_label", "quarantine", "no_clearance", "dominance",
	"floor", "privilege", "session_tier"};

	for (size_t i = 0; i < lengthof(names); i++)
		tap_is_string(decision_rule_name(1U << i), names[i], "name of a rule");
	tap_is_string(decision_rule_name(0), "none", "name of no rule");
	tap_is_string(decision_rule_name(1U << 31), "none", "name of an unknown rule");
}

int
main(void)
{
	test_cases();
	test_modes();
	test_out_of_range();
	test_names();
	return tap_done();
}
