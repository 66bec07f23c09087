/*-------------------------------------------------------------------------
 *
 * policy_era.c
 *		Ceilings of row labels as constraints, and the era they hold for.
 *
 * dataclass.row_within(label, ceiling, era) in a CHECK constraint makes core
 * vouch for every row of a table (label_rowproof.c uses that).  Core checks a
 * row once, with the dominance of that day.  Whatever could make a row that
 * passed then lie above the ceiling now ends the era: a changed order of the
 * classes, a compartment or a row label taken away, a restore.  The era is a
 * random token in dataclass.era, which no dump carries; constraints name the
 * one they were validated in, and dataclass.renew_ceilings() makes them anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/era.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/rowfilter.h"

#define ATT_TOKEN		2
#define ATT_ORDER		3
#define TOKEN_BYTES		8

/* ------------------------------------------------------------------------
 * The token
 * ------------------------------------------------------------------------
 */

static char *
fresh_token(void)
{
	uint8		random[TOKEN_BYTES];
	char	   *token = palloc(2 * TOKEN_BYTES + 1);

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values for the era of the policy")));
	hex_encode((char *) random, sizeof(random), token);
	token[2 * TOKEN_BYTES] = '\0';
	return token;
}

/* The classes from low to high, as text to compare with. */
static char *
class_order(const PolicySnapshot *p)
{
	StringInfoData order;

	initStringInfo(&order);
	for (int i = 0; i < p->nclasses; i++)
		appendStringInfo(&order, "%s%s", i ? "<" : "", p->classes[i].name);
	return order.data;
}

/*
 * Called after every change of classes, compartments or row labels.  With
 * taken_away, something that rows may rest on is gone; without, a new era
 * begins only if rows changed their order, which a new class does not.
 */
void
policy_era_changed(bool taken_away, bool only_added)
{
	const PolicySnapshot *p;
	Oid			relid;
	char	   *order;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum		values[3] = {0};
	bool		nulls[3] = {false, false, false};
	bool		replace[3] = {false, false, false};
	bool		isnull;

	/* a trigger does not see yet what its own statement did */
	CommandCounterIncrement();
	policy_invalidate_all();
	p = policy_current();
	relid = get_relname_relid("era", p->schema_oid);
	order = class_order(p);
	if (!OidIsValid(relid))
		return;
	rel = table_open(relid, RowExclusiveLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum		before = heap_getattr(tuple, ATT_ORDER, RelationGetDescr(rel), &isnull);

		replace[ATT_ORDER - 1] = isnull || strcmp(TextDatumGetCString(before), order) != 0;
		replace[ATT_TOKEN - 1] = taken_away || (replace[ATT_ORDER - 1] && !only_added);
		values[ATT_ORDER - 1] = CStringGetTextDatum(order);
		if (replace[ATT_TOKEN - 1])
			values[ATT_TOKEN - 1] = CStringGetTextDatum(fresh_token());
		if (replace[ATT_ORDER - 1] || replace[ATT_TOKEN - 1])
		{
			tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace);
			CatalogTupleUpdate(rel, &tuple->t_self, tuple);
		}
	}
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
	policy_invalidate_all();
}

/* ------------------------------------------------------------------------
 * SQL functions
 * ------------------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(dc_policy_era);
PG_FUNCTION_INFO_V1(dc_row_within);
PG_FUNCTION_INFO_V1(dc_fresh_era);

Datum
dc_policy_era(PG_FUNCTION_ARGS)
{
	const char *era = policy_current()->era;

	if (era == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(era));
}

/* A token for the row that CREATE EXTENSION inserts. */
Datum
dc_fresh_era(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(fresh_token()));
}

/* What one call site found out about its ceiling; answers by label are kept, too. */
#define WITHIN_MEMO 256			/* of the shipped classes no two collide in the low 8 bits */

typedef struct WithinState
{
	uint64		generation;		/* policy_generation() */
	bool		current_era;
	text	   *given;			/* the ceiling's text, as passed */
	ResolvedLabel ceiling;
	bool		memo_valid[WITHIN_MEMO];
	uint64		memo_id[WITHIN_MEMO];
	bool		memo_within[WITHIN_MEMO];
} WithinState;

static WithinState *
within_state(FunctionCallInfo fcinfo)
{
	WithinState *state = fcinfo->flinfo->fn_extra;
	text	   *given = PG_GETARG_TEXT_PP(1);
	const PolicySnapshot *p = policy_current();
	char	   *era;
	LabelSpec	spec;

	if (state && state->generation == policy_generation() &&
		VARSIZE_ANY(given) == VARSIZE_ANY(state->given) &&
		memcmp(given, state->given, VARSIZE_ANY(given)) == 0)
		return state;

	if (state == NULL)
		state = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(WithinState));
	fcinfo->flinfo->fn_extra = NULL;	/* until it is filled */
	memset(state, 0, sizeof(*state));
	state->given = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE_ANY(given));
	memcpy(state->given, given, VARSIZE_ANY(given));
	era = text_to_cstring(PG_GETARG_TEXT_PP(2));
	state->current_era = p->era && strcmp(p->era, era) == 0;
	label_parse_or_raise(LABEL_SPEC_PLAIN, text_to_cstring(given), &spec);
	resolve_label(p, &spec.label, &state->ceiling);
	state->generation = policy_generation();
	fcinfo->flinfo->fn_extra = state;
	return state;
}

static bool
is_within(uint64 id, const ResolvedLabel *ceiling)
{
	const PolicySnapshot *p = policy_current();
	const PolicyRowLabel *row = policy_row_label_by_id(p, id);
	ResolvedLabel resolved;
	Label		label;
	LabelError	error;

	if (row == NULL || !label_parse(row->text, strlen(row->text), &label, &error))
		return false;
	resolve_label(p, &label, &resolved);
	return ceiling->rank != POLICY_RANK_NONE && resolved.rank != POLICY_RANK_NONE &&
		label_dominates(&ceiling->label, ceiling->rank, &resolved.label, resolved.rank);
}

/*
 * Enforced in every mode: a constraint that lets rows pass would go on vouching
 * for them.  Only a restore, whose constraints are of another era and so vouch
 * for nothing, may be ahead of the policy.
 */
Datum
dc_row_within(PG_FUNCTION_ARGS)
{
	WithinState *state;
	uint64		id;
	int			slot;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("ceiling and era must not be null")));
	state = within_state(fcinfo);
	if (!state->current_era && policy_is_restoring())
		PG_RETURN_BOOL(true);
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	id = (uint64) PG_GETARG_INT64(0);
	slot = id % WITHIN_MEMO;
	if (!state->memo_valid[slot] || state->memo_id[slot] != id)
	{
		state->memo_valid[slot] = false;
		state->memo_within[slot] = is_within(id, &state->ceiling);
		state->memo_id[slot] = id;
		state->memo_valid[slot] = true;
	}
	PG_RETURN_BOOL(state->memo_within[slot]);
}
