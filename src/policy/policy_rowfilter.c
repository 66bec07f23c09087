/*-------------------------------------------------------------------------
 *
 * policy_rowfilter.c
 *		Row labels, decided once per label and subject.
 *
 * Owns the decision table: for the current subject, an entry for each label
 * that was met, with what may be done to its rows.  A label is decided when it
 * is met first; the table is emptied when the subject's epoch moves, at the
 * first row afterwards.  row_visible() costs a validity test and a look into a
 * small direct-mapped memo, whatever the policy looks like.
 *
 * The filter is STABLE and LEAKPROOF: it says nothing about its argument but
 * its result.  With row_security = off it raises where it would hide, as core
 * does for its own policies, so that a dump is complete or fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "rewrite/rowsecurity.h"
#include "utils/guc.h"
#include "utils/rls.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/rowfilter.h"
#include "pg_dataclass/stat.h"

typedef struct RowDecision
{
	uint64		id;				/* hash key: already the prefix of a SHA-256 */
	char		status;			/* simplehash */
	bool		registered;
	bool		readable;
	bool		writable;
	uint32		read_failed;	/* first rule that failed, DECISION_* */
	uint32		write_failed;
	int			required_tier;
} RowDecision;

#define SH_PREFIX row_table
#define SH_ELEMENT_TYPE RowDecision
#define SH_KEY_TYPE uint64
#define SH_KEY id
#define SH_HASH_KEY(tb, key) ((uint32) (key))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static MemoryContext table_cxt = NULL;
static row_table_hash *table = NULL;
static uint64 table_epoch = 0;	/* 0: no table; a subject's epoch is never 0 */
static uint64 table_generation = 0;	/* policy_generation() */
static bool hide_unregistered = true;

/*
 * Answers of row_visible(), by the low bits of the label's id, valid for
 * table_epoch.  Ids are prefixes of hashes, so that few labels collide; an
 * unused slot holds the complement of what belongs there.
 */
#define MEMO_SIZE 256

typedef struct RowMemo
{
	uint64		id;
	bool		readable;
} RowMemo;

static RowMemo memo[MEMO_SIZE];

/*
 * Checks of new rows that passed, valid for table_epoch and
 * relation_labels_stamp; in one of two neighbouring slots.
 */
#define CHECK_MEMO_SIZE 64

typedef struct CheckMemo
{
	uint64		id;
	Oid			relid;			/* InvalidOid: unused */
} CheckMemo;

static CheckMemo check_memo[CHECK_MEMO_SIZE];
static uint64 check_memo_stamp = 0;

static Oid	function_oids[ROW_FUNCTION_COUNT];
static uint64 function_generation = 0;

Oid
row_function_oid(RowFunction function)
{
	policy_current();
	if (function_generation != policy_generation())
	{
		Oid			label = row_label_type();
		const struct
		{
			const char *name;
			int			nargs;
			Oid			arguments[5];
		}			functions[ROW_FUNCTION_COUNT] = {
			{"row_visible", 1, {label}},
			{"row_check", 3, {label, OIDOID, INT4OID}},
			{"row_relabel", 3, {label, label, OIDOID}},
			{"statistics_visible", 2, {OIDOID, INT2OID}},
			{"statistics_ext_visible", 1, {OIDOID}},
			{"row_within", 3, {label, TEXTOID, TEXTOID}},
			{"label_eq", 2, {label, label}},
			{"row_version_check", 5, {label, OIDOID, OIDOID, INT4OID, INTERNALOID}},
			{"row_version_trigger", 0, {InvalidOid}},
			{"partition_check", 1, {OIDOID}},
			{"copy_check", 2, {label, OIDOID}},
		};

		memset(function_oids, 0, sizeof(function_oids));
		if (OidIsValid(label))
			for (int i = 0; i < ROW_FUNCTION_COUNT; i++)
				function_oids[i] = LookupFuncName(list_make2(makeString(pstrdup(DC_SCHEMA)),
															 makeString(pstrdup(functions[i].name))),
												  functions[i].nargs, functions[i].arguments, true);
		function_generation = policy_generation();
	}
	return function_oids[function];
}

/* ------------------------------------------------------------------------
 * The decision table
 * ------------------------------------------------------------------------
 */

static void
forget_answers(void)
{
	for (int i = 0; i < MEMO_SIZE; i++)
		memo[i].id = ~(uint64) i;
	memset(check_memo, 0, sizeof(check_memo));
}

/* Slow path: the subject or the policy changed since the table was begun. */
static pg_noinline void
begin_table(void)
{
	(void) subject_current();
	forget_answers();
	table = NULL;
	table_epoch = 0;
	if (table_cxt)
		MemoryContextReset(table_cxt);
	else
		table_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass row labels",
										  ALLOCSET_DEFAULT_SIZES);
	table = row_table_create(table_cxt, 64, NULL);
	hide_unregistered = guc_enforcement == ENFORCEMENT_ENFORCING;
	table_generation = subject_state.generation;
	table_epoch = subject_epoch();
}

static inline void
ensure_table(void)
{
	if (unlikely(!subject_epoch_is_current_fast(table_epoch, table_generation)))
		begin_table();
}

static void
decide_label(const char *text, RowDecision *decided)
{
	const PolicySnapshot *p = policy_current();
	LabelError	error;
	Label		label;
	ResolvedLabel resolved;
	PolicyRequest request;
	PolicyDecision read;
	PolicyDecision write;

	request_init(&request, subject_current(), ACTION_READ);
	request.governed = true;
	if (label_parse(text, strlen(text), &label, &error))
	{
		resolve_label(p, &label, &resolved);
		request_object(&request, &resolved);
	}
	stat_add(STAT_ROW_DECISIONS, 1);
	read = policy_decide(&request);
	request.action = ACTION_WRITE;
	write = policy_decide(&request);
	decided->registered = true;
	decided->readable = read.verdict != DECISION_DENY;
	decided->writable = write.verdict != DECISION_DENY;
	decided->read_failed = read.first;
	decided->write_failed = write.first;
	decided->required_tier = request.required_tier;
}

/*
 * The decision about a label.  Valid until the next call; the look-up of a
 * label may take in invalidations, after which it starts over.
 */
static const RowDecision *
decision_of(uint64 id)
{
	for (;;)
	{
		const PolicyRowLabel *row;
		RowDecision fresh = {.id = id};
		RowDecision *entry;
		bool		found;
		char		status;

		ensure_table();
		entry = row_table_lookup(table, id);
		if (entry)
			return entry;
		row = policy_row_label_by_id(policy_current(), id);
		if (row)
			decide_label(row->text, &fresh);
		else
			fresh.readable = fresh.writable = !hide_unregistered;
		if (!subject_epoch_is_current(table_epoch))
		{
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		entry = row_table_insert(table, id, &found);
		status = entry->status;
		*entry = fresh;
		entry->status = status;
		return entry;
	}
}

/*
 * Refusals that concern a row.  relid may be invalid where only the filter is
 * known.  Says nothing of the row's label to the client.
 */
static void
refuse_row(EnforcementMode mode, Oid relid, uint64 id, const char *rule, int required_tier,
		   const char *message, const char *detail, const char *hint)
{
	const PolicySnapshot *p = policy_current();
	const PolicyRowLabel *row = policy_row_label_by_id(p, id);
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ROW_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "row";
	if (OidIsValid(relid))
	{
		refusal.event.class_id = RelationRelationId;
		refusal.event.object_id = relid;
		refusal.event.object_type = "table";
		refusal.event.object_identity = report_relation_identity(relid);
	}
	refusal.event.label = row ? row->text : "unregistered";
	refusal.event.rule = rule;
	refusal.event.required_tier = required_tier != POLICY_RANK_NONE ? policy_tier_name(p, required_tier) : NULL;
	refusal.event.found_tier = policy_tier_name(p, subject_current()->session_tier);
	refusal.event.detail = detail;
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = hint;
	refusal.mode = mode;
	report_refusal(&refusal);
}

/* row_security = off: hiding a row silently would make a dump incomplete. */
static pg_noinline void
complain_about_hidden(uint64 id)
{
	refuse_row(guc_enforcement, InvalidOid, id, "dominance", POLICY_RANK_NONE,
			   "query would be affected by row labels",
			   "With row_security = off, rows that the clearance does not reach raise an error instead of being left out.",
			   "Set row_security to on, or run as a role cleared for every row of the table.");
}

static pg_noinline bool
decide_readable(uint64 id)
{
	bool		readable = decision_of(id)->readable;

	/* not remembered: each hidden row complains anew; a change of row_security moves the epoch */
	if (unlikely(!readable && !row_security))
		complain_about_hidden(id);
	else
	{
		memo[id % MEMO_SIZE].id = id;
		memo[id % MEMO_SIZE].readable = readable;
	}
	return readable;
}

/* Inlined into dc_row_visible(): one call per row is what there is to save. */
static inline bool
label_readable(uint64 id)
{
	const RowMemo *known = &memo[id % MEMO_SIZE];

	/* no branch on the answer: labels come in no order that a processor could foresee */
	if (likely(subject_epoch_is_current_fast(table_epoch, table_generation) &
			   (known->id == id)))
		return known->readable;
	return decide_readable(id);
}

bool
row_label_readable(uint64 id)
{
	return label_readable(id);
}

bool
row_label_readable_quietly(uint64 id)
{
	return decision_of(id)->readable;
}

bool
row_label_writable(uint64 id)
{
	const RowDecision *entry = decision_of(id);

	return entry->writable && entry->readable;
}

/* ------------------------------------------------------------------------
 * Checks that raise
 * ------------------------------------------------------------------------
 */

/*
 * label is NULL for stored rows: whoever would change one need not know its
 * label.  That of a new row its writer has given.
 */
static const char *
why_row_refused(uint32 failed, const char *label)
{
	const char *named = label ? psprintf(", \"%s\",", label) : "";

	switch (failed)
	{
		case DECISION_NO_CLEARANCE:
			return "The role has no clearance in this database.";
		case DECISION_DOMINANCE:
			return psprintf("The label of the row%s is not dominated by any clearance of the role.", named);
		case DECISION_FLOOR:
			return psprintf("The label of the row%s is below the floor of the role's clearance.", named);
		case DECISION_SESSION_TIER:
			return psprintf("The label of the row%s needs a tier that the session does not reach.", named);
		default:
			return psprintf("The label of the row%s is not known to the policy of this database.", named);
	}
}

/* As the type's output function shows it. */
static const char *
label_text(uint64 id)
{
	const PolicyRowLabel *row = policy_row_label_by_id(policy_current(), id);

	return row ? pstrdup(row->text) : psprintf("#%016llx", (unsigned long long) id);
}

/* Is the label within the label of the table that is to hold it? */
static bool
within_table(uint64 id, const RelationLabels *labels)
{
	const PolicyRowLabel *row = policy_row_label_by_id(policy_current(), id);
	Label		label;
	LabelError	error;
	ResolvedLabel resolved;

	if (!labels->governed || row == NULL)
		return true;
	if (!label_parse(row->text, strlen(row->text), &label, &error))
		return false;
	resolve_label(policy_current(), &label, &resolved);
	return labels->label.rank != POLICY_RANK_NONE && resolved.rank != POLICY_RANK_NONE &&
		label_dominates(&labels->label.label, labels->label.rank, &resolved.label, resolved.rank);
}

/* Why a row whose label failed a check may all the same be stored, or raise. */
static void
check_refused(uint64 id, Oid relid, RowCheckKind kind, const RowDecision *entry)
{
	uint32		failed = entry->read_failed ? entry->read_failed : entry->write_failed;
	char	   *table_name = get_rel_name(relid);
	const char *label = kind == ROW_CHECK_NEW ? label_text(id) : NULL;
	const char *message = kind == ROW_CHECK_NEW ?
		psprintf("row label violates the clearance for table \"%s\"", table_name ? table_name : "?") :
		psprintf("row labels of table \"%s\" do not permit this change", table_name ? table_name : "?");

	if (!entry->registered)
	{
		if (kind == ROW_CHECK_NEW && subject_writes_ahead_of_policy(true))
			return;
		refuse_row(guc_enforcement, relid, id, decision_rule_name(DECISION_UNKNOWN_LABEL), POLICY_RANK_NONE, message,
				   label ? psprintf("The label of the row, \"%s\", is not registered in this database.", label) :
				   "The label of the row is not registered in this database.",
				   "An officer can register it: SELECT dataclass.create_label('...').");
		return;
	}
	/* the policy may be there in part: classes, but not yet compartments or tiers */
	if (failed != 0 && kind == ROW_CHECK_NEW &&
		subject_writes_ahead_of_policy(failed == DECISION_UNKNOWN_LABEL || entry->required_tier == POLICY_RANK_NONE))
		return;
	if (failed != 0)
	{
		/* a part whose own mode is permissive let it pass */
		EnforcementMode mode = entry->readable && entry->writable ? ENFORCEMENT_PERMISSIVE : guc_enforcement;

		refuse_row(mode, relid, id, decision_rule_name(failed), entry->required_tier, message,
				   why_row_refused(failed, label),
				   "See what this session may do: SELECT * FROM dataclass.session().");
		return;
	}
	if (!subject_writes_ahead_of_policy(relation_labels(relid)->label.rank == POLICY_RANK_NONE))
		refuse_row(guc_enforcement, relid, id, "table_label", entry->required_tier, message,
				   psprintf("The label of the row, \"%s\", is above the label of the table.", label_text(id)),
				   "An officer can raise the label of the table: SECURITY LABEL FOR dataclass ON TABLE ... IS '...'.");
}

/*
 * Has exactly this check passed before?  Labels of relations are part of it,
 * so that any relcache message empties the memo.
 */
static inline bool
check_known(uint64 id, Oid relid)
{
	int			slot = (id ^ relid) % CHECK_MEMO_SIZE;
	const CheckMemo *known = &check_memo[slot];
	const CheckMemo *other = &check_memo[slot ^ 1];

	return check_memo_stamp == relation_labels_stamp &&
		((known->id == id && known->relid == relid) || (other->id == id && other->relid == relid));
}

static void
check_remember(uint64 id, Oid relid, uint64 stamp)
{
	int			slot = (id ^ relid) % CHECK_MEMO_SIZE;
	CheckMemo  *known = &check_memo[slot];

	if (stamp != relation_labels_stamp || !subject_epoch_is_current(table_epoch))
		return;
	if (check_memo_stamp != stamp)
		memset(check_memo, 0, sizeof(check_memo));
	check_memo_stamp = stamp;
	check_memo[slot ^ 1] = *known;
	known->id = id;
	known->relid = relid;
}

void
row_check(uint64 id, bool isnull, Oid relid, RowCheckKind kind)
{
	RowDecision entry;
	uint64		stamp;

	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	if (isnull)
	{
		char	   *table_name = get_rel_name(relid);

		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("row label of table \"%s\" must not be null", table_name ? table_name : "?"),
				 errdetail("A row without a label could not be judged."),
				 errhint("Give the label column a value such as 'restricted', or a default.")));
	}
	ensure_table();
	if (kind == ROW_CHECK_NEW && check_known(id, relid))
		return;
	stamp = relation_labels_stamp;
	entry = *decision_of(id);
	if (entry.registered && entry.read_failed == 0 && entry.write_failed == 0 &&
		(kind == ROW_CHECK_EXISTING || within_table(id, relation_labels(relid))))
	{
		if (kind == ROW_CHECK_NEW)
			check_remember(id, relid, stamp);
		return;
	}
	check_refused(id, relid, kind, &entry);
}

/* Privileges a change of label needs: raise, lower, or both where they do not compare. */
static uint32
relabel_privileges(const ResolvedLabel *old_label, const ResolvedLabel *new_label)
{
	uint32		needed = 0;

	if (!label_dominates(&old_label->label, old_label->rank, &new_label->label, new_label->rank))
		needed |= LABEL_PRIVILEGE_RECLASSIFY;
	if (!label_dominates(&new_label->label, new_label->rank, &old_label->label, old_label->rank))
		needed |= LABEL_PRIVILEGE_DECLASSIFY;
	return needed;
}

static bool
resolve_row_label(uint64 id, ResolvedLabel *resolved)
{
	const PolicySnapshot *p = policy_current();
	const PolicyRowLabel *row = policy_row_label_by_id(p, id);
	Label		label;
	LabelError	error;

	if (row == NULL || !label_parse(row->text, strlen(row->text), &label, &error))
		return false;
	resolve_label(p, &label, resolved);
	return resolved->rank != POLICY_RANK_NONE;
}

void
row_check_relabel(uint64 old_id, uint64 new_id, Oid relid)
{
	ResolvedLabel old_label;
	ResolvedLabel new_label;
	const Subject *s;
	uint32		needed;

	row_check(old_id, false, relid, ROW_CHECK_EXISTING);
	row_check(new_id, false, relid, ROW_CHECK_NEW);
	if (!resolve_row_label(old_id, &old_label) || !resolve_row_label(new_id, &new_label))
		return;					/* row_check() has spoken, unless the mode lets go on */
	needed = relabel_privileges(&old_label, &new_label);
	s = subject_current();
	for (int i = 0; i < s->nclearances; i++)
	{
		const Clearance *c = &s->clearances[i];

		if (c->rank != POLICY_RANK_NONE && !c->emergency && (c->privileges & needed) == needed &&
			label_dominates(&c->ceiling, c->rank, &old_label.label, old_label.rank) &&
			label_dominates(&c->ceiling, c->rank, &new_label.label, new_label.rank))
			return;
	}
	refuse_row(guc_enforcement, relid, new_id, decision_rule_name(DECISION_PRIVILEGE), POLICY_RANK_NONE,
			   psprintf("row labels of table \"%s\" do not permit this change", get_rel_name(relid)),
			   needed == LABEL_PRIVILEGE_RECLASSIFY ? "Raising the label of a row needs the privilege reclassify." :
			   needed == LABEL_PRIVILEGE_DECLASSIFY ? "Lowering the label of a row needs the privilege declassify." :
			   "Moving a row to a label that does not compare needs the privileges reclassify and declassify.",
			   "An officer can grant it: SECURITY LABEL FOR dataclass ON ROLE ... IS '... with (declassify, reclassify)'.");
}

/* ------------------------------------------------------------------------
 * SQL functions
 * ------------------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(dc_row_visible);
PG_FUNCTION_INFO_V1(dc_row_check);
PG_FUNCTION_INFO_V1(dc_copy_check);
PG_FUNCTION_INFO_V1(dc_row_relabel);

Datum
dc_row_visible(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(label_readable((uint64) PG_GETARG_INT64(0)));
}

Datum
dc_row_check(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table and kind of check must not be null")));
	row_check(PG_ARGISNULL(0) ? 0 : (uint64) PG_GETARG_INT64(0), PG_ARGISNULL(0),
			  PG_GETARG_OID(1), (RowCheckKind) PG_GETARG_INT32(2));
	PG_RETURN_BOOL(true);
}

/* Declared STABLE: COPY inserts in batches only where nothing in WHERE is volatile. */
Datum
dc_copy_check(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table must not be null")));
	row_check(PG_ARGISNULL(0) ? 0 : (uint64) PG_GETARG_INT64(0), PG_ARGISNULL(0),
			  PG_GETARG_OID(1), ROW_CHECK_NEW);
	PG_RETURN_BOOL(true);
}

Datum
dc_row_relabel(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table must not be null")));
	/* a new row of a foreign table, for which core evaluates no check options */
	if (PG_ARGISNULL(0))
		row_check(PG_ARGISNULL(1) ? 0 : (uint64) PG_GETARG_INT64(1), PG_ARGISNULL(1),
				  PG_GETARG_OID(2), ROW_CHECK_NEW);
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();		/* row_check() refuses it */
	if (!PG_ARGISNULL(0) && PG_GETARG_INT64(0) != PG_GETARG_INT64(1) &&
		guc_enforcement != ENFORCEMENT_OFF)
	{
		row_check_relabel((uint64) PG_GETARG_INT64(0), (uint64) PG_GETARG_INT64(1), PG_GETARG_OID(2));
		row_check((uint64) PG_GETARG_INT64(1), false, PG_GETARG_OID(2), ROW_CHECK_NEW);
	}
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}
