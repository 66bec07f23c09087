/*-------------------------------------------------------------------------
 *
 * stat_counter.c
 *		Counters of what the extension does.
 *
 * Owns a slot of shared memory per backend, and the totals of backends that
 * are gone.  A backend adds to its own slot alone; the slot keeps its counts
 * when the backend ends, and the next one to have it moves them to the totals
 * if it is in another database.  A reset does not touch a counter: it notes
 * where each stood.
 *
 * Lock: one LWLock, taken with no other of ours, for the totals and names of
 * rules.  Slots are read without it and may be a few counts behind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/stat.h"

#define MAX_DATABASES	256
#define NVALUES			(sizeof(StatCounts) / sizeof(uint64))

typedef struct StatSlot
{
	Oid			dbid;
	pg_atomic_uint64 value[NVALUES];
} StatSlot;

typedef struct StatTotals
{
	Oid			dbid;
	TimestampTz reset_at;
	uint64		value[NVALUES];
	uint64		base[NVALUES];	/* at the last reset */
} StatTotals;

typedef struct StatShared
{
	int			tranche;
	LWLock		lock;
	char		rule[STAT_MAX_RULES][STAT_RULE_LEN];
	StatTotals	totals[MAX_DATABASES];
	StatSlot	slots[FLEXIBLE_ARRAY_MEMBER];
} StatShared;

static StatShared *shared = NULL;
static StatSlot *my_slot = NULL;

static int
nslots(void)
{
	return compat_max_backends();
}

Size
stat_shmem_size(void)
{
	return add_size(offsetof(StatShared, slots), mul_size(nslots(), sizeof(StatSlot)));
}

void
stat_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pg_dataclass counters", stat_shmem_size(), &found);
	if (!found)
	{
		memset(shared, 0, stat_shmem_size());
		shared->tranche = LWLockNewTrancheId();
		LWLockInitialize(&shared->lock, shared->tranche);
		for (int i = 0; i < nslots(); i++)
		{
			for (size_t j = 0; j < NVALUES; j++)
				pg_atomic_init_u64(&shared->slots[i].value[j], 0);
		}
	}
	LWLockRegisterTranche(shared->tranche, "pg_dataclass_counters");
}

/* Entry of a database, the lock is held; NULL if there is none, or no place for one. */
static StatTotals *
totals_of(Oid dbid, bool make)
{
	StatTotals *idle = NULL;

	for (int i = 0; i < MAX_DATABASES; i++)
	{
		StatTotals *totals = &shared->totals[i];

		if (totals->dbid == dbid)
			return totals;
		if (!OidIsValid(totals->dbid) && idle == NULL)
			idle = totals;
	}
	if (!make || idle == NULL)
		return NULL;
	idle->dbid = dbid;
	idle->reset_at = PgStartTime;
	return idle;
}

/* Make the slot of this backend its own; false where there is none, or no database yet. */
static bool
attach(void)
{
	StatSlot   *slot;
	StatTotals *totals;

	if (shared == NULL || !OidIsValid(MyDatabaseId) || MyBackendId < 1 || MyBackendId > nslots())
		return false;
	slot = &shared->slots[MyBackendId - 1];
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (slot->dbid != MyDatabaseId)
	{
		totals = OidIsValid(slot->dbid) ? totals_of(slot->dbid, true) : NULL;
		for (size_t i = 0; i < NVALUES; i++)
		{
			if (totals != NULL)
				totals->value[i] += pg_atomic_read_u64(&slot->value[i]);
			pg_atomic_write_u64(&slot->value[i], 0);
		}
		slot->dbid = MyDatabaseId;
	}
	(void) totals_of(MyDatabaseId, true);
	LWLockRelease(&shared->lock);
	my_slot = slot;
	return true;
}

static void
add_value(size_t i, uint64 n)
{
	pg_atomic_uint64 *value;

	if (my_slot == NULL && !attach())
		return;
	value = &my_slot->value[i];
	pg_atomic_write_u64(value, pg_atomic_read_u64(value) + n);
}

void
stat_add(StatCounter counter, uint64 n)
{
	add_value(offsetof(StatCounts, counter) / sizeof(uint64) + counter, n);
}

void
stat_set(StatCounter counter, uint64 value)
{
	if (my_slot != NULL || attach())
		pg_atomic_write_u64(&my_slot->value[offsetof(StatCounts, counter) / sizeof(uint64) + counter], value);
}

/* Number of a rule, given once and for all until the server ends. */
static int
rule_number(const char *name)
{
	int			i;

	for (i = 0; i < STAT_MAX_RULES - 1 && shared->rule[i][0] != '\0'; i++)
	{
		if (strncmp(shared->rule[i], name, STAT_RULE_LEN - 1) == 0)
			return i;
	}
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (i = 0; i < STAT_MAX_RULES - 1 && shared->rule[i][0] != '\0'; i++)
	{
		if (strncmp(shared->rule[i], name, STAT_RULE_LEN - 1) == 0)
			break;
	}
	if (shared->rule[i][0] == '\0')
		strlcpy(shared->rule[i], i < STAT_MAX_RULES - 1 ? name : "other", STAT_RULE_LEN);
	LWLockRelease(&shared->lock);
	return i;
}

void
stat_refused(const char *rule, bool permitted)
{
	size_t		start = permitted ? offsetof(StatCounts, permitted) : offsetof(StatCounts, denied);

	if (my_slot == NULL && !attach())
		return;
	stat_add(permitted ? STAT_PERMITTED : STAT_DENIALS, 1);
	add_value(start / sizeof(uint64) + rule_number(rule && rule[0] ? rule : "none"), 1);
}

const char *
stat_rule_name(int i)
{
	return shared != NULL && i < STAT_MAX_RULES && shared->rule[i][0] != '\0' ? shared->rule[i] : NULL;
}

int
stat_databases(Oid **dbids)
{
	int			n = 0;

	*dbids = palloc(MAX_DATABASES * sizeof(Oid));
	if (shared == NULL)
		return 0;
	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		if (OidIsValid(shared->totals[i].dbid))
			(*dbids)[n++] = shared->totals[i].dbid;
	}
	LWLockRelease(&shared->lock);
	return n;
}

/* The lock is held. */
static void
sum_up(const StatTotals *totals, uint64 *sum)
{
	memcpy(sum, totals->value, sizeof(totals->value));
	for (int i = 0; i < nslots(); i++)
	{
		StatSlot   *slot = &shared->slots[i];

		if (slot->dbid != totals->dbid)
			continue;
		for (size_t j = 0; j < NVALUES; j++)
			sum[j] += pg_atomic_read_u64(&slot->value[j]);
	}
}

bool
stat_read(Oid dbid, StatCounts *counts, TimestampTz *reset_at)
{
	uint64		sum[NVALUES];
	uint64		gauge = 0;
	StatTotals *totals;

	if (shared == NULL)
		return false;
	LWLockAcquire(&shared->lock, LW_SHARED);
	totals = totals_of(dbid, false);
	if (totals != NULL)
	{
		sum_up(totals, sum);
		*reset_at = totals->reset_at;
		for (size_t i = 0; i < NVALUES; i++)
			sum[i] -= Min(sum[i], totals->base[i]);

		/* Of the backend that says so now; of those that are gone nothing. */
		for (int i = 0; i < nslots(); i++)
		{
			if (shared->slots[i].dbid == dbid)
				gauge = Max(gauge, pg_atomic_read_u64(&shared->slots[i].value[STAT_LAST_LAG]));
		}
		memcpy(counts, sum, sizeof(*counts));
		counts->counter[STAT_LAST_LAG] = gauge;
	}
	LWLockRelease(&shared->lock);
	return totals != NULL;
}

void
stat_reset(Oid dbid)
{
	StatTotals *totals;

	if (shared == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	totals = totals_of(dbid, false);
	if (totals != NULL)
	{
		sum_up(totals, totals->base);
		totals->reset_at = GetCurrentTimestamp();
	}
	LWLockRelease(&shared->lock);
}
