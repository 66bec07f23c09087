/*-------------------------------------------------------------------------
 *
 * policy_rowoutcome.c
 *		What the row filter would do, told before any row is read.
 *
 * For a subject cleared for all that a table can hold the filter is superfluous,
 * for one that reads nothing of a partition so is the partition.  Both rest on
 * proofs by core (label_rowproof.c) and on dominance being transitive: who
 * dominates the ceiling dominates all below it.  The session tier is compared
 * with every class up to the ceiling's, since a policy may ask more of a lower
 * class.
 *
 * Owns the set of readable labels, made on demand for one subject's epoch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/rowfilter.h"

/* Beyond this many registered labels an enumeration costs more than it may save. */
#define MAX_ENUMERATED 2048

static MemoryContext set_cxt = NULL;
static uint64 *set_ids = NULL;
static int	set_count = -1;
static uint64 set_digest = 0;
static uint64 set_epoch = 0;

static bool
tier_reaches_all_below(const PolicySnapshot *p, const Subject *s, int rank)
{
	if (guc_session_tier_enforcement != ENFORCEMENT_ENFORCING)
		return true;			/* a failure of the tier alone lets rows pass */
	for (int i = 0; i < p->nclasses; i++)
		if (p->classes[i].rank <= rank &&
			(p->classes[i].required_tier == POLICY_RANK_NONE ||
			 s->session_tier < p->classes[i].required_tier))
			return false;
	return true;
}

static bool
reads_all_below(const ResolvedLabel *ceiling)
{
	const Subject *s = subject_current();

	if (ceiling->rank == POLICY_RANK_NONE ||
		!tier_reaches_all_below(policy_current(), s, ceiling->rank))
		return false;
	if (s->has_ceiling &&
		!label_dominates(&s->ceiling, s->ceiling_rank, &ceiling->label, ceiling->rank))
		return false;
	for (int i = 0; i < s->nclearances; i++)
	{
		const Clearance *c = &s->clearances[i];

		if (c->rank != POLICY_RANK_NONE && !c->emergency &&
			label_dominates(&c->ceiling, c->rank, &ceiling->label, ceiling->rank))
			return true;
	}
	return false;
}

static RowOutcome
outcome_of_bound(const RelationLabels *labels)
{
	int			readable = 0;
	int			n = labels->nbound;
	uint64	   *ids = palloc(sizeof(uint64) * n);

	/* a copy: deciding may look relations up */
	memcpy(ids, labels->bound, sizeof(uint64) * n);
	for (int i = 0; i < n; i++)
		readable += row_label_readable_quietly(ids[i]);
	pfree(ids);
	return readable == n ? ROWS_ALL : readable == 0 ? ROWS_NONE : ROWS_SOME;
}

/*
 * Was that done before any snapshot of this transaction was taken?  An older
 * snapshot, also one that was imported, may show rows as they were before.
 */
static bool
seen_by_all_snapshots(TransactionId since)
{
	return !TransactionIdIsNormal(since) || TransactionIdPrecedes(since, TransactionXmin);
}

RowOutcome
row_filter_outcome(Oid relid)
{
	const RelationLabels *labels = relation_labels(relid);
	RowOutcome	outcome = ROWS_SOME;

	if (labels->row_label_attnum == InvalidAttrNumber)
		return ROWS_SOME;
	if (guc_enforcement != ENFORCEMENT_ENFORCING)
		return ROWS_ALL;		/* the filter hides nothing */
	if (labels->row_ceiling && seen_by_all_snapshots(labels->row_ceiling_since) &&
		reads_all_below(labels->row_ceiling))
		return ROWS_ALL;
	if (labels->nbound > 0 && seen_by_all_snapshots(labels->bound_since))
		outcome = outcome_of_bound(labels);
	/* with row_security = off, hidden rows raise an error: each must be met */
	if (outcome == ROWS_NONE && !row_security)
		return ROWS_SOME;
	return outcome;
}

static void
enumerate_readable(void)
{
	const PolicySnapshot *p = policy_current();
	const PolicyRowLabel *all;
	int			n = policy_row_labels_up_to(p, MAX_ENUMERATED, &all);

	set_count = -1;
	if (set_cxt)
		MemoryContextReset(set_cxt);
	else
		set_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass readable labels",
										ALLOCSET_SMALL_SIZES);
	set_ids = NULL;
	if (n < 0)
		return;
	set_ids = MemoryContextAlloc(set_cxt, sizeof(uint64) * Max(n, 1));
	set_count = 0;
	for (int i = 0; i < n; i++)
		if (row_label_readable_quietly(all[i].id))
			set_ids[set_count++] = all[i].id;
	set_digest = hash_bytes_extended((unsigned char *) set_ids, sizeof(uint64) * set_count, 0);
}

int
row_labels_readable(const uint64 **ids, uint64 *digest)
{
	/* then rows without a registered label are seen as well, or must raise */
	if (guc_enforcement != ENFORCEMENT_ENFORCING || !row_security)
		return -1;
	(void) subject_current();
	if (set_epoch == 0 || !subject_epoch_is_current(set_epoch))
	{
		uint64		epoch = subject_epoch();

		set_epoch = 0;
		enumerate_readable();
		if (!subject_epoch_is_current(epoch))
			return -1;
		set_epoch = epoch;
	}
	*ids = set_ids;
	*digest = set_digest;
	return set_count;
}
