/*-------------------------------------------------------------------------
 *
 * response_count.c
 *		How many breaches of a rule lie within its window, per target.
 *
 * Owns the counters of this worker.  A counter holds the breaches themselves,
 * so that each leaves at its own time; it is emptied when the threshold is
 * reached and so never holds more than that many.
 *
 * Time is the time of the events.  Records from a journal come late: the window
 * ends at the latest event of the target, whatever the order of arrival.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/response.h"

typedef struct CounterKey
{
	int			rule;
	char		target[RESPONSE_TARGET_SIZE];
} CounterKey;

typedef struct Counted
{
	TimestampTz time;
	int64		repeats;
} Counted;

typedef struct Counter
{
	CounterKey	key;
	TimestampTz latest;
	ResponseLast last;
	uint64		generation;		/* of the policy, when that was looked up */
	int			n;
	int			room;
	Counted    *counted;
} Counter;

static MemoryContext count_cxt = NULL;
static HTAB *counters = NULL;
static List *count_rules = NIL;

/*
 * response_count_begin
 */
void
response_count_begin(List *rules)
{
	HASHCTL		ctl;

	if (count_cxt)
		MemoryContextReset(count_cxt);
	else
		count_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass response counters",
										  ALLOCSET_DEFAULT_SIZES);
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(CounterKey);
	ctl.entrysize = sizeof(Counter);
	ctl.hcxt = count_cxt;
	counters = hash_create("pg_dataclass response counters", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	count_rules = rules;
}

static void
leave_out_old(Counter *counter, TimestampTz from)
{
	int			kept = 0;

	for (int i = 0; i < counter->n; i++)
	{
		if (counter->counted[i].time > from)
			counter->counted[kept++] = counter->counted[i];
	}
	counter->n = kept;
}

static void
add(Counter *counter, const ResponseBreach *breach)
{
	if (counter->n == counter->room)
	{
		counter->room = Max(counter->room * 2, 8);
		if (counter->counted == NULL)
			counter->counted = MemoryContextAlloc(count_cxt, counter->room * sizeof(Counted));
		else
			counter->counted = repalloc(counter->counted, counter->room * sizeof(Counted));
	}
	counter->counted[counter->n].time = breach->time;
	counter->counted[counter->n].repeats = breach->repeats;
	counter->n++;
}

static Counter *
counter_of(int rule, const char *target)
{
	CounterKey	key;
	Counter    *counter;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.rule = rule;
	strlcpy(key.target, target, sizeof(key.target));
	counter = hash_search(counters, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) counter + sizeof(CounterKey), 0, sizeof(Counter) - sizeof(CounterKey));
		counter->last.seq = -1;
	}
	return counter;
}

/*
 * response_count_last
 */
ResponseLast *
response_count_last(int rule, const char *target, uint64 generation)
{
	Counter    *counter = counter_of(rule, target);

	if (counter->generation != generation)
		counter->last.seq = -1;
	counter->generation = generation;
	return &counter->last;
}

/*
 * response_count_add
 */
int64
response_count_add(int rule, const char *target, const ResponseBreach *breach)
{
	const ResponseRule *r = list_nth(count_rules, rule);
	Counter    *counter = counter_of(rule, target);
	int64		count = 0;

	counter->latest = Max(counter->latest, breach->time);
	leave_out_old(counter, counter->latest - r->window);
	if (breach->time > counter->latest - r->window)
		add(counter, breach);
	for (int i = 0; i < counter->n; i++)
		count += counter->counted[i].repeats;
	return count;
}

/*
 * response_count_clear
 */
void
response_count_clear(int rule, const char *target)
{
	Counter    *counter = counter_of(rule, target);

	counter->n = 0;
	counter->last.seq = -1;
}
