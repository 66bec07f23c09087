/*-------------------------------------------------------------------------
 *
 * policy_load.c
 *		Rows of the policy tables into a policy snapshot.
 *
 * Owns what each column means, and the order of arrays that are searched.
 * When a snapshot is loaded, and for how long it counts, is policy_catalog.c's.
 *
 * Tables are read by plain scans with a fresh catalog snapshot: no SPI, since
 * this runs inside executor and planner hooks; no privilege checks, since it
 * is the reference monitor that reads.  May raise; everything that stays goes
 * into the memory of the snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/socket.h>

#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/policy.h"

#define QUARANTINE_ORIGIN	4	/* column of dataclass.quarantine, from 0 */
#define DEFAULT_MAX_RISK_DAYS	90
#define DEFAULT_BREAK_GLASS_MINUTES 60

static MemoryContext snapshot_cxt;	/* of the snapshot that is being loaded */

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
		return MemoryContextAllocZero(snapshot_cxt, elemsize * 8);
	if (n >= 8 && (n & (n - 1)) == 0)
	{
		void	   *bigger = MemoryContextAllocHuge(snapshot_cxt, elemsize * n * 2);

		memcpy(bigger, array, elemsize * n);
		return bigger;
	}
	return array;
}

static char *
keep_text(Datum value)
{
	char	   *loose = TextDatumGetCString(value);
	char	   *kept = MemoryContextStrdup(snapshot_cxt, loose);

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
	*kept = MemoryContextAlloc(snapshot_cxt, sizeof(char *) * Max(nelements, 1));
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
compare_tiers(const void *a, const void *b)
{
	return ((const PolicyTier *) a)->rank - ((const PolicyTier *) b)->rank;
}

static int
compare_classes(const void *a, const void *b)
{
	return ((const PolicyClass *) a)->rank - ((const PolicyClass *) b)->rank;
}

int
policy_compare_risks(const void *a, const void *b)
{
	return oid_cmp(&((const PolicyRisk *) a)->relid, &((const PolicyRisk *) b)->relid);
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
			bsearch(&key, p->risks, p->nrisks, sizeof(PolicyRisk), policy_compare_risks);

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
		qsort(p->quarantined, p->nquarantined, sizeof(Oid), oid_cmp);
}

void
policy_load(PolicySnapshot *p, MemoryContext cxt)
{
	snapshot_cxt = cxt;
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
		qsort(p->suspended, p->nsuspended, sizeof(Oid), oid_cmp);
	if (p->nquarantined)
		qsort(p->quarantined, p->nquarantined, sizeof(Oid), oid_cmp);
	scan_policy_table(p, "accepted_risk", 2, read_risk);
	if (p->nrisks)
		qsort(p->risks, p->nrisks, sizeof(PolicyRisk), policy_compare_risks);
	leave_out_accepted(p);
	add_held(p);
}
