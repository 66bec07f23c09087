/*-------------------------------------------------------------------------
 *
 * label_canon.c
 *		Canonical form of a label, and canonical text of what holds labels.
 *
 * Read a compartment as a statement, "the holder has this compartment".  A
 * compartment implies its descendants, a clause is a disjunction, a label a
 * conjunction of clauses.  In a disjunction the stronger statement beside a
 * weaker one is superfluous, so "health|health.punjab" is "health.punjab"; in
 * a conjunction the weaker one is, so "health,health.punjab" is "health".
 * What is left is an antichain on both levels, which is what makes dominance
 * antisymmetric on canonical texts.
 *
 * Pure: allocates nothing, raises nothing, has no state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label_draft.h"

/* Byte order; a prefix comes first. */
static int
name_compare(LabelName x, LabelName y)
{
	int			cmp = memcmp(x.ptr, y.ptr, Min(x.len, y.len));

	return cmp != 0 ? cmp : (int) x.len - (int) y.len;
}

bool
label_name_covers(LabelName x, LabelName y)
{
	if (x.len > y.len || memcmp(x.ptr, y.ptr, x.len) != 0)
		return false;
	return x.len == y.len || y.ptr[x.len] == '.';
}

bool
label_clause_implies(const LabelName *a, int na, const LabelName *b, int nb)
{
	for (int i = 0; i < na; i++)
	{
		bool		found = false;

		for (int j = 0; j < nb && !found; j++)
			found = label_name_covers(a[i], b[j]);
		if (!found)
			return false;
	}
	return true;
}

/* Sort, drop duplicates and ancestors of other alternatives; returns how many are left. */
static int
clause_reduce(LabelName *alt, int n)
{
	int			kept = 0;

	for (int i = 1; i < n; i++)
	{
		LabelName	name = alt[i];
		int			j = i;

		for (; j > 0 && name_compare(alt[j - 1], name) > 0; j--)
			alt[j] = alt[j - 1];
		alt[j] = name;
	}

	/* What covers a later name is that name or an ancestor: it sorts before. */
	for (int i = 0; i < n; i++)
	{
		bool		superfluous = false;

		for (int j = i + 1; j < n && !superfluous; j++)
			superfluous = label_name_covers(alt[i], alt[j]);
		if (!superfluous)
			alt[kept++] = alt[i];
	}
	return kept;
}

/* A clause on its way into the label: where its alternatives are. */
typedef struct DraftClause
{
	const LabelName *alt;
	int			n;
} DraftClause;

/* Order of clauses: alternative by alternative, a prefix first. */
static int
clause_compare(const DraftClause *a, const DraftClause *b)
{
	for (int i = 0; i < a->n && i < b->n; i++)
	{
		int			cmp = name_compare(a->alt[i], b->alt[i]);

		if (cmp != 0)
			return cmp;
	}
	return a->n - b->n;
}

/* Does another clause make clause i superfluous?  Of equal ones the first stays. */
static bool
clause_is_implied(const DraftClause *clause, int n, int i)
{
	for (int j = 0; j < n; j++)
	{
		if (j == i ||
			!label_clause_implies(clause[j].alt, clause[j].n, clause[i].alt, clause[i].n))
			continue;
		if (j < i ||
			!label_clause_implies(clause[i].alt, clause[i].n, clause[j].alt, clause[j].n))
			return true;
	}
	return false;
}

/* Append one separator (0: none) and one name; false if there is no room. */
static bool
label_append(Label *label, char separator, LabelName name, LabelSpan *span)
{
	size_t		used = label->text_len;

	if (used + (separator != 0) + name.len >= LABEL_MAX_TEXT)
		return false;
	if (separator != 0)
		label->text[used++] = separator;
	memcpy(label->text + used, name.ptr, name.len);
	span->off = (uint16) used;
	span->len = name.len;
	label->text_len = (uint16) (used + name.len);
	return true;
}

static bool
label_append_clause(Label *label, const DraftClause *clause)
{
	if (label->nclauses >= LABEL_MAX_CLAUSES ||
		label->nalternatives + clause->n > LABEL_MAX_ALTERNATIVES)
		return false;
	for (int i = 0; i < clause->n; i++)
	{
		char		separator = i > 0 ? '|' : label->nclauses > 0 ? ',' : ':';

		if (!label_append(label, separator, clause->alt[i],
						  &label->alternative[label->nalternatives]))
			return false;
		label->nalternatives++;
	}
	label->nclauses++;
	label->clause_start[label->nclauses] = label->nalternatives;
	return true;
}

/*
 * The names of the draft may point into *label: the result is built aside, and
 * *label is left alone when a limit is exceeded.
 */
bool
label_draft_finish(LabelDraft *draft, Label *label)
{
	DraftClause all[LABEL_DRAFT_CLAUSES];
	DraftClause kept[LABEL_DRAFT_CLAUSES];
	int			nkept = 0;
	Label		result;

	for (int i = 0; i < draft->nclauses; i++)
	{
		LabelName  *alt = draft->alternative + draft->clause_start[i];

		all[i].alt = alt;
		all[i].n = clause_reduce(alt, draft->clause_start[i + 1] - draft->clause_start[i]);
	}

	for (int i = 0; i < draft->nclauses; i++)
	{
		int			j;

		if (clause_is_implied(all, draft->nclauses, i))
			continue;
		for (j = nkept; j > 0 && clause_compare(&kept[j - 1], &all[i]) > 0; j--)
			kept[j] = kept[j - 1];
		kept[j] = all[i];
		nkept++;
	}

	/* No byte is left to chance: copies of a label compare equal as memory. */
	memset(&result, 0, sizeof(result));
	if (!label_append(&result, 0, draft->class_name, &result.class_name))
		return false;
	for (int i = 0; i < nkept; i++)
	{
		if (!label_append_clause(&result, &kept[i]))
			return false;
	}
	*label = result;
	return true;
}

/* Bounded writer in the manner of snprintf: counts on when the room is used up. */
typedef struct TextOut
{
	char	   *buf;
	size_t		size;
	size_t		len;
} TextOut;

static void
text_put(TextOut *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (out->len + 1 < out->size)
			out->buf[out->len] = text[i];
		out->len++;
	}
}

static void
text_put_string(TextOut *out, const char *text)
{
	text_put(out, text, strlen(text));
}

static void
text_put_privileges(TextOut *out, uint32 privileges)
{
	static const struct
	{
		uint32		bit;
		const char *name;
	}			names[] =
	{
		{LABEL_PRIVILEGE_BREAK_GLASS, "break_glass"},
		{LABEL_PRIVILEGE_DECLASSIFY, "declassify"},
		{LABEL_PRIVILEGE_EXPORT, "export"},
		{LABEL_PRIVILEGE_RECLASSIFY, "reclassify"}
	};
	const char *separator = " with (";

	for (size_t i = 0; i < lengthof(names); i++)
	{
		if ((privileges & names[i].bit) == 0)
			continue;
		text_put_string(out, separator);
		text_put_string(out, names[i].name);
		separator = ", ";
	}
	if (separator[0] == ',')
		text_put_string(out, ")");
}

static void
text_put_quoted(TextOut *out, const char *text, size_t len)
{
	text_put_string(out, "'");
	for (size_t i = 0; i < len; i++)
		text_put(out, text[i] == '\'' ? "''" : text + i, text[i] == '\'' ? 2 : 1);
	text_put_string(out, "'");
}

static void
text_put_number(TextOut *out, uint16 number)
{
	char		digits[8];
	size_t		used = sizeof(digits);

	do
		digits[--used] = (char) ('0' + number % 10);
	while ((number /= 10) > 0);
	text_put(out, digits + used, sizeof(digits) - used);
}

static void
text_put_mask(TextOut *out, const LabelMask *mask)
{
	switch (mask->kind)
	{
		case LABEL_MASK_NONE:
			return;
		case LABEL_MASK_NULL:
			text_put_string(out, " mask");
			return;
		case LABEL_MASK_HASH:
			text_put_string(out, " mask hash");
			return;
		case LABEL_MASK_CONSTANT:
			text_put_string(out, " mask constant(");
			text_put_quoted(out, mask->text, mask->text_len);
			break;
		case LABEL_MASK_PARTIAL:
			text_put_string(out, " mask partial(");
			text_put_number(out, mask->prefix);
			text_put_string(out, ", ");
			text_put_quoted(out, mask->text, mask->text_len);
			text_put_string(out, ", ");
			text_put_number(out, mask->suffix);
			break;
	}
	text_put_string(out, ")");
}

/*
 * Writes at most size bytes, the last of them a NUL; returns the length that
 * the whole text has, so a value >= size tells of truncation.
 */
size_t
label_spec_text(const LabelSpec *spec, char *buf, size_t size)
{
	TextOut		out = {buf, size, 0};

	if (spec->kind == LABEL_SPEC_FUNCTION)
		text_put_string(&out, "trusted ");
	if (spec->has_floor)
	{
		text_put(&out, spec->floor.text, spec->floor.text_len);
		text_put_string(&out, "..");
	}
	text_put(&out, spec->label.text, spec->label.text_len);
	text_put_mask(&out, &spec->mask);
	text_put_privileges(&out, spec->privileges);

	if (size > 0)
		buf[Min(out.len, size - 1)] = '\0';
	return out.len;
}
