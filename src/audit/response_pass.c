/*-------------------------------------------------------------------------
 *
 * response_pass.c
 *		Response rules, applied to the trail record by record.
 *
 * Owns the row of dataclass_audit.response_position.  A batch of records, what
 * follows from it and the place in the trail are one transaction: a measure is
 * applied once, whatever crashes.  Counters live in memory (response_count.c);
 * they are made anew from the trail and from the measures that were applied when
 * the worker starts, when rules change and after a failure.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/response.h"

#define NOTIFY_APART	1000	/* ms between notices of one rule about one role */
#define BATCH	500				/* records in one transaction */

static MemoryContext rules_cxt = NULL;
static List *rules = NIL;		/* ResponseRule *, in rules_cxt */
static uint64 rules_generation = 0;
static bool measured = false;	/* by this pass */
static bool counting = false;	/* the counters are those of the position */

typedef struct Position
{
	Relation	rel;
	bool		found;
	ItemPointerData tid;
	int64		seq;
} Position;

void
response_forget(void)
{
	counting = false;
}

static void
open_position(Position *position)
{
	Oid			relid = trail_relid("response_position");
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(position, 0, sizeof(*position));
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table dataclass_audit.response_position does not exist")));
	position->rel = table_open(relid, RowExclusiveLock);
	scan = systable_beginscan(position->rel, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	position->found = HeapTupleIsValid(tuple);
	if (position->found)
	{
		bool		isnull;

		position->tid = tuple->t_self;
		position->seq = DatumGetInt64(heap_getattr(tuple, 1, RelationGetDescr(position->rel), &isnull));
	}
	systable_endscan(scan);
}

static void
close_position(Position *position, int64 seq)
{
	Datum		values[2] = {Int64GetDatum(seq), TimestampTzGetDatum(GetCurrentTimestamp())};
	bool		nulls[2] = {false, false};
	HeapTuple	tuple;

	if (!position->found || seq != position->seq)
	{
		tuple = heap_form_tuple(RelationGetDescr(position->rel), values, nulls);
		if (position->found)
			CatalogTupleUpdate(position->rel, &position->tid, tuple);
		else
			CatalogTupleInsert(position->rel, tuple);
	}
	table_close(position->rel, NoLock);
}

/* ------------------------------------------------------------------------
 * Records
 * ------------------------------------------------------------------------
 */

static char *
text_of(const AuditRecord *record, AuditTextField field)
{
	const AuditText *text = &record->text[field];

	return text->data ? pnstrdup(text->data, text->len) : NULL;
}

static int64
number_of(const AuditRecord *record, AuditNumberField field, int64 absent)
{
	return record->number[field].present ? record->number[field].value : absent;
}

static char *
class_of(const char *text)
{
	Label		label;
	LabelError	error;

	if (text == NULL)
		return NULL;
	if (!label_parse(text, strlen(text), &label, &error))
		return pstrdup(text);
	return pnstrdup(label.text + label.class_name.off, label.class_name.len);
}

/* False: no breach. */
static bool
breach_of(HeapTuple tuple, TupleDesc desc, ResponseBreach *breach)
{
	TrailTuple	row;
	const AuditRecord *record = &row.record;

	trail_deform(tuple, desc, &row);
	memset(breach, 0, sizeof(*breach));
	breach->seq = row.place.seq;
	breach->time = audit_timestamp(number_of(record, AUDIT_TIME, row.place.recorded_at));
	if (number_of(record, AUDIT_BREACH, 0) == 0)
		return false;
	breach->repeats = Max(number_of(record, AUDIT_REPEATS, 1), 1);
	breach->kind = text_of(record, AUDIT_KIND);
	breach->rule = text_of(record, AUDIT_RULE);
	breach->label = text_of(record, AUDIT_LABEL);
	breach->class = class_of(breach->label);
	breach->login = text_of(record, AUDIT_AUTHENTICATED_USER);
	if (breach->login == NULL)
		breach->login = text_of(record, AUDIT_SESSION_USER);
	/* Of a failed login only the name is known: whoever gives a colleague's must not have him suspended. */
	if (breach->login == NULL && (breach->kind == NULL || strcmp(breach->kind, "login_failed") != 0))
		breach->login = text_of(record, AUDIT_SUBJECT);
	breach->node = text_of(record, AUDIT_NODE);
	breach->session_id = text_of(record, AUDIT_SESSION_ID);
	breach->pid = (int) number_of(record, AUDIT_BACKEND_PID, 0);
	breach->object_identity = text_of(record, AUDIT_OBJECT_IDENTITY);
	if (number_of(record, AUDIT_CLASS_ID, 0) == RelationRelationId)
		breach->relation = (Oid) number_of(record, AUDIT_OBJECT_ID, 0);
	return true;
}

/* ------------------------------------------------------------------------
 * Counting
 * ------------------------------------------------------------------------
 */

/* By this process, or by a reinstatement, which changes the policy. */
static const ResponseLast *
last_measure(int index, const char *target)
{
	const ResponseRule *rule = list_nth(rules, index);
	ResponseLast *last = response_count_last(index, target, policy_generation());

	if (last->seq < 0)
	{
		last->seq = response_measured_to(rule->name, target, &last->at);
		if (rule->measure != RESPONSE_QUARANTINE)
			last->seq = Max(last->seq, response_measured_to("", target, NULL));
	}
	return last;
}

/*
 * Who was told of a role a moment ago is told of the rest together: a flood of
 * breaches is no flood of notices.
 */
static bool
told_just_now(int index, const char *target)
{
	const ResponseRule *rule = list_nth(rules, index);
	const ResponseLast *last = last_measure(index, target);

	return rule->measure == RESPONSE_NOTIFY && last->seq > 0 &&
		!TimestampDifferenceExceeds(last->at, GetCurrentTimestamp(), NOTIFY_APART);
}

static void
take_breach(const ResponseBreach *breach, bool fires)
{
	for (int i = 0; i < list_length(rules); i++)
	{
		const ResponseRule *rule = list_nth(rules, i);
		char		target[RESPONSE_TARGET_SIZE];
		int64		count;

		if (!response_matches(rule, breach) || !response_target(rule, breach, target) ||
			breach->seq <= last_measure(i, target)->seq)
			continue;
		count = response_count_add(i, target, breach);
		if (!fires || count < rule->threshold || told_just_now(i, target))
			continue;
		response_count_clear(i, target);
		response_apply(rule, target, breach, count);
		CommandCounterIncrement();
		measured = true;
	}
}

/* Rules that changed, if any did since the last time. */
static void
read_rules(void)
{
	MemoryContext fresh_cxt;
	MemoryContext old;
	List	   *fresh;

	policy_current();
	if (rules_cxt != NULL && rules_generation == policy_generation())
		return;
	fresh_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass response rules", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(fresh_cxt);
	fresh = response_rules_read();
	MemoryContextSwitchTo(old);
	rules_generation = policy_generation();
	if (rules_cxt != NULL && response_rules_equal(rules, fresh))
	{
		MemoryContextDelete(fresh_cxt);
		return;
	}
	MemoryContextSetParent(fresh_cxt, TopMemoryContext);
	if (rules_cxt)
		MemoryContextDelete(rules_cxt);
	rules_cxt = fresh_cxt;
	rules = fresh;
	counting = false;
}

/*
 * Backwards from the position, as far as any window reaches.  A record is never
 * recorded before its event happened, so that recorded_at tells where to stop;
 * a clock of another node that is ahead costs no more than exactness about it.
 */
static void
count_anew(Relation rel, Relation index, int64 position)
{
	int64		reach = 0;
	TimestampTz from;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass response", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ListCell   *cell;

	response_count_begin(rules);
	foreach(cell, rules)
		reach = Max(reach, ((const ResponseRule *) lfirst(cell))->window);
	from = GetCurrentTimestamp() - reach;
	ScanKeyInit(&key, TRAIL_SEQ, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(position));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	/* not in work: an index scan allocates what it keeps in the context of any of its calls */
	while (rules != NIL && HeapTupleIsValid(tuple = systable_getnext_ordered(scan, BackwardScanDirection)))
	{
		ResponseBreach breach;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetTimestampTz(heap_getattr(tuple, TRAIL_RECORDED_AT, RelationGetDescr(rel), &isnull)) < from)
			break;
		old = MemoryContextSwitchTo(work);
		if (breach_of(tuple, RelationGetDescr(rel), &breach))
			take_breach(&breach, false);
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}
	systable_endscan_ordered(scan);
	MemoryContextDelete(work);
	counting = true;
}

/*
 * response_pass
 */
bool
response_pass(void)
{
	Position	position;
	Oid			relid = trail_relid("event");
	Relation	rel;
	Relation	index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		seq;
	int			n = 0;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("audit trail does not exist in this database")));
	open_position(&position);
	seq = position.seq;
	measured = false;
	read_rules();
	rel = table_open(relid, AccessShareLock);
	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	if (!counting)
		count_anew(rel, index, seq);
	ScanKeyInit(&key, TRAIL_SEQ, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(seq));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	while (n < BATCH && HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		ResponseBreach breach;

		CHECK_FOR_INTERRUPTS();
		if (breach_of(tuple, RelationGetDescr(rel), &breach))
			take_breach(&breach, true);
		seq = breach.seq;
		n++;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	close_position(&position, seq);
	/* A position that a crash takes back costs another look; a measure goes with its position. */
	if (!measured)
		(void) set_config_option("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE,
								 GUC_ACTION_LOCAL, true, 0, false);
	return n == BATCH;
}
