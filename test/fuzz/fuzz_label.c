/*-------------------------------------------------------------------------
 *
 * fuzz_label.c
 *		Fuzz target of the label module: any bytes, and the laws of labels.
 *
 * The input is one text, or two separated by the first ";", which no label
 * contains.  What is accepted must be canonical after one round and obey the
 * laws of dominance and join; what is refused must say where and why.
 *
 * LINK: src/label/label_parse.c src/label/label_canon.c src/label/label_order.c src/label/label_id.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same(const Label *a, const Label *b)
{
	return memcmp(a, b, sizeof(Label)) == 0;
}

/* The text a sanitizer can watch the end of. */
static bool
parse_exact(LabelSpecKind kind, const char *input, size_t len, LabelSpec *spec, LabelError *error)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	bool		ok;

	memcpy(copy, input, len);
	ok = label_parse_spec(kind, copy, len, spec, error);
	free(copy);
	return ok;
}

static void
check_shape(const Label *label)
{
	FUZZ_CHECK(label->text_len < LABEL_MAX_TEXT && strlen(label->text) == label->text_len);
	FUZZ_CHECK(label->nclauses <= LABEL_MAX_CLAUSES);
	FUZZ_CHECK(label->nalternatives <= LABEL_MAX_ALTERNATIVES);
	FUZZ_CHECK(label->clause_start[0] == 0 && label->clause_start[label->nclauses] == label->nalternatives);
	FUZZ_CHECK(label->class_name.off == 0 && label->class_name.len > 0 && label->class_name.len <= LABEL_MAX_NAME);
	for (int i = 0; i < label->nclauses; i++)
		FUZZ_CHECK(label->clause_start[i] < label->clause_start[i + 1]);
	for (int i = 0; i < label->nalternatives; i++)
		FUZZ_CHECK(label->alternative[i].len > 0 &&
				   label->alternative[i].off + label->alternative[i].len <= label->text_len);
	for (const char *p = label->text; *p; p++)
		FUZZ_CHECK((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("_-.:,|", *p) != NULL);
}

static void
check_error(const LabelError *error, size_t len)
{
	FUZZ_CHECK(error->code == LABEL_ERROR_SYNTAX || error->code == LABEL_ERROR_LIMIT);
	FUZZ_CHECK(error->position >= 1 && (size_t) error->position <= len + 1);
	FUZZ_CHECK(error->message != NULL && error->hint != NULL);
}

/* One text as everything that a label can be written for; fills *label if it is one. */
static bool
check_text(const char *input, size_t len, Label *label)
{
	LabelError	error;
	bool		plain;

	for (LabelSpecKind kind = LABEL_SPEC_PLAIN; kind <= LABEL_SPEC_FUNCTION; kind++)
	{
		LabelSpec	spec;
		LabelSpec	again;
		char		canonical[LABEL_SPEC_MAX_TEXT];
		char		second[LABEL_SPEC_MAX_TEXT];
		size_t		n;

		if (!parse_exact(kind, input, len, &spec, &error))
		{
			check_error(&error, len);
			continue;
		}
		check_shape(&spec.label);
		if (spec.has_floor)
			check_shape(&spec.floor);
		n = label_spec_text(&spec, canonical, sizeof(canonical));
		FUZZ_CHECK(n < sizeof(canonical) && strlen(canonical) == n);
		FUZZ_CHECK(parse_exact(kind, canonical, n, &again, &error));
		FUZZ_CHECK(memcmp(&spec, &again, sizeof(spec)) == 0);
		FUZZ_CHECK(label_spec_text(&again, second, sizeof(second)) == n && strcmp(canonical, second) == 0);
	}

	plain = label_parse(input, len, label, &error);
	if (!plain)
	{
		check_error(&error, len);
		return false;
	}
	FUZZ_CHECK(label_dominates(label, 0, label, 0));
	FUZZ_CHECK(!label_dominates(label, -1, label, -1));
	FUZZ_CHECK(label_compartments_dominate(label, label));
	return true;
}

/* Ranks by the order of class names: any order without ties does. */
static void
rank_pair(const Label *a, const Label *b, int *rank_a, int *rank_b)
{
	char		name_a[LABEL_MAX_NAME + 1] = {0};
	char		name_b[LABEL_MAX_NAME + 1] = {0};
	int			cmp;

	memcpy(name_a, a->text, a->class_name.len);
	memcpy(name_b, b->text, b->class_name.len);
	FUZZ_CHECK(label_class_is(a, name_a) && label_class_is(b, name_b));
	cmp = strcmp(name_a, name_b);
	*rank_a = cmp > 0;
	*rank_b = cmp < 0;
}

static void
check_pair(const Label *a, const Label *b)
{
	Label		ab;
	Label		ba;
	int			rank_a;
	int			rank_b;
	int			rank;
	bool		a_over_b;
	bool		b_over_a;

	rank_pair(a, b, &rank_a, &rank_b);
	rank = Max(rank_a, rank_b);
	a_over_b = label_dominates(a, rank_a, b, rank_b);
	b_over_a = label_dominates(b, rank_b, a, rank_a);
	FUZZ_CHECK((a_over_b && b_over_a) == same(a, b));
	FUZZ_CHECK((label_id(a) == label_id(b)) == same(a, b));

	if (!label_join(a, rank_a, b, rank_b, &ab))
	{
		FUZZ_CHECK(!a_over_b && !b_over_a);
		FUZZ_CHECK(!label_join(b, rank_b, a, rank_a, &ba));
		return;
	}
	check_shape(&ab);
	FUZZ_CHECK(label_join(b, rank_b, a, rank_a, &ba) && same(&ab, &ba));
	FUZZ_CHECK(label_dominates(&ab, rank, a, rank_a) && label_dominates(&ab, rank, b, rank_b));
	FUZZ_CHECK(same(&ab, a) == a_over_b && same(&ab, b) == b_over_a);
	FUZZ_CHECK(label_join(&ab, rank, a, rank_a, &ba) && same(&ab, &ba));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *input = (const char *) data;
	const char *split = size > 0 ? memchr(input, ';', size) : NULL;
	Label		a;
	Label		b;
	bool		have_a;
	bool		have_b;

	if (split == NULL)
	{
		check_text(input, size, &a);
		return 0;
	}
	have_a = check_text(input, split - input, &a);
	have_b = check_text(split + 1, size - (split - input) - 1, &b);
	if (have_a && have_b)
		check_pair(&a, &b);
	return 0;
}
