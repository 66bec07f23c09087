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
 * Tables are read by plain scans with a fresh catalog snapshot: no SPI, since
 * this runs inside executor and planner hooks; no privilege checks, since it
 * is the reference monitor that reads.  A superseded snapshot is freed when
 * the transaction ends, so pointers taken within a statement stay valid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/socket.h>

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_shseclabel.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inet.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/policy.h"

#define QUARANTINE_ORIGIN	4	/* column of dataclass.quarantine, from 0 */

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

#define DEFAULT_MAX_RISK_DAYS	90
#define DEFAULT_BREAK_GLASS_MINUTES 60

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
 * Loading
 * ------------------------------------------------------------------------
 */

typedef void (*RowReader) (PolicySnapshot *p, Datum *values, bool *nulls);

/*
 * Calls reader for each row of dataclass.<name>.  False if the table is not
 * there (a half-installed extension): the caller fails closed.
 */
static bool
scan_policy_table(PolicySnapshot *p, const char *name, int natts, RowReader reader)
{
	Oid			relid = get_relname_relid(name, p->schema_oid);
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum	   *values;
	bool	   *nulls;

	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	if (RelationGetNumberOfAttributes(rel) < natts)
	{
		table_close(rel, AccessShareLock);
		return false;
	}
	values = palloc(sizeof(Datum) * RelationGetNumberOfAttributes(rel));
	nulls = palloc(sizeof(bool) * RelationGetNumberOfAttributes(rel));

	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		reader(p, values, nulls);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	pfree(values);
	pfree(nulls);
	return true;
}

/* Append room for one more element; arrays grow by doubling. */
static void *
grow(void *array, int n, Size elemsize)
{
	if (n == 0)
		return MemoryContextAllocZero(current_cxt, elemsize * 8);
	if (n >= 8 && (n & (n - 1)) == 0)
	{
		void	   *bigger = MemoryContextAllocHuge(current_cxt, elemsize * n * 2);

		memcpy(bigger, array, elemsize * n);
		return bigger;
	}
	return array;
}

static char *
keep_text(Datum value)
{
	char	   *loose = TextDatumGetCString(value);
	char	   *kept = MemoryContextStrdup(current_cxt, loose);

	pfree(loose);
	return kept;
}

/* The elements of a text[], nulls left out; returns their number. */
static int
keep_texts(Datum array, const char ***kept)
{
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	int			n = 0;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &nelements);
	*kept = MemoryContextAlloc(current_cxt, sizeof(char *) * Max(nelements, 1));
	for (int i = 0; i < nelements; i++)
		if (!nulls[i])
			(*kept)[n++] = keep_text(elements[i]);
	return n;
}

static void
read_tier(PolicySnapshot *p, Datum *values, bool *nulls)
{
	PolicyTier *tier;

	p->tiers = grow(p->tiers, p->ntiers, sizeof(PolicyTier));
	tier = &p->tiers[p->ntiers++];
	memset(tier, 0, sizeof(*tier));
	tier->name = keep_text(values[0]);
	tier->rank = DatumGetInt32(values[1]);
}

static void
read_tier_control(PolicySnapshot *p, Datum *values, bool *nulls)
{
	char	   *tier_name = TextDatumGetCString(values[0]);
	PolicyTier *tier = (PolicyTier *) policy_tier_by_name(p, tier_name);
	PolicyTierControl *control;

	/* a control of a tier that does not exist binds nobody */
	if (tier == NULL)
		return;
	tier->controls = grow(tier->controls, tier->ncontrols, sizeof(PolicyTierControl));
	control = &tier->controls[tier->ncontrols++];
	control->control = keep_text(values[1]);
	control->requirement = keep_text(values[2]);
}

/* What is no known word asks for everything. */
PolicyReadAudit
policy_read_audit(const char *name)
{
	if (strcmp(name, "none") == 0)
		return READ_AUDIT_NONE;
	return strcmp(name, "session") == 0 ? READ_AUDIT_SESSION : READ_AUDIT_STATEMENT;
}

static void
read_data_class(PolicySnapshot *p, Datum *values, bool *nulls)
{
	char	   *tier_name = TextDatumGetCString(values[2]);
	const PolicyTier *tier = policy_tier_by_name(p, tier_name);
	PolicyClass *class;

	p->classes = grow(p->classes, p->nclasses, sizeof(PolicyClass));
	class = &p->classes[p->nclasses++];
	memset(class, 0, sizeof(*class));
	class->name = keep_text(values[0]);
	class->rank = DatumGetInt32(values[1]);
	class->required_tier = tier ? tier->rank : POLICY_RANK_NONE;
	class->nhosting_models = keep_texts(values[3], &class->hosting_models);
	class->read_audit = policy_read_audit(TextDatumGetCString(values[4]));
	class->min_evidence = DatumGetInt32(values[5]);
	class->nregions = keep_texts(values[6], &class->regions);
	class->quarantines = strcmp(TextDatumGetCString(values[7]), "record") != 0;
	class->read_audit_acknowledged = DatumGetBool(values[8]);
	class->superuser_audit = DatumGetBool(values[9]);
	p->audits_access = p->audits_access || class->read_audit != READ_AUDIT_NONE || class->superuser_audit;
}

static void
read_compartment(PolicySnapshot *p, Datum *values, bool *nulls)
{
	p->compartments = grow(p->compartments, p->ncompartments, sizeof(char *));
	p->compartments[p->ncompartments++] = keep_text(values[0]);
}

static int
number_or(const char *value, int otherwise)
{
	return value[0] && strspn(value, "0123456789") == strlen(value) && strlen(value) < 6 ? (int) strtol(value, NULL, 10) : otherwise;
}

static void
read_setting(PolicySnapshot *p, Datum *values, bool *nulls)
{
	char	   *name = TextDatumGetCString(values[0]);
	char	   *value = TextDatumGetCString(values[1]);
	LabelError	error;

	if (strcmp(name, "default_clearance") == 0)
		p->has_default_clearance = value[0] != '\0' &&
			label_parse_spec(LABEL_SPEC_ROLE, value, strlen(value), &p->default_clearance, &error);
	else if (strcmp(name, "unlabelled") == 0)
		p->deny_unlabelled = strcmp(value, "ungoverned") != 0;
	else if (strcmp(name, "check_at_start") == 0)
		p->check_at_start = strcmp(value, "off") != 0;
	else if (strcmp(name, "max_risk_days") == 0)
		p->max_risk_days = number_or(value, 0);
	else if (strcmp(name, "break_glass_minutes") == 0)
		p->break_glass_minutes = number_or(value, 0);
	else if (strcmp(name, "retention_days") == 0)
		p->retention_days = number_or(value, -1);	/* keeps everything */
}

static void
read_era(PolicySnapshot *p, Datum *values, bool *nulls)
{
	p->era = keep_text(values[1]);
}

static void
read_quarantine(PolicySnapshot *p, Datum *values, bool *nulls)
{
	/* what a response rule holds is no matter of storage: accepting a risk says nothing about it */
	if (!nulls[QUARANTINE_ORIGIN] && strcmp(TextDatumGetCString(values[QUARANTINE_ORIGIN]), "response") == 0)
	{
		p->held = grow(p->held, p->nheld, sizeof(Oid));
		p->held[p->nheld++] = DatumGetObjectId(values[0]);
		return;
	}
	p->quarantined = grow(p->quarantined, p->nquarantined, sizeof(Oid));
	p->quarantined[p->nquarantined++] = DatumGetObjectId(values[0]);
}

static void
read_suspension(PolicySnapshot *p, Datum *values, bool *nulls)
{
	p->suspended = grow(p->suspended, p->nsuspended, sizeof(Oid));
	p->suspended[p->nsuspended++] = DatumGetObjectId(values[0]);
}

static void
read_session_limit(PolicySnapshot *p, Datum *values, bool *nulls)
{
	char	   *tier_name = TextDatumGetCString(values[2]);
	const PolicyTier *tier = policy_tier_by_name(p, tier_name);
	PolicySessionLimit *limit;

	p->session_limits = grow(p->session_limits, p->nsession_limits, sizeof(PolicySessionLimit));
	limit = &p->session_limits[p->nsession_limits++];
	memset(limit, 0, sizeof(*limit));
	limit->role = DatumGetObjectId(values[0]);
	limit->tier = tier ? tier->rank : POLICY_RANK_NONE;
	limit->any_network = nulls[1];
	if (!nulls[1])
	{
		inet	   *network = DatumGetInetPP(values[1]);

		limit->network.family = ip_family(network) == PGSQL_AF_INET ? NETWORK_FAMILY_V4 : NETWORK_FAMILY_V6;
		limit->network.bits = ip_bits(network);
		memcpy(limit->network.bytes, ip_addr(network), ip_addrsize(network));
	}
}

static void
read_risk(PolicySnapshot *p, Datum *values, bool *nulls)
{
	p->risks = grow(p->risks, p->nrisks, sizeof(PolicyRisk));
	p->risks[p->nrisks].relid = DatumGetObjectId(values[0]);
	p->risks[p->nrisks].until = DatumGetTimestampTz(values[1]);
	p->nrisks++;
}

static int
compare_oids(const void *a, const void *b)
{
	Oid			left = *(const Oid *) a;
	Oid			right = *(const Oid *) b;

	return left < right ? -1 : left > right;
}

static int
compare_tiers(const void *a, const void *b)
{
	return ((const PolicyTier *) a)->rank - ((const PolicyTier *) b)->rank;
}

static int
compare_classes(const void *a, const void *b)
{
	return ((const PolicyClass *) a)->rank - ((const PolicyClass *) b)->rank;
}

static int
compare_risks(const void *a, const void *b)
{
	return compare_oids(&((const PolicyRisk *) a)->relid, &((const PolicyRisk *) b)->relid);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Take out of quarantine what is accepted, and note when the first of that ends. */
static void
leave_out_accepted(PolicySnapshot *p)
{
	TimestampTz now = p->nrisks ? GetCurrentTimestamp() : 0;
	TimestampTz ends = 0;
	int			kept = 0;

	for (int i = 0; i < p->nquarantined; i++)
	{
		PolicyRisk	key = {p->quarantined[i], 0};
		const PolicyRisk *risk = p->nrisks == 0 ? NULL :
			bsearch(&key, p->risks, p->nrisks, sizeof(PolicyRisk), compare_risks);

		if (risk == NULL || risk->until <= now)
			p->quarantined[kept++] = p->quarantined[i];
		else if (ends == 0 || risk->until < ends)
			ends = risk->until;
	}
	p->nquarantined = kept;
	policy_risk_ends = ends;
}

/* Nothing takes these out but release_quarantine(). */
static void
add_held(PolicySnapshot *p)
{
	for (int i = 0; i < p->nheld; i++)
	{
		p->quarantined = grow(p->quarantined, p->nquarantined, sizeof(Oid));
		p->quarantined[p->nquarantined++] = p->held[i];
	}
	if (p->nheld)
		qsort(p->quarantined, p->nquarantined, sizeof(Oid), compare_oids);
}

static void
load_snapshot(PolicySnapshot *p)
{
	policy_risk_ends = 0;
	p->max_risk_days = DEFAULT_MAX_RISK_DAYS;
	p->break_glass_minutes = DEFAULT_BREAK_GLASS_MINUTES;
	p->schema_oid = get_namespace_oid(DC_SCHEMA, true);
	p->audit_schema_oid = get_namespace_oid(DC_AUDIT_SCHEMA, true);
	if (!OidIsValid(p->schema_oid) || !OidIsValid(get_extension_oid(DC_EXTENSION, true)))
		return;
	p->installed = true;

	/* tiers first: controls and classes refer to them */
	scan_policy_table(p, "tier", 2, read_tier);
	if (p->ntiers)
		qsort(p->tiers, p->ntiers, sizeof(PolicyTier), compare_tiers);
	scan_policy_table(p, "tier_control", 3, read_tier_control);
	scan_policy_table(p, "data_class", 10, read_data_class);
	if (p->nclasses)
		qsort(p->classes, p->nclasses, sizeof(PolicyClass), compare_classes);
	scan_policy_table(p, "compartment", 1, read_compartment);
	if (p->ncompartments)
		qsort(p->compartments, p->ncompartments, sizeof(char *), compare_names);
	scan_policy_table(p, "policy_setting", 2, read_setting);
	p->session_limits_unknown = !scan_policy_table(p, "session_limit", 3, read_session_limit);
	scan_policy_table(p, "era", 2, read_era);
	scan_policy_table(p, "quarantine", QUARANTINE_ORIGIN + 1, read_quarantine);
	scan_policy_table(p, "suspension", 1, read_suspension);
	if (p->nsuspended)
		qsort(p->suspended, p->nsuspended, sizeof(Oid), compare_oids);
	if (p->nquarantined)
		qsort(p->quarantined, p->nquarantined, sizeof(Oid), compare_oids);
	scan_policy_table(p, "accepted_risk", 2, read_risk);
	if (p->nrisks)
		qsort(p->risks, p->nrisks, sizeof(PolicyRisk), compare_risks);
	leave_out_accepted(p);
	add_held(p);
}

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
		load_snapshot(p);
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
	return n > 0 && bsearch(&oid, oids, n, sizeof(Oid), compare_oids) != NULL;
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
		bsearch(&key, p->risks, p->nrisks, sizeof(PolicyRisk), compare_risks);

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
