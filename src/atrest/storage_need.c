/*-------------------------------------------------------------------------
 *
 * storage_need.c
 *		What the policy asks of the place of data, and whether evidence is enough.
 *
 * Owns the requirements of the storage controls and their comparison with the
 * evidence of one place; storage_control.c registers them for reports.
 *
 * Each kind of place has a control of its own that asks for encryption; where
 * no tier names it, at_rest stands in, since the data are there as well.
 * Tablespaces answer for at_rest_key and checksums too, and every place for
 * where its data may live.  Anything that cannot be interpreted is satisfied
 * by nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"

#define AT_REST_CONTROL		"at_rest"

/* What the kernel reports is asked for, unless the class names a grade. */
#define DEFAULT_GRADE		EVIDENCE_GRADE_KERNEL

/* One question: does the evidence meet what is required? */
typedef struct Asked
{
	const char *control;
	const char *requirement;	/* never NULL, "none" where nothing is asked */
	const char *tier;			/* name, or NULL: a requirement by itself */
	const char *place;			/* name, or NULL: the reader knows */
	int			grade;			/* least grade */
	const PolicyClass *class;	/* or NULL */
	const Evidence *evidence;
} Asked;

/* "Control wal of tier "enhanced"", "found at "pg_wal"": begin and middle of a reason. */
static char *
reason_text(const Asked *asked, const char *required, const char *found)
{
	return psprintf("Control %s%s%s%s requires %s, found%s%s%s: %s",
					asked->control,
					asked->tier ? " of tier \"" : "", asked->tier ? asked->tier : "",
					asked->tier ? "\"" : "",
					required,
					asked->place ? " at \"" : "", asked->place ? asked->place : "",
					asked->place ? "\"" : "", found);
}

static PlaceVerdict
not_known(const Asked *asked, char **why)
{
	*why = psprintf("Control %s%s%s%s has a requirement that is not known: \"%s\".",
					asked->control,
					asked->tier ? " of tier \"" : "", asked->tier ? asked->tier : "",
					asked->tier ? "\"" : "", asked->requirement);
	return PLACE_VIOLATION;
}

/* at_rest, wal, temp, ...: none < encrypted */
static PlaceVerdict
judge_encryption(const Asked *asked, char **why)
{
	const Evidence *evidence = asked->evidence;

	if (strcmp(asked->requirement, "none") == 0)
	{
		*why = psprintf("Tier \"%s\" requires no encryption at rest.",
						asked->tier ? asked->tier : "none");
		return PLACE_COMPLIANT;
	}
	if (evidence->verdict == EVIDENCE_ENCRYPTED && evidence->grade >= asked->grade)
	{
		*why = pstrdup(evidence->detail);
		return PLACE_COMPLIANT;
	}
	*why = reason_text(asked,
					   psprintf("encrypted storage with evidence of grade %d", asked->grade),
					   psprintf("%s, grade %d. %s", evidence_verdict_name(evidence->verdict),
								evidence->grade, evidence->detail));
	return evidence->verdict == EVIDENCE_UNKNOWN ? PLACE_UNKNOWN : PLACE_VIOLATION;
}

/* Number of bits, -1 if the text is none. */
static int
requirement_bits(const char *requirement)
{
	int			bits = 0;

	if (*requirement == '\0' || strlen(requirement) > 5)
		return -1;
	for (const char *c = requirement; *c != '\0'; c++)
	{
		if (*c < '0' || *c > '9')
			return -1;
		bits = bits * 10 + (*c - '0');
	}
	return bits > 0 ? bits : -1;
}

/* at_rest_key: none, or the least number of bits; what is not seen is not enough. */
static PlaceVerdict
judge_key(const Asked *asked, char **why)
{
	const Evidence *evidence = asked->evidence;
	int			bits = requirement_bits(asked->requirement);

	if (strcmp(asked->requirement, "none") == 0)
		return PLACE_COMPLIANT;
	if (evidence->verdict == EVIDENCE_ENCRYPTED && evidence->grade >= asked->grade &&
		evidence->key_bits >= bits)
		return PLACE_COMPLIANT;
	*why = reason_text(asked,
					   psprintf("encryption with a key of %d bits or more and evidence of grade %d",
								bits, asked->grade),
					   psprintf("%s, cipher %s, %s, grade %d. %s",
								evidence_verdict_name(evidence->verdict),
								evidence->cipher[0] ? evidence->cipher : "not seen",
								evidence->key_bits > 0 ? psprintf("%d bits", evidence->key_bits) :
								"key length not seen",
								evidence->grade, evidence->detail));
	if (evidence->verdict == EVIDENCE_UNKNOWN ||
		(evidence->verdict == EVIDENCE_ENCRYPTED && evidence->key_bits <= 0))
		return PLACE_UNKNOWN;
	return PLACE_VIOLATION;
}

static bool
listed(const char *name, const char **names, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (pg_strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static char *
list_text(const char *what, const char **names, int count)
{
	char	   *text = psprintf("%s ", what);

	for (int i = 0; i < count; i++)
		text = psprintf("%s%s%s", text, i > 0 ? ", " : "", names[i]);
	return text;
}

/*
 * hosting: with "none" only what is known to be elsewhere is refused, with
 * "attested" what is not known is refused too.
 */
static PlaceVerdict
judge_hosting(const Asked *asked, char **why)
{
	const Evidence *evidence = asked->evidence;
	const PolicyClass *class = asked->class;
	bool		attested = strcmp(asked->requirement, "attested") == 0;
	int			nmodels = class ? class->nhosting_models : 0;
	int			nregions = class ? class->nregions : 0;
	bool		known = evidence->hosting_model[0] != '\0';
	bool		region_known = evidence->region[0] != '\0';
	char	   *required;

	if ((known ? nmodels == 0 || listed(evidence->hosting_model, class->hosting_models, nmodels) :
		 !attested) &&
		(region_known ? nregions == 0 || listed(evidence->region, class->regions, nregions) :
		 !attested || nregions == 0))
		return PLACE_COMPLIANT;

	required = attested ? "an attested hosting model" : "a hosting model and region of the class";
	if (nmodels > 0)
		required = psprintf("%s, %s", required, list_text("one of", class->hosting_models, nmodels));
	if (nregions > 0)
		required = psprintf("%s, %s", required, list_text("in", class->regions, nregions));
	*why = reason_text(asked, required,
					   psprintf("hosting model %s, region %s, grade %d.",
								known ? evidence->hosting_model : "unknown",
								region_known ? evidence->region : "unknown", evidence->grade));

	/* Known to be elsewhere is worse than not known at all. */
	if ((known && nmodels > 0 && !listed(evidence->hosting_model, class->hosting_models, nmodels)) ||
		(region_known && nregions > 0 && !listed(evidence->region, class->regions, nregions)))
		return PLACE_VIOLATION;
	return PLACE_UNKNOWN;
}

/* checksums: none < on, of the server's data files */
static PlaceVerdict
judge_checksums(const Asked *asked, char **why)
{
	if (strcmp(asked->requirement, "none") == 0 || DataChecksumsEnabled())
		return PLACE_COMPLIANT;
	*why = reason_text(asked, "data checksums",
					   psprintf("off. The setting data_checksums of the server is off. Evidence of the place has grade %d.",
								asked->evidence->grade));
	return PLACE_VIOLATION;
}

typedef PlaceVerdict (*JudgeFunction) (const Asked *asked, char **why);

static const struct
{
	const char *control;
	bool		tablespaces_only;
	JudgeFunction judge;
	const char *strict;			/* the requirement besides none; NULL: a number of bits */
}			controls[] = {
	{"at_rest", false, judge_encryption, "encrypted"},
	{"wal", false, judge_encryption, "encrypted"},
	{"temp", false, judge_encryption, "encrypted"},
	{"journal", false, judge_encryption, "encrypted"},
	{"log", false, judge_encryption, "encrypted"},
	{"archive", false, judge_encryption, "encrypted"},
	{"swap", false, judge_encryption, "encrypted"},
	{"core_dump", false, judge_encryption, "encrypted"},
	{"at_rest_key", true, judge_key, NULL},
	{"hosting", false, judge_hosting, "attested"},
	{"checksums", true, judge_checksums, "on"},
};

static int
control_index(const char *control)
{
	for (int i = 0; i < lengthof(controls); i++)
	{
		if (strcmp(controls[i].control, control) == 0)
			return i;
	}
	return -1;
}

/*
 * storage_requirement_known
 */
bool
storage_requirement_known(const char *control, const char *requirement)
{
	int			i = control_index(control);

	if (i < 0)
		return false;
	if (strcmp(requirement, "none") == 0)
		return true;
	return controls[i].strict ? strcmp(requirement, controls[i].strict) == 0 :
		requirement_bits(requirement) > 0;
}

static PlaceVerdict
ask(const Asked *asked, char **why)
{
	*why = NULL;
	if (!storage_requirement_known(asked->control, asked->requirement))
		return not_known(asked, why);
	return controls[control_index(asked->control)].judge(asked, why);
}

/* The control of a kind of place, or at_rest where no tier has it. */
static const char *
control_in_force(const PolicySnapshot *p, PlaceKind kind)
{
	const char *control = place_control(kind);

	for (int i = 0; i < p->ntiers; i++)
	{
		for (int j = 0; j < p->tiers[i].ncontrols; j++)
		{
			if (strcmp(p->tiers[i].controls[j].control, control) == 0)
				return control;
		}
	}
	return AT_REST_CONTROL;
}

static const char *
requirement_of(const PolicySnapshot *p, int tier, const char *control)
{
	const char *requirement = policy_requirement(p, tier, control);

	return requirement ? requirement : "none";
}

/*
 * Everything that a tier asks of a kind of place, in the order of the table;
 * the first that is not met is the answer, a violation before an unknown.
 */
static PlaceVerdict
judge_tier(const PolicySnapshot *p, int tier, PlaceKind kind, Asked *asked, char **reason)
{
	const char *encryption = control_in_force(p, kind);
	PlaceVerdict verdict;
	char	   *why;

	asked->tier = policy_tier_name(p, tier);
	asked->control = encryption;
	asked->requirement = requirement_of(p, tier, encryption);
	verdict = ask(asked, reason);
	for (int i = 0; i < lengthof(controls); i++)
	{
		PlaceVerdict next;

		if (controls[i].judge == judge_encryption ||
			(controls[i].tablespaces_only && kind != PLACE_TABLESPACE))
			continue;
		asked->control = controls[i].control;
		asked->requirement = requirement_of(p, tier, asked->control);

		/* What is not known of a place that holds no relations is no obstacle. */
		if (kind != PLACE_TABLESPACE && strcmp(asked->control, "hosting") == 0)
			asked->requirement = "none";
		next = ask(asked, &why);
		if (next != PLACE_COMPLIANT &&
			(verdict == PLACE_COMPLIANT || (verdict == PLACE_UNKNOWN && next == PLACE_VIOLATION)))
		{
			verdict = next;
			*reason = why;
		}
	}
	return verdict;
}

/* Class of a label, its tier and grade; NULL and a reason if nothing can satisfy it. */
static const PolicyClass *
label_class(const PolicySnapshot *p, const Label *label, char **why)
{
	const PolicyClass *class = policy_class_of(p, label);

	*why = NULL;
	if (class == NULL)
		*why = psprintf("Class \"%.*s\" is not in the policy.",
						label->class_name.len, label->text + label->class_name.off);
	else if (class->required_tier == POLICY_RANK_NONE)
	{
		*why = psprintf("Class \"%s\" requires a tier that is not in the policy.", class->name);
		class = NULL;
	}
	return class;
}

static int
class_grade(const PolicyClass *class)
{
	return class->min_evidence > 0 ? class->min_evidence : DEFAULT_GRADE;
}

static PlaceVerdict
judge_label(const PolicySnapshot *p, const Label *label, PlaceKind kind, const char *place,
			const Evidence *evidence, char **reason)
{
	const PolicyClass *class = label_class(p, label, reason);
	Asked		asked = {0};

	if (class == NULL)
		return PLACE_VIOLATION;
	asked.place = place;
	asked.grade = class_grade(class);
	asked.class = class;
	asked.evidence = evidence;
	return judge_tier(p, class->required_tier, kind, &asked, reason);
}

/*
 * place_judge
 */
PlaceVerdict
place_judge(const PolicySnapshot *p, const Label *label, const Place *place, char **reason)
{
	return judge_label(p, label, place->kind, place->name, &place->evidence, reason);
}

/*
 * place_satisfies
 */
bool
place_satisfies(const PolicySnapshot *p, const Label *label, const Place *place, char **reason)
{
	return place_judge(p, label, place, reason) == PLACE_COMPLIANT;
}

/*
 * storage_satisfies
 */
bool
storage_satisfies(const PolicySnapshot *p, const Label *label, const Evidence *evidence,
				  char **reason)
{
	return judge_label(p, label, PLACE_TABLESPACE, NULL, evidence, reason) == PLACE_COMPLIANT;
}

/*
 * storage_need
 */
StorageNeed
storage_need(const PolicySnapshot *p, const Label *label, int *grade, char **why)
{
	char	   *reason;
	const PolicyClass *class = label_class(p, label, &reason);
	StorageNeed need = STORAGE_NEED_NONE;

	if (grade)
		*grade = class ? class_grade(class) : DEFAULT_GRADE;
	if (why)
		*why = reason;
	if (class == NULL)
		return STORAGE_NEED_UNKNOWN;
	if (class->nhosting_models > 0 || class->nregions > 0)
		need = STORAGE_NEED_OTHER;
	for (int i = 0; i < lengthof(controls); i++)
	{
		Asked		asked = {0};

		asked.control = controls[i].control;
		asked.requirement = requirement_of(p, class->required_tier, asked.control);
		if (controls[i].judge == judge_encryption && strcmp(asked.control, AT_REST_CONTROL) != 0)
			continue;
		if (!storage_requirement_known(asked.control, asked.requirement))
		{
			asked.tier = policy_tier_name(p, class->required_tier);
			not_known(&asked, &reason);
			if (why)
				*why = reason;
			return STORAGE_NEED_UNKNOWN;
		}
		if (strcmp(asked.requirement, "none") == 0)
			continue;
		if (controls[i].judge == judge_encryption || controls[i].judge == judge_key)
			need = STORAGE_NEED_ENCRYPTED;
		else if (need == STORAGE_NEED_NONE)
			need = STORAGE_NEED_OTHER;
	}
	return need;
}

/*
 * place_needed
 *		Encryption is asked for, or what is asked for cannot be told.
 */
bool
place_needed(const PolicySnapshot *p, const Label *label, PlaceKind kind)
{
	char	   *why;
	const PolicyClass *class = label_class(p, label, &why);

	if (class == NULL)
		return true;
	return strcmp(requirement_of(p, class->required_tier, control_in_force(p, kind)), "none") != 0;
}

/*
 * place_named
 */
bool
place_named(const PolicySnapshot *p, int tier, PlaceKind kind)
{
	return strcmp(requirement_of(p, tier, place_control(kind)), "none") != 0;
}

/*
 * place_meets
 */
PlaceVerdict
place_meets(const char *control, const char *requirement, const Place *place, char **why)
{
	Asked		asked = {0};

	asked.control = control;
	asked.requirement = requirement;
	asked.place = place->name;
	asked.grade = DEFAULT_GRADE;
	asked.evidence = &place->evidence;
	return ask(&asked, why);
}

/* Controls of lower tiers hold too, so the first tier that is not met ends it. */
static int
tier_reached(const PolicySnapshot *p, PlaceKind kind, const Evidence *evidence)
{
	int			reached = POLICY_RANK_NONE;

	for (int i = 0; i < p->ntiers; i++)
	{
		Asked		asked = {0};
		char	   *why;

		asked.grade = DEFAULT_GRADE;
		asked.evidence = evidence;
		if (judge_tier(p, p->tiers[i].rank, kind, &asked, &why) != PLACE_COMPLIANT)
			break;
		reached = p->tiers[i].rank;
	}
	return reached;
}

/*
 * storage_tier
 */
int
storage_tier(const PolicySnapshot *p, const Evidence *evidence)
{
	return tier_reached(p, PLACE_TABLESPACE, evidence);
}

/*
 * place_tier
 */
int
place_tier(const PolicySnapshot *p, const Place *place)
{
	return tier_reached(p, place->kind, &place->evidence);
}

/*
 * place_verdict_name
 */
const char *
place_verdict_name(PlaceVerdict verdict)
{
	switch (verdict)
	{
		case PLACE_COMPLIANT:
			return "compliant";
		case PLACE_VIOLATION:
			return "violation";
		case PLACE_UNKNOWN:
			return "unknown";
	}
	return "unknown";
}
