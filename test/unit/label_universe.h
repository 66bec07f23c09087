/*-------------------------------------------------------------------------
 *
 * label_universe.h
 *		Every label that can be written with a few classes and compartments.
 *
 * Clauses are all non-empty sets of the names, labels all sets of up to
 * max_clauses clauses, as written: not canonical, and many say the same.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LABEL_UNIVERSE_H
#define LABEL_UNIVERSE_H

#define UNIVERSE_TEXT	160

typedef struct UniverseLabel
{
	char		text[UNIVERSE_TEXT];	/* as written */
	int			rank;			/* of its class */
	Label		label;
	uint64		worlds;			/* see unit_label_order.c */
} UniverseLabel;

typedef struct Universe
{
	const char *const *classes; /* by rank */
	int			nclasses;
	const char *const *names;
	int			nnames;
	int			max_clauses;
	UniverseLabel *labels;
	int			nlabels;
} Universe;

static void
universe_add(Universe *u, int rank, uint32 clause_set)
{
	UniverseLabel *l = &u->labels[u->nlabels];
	LabelError	error;
	char		separator = ':';

	strcpy(l->text, u->classes[rank]);
	for (int clause = 1; clause < 1 << u->nnames; clause++)
	{
		if ((clause_set & (1U << clause)) == 0)
			continue;
		for (int i = 0; i < u->nnames; i++)
		{
			if ((clause & (1 << i)) == 0)
				continue;
			strncat(l->text, &separator, 1);
			strcat(l->text, u->names[i]);
			separator = '|';
		}
		separator = ',';
	}
	l->rank = rank;
	if (!label_parse(l->text, strlen(l->text), &l->label, &error))
	{
		printf("Bail out! %s: %s\n", l->text, error.message);
		exit(1);
	}
	u->nlabels++;
}

/* Fills u->labels; nnames is at most 4. */
static void
universe_make(Universe *u)
{
	uint32		nsets = 1U << ((1 << u->nnames) - 1);

	u->nlabels = 0;
	u->labels = NULL;
	for (int rank = 0; rank < u->nclasses; rank++)
	{
		for (uint32 set = 0; set < nsets; set++)
		{
			if (__builtin_popcount(set) > u->max_clauses)
				continue;
			if ((u->nlabels & (u->nlabels + 1)) == 0 || u->labels == NULL)
				u->labels = realloc(u->labels, sizeof(UniverseLabel) * 2 * (u->nlabels + 1));
			universe_add(u, rank, set << 1);
		}
	}
}

#endif							/* LABEL_UNIVERSE_H */
