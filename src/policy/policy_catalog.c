/*-------------------------------------------------------------------------
 *
 * policy_catalog.c
 *		The policy tables of schema dataclass, as one snapshot per backend.
 *
 * Owns the snapshot, the generation and the cross-backend invalidation.  Does
 * not own labels of objects (label_cache.c) or the subject (policy_subject.c);
 * both compare policy_generation() with the one they were built for.
 *
 * Invalidation rides on core's: policy_invalidate_all() registers a relcache
 * invalidation of pg_shseclabel, a shared catalog.  Core sends it at commit to
 * all databases, drops it at rollback, replays it on standbys and with
 * COMMIT PREPARED, and runs it locally at command end and on (sub)abort.
 *
 * policy_load.c reads the tables.  A superseded snapshot is freed when the
 * transaction ends, so pointers taken within a statement stay valid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_shseclabel.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/policy.h"

static const PolicySnapshot empty_snapshot = {0};

static PolicySnapshot *current = NULL;
static MemoryContext current_cxt = NULL;
static MemoryContext retired_cxt = NULL;	/* parents of superseded snapshots */
static bool stale = true;
static bool loading = false;
static bool changed_here = false;	/* by this transaction */
static bool hasten_here = false;
uint64		policy_generation_counter = 1;
TimestampTz policy_risk_ends = 0;
policy_committed_type policy_committed_hook = NULL;

/* ------------------------------------------------------------------------
 * Invalidation
 * ------------------------------------------------------------------------
 */

static void
mark_stale(void)
{
	stale = true;
	policy_generation_counter++;
}

/* Only flips a flag: runs inside invalidation processing. */
static void
relcache_callback(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == SharedSecLabelRelationId)
		mark_stale();
}

static void
syscache_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	mark_stale();
}

void
policy_invalidate_all(void)
{
	CacheInvalidateRelcacheByRelid(SharedSecLabelRelationId);
	mark_stale();
	changed_here = true;
}

void
policy_hasten(void)
{
	hasten_here = true;
}

void
policy_look_at_clock(void)
{
	if (!stale && GetCurrentTimestamp() >= policy_risk_ends)
		mark_stale();
}

static void
tell_committed(void)
{
	bool		hasten = hasten_here;

	if (changed_here && policy_committed_hook)
		policy_committed_hook(hasten);
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT)
		tell_committed();
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			changed_here = hasten_here = false;
			if (retired_cxt)
			{
				MemoryContextDelete(retired_cxt);
				retired_cxt = NULL;
			}
			break;
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			break;
	}
}

void
policy_catalog_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, syscache_callback, (Datum) 0);
	RegisterXactCallback(xact_callback, NULL);
}

/* ------------------------------------------------------------------------
 * The snapshot
 * ------------------------------------------------------------------------
 */

MemoryContext
policy_snapshot_context(const PolicySnapshot *p)
{
	return p == current ? current_cxt : NULL;
}

const PolicySnapshot *
policy_current(void)
{
	MemoryContext old_cxt;
	MemoryContext work_cxt;

	if (!stale && current)
		return current;
	/* While loading, catalog look-ups may come back here; nothing to enforce on ourselves. */
	if (loading || !IsTransactionState() || !OidIsValid(MyDatabaseId))
		return current ? current : &empty_snapshot;

	if (current)
	{
		if (retired_cxt == NULL)
			retired_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass retired policy",
												ALLOCSET_SMALL_SIZES);
		MemoryContextSetParent(current_cxt, retired_cxt);
		current = NULL;
	}
	current_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass policy", ALLOCSET_DEFAULT_SIZES);
	work_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass policy load", ALLOCSET_DEFAULT_SIZES);
	old_cxt = MemoryContextSwitchTo(work_cxt);
	loading = true;
	PG_TRY();
	{
		PolicySnapshot *p = MemoryContextAllocZero(current_cxt, sizeof(PolicySnapshot));
		uint64		before;

		/* an invalidation that arrives while we read leaves the flag set */
		stale = false;
		before = policy_generation_counter;
		policy_load(p, current_cxt);
		if (before != policy_generation_counter)
			stale = true;
		current = p;
	}
	PG_CATCH();
	{
		loading = false;
		stale = true;
		MemoryContextDelete(current_cxt);
		current_cxt = NULL;
		PG_RE_THROW();
	}
	PG_END_TRY();
	loading = false;
	MemoryContextSwitchTo(old_cxt);
	MemoryContextDelete(work_cxt);
	policy_generation_counter++;
	return current;
}

/* ------------------------------------------------------------------------
 * Look-ups
 * ------------------------------------------------------------------------
 */

const PolicyClass *
policy_class_of(const PolicySnapshot *p, const Label *label)
{
	for (int i = 0; i < p->nclasses; i++)
		if (label_class_is(label, p->classes[i].name))
			return &p->classes[i];
	return NULL;
}

const PolicyTier *
policy_tier_by_name(const PolicySnapshot *p, const char *name)
{
	for (int i = 0; i < p->ntiers; i++)
		if (strcmp(p->tiers[i].name, name) == 0)
			return &p->tiers[i];
	return NULL;
}

const PolicyTier *
policy_tier_by_rank(const PolicySnapshot *p, int rank)
{
	for (int i = 0; i < p->ntiers; i++)
		if (p->tiers[i].rank == rank)
			return &p->tiers[i];
	return NULL;
}

const char *
policy_tier_name(const PolicySnapshot *p, int rank)
{
	const PolicyTier *tier = policy_tier_by_rank(p, rank);

	return tier ? tier->name : "none";
}

bool
policy_compartment_known(const PolicySnapshot *p, const char *name, size_t len)
{
	int			low = 0;
	int			high = p->ncompartments - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const char *candidate = p->compartments[middle];
		int			cmp = strncmp(name, candidate, len);

		if (cmp == 0 && candidate[len] == '\0')
			return true;
		if (cmp > 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return false;
}

static bool
is_among(Oid oid, const Oid *oids, int n)
{
	return n > 0 && bsearch(&oid, oids, n, sizeof(Oid), oid_cmp) != NULL;
}

bool
policy_is_quarantined(const PolicySnapshot *p, Oid relid)
{
	return is_among(relid, p->quarantined, p->nquarantined);
}

bool
policy_is_suspended(const PolicySnapshot *p, Oid role)
{
	return is_among(role, p->suspended, p->nsuspended);
}

bool
policy_risk_accepted(const PolicySnapshot *p, Oid relid)
{
	PolicyRisk	key = {relid, 0};
	const PolicyRisk *risk = p->nrisks == 0 ? NULL :
		bsearch(&key, p->risks, p->nrisks, sizeof(PolicyRisk), policy_compare_risks);

	return risk != NULL && risk->until > GetCurrentTimestamp();
}

/*
 * Are class and compartments of the label part of this policy?  If not, *what
 * says which kind of name is missing and name gets it.
 */
bool
policy_label_known(const PolicySnapshot *p, const Label *label, const char **what, char *name, size_t size)
{
	if (policy_class_of(p, label) == NULL)
	{
		*what = "data class";
		snprintf(name, size, "%.*s", (int) label->class_name.len, label->text + label->class_name.off);
		return false;
	}
	for (int i = 0; i < label->nalternatives; i++)
	{
		const LabelSpan *span = &label->alternative[i];

		if (!policy_compartment_known(p, label->text + span->off, span->len))
		{
			*what = "compartment";
			snprintf(name, size, "%.*s", (int) span->len, label->text + span->off);
			return false;
		}
	}
	return true;
}

const char *
policy_requirement(const PolicySnapshot *p, int tier_rank, const char *control)
{
	for (int i = p->ntiers - 1; i >= 0; i--)
	{
		const PolicyTier *tier = &p->tiers[i];

		if (tier->rank > tier_rank)
			continue;
		for (int c = 0; c < tier->ncontrols; c++)
			if (strcmp(tier->controls[c].control, control) == 0)
				return tier->controls[c].requirement;
	}
	return NULL;
}
