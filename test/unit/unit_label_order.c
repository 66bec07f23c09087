/*-------------------------------------------------------------------------
 *
 * unit_label_order.c
 *		Laws of dominance and join, over all labels of small universes.
 *
 * The yardstick is truth: a world is a set of compartments that somebody may
 * hold, with each compartment its descendants too; a label is the set of the
 * worlds that satisfy its clauses.  More compartments, fewer worlds: a
 * dominates b if the worlds of a are among those of b, and two labels are the
 * same if their worlds are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label.h"
#include "tap.h"
#include "label_universe.h"

static const char *const classes[] = {"open", "mid", "top"};

/* Worlds as bits, by the text of the label alone: no struct of the module is looked into. */
static bool
holds(const Universe *u, uint32 world, const char *name, size_t len)
{
	for (int i = 0; i < u->nnames; i++)
	{
		if (strlen(u->names[i]) == len && memcmp(u->names[i], name, len) == 0)
			return (world >> i) & 1;
	}
	printf("Bail out! unknown name\n");
	exit(1);
}

static bool
satisfies(const Universe *u, uint32 world, const char *input)
{
	const char *p = strchr(input, ':');

	while (p != NULL && *p != '\0')
	{
		bool		any = false;

		do
		{
			size_t		len = strcspn(++p, "|,");

			any |= holds(u, world, p, len);
			p += len;
		} while (*p == '|');
		if (!any)
			return false;
	}
	return true;
}

static bool
is_descendant(const char *name, const char *ancestor)
{
	size_t		len = strlen(ancestor);

	return strncmp(name, ancestor, len) == 0 && name[len] == '.';
}

static bool
is_world(const Universe *u, uint32 world)
{
	for (int i = 0; i < u->nnames; i++)
	{
		for (int j = 0; j < u->nnames; j++)
		{
			if (is_descendant(u->names[j], u->names[i]) && (world >> i) & 1 && !((world >> j) & 1))
				return false;
		}
	}
	return true;
}

static uint64
worlds_of(const Universe *u, const char *input)
{
	uint64		worlds = 0;

	for (uint32 world = 0; world < 1U << u->nnames; world++)
	{
		if (is_world(u, world) && satisfies(u, world, input))
			worlds |= UINT64CONST(1) << world;
	}
	return worlds;
}

static bool
dominates(const UniverseLabel *a, const UniverseLabel *b)
{
	return label_dominates(&a->label, a->rank, &b->label, b->rank);
}

static bool
same_text(const UniverseLabel *a, const UniverseLabel *b)
{
	return strcmp(a->label.text, b->label.text) == 0;
}

static void
law(int violations, const UniverseLabel *a, const UniverseLabel *b, const char *name)
{
	if (!tap_ok(violations == 0, "%s", name))
		tap_note("%d violations, such as %s and %s", violations, a->text, b->text);
}

/* One law over all pairs; the last pair that breaks it is shown. */
#define FOR_PAIRS(u, name, condition) \
	do { \
		const UniverseLabel *bad_a = NULL, *bad_b = NULL; \
		int violations = 0; \
		for (const UniverseLabel *a = (u)->labels; a < (u)->labels + (u)->nlabels; a++) \
			for (const UniverseLabel *b = (u)->labels; b < (u)->labels + (u)->nlabels; b++) \
				if (!(condition)) \
					violations++, bad_a = a, bad_b = b; \
		law(violations, bad_a, bad_b, name); \
	} while (0)

static void
test_pairs(Universe *u)
{
	FOR_PAIRS(u, "reflexive", a != b || dominates(a, b));
	FOR_PAIRS(u, "canonical form keeps the meaning",
			  a != b || worlds_of(u, a->label.text) == a->worlds);
	FOR_PAIRS(u, "same text exactly if same rank and worlds",
			  same_text(a, b) == (a->rank == b->rank && a->worlds == b->worlds));
	FOR_PAIRS(u, "same text, same struct",
			  !same_text(a, b) || memcmp(&a->label, &b->label, sizeof(Label)) == 0);
	FOR_PAIRS(u, "same text exactly if same id",
			  a->rank != b->rank || same_text(a, b) == (label_id(&a->label) == label_id(&b->label)));
	FOR_PAIRS(u, "dominance is that of ranks and worlds",
			  dominates(a, b) == (a->rank >= b->rank && (a->worlds & ~b->worlds) == 0));
	FOR_PAIRS(u, "antisymmetric on canonical text",
			  (dominates(a, b) && dominates(b, a)) == same_text(a, b));
	FOR_PAIRS(u, "compartments alone",
			  label_compartments_dominate(&a->label, &b->label) == ((a->worlds & ~b->worlds) == 0));
	FOR_PAIRS(u, "an unknown class neither dominates nor is dominated",
			  !label_dominates(&a->label, -1, &b->label, b->rank) &&
			  !label_dominates(&a->label, a->rank, &b->label, -1) &&
			  !label_dominates(&a->label, -1, &b->label, -1));
}

static bool
join(const UniverseLabel *a, const UniverseLabel *b, UniverseLabel *out)
{
	out->rank = Max(a->rank, b->rank);
	return label_join(&a->label, a->rank, &b->label, b->rank, &out->label);
}

static bool
join_is_upper_bound(const Universe *u, const UniverseLabel *a, const UniverseLabel *b)
{
	UniverseLabel ab;
	UniverseLabel ba;
	Label		alias = b->label;

	return join(a, b, &ab) && join(b, a, &ba) &&
		memcmp(&ab.label, &ba.label, sizeof(Label)) == 0 &&
		dominates(&ab, a) && dominates(&ab, b) &&
		worlds_of(u, ab.label.text) == (a->worlds & b->worlds) &&
		label_class_is(&ab.label, classes[ab.rank]) &&
		label_join(&a->label, a->rank, &alias, b->rank, &alias) &&
		memcmp(&alias, &ab.label, sizeof(Label)) == 0;
}

static bool
join_of_unknown(const UniverseLabel *a, const UniverseLabel *b)
{
	Label		out;

	if (a->rank == b->rank)
		return label_join(&a->label, -1, &b->label, -1, &out);
	return !label_join(&a->label, -1, &b->label, b->rank, &out) &&
		!label_join(&a->label, a->rank, &b->label, -1, &out) &&
		!label_join(&a->label, 1, &b->label, 1, &out);
}

static void
test_join(Universe *u)
{
	FOR_PAIRS(u, "join is a commutative upper bound, may overwrite its argument", join_is_upper_bound(u, a, b));
	FOR_PAIRS(u, "join fails if it cannot tell the higher class", join_of_unknown(a, b));
}

/* Keep one label of each canonical text: triples are many. */
static void
reduce(Universe *u)
{
	int			kept = 0;

	for (int i = 0; i < u->nlabels; i++)
	{
		bool		known = false;

		for (int j = 0; j < kept && !known; j++)
			known = same_text(&u->labels[i], &u->labels[j]);
		if (!known)
			u->labels[kept++] = u->labels[i];
	}
	u->nlabels = kept;
}

static void
test_triples(const Universe *u)
{
	int			transitive = 0;
	int			least = 0;
	int			associative = 0;
	const UniverseLabel *end = u->labels + u->nlabels;

	for (const UniverseLabel *a = u->labels; a < end; a++)
	{
		for (const UniverseLabel *b = u->labels; b < end; b++)
		{
			UniverseLabel ab;

			if (!join(a, b, &ab))
				least++;
			for (const UniverseLabel *c = u->labels; c < end; c++)
			{
				UniverseLabel bc;
				UniverseLabel ab_c;
				UniverseLabel a_bc;

				if (dominates(a, b) && dominates(b, c) && !dominates(a, c))
					transitive++;
				if (dominates(c, a) && dominates(c, b) && !dominates(c, &ab))
					least++;
				if (!join(b, c, &bc) || !join(&ab, c, &ab_c) || !join(a, &bc, &a_bc) ||
					!same_text(&ab_c, &a_bc))
					associative++;
			}
		}
	}
	tap_is_int(transitive, 0, "transitive");
	tap_is_int(least, 0, "join is the least upper bound");
	tap_is_int(associative, 0, "join is associative");
}

static void
test_universe(Universe *u, int expected_distinct)
{
	universe_make(u);
	for (int i = 0; i < u->nlabels; i++)
		u->labels[i].worlds = worlds_of(u, u->labels[i].text);
	tap_note("%d classes, %d compartments: %d labels as written", u->nclasses, u->nnames, u->nlabels);
	test_pairs(u);
	test_join(u);
	reduce(u);
	tap_is_int(u->nlabels, expected_distinct, "number of distinct labels");
	test_triples(u);
	free(u->labels);
}

int
main(void)
{
	static const char *const flat[] = {"h", "h.p", "n"};
	static const char *const deep[] = {"h", "h.p", "h.p.q", "hp"};
	static const char *const wide[] = {"h", "h.p", "h.q", "h-p"};
	Universe	small = {classes, 3, flat, 3, 7, NULL, 0};
	Universe	chain = {classes, 1, deep, 4, 3, NULL, 0};
	Universe	tree = {classes, 2, wide, 4, 2, NULL, 0};

	/* Numbers of distinct sets of worlds, counted with another program. */
	test_universe(&small, 3 * 9);
	test_universe(&chain, 14);
	test_universe(&tree, 2 * 23);
	return tap_done();
}
