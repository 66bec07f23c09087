/*-------------------------------------------------------------------------
 *
 * unit_decide_model.c
 *		Drives policy_decide() through all requests of some small worlds and
 *		prints each with its decision, for decide_model.pl to judge.
 *
 * Not TAP: the model runs this program and prints the assertions.  One line a
 * request:
 *
 *		action mode tier_mode governed quarantined label@rank session_tier
 *		required_tier ceiling@rank clearances = verdict failed first clearance
 *
 * separated by blanks; clearances are separated by ";", each
 * "label@rank/floor@rank/privileges"; "-" stands for none.  Labels are as
 * written, so that canonical form is under test as well.  "# name" begins a
 * section.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/decide.h"
#include "tap.h"
#include "label_universe.h"

static const char *const classes[] = {"open", "mid", "top"};
static const char *const names[] = {"h", "h.p", "n"};
static Universe all = {classes, 3, names, 3, 7, NULL, 0};
static Universe distinct = {classes, 3, names, 3, 7, NULL, 0};

/* One way to write each label, another one every time it is asked for. */
static void
make_universes(void)
{
	universe_make(&all);
	universe_make(&distinct);
	distinct.nlabels = 0;
	for (int i = 0; i < all.nlabels; i++)
	{
		/* from both ends, for variety of what is written */
		const UniverseLabel *l = &all.labels[i % 2 ? i : all.nlabels - 1 - (i ^ 1)];
		bool		known = false;

		for (int j = 0; j < distinct.nlabels && !known; j++)
			known = strcmp(distinct.labels[j].label.text, l->label.text) == 0;
		if (!known)
			distinct.labels[distinct.nlabels++] = *l;
	}
}

/* A label with its text as written and its rank; text NULL: none. */
typedef struct Named
{
	const char *written;
	int			rank;
	Label		label;
}			Named;

typedef struct NamedClearance
{
	Named		ceiling;
	Named		floor;
	uint32		privileges;
}			NamedClearance;

static Named
named(const char *written, int rank)
{
	Named		n = {written, rank};
	LabelError	error;

	if (written != NULL && !label_parse(written, strlen(written), &n.label, &error))
	{
		printf("Bail out! %s: %s\n", written, error.message);
		exit(1);
	}
	return n;
}

/* Rank of the universe, or unknown: "ghost" is a class that no policy has. */
static Named
named_label(const char *written)
{
	for (int rank = 0; written != NULL && rank < 3; rank++)
	{
		size_t		len = strlen(classes[rank]);

		if (strncmp(written, classes[rank], len) == 0)
			return named(written, rank);
	}
	return named(written, POLICY_RANK_NONE);
}

typedef struct Question
{
	PolicyRequest request;
	Named		label;
	Named		ceiling;
	int			nclearances;
	NamedClearance clearances[2];
}			Question;

static void
print_named(const Named *n, char end)
{
	if (n->written == NULL)
		printf("-%c", end);
	else
		printf("%s@%d%c", n->written, n->rank, end);
}

/* Ask and print. */
static void
ask(Question *q)
{
	PolicyRequest *r = &q->request;
	Clearance	clearances[2];
	PolicyDecision d;

	for (int i = 0; i < q->nclearances; i++)
	{
		const NamedClearance *from = &q->clearances[i];

		clearances[i].emergency = false;
		clearances[i].rank = from->ceiling.rank;
		clearances[i].ceiling = from->ceiling.label;
		clearances[i].has_floor = from->floor.written != NULL;
		clearances[i].floor_rank = from->floor.rank;
		clearances[i].floor = from->floor.label;
		clearances[i].privileges = from->privileges;
	}
	r->clearances = clearances;
	r->nclearances = q->nclearances;
	r->label = q->label.written ? &q->label.label : NULL;
	r->label_rank = q->label.rank;
	r->ceiling = q->ceiling.written ? &q->ceiling.label : NULL;
	r->ceiling_rank = q->ceiling.rank;
	d = policy_decide(r);

	printf("%d %d %d %d %d ", r->action, r->enforcement, r->session_tier_enforcement,
		   r->governed, r->quarantined);
	print_named(&q->label, ' ');
	printf("%d %d ", r->session_tier, r->required_tier);
	print_named(&q->ceiling, ' ');
	for (int i = 0; i < q->nclearances; i++)
	{
		print_named(&q->clearances[i].ceiling, '/');
		print_named(&q->clearances[i].floor, '/');
		printf("%u%s", q->clearances[i].privileges, i + 1 < q->nclearances ? ";" : "");
	}
	printf("%s= %d %u %u %d\n", q->nclearances ? " " : "- ", d.verdict, d.failed, d.first, d.clearance);
}

static Question
question(void)
{
	Question	q;

	memset(&q, 0, sizeof(q));
	q.request.governed = true;
	q.request.enforcement = ENFORCEMENT_ENFORCING;
	q.request.session_tier_enforcement = ENFORCEMENT_ENFORCING;
	q.label = q.ceiling = named(NULL, POLICY_RANK_NONE);
	q.clearances[0].ceiling = q.clearances[0].floor = q.ceiling;
	q.clearances[1] = q.clearances[0];
	return q;
}

/* Every label as written against every clearance, both ways round. */
static void
ask_dominance(void)
{
	Question	q = question();

	printf("# dominance\n");
	q.nclearances = 1;
	for (int i = 0; i < all.nlabels; i++)
	{
		for (int j = 0; j < distinct.nlabels; j++)
		{
			Named		a = named(all.labels[i].text, all.labels[i].rank);
			Named		b = named(distinct.labels[j].text, distinct.labels[j].rank);

			for (PolicyAction action = ACTION_READ; action <= ACTION_EXPORT; action++)
			{
				q.request.action = action;
				q.label = a;
				q.clearances[0].ceiling = b;
				ask(&q);
				q.label = b;
				q.clearances[0].ceiling = a;
				ask(&q);
			}
		}
	}
}

/* Index over the distinct labels, then an unknown class, then none. */
static Named
nth(int i)
{
	if (i < distinct.nlabels)
		return named(distinct.labels[i].text, distinct.labels[i].rank);
	if (i == distinct.nlabels)
		return named("ghost:h", POLICY_RANK_NONE);
	return named(NULL, POLICY_RANK_NONE);
}

static void
ask_floors(void)
{
	Question	q = question();
	int			n = distinct.nlabels;

	printf("# floors\n");
	q.nclearances = 1;
	q.request.action = ACTION_WRITE;
	for (int label = 0; label <= n + 1; label++)
	{
		for (int ceiling = 0; ceiling <= n; ceiling++)
		{
			for (int floor = 0; floor <= n + 1; floor++)
			{
				q.label = nth(label);
				q.clearances[0].ceiling = nth(ceiling);
				q.clearances[0].floor = nth(floor);
				ask(&q);
			}
		}
	}
}

static void
ask_session_ceilings(void)
{
	Question	q = question();
	int			n = distinct.nlabels;

	printf("# session ceilings\n");
	q.nclearances = 1;
	for (int label = 0; label <= n + 1; label++)
	{
		for (int clearance = 0; clearance <= n; clearance++)
		{
			for (int ceiling = 0; ceiling <= n + 1; ceiling++)
			{
				q.label = nth(label);
				q.clearances[0].ceiling = nth(clearance);
				q.ceiling = nth(ceiling);
				ask(&q);
			}
		}
	}
}

/* Modes, quarantine, tiers: innermost loops of all the others. */
static void
ask_modes(Question *q, bool all_tiers)
{
	static const int tiers[][2] = {{2, 1}, {0, 1}, {2, POLICY_RANK_NONE}};

	for (int mode = 0; mode < 9; mode++)
	{
		q->request.enforcement = (EnforcementMode) (mode / 3);
		q->request.session_tier_enforcement = (EnforcementMode) (mode % 3);
		for (int quarantined = 0; quarantined < 2; quarantined++)
		{
			q->request.quarantined = quarantined != 0;
			for (int i = 0; i < (all_tiers ? 25 : 3); i++)
			{
				q->request.session_tier = all_tiers ? i / 5 - 1 : tiers[i][0];
				q->request.required_tier = all_tiers ? i % 5 - 1 : tiers[i][1];
				ask(q);
			}
		}
	}
}

static void
ask_tiers(void)
{
	Question	q = question();

	printf("# tiers\n");
	for (int clearance = 0; clearance < 3; clearance++)
	{
		for (int governed = 0; governed < 2; governed++)
		{
			q.request.governed = governed != 0;
			q.nclearances = clearance > 0;
			q.label = named_label("mid:h");
			q.clearances[0].ceiling = named_label(clearance == 1 ? "open" : "top:h");
			ask_modes(&q, true);
		}
	}
}

/* No, one, or two clearances out of a pool, with all the rest. */
static void
ask_combinations(void)
{
	static const struct
	{
		const char *ceiling;
		const char *floor;
		uint32		privileges;
	}			pool[] =
	{
		{"top:n,h", NULL, LABEL_PRIVILEGE_DECLASSIFY | LABEL_PRIVILEGE_RECLASSIFY},
		{"top:h,h.p", "mid", 0},
		{"mid:h", NULL, LABEL_PRIVILEGE_EXPORT},
		{"mid:n,n|h", "mid:n", LABEL_PRIVILEGE_EXPORT},
		{"mid:h|n", NULL, 0},
		{"open", NULL, LABEL_PRIVILEGE_EXPORT},
		{"ghost:h,n", NULL, LABEL_PRIVILEGE_EXPORT},
		{"top:h|h.p", "ghost", 0},
		{"top:h,n", "top", LABEL_PRIVILEGE_EXPORT},
	};
	static const char *const labels[] = {"open", "mid", "mid:h", "mid:n|h|h.p", "top:h,n", "top", "ghost:h", NULL};
	static const char *const ceilings[] = {NULL, "mid:h", "ghost"};
	int			n = lengthof(pool);

	printf("# combinations\n");
	/* set 0: none; 1 .. n: one; beyond: ordered pairs */
	for (int set = 0; set < 1 + n + n * n; set++)
	{
		Question	q = question();
		int			index[2] = {set - 1, 0};

		q.nclearances = set > n ? 2 : set > 0 ? 1 : 0;
		if (set > n)
		{
			index[0] = (set - n - 1) / n;
			index[1] = (set - n - 1) % n;
		}
		for (int i = 0; i < q.nclearances; i++)
		{
			q.clearances[i].ceiling = named_label(pool[index[i]].ceiling);
			q.clearances[i].floor = named_label(pool[index[i]].floor);
			q.clearances[i].privileges = pool[index[i]].privileges;
		}
		for (size_t l = 0; l < lengthof(labels); l++)
		{
			q.label = named_label(labels[l]);
			for (size_t c = 0; c < lengthof(ceilings); c++)
			{
				q.ceiling = named_label(ceilings[c]);
				for (PolicyAction action = ACTION_READ; action <= ACTION_EXPORT; action++)
				{
					q.request.action = action;
					ask_modes(&q, false);
				}
			}
		}
	}
}

int
main(void)
{
	make_universes();
	ask_dominance();
	ask_floors();
	ask_session_ceilings();
	ask_tiers();
	ask_combinations();
	printf("# end\n");
	return fflush(stdout) == 0 ? 0 : 1;
}
