/*-------------------------------------------------------------------------
 *
 * label_draft.h
 *		Clauses of a label before they are canonical.  Internal to src/label.
 *
 * The parser and the join both collect clauses in a draft, whose names point
 * into memory of the caller; label_draft_finish() makes the label of it.  A
 * draft has room for the clauses of two labels, so that a join whose result
 * fits is never refused for its intermediate size.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_LABEL_DRAFT_H
#define PG_DATACLASS_LABEL_DRAFT_H

#include "pg_dataclass/label.h"

#define LABEL_DRAFT_CLAUSES			(2 * LABEL_MAX_CLAUSES)
#define LABEL_DRAFT_ALTERNATIVES	(2 * LABEL_MAX_ALTERNATIVES)

/* A name somewhere else, lower case already. */
typedef struct LabelName
{
	const char *ptr;
	uint16		len;
} LabelName;

/* Clause i has the alternatives clause_start[i] .. clause_start[i + 1] - 1. */
typedef struct LabelDraft
{
	LabelName	class_name;
	int			nclauses;
	int			clause_start[LABEL_DRAFT_CLAUSES + 1];
	LabelName	alternative[LABEL_DRAFT_ALTERNATIVES];
} LabelDraft;

/* True if holding compartment x satisfies y: x is y or an ancestor of y. */
extern bool label_name_covers(LabelName x, LabelName y);

/* True if one clause implies the other: each alternative of a covers one of b. */
extern bool label_clause_implies(const LabelName *a, int na, const LabelName *b, int nb);

/* Make the canonical label; false if it exceeds a limit.  Reorders the draft. */
extern bool label_draft_finish(LabelDraft *draft, Label *label);

static inline LabelName
label_span_name(const Label *label, LabelSpan span)
{
	LabelName	name;

	name.ptr = label->text + span.off;
	name.len = span.len;
	return name;
}

#endif							/* PG_DATACLASS_LABEL_DRAFT_H */
