/*-------------------------------------------------------------------------
 *
 * response_rule.c
 *		Rows of dataclass.response_rule, and which breaches they are about.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/response.h"

enum
{
	ATT_NAME = 1,
	ATT_KIND,
	ATT_RULE,
	ATT_MIN_CLASS,
	ATT_THRESHOLD,
	ATT_WINDOW,
	ATT_MEASURE,
	ATT_ALL_SESSIONS,
	ATT_ENABLED
};

#define NATTS ATT_ENABLED

static const char *const measure_names[] = {
	[RESPONSE_NOTIFY] = "notify",
	[RESPONSE_END_SESSION] = "end_session",
	[RESPONSE_SUSPEND] = "suspend_clearance",
	[RESPONSE_QUARANTINE] = "quarantine"
};

const char *
response_measure_name(ResponseMeasure measure)
{
	return measure_names[measure];
}

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

static ResponseRule *
read_rule(Datum *values, bool *nulls)
{
	ResponseRule *rule = palloc0(sizeof(ResponseRule));
	Interval   *window = DatumGetIntervalP(values[ATT_WINDOW - 1]);
	char	   *measure = TextDatumGetCString(values[ATT_MEASURE - 1]);

	rule->name = TextDatumGetCString(values[ATT_NAME - 1]);
	rule->kind = text_or_null(values[ATT_KIND - 1], nulls[ATT_KIND - 1]);
	rule->rule = text_or_null(values[ATT_RULE - 1], nulls[ATT_RULE - 1]);
	rule->min_class = text_or_null(values[ATT_MIN_CLASS - 1], nulls[ATT_MIN_CLASS - 1]);
	rule->threshold = DatumGetInt32(values[ATT_THRESHOLD - 1]);
	/* months of 30 days, as the CHECK on the column compares */
	rule->window = window->time + (window->month * (int64) DAYS_PER_MONTH + window->day) * USECS_PER_DAY;
	rule->all_sessions = DatumGetBool(values[ATT_ALL_SESSIONS - 1]);
	for (int i = 0; i < lengthof(measure_names); i++)
	{
		if (strcmp(measure, measure_names[i]) == 0)
		{
			rule->measure = i;
			return rule;
		}
	}
	return NULL;
}

/*
 * response_rules_read
 */
List *
response_rules_read(void)
{
	Relation	rel = kept_table_open("response_rule", AccessShareLock);
	Relation	index;
	List	   *rules = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rel == NULL || RelationGetNumberOfAttributes(rel) < NATTS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass.response_rule is missing or of another version")));
	/* in the order of names: what is done does not depend on where rows lie */
	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		Datum	   *values = palloc(sizeof(Datum) * RelationGetNumberOfAttributes(rel));
		bool	   *nulls = palloc(sizeof(bool) * RelationGetNumberOfAttributes(rel));
		ResponseRule *rule;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (DatumGetBool(values[ATT_ENABLED - 1]) && (rule = read_rule(values, nulls)) != NULL)
			rules = lappend(rules, rule);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return rules;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/*
 * response_rules_equal
 */
bool
response_rules_equal(List *a, List *b)
{
	if (list_length(a) != list_length(b))
		return false;
	for (int i = 0; i < list_length(a); i++)
	{
		const ResponseRule *left = list_nth(a, i);
		const ResponseRule *right = list_nth(b, i);

		if (!same_text(left->name, right->name) || !same_text(left->kind, right->kind) ||
			!same_text(left->rule, right->rule) || !same_text(left->min_class, right->min_class) ||
			left->threshold != right->threshold || left->window != right->window ||
			left->measure != right->measure || left->all_sessions != right->all_sessions)
			return false;
	}
	return true;
}

static int
class_rank(const PolicySnapshot *p, const char *name)
{
	for (int i = 0; i < p->nclasses; i++)
	{
		if (strcmp(p->classes[i].name, name) == 0)
			return p->classes[i].rank;
	}
	return POLICY_RANK_NONE;
}

/* A class of the record that the policy does not know may be any: it counts as the highest. */
static bool
class_matches(const ResponseRule *rule, const ResponseBreach *breach)
{
	const PolicySnapshot *p = policy_current();
	int			least;
	int			found;

	if (rule->min_class == NULL)
		return true;
	least = class_rank(p, rule->min_class);
	if (least == POLICY_RANK_NONE || breach->class == NULL)
		return false;
	found = class_rank(p, breach->class);
	return found == POLICY_RANK_NONE || found >= least;
}

/*
 * response_matches
 */
bool
response_matches(const ResponseRule *rule, const ResponseBreach *breach)
{
	return (rule->kind == NULL || same_text(rule->kind, breach->kind)) &&
		(rule->rule == NULL || same_text(rule->rule, breach->rule)) &&
		class_matches(rule, breach);
}

/*
 * response_target
 *		The role that logged in answers for what is done under other names: by the
 *		subject one could have another suspended by taking on his role.
 */
bool
response_target(const ResponseRule *rule, const ResponseBreach *breach, char *target)
{
	if (rule->measure == RESPONSE_QUARANTINE)
	{
		snprintf(target, RESPONSE_TARGET_SIZE, "relation:%u", breach->relation);
		return OidIsValid(breach->relation);
	}
	strlcpy(target, breach->login ? breach->login : "", RESPONSE_TARGET_SIZE);
	return breach->login != NULL || rule->measure == RESPONSE_NOTIFY;
}
