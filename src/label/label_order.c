/*-------------------------------------------------------------------------
 *
 * label_order.c
 *		The order of labels: dominance, and the least upper bound of two.
 *
 * Dominance is a partial order as long as no two classes share a rank, which
 * the policy sees to.  A negative rank stands for a class that the policy does
 * not know: such a label neither dominates nor is dominated.
 *
 * Pure: allocates nothing, raises nothing, has no state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label_draft.h"

bool
label_class_is(const Label *label, const char *name)
{
	return strlen(name) == label->class_name.len &&
		memcmp(label->text + label->class_name.off, name, label->class_name.len) == 0;
}

/* Names of one clause; alt has room for LABEL_MAX_ALTERNATIVES. */
static int
clause_names(const Label *label, int clause, LabelName *alt)
{
	int			start = label->clause_start[clause];
	int			n = label->clause_start[clause + 1] - start;

	for (int i = 0; i < n; i++)
		alt[i] = label_span_name(label, label->alternative[start + i]);
	return n;
}

/*
 * One clause of a must do for a clause of b.  That is complete: if none does,
 * each clause of a has an alternative that covers nothing in the clause of b,
 * and whoever holds just these satisfies a without satisfying b.
 */
bool
label_compartments_dominate(const Label *a, const Label *b)
{
	LabelName	have[LABEL_MAX_ALTERNATIVES];
	LabelName	need[LABEL_MAX_ALTERNATIVES];

	for (int j = 0; j < b->nclauses; j++)
	{
		int			nneed = clause_names(b, j, need);
		bool		implied = false;

		for (int i = 0; i < a->nclauses && !implied; i++)
		{
			int			nhave = clause_names(a, i, have);

			implied = label_clause_implies(have, nhave, need, nneed);
		}
		if (!implied)
			return false;
	}
	return true;
}

bool
label_dominates(const Label *a, int rank_a, const Label *b, int rank_b)
{
	if (rank_a < 0 || rank_b < 0 || rank_a < rank_b)
		return false;
	return label_compartments_dominate(a, b);
}

static void
draft_add_clauses(LabelDraft *draft, const Label *label)
{
	for (int i = 0; i < label->nclauses; i++)
	{
		int			start = draft->clause_start[draft->nclauses];

		draft->nclauses++;
		draft->clause_start[draft->nclauses] =
			start + clause_names(label, i, draft->alternative + start);
	}
}

/*
 * out may be a or b.  Labels of one class join even if the policy does not
 * know it: the result is then as unknown as they are.  Of two classes, the
 * higher one can only be told when both are known.
 */
bool
label_join(const Label *a, int rank_a, const Label *b, int rank_b, Label *out)
{
	LabelName	class_a = label_span_name(a, a->class_name);
	LabelName	class_b = label_span_name(b, b->class_name);
	bool		same_class;
	LabelDraft	draft;

	same_class = class_a.len == class_b.len &&
		memcmp(class_a.ptr, class_b.ptr, class_a.len) == 0;
	if (!same_class && (rank_a < 0 || rank_b < 0 || rank_a == rank_b))
		return false;

	draft.class_name = rank_a >= rank_b ? class_a : class_b;
	draft.nclauses = 0;
	draft.clause_start[0] = 0;
	draft_add_clauses(&draft, a);
	draft_add_clauses(&draft, b);
	return label_draft_finish(&draft, out);
}
