/*-------------------------------------------------------------------------
 *
 * watch_pass.c
 *		One pass: what was found at each place, against what is known of it.
 *
 * Relations are looked at only when evidence, policy, labels or mode changed,
 * or while some are under quarantine; otherwise nothing is written.  Standing
 * violations are kept per place as names of classes, so that each is recorded
 * when it begins, when its evidence changes, and when it ends.
 *
 * Runs in the worker and in dataclass.check_storage().  Passes exclude each
 * other by the lock that watch_state_read() takes; relations are not locked.
 * All is one transaction: events, quarantine and state come together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_tablespace.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest.h"
#include "pg_dataclass/quarantine.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/risk.h"
#include "pg_dataclass/watch.h"

/* Beyond that many relations in one pass an event per class and place has to do. */
#define EVENTS_OF_RELATIONS		100

/* Under quarantine, they are looked at again in each pass, unless they are more. */
#define LOOK_AGAIN_AT			1000

typedef struct Pass
{
	Relation	state;
	List	   *places;			/* WatchPlace * */
	WatchJudge *judge;
	List	   *findings;		/* WatchFinding *, ascending by relation */
	int64		policy;
	bool		quarantine_changed;
	WatchResult *result;
} Pass;

/* Everything that the demands on places depend on, as one number. */
static int64
policy_fingerprint(const PolicySnapshot *p)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%d\n", watch_mode());
	for (int i = 0; i < p->ntiers; i++)
	{
		appendStringInfo(&text, "%s %d\n", p->tiers[i].name, p->tiers[i].rank);
		for (int c = 0; c < p->tiers[i].ncontrols; c++)
			appendStringInfo(&text, " %s=%s\n", p->tiers[i].controls[c].control,
							 p->tiers[i].controls[c].requirement);
	}
	for (int i = 0; i < p->nclasses; i++)
	{
		const PolicyClass *class = &p->classes[i];

		appendStringInfo(&text, "%s %d %d %d %d\n", class->name, class->rank, class->required_tier,
						 class->min_evidence, class->quarantines);
		for (int m = 0; m < class->nhosting_models; m++)
			appendStringInfo(&text, " %s\n", class->hosting_models[m]);
		for (int r = 0; r < class->nregions; r++)
			appendStringInfo(&text, " in %s\n", class->regions[r]);
	}
	return (int64) hash_bytes_extended((const unsigned char *) text.data, text.len, 0);
}

static WatchChange *
add_change(Pass *pass, const WatchPlace *place, const char *what)
{
	WatchChange *change = palloc0(sizeof(WatchChange));

	change->change = what;
	if (place != NULL)
	{
		change->place = place->place ? place->place->name : place->name;
		change->path = place->place ? place->place->path : NULL;
		change->before = place->before;
		change->after = place->place ? watch_evidence_text(place->place) : NULL;
	}
	pass->result->changes = lappend(pass->result->changes, change);
	return change;
}

static void
record(const AuditEvent *event)
{
	if (!event_record_at_commit(event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record what the storage watch found"),
				 errhint("See the server log for what is wrong with the audit trail; the watch tries again.")));
}

/* An event about a place and a class. */
static void
tell_place(Pass *pass, const WatchPlace *place, const char *class_name, EventKind kind,
		   const char *detail)
{
	const PolicySnapshot *p = pass->judge->p;
	AuditEvent	event = {0};

	event.kind = kind;
	event.severity = kind == EVENT_AT_REST_VIOLATION ? SEVERITY_HIGH : SEVERITY_NOTICE;
	event.outcome = OUTCOME_OBSERVED;
	event.breach = kind == EVENT_AT_REST_VIOLATION;
	event.action = "watch";
	if (OidIsValid(place->tablespace))
	{
		event.class_id = TableSpaceRelationId;
		event.object_id = place->tablespace;
	}
	event.object_type = place->place == NULL || place->place->kind != PLACE_TABLESPACE ? "place" : "tablespace";
	event.object_identity = place->place ? place->place->name : place->name;
	event.label = class_name;
	event.rule = "at_rest";
	for (int c = 0; c < p->nclasses; c++)
	{
		if (strcmp(p->classes[c].name, class_name) == 0)
			event.required_tier = policy_tier_name(p, p->classes[c].required_tier);
	}
	if (place->place != NULL)
		event.found_tier = policy_tier_name(p, place_tier(p, place->place));
	event.detail = detail;
	record(&event);
}

/* An event about one relation. */
static void
tell_relation(Oid relid, const char *class_name, EventKind kind, EventSeverity severity, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = kind;
	event.severity = severity;
	event.outcome = OUTCOME_OBSERVED;
	event.action = "watch";
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_type = "table";
	event.object_identity = report_relation_identity(relid);
	event.label = class_name;
	event.rule = "quarantine";
	event.detail = detail;
	record(&event);
}

static bool
has_name(List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

/* Violations of one place that begin, go on with other evidence, or end. */
static void
compare_violations(Pass *pass, int index)
{
	const PolicySnapshot *p = pass->judge->p;
	WatchPlace *place = list_nth(pass->places, index);
	ListCell   *cell;

	for (int c = 0; place->place != NULL && c < p->nclasses; c++)
	{
		int64		count = pass->judge->counts[index * p->nclasses + c];
		const PolicyClass *class = &p->classes[c];
		WatchChange *change;

		if (count == 0 || watch_mode() == ENFORCEMENT_OFF)
			continue;
		place->violates_now = lappend(place->violates_now, pstrdup(class->name));
		if (has_name(place->violates, class->name) && !place->changed)
			continue;
		tell_place(pass, place, class->name, EVENT_AT_REST_VIOLATION,
				   psprintf("Before: %s. Now: %s. Relations of class %s there: " INT64_FORMAT ". %s",
							place->before ? place->before : "not looked at",
							watch_evidence_text(place->place), class->name, count,
							pass->judge->reasons[index * p->nclasses + c]));
		change = add_change(pass, place, "violation");
		change->class = class->name;
		change->relations = count;
	}
	foreach(cell, place->violates)
	{
		const char *name = lfirst(cell);

		if (has_name(place->violates_now, name))
			continue;
		if (watch_mode() != ENFORCEMENT_OFF)
			tell_place(pass, place, name, EVENT_AT_REST_HEALED,
					   psprintf("Before: %s. Now: %s. No relation of class %s is in violation there any more.",
								place->before ? place->before : "not looked at",
								place->place ? watch_evidence_text(place->place) : "gone", name));
		add_change(pass, place, "healed")->class = name;
	}
}

/* One row per place and class, and an event, instead of one per relation. */
static void
tell_many(Pass *pass, const int64 *added)
{
	const PolicySnapshot *p = pass->judge->p;

	for (int i = 0; i < pass->judge->nplaces * p->nclasses; i++)
	{
		const WatchPlace *place = list_nth(pass->places, i / Max(p->nclasses, 1));
		const char *class = p->classes[i % p->nclasses].name;
		WatchChange *change;

		if (added[i] == 0)
			continue;
		change = add_change(pass, place, "quarantined");
		change->class = class;
		change->relations = added[i];
		if (added[i] > EVENTS_OF_RELATIONS)
			tell_place(pass, place, class, EVENT_QUARANTINE,
					   psprintf(INT64_FORMAT " relations were put under quarantine: see dataclass.quarantine.", added[i]));
	}
}

/* Put what is in violation under quarantine, if the class says so. */
static void
quarantine_findings(Pass *pass)
{
	const PolicySnapshot *p = pass->judge->p;
	int64	   *added = palloc0(sizeof(int64) * Max(pass->judge->nplaces * p->nclasses, 1));
	ListCell   *cell;

	if (watch_mode() != ENFORCEMENT_ENFORCING)
		return;
	foreach(cell, pass->findings)
	{
		const WatchFinding *finding = lfirst(cell);
		const PolicyClass *class = &p->classes[finding->class];
		const WatchPlace *place = list_nth(pass->places, finding->place);
		int			slot = finding->place * p->nclasses + finding->class;
		const char *reason = pass->judge->reasons[slot];

		if (!class->quarantines || !quarantine_add(finding->relid, QUARANTINE_WATCH, place->place->name, reason))
			continue;
		pass->quarantine_changed = true;
		if (++added[slot] <= EVENTS_OF_RELATIONS)
			tell_relation(finding->relid, class->name, EVENT_QUARANTINE, SEVERITY_HIGH,
						  psprintf("Put under quarantine for %s \"%s\": %s",
								   place->place->kind == PLACE_TABLESPACE ? "tablespace" : "place",
								   place->place->name, reason));
	}
	tell_many(pass, added);
}

static const WatchFinding *
finding_of(const Pass *pass, Oid relid)
{
	int			low = 0;
	int			high = list_length(pass->findings) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const WatchFinding *finding = list_nth(pass->findings, middle);

		if (finding->relid == relid)
			return finding;
		if (finding->relid < relid)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/* End the quarantines that the watch began and that have no reason any more. */
static void
release_healed(Pass *pass, List *entries)
{
	int64		released = 0;
	ListCell   *cell;

	foreach(cell, entries)
	{
		const QuarantineEntry *entry = lfirst(cell);
		bool		exists = SearchSysCacheExists1(RELOID, ObjectIdGetDatum(entry->relid));
		const WatchFinding *finding = finding_of(pass, entry->relid);

		if (exists && (entry->origin != QUARANTINE_WATCH ||
					   (finding != NULL && watch_mode() == ENFORCEMENT_ENFORCING &&
						pass->judge->p->classes[finding->class].quarantines)))
			continue;
		if (!quarantine_remove(entry->relid))
			continue;
		pass->quarantine_changed = true;
		if (exists && released++ < EVENTS_OF_RELATIONS)
			tell_relation(entry->relid, NULL, EVENT_AT_REST_HEALED, SEVERITY_NOTICE,
						  finding == NULL ? "All places of the relation satisfy its class again: its quarantine has ended." :
						  "Policy and mode ask for no quarantine any more: it has ended.");
	}
	if (released > EVENTS_OF_RELATIONS)
	{
		AuditEvent	event = {0};

		event.kind = EVENT_AT_REST_HEALED;
		event.severity = SEVERITY_NOTICE;
		event.outcome = OUTCOME_OBSERVED;
		event.action = "watch";
		event.detail = psprintf("Quarantines that ended in this pass, those recorded one by one included: " INT64_FORMAT ".",
								released);
		record(&event);
	}
	if (released > 0)
		add_change(pass, NULL, "released")->relations = released;
}

/* Accepted risks whose time is over, or whose relation is gone. */
static void
end_risks(Pass *pass)
{
	ListCell   *cell;

	foreach(cell, risk_remove_ended(&pass->result->next))
	{
		Oid			relid = lfirst_oid(cell);

		pass->quarantine_changed = true;
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			continue;
		tell_relation(relid, NULL, EVENT_RISK_ACCEPTED, SEVERITY_HIGH,
					  "The time for which the risk was accepted is over.");
		add_change(pass, NULL, "risk ended")->relations = 1;
	}
}

static void
write_places(Pass *pass)
{
	ListCell   *cell;

	foreach(cell, pass->places)
	{
		WatchPlace *place = lfirst(cell);
		bool		same = list_length(place->violates) == list_length(place->violates_now);
		ListCell   *name;

		if (place->place == NULL)
		{
			watch_state_delete(pass->state, place);
			continue;
		}
		foreach(name, place->violates_now)
			same &= has_name(place->violates, lfirst(name));
		if (place->changed || place->moved || !same || place->policy != pass->policy)
			watch_state_write(pass->state, place, pass->policy);
	}
}

/* Is there any reason to look at relations? */
static bool
worth_a_look(const Pass *pass, List *entries)
{
	int			watched = 0;
	ListCell   *cell;

	foreach(cell, pass->places)
	{
		const WatchPlace *place = lfirst(cell);

		if (place->changed || place->policy != pass->policy)
			return true;
	}
	foreach(cell, entries)
		watched += ((const QuarantineEntry *) lfirst(cell))->origin == QUARANTINE_WATCH;
	return watched > 0 && watched <= LOOK_AGAIN_AT;
}

/*
 * watch_pass
 */
void
watch_pass(bool complete, WatchResult *result)
{
	Pass		pass = {0};
	List	   *entries;
	ListCell   *cell;
	TimestampTz expiry;
	bool		moved = false;

	memset(result, 0, sizeof(*result));
	pass.result = result;
	/* before the places are looked at: their evidence rests on it */
	(void) attestation_watch_pass(policy_current());
	pass.places = watch_state_read(&pass.state);
	pass.policy = policy_fingerprint(policy_current());
	entries = quarantine_entries();
	end_risks(&pass);
	expiry = attestation_next_expiry(policy_current());
	if (!TIMESTAMP_IS_NOEND(expiry) && (result->next == 0 || expiry < result->next))
		result->next = expiry;
	foreach(cell, pass.places)
	{
		const WatchPlace *place = lfirst(cell);

		result->places += place->place != NULL;
		moved |= place->moved;
		if (place->changed)
			add_change(&pass, place, "evidence");
	}

	if (complete || moved || worth_a_look(&pass, entries))
	{
		pass.judge = watch_judge_begin(pass.places);
		pass.findings = watch_mode() == ENFORCEMENT_OFF ? NIL : watch_judge_relations(pass.judge);
		for (int i = 0; i < list_length(pass.places); i++)
			compare_violations(&pass, i);
		release_healed(&pass, entries);
		quarantine_findings(&pass);
		write_places(&pass);
		result->complete = true;
	}
	if (pass.quarantine_changed)
	{
		CommandCounterIncrement();
		policy_invalidate_all();
	}
	table_close(pass.state, NoLock);
	result->nchanges = list_length(result->changes);
}
