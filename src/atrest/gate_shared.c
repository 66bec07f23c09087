/*-------------------------------------------------------------------------
 *
 * gate_shared.c
 *		The gate on places that all data of the server pass through.
 *
 * The write-ahead log, audit journal, server log, archive, swap and core dumps
 * count where a tier up to that of the class names their control; temporary
 * files are gate_temp.c's.  Mode and restores are as in atrest_gate.c.
 *
 * What these places have to satisfy depends on the class alone, and a
 * statement may label or move thousands of relations: a class that was let
 * through is not judged again before the next command.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/place.h"

/* The class that was let through last, and how long that counts. */
static struct
{
	char		class_name[NAMEDATALEN];	/* "": none */
	uint64		generation;
	TimestampTz transaction;
	TimestampTz statement;
	CommandId	command;
}			passed;

static bool
has_passed(const PolicyClass *class)
{
	return strcmp(passed.class_name, class->name) == 0 &&
		passed.generation == policy_generation() &&
		passed.transaction == GetCurrentTransactionStartTimestamp() &&
		passed.statement == GetCurrentStatementStartTimestamp() &&
		passed.command == GetCurrentCommandId(false);
}

/* Probing may have replaced the policy: its generation is the one that was judged by. */
static void
remember(const char *class_name, uint64 generation)
{
	strlcpy(passed.class_name, class_name, sizeof(passed.class_name));
	passed.generation = generation;
	passed.transaction = GetCurrentTransactionStartTimestamp();
	passed.statement = GetCurrentStatementStartTimestamp();
	passed.command = GetCurrentCommandId(false);
}

static const char *
next_step(const Place *place)
{
	const char *step = NULL;

	switch (place->kind)
	{
		case PLACE_TABLESPACE:
		case PLACE_TEMP:
			break;
		case PLACE_WAL:
			step = psprintf("Stop the server and move the data directory, or %s with a link in its place, to encrypted storage.",
							place->name);
			break;
		case PLACE_JOURNAL:
			step = "Stop the server and move the data directory, or pg_dataclass with a link in its place, to encrypted storage.";
			break;
		case PLACE_LOG:
			step = "Switch logging_collector on, with log_destination stderr and log_directory on encrypted storage.";
			break;
		case PLACE_ARCHIVE:
			step = "Archive to a local directory on encrypted storage, or have the archive attested.";
			break;
		case PLACE_SWAP:
			step = "Use swap on an encrypted device, or switch it off: swapoff -a.";
			break;
		case PLACE_CORE:
			step = "Start the server without core dumps, ulimit -c 0, or have them written to encrypted storage.";
			break;
	}
	return psprintf("%s%sSee what was found: SELECT * FROM dataclass.storage_evidence().",
					step ? step : "", step ? " " : "");
}

/* The first place of these kinds that does not do; NULL: all do. */
static const Place *
find_failing(const Label *label, const bool *named, char **reason)
{
	for (PlaceKind kind = PLACE_WAL; kind <= PLACE_CORE; kind++)
	{
		ListCell   *cell;

		if (!named[kind])
			continue;
		foreach(cell, places_of_kind(kind))
			if (!place_satisfies(policy_current(), label, lfirst(cell), reason))
				return lfirst(cell);
	}
	return NULL;
}

/*
 * gate_shared_wanted
 */
bool
gate_shared_wanted(const PolicySnapshot *p, const Label *label)
{
	const PolicyClass *class = policy_class_of(p, label);

	for (PlaceKind kind = PLACE_WAL; class != NULL && kind <= PLACE_CORE; kind++)
		if (kind != PLACE_TEMP && place_named(p, class->required_tier, kind))
			return true;
	return false;
}

/*
 * gate_check_shared
 */
bool
gate_check_shared(const Label *label, const AuditEvent *about)
{
	const PolicySnapshot *p = policy_current();
	const PolicyClass *class = policy_class_of(p, label);
	uint64		generation = policy_generation();
	bool		named[PLACE_CORE + 1] = {0};
	const Place *place;
	AuditEvent	event = *about;
	char	   *reason;

	if (gate_mode() == ENFORCEMENT_OFF || IsBinaryUpgrade || !gate_shared_wanted(p, label) || has_passed(class))
		return true;
	for (PlaceKind kind = PLACE_WAL; kind <= PLACE_CORE; kind++)
		named[kind] = kind != PLACE_TEMP && place_named(p, class->required_tier, kind);
	place = find_failing(label, named, &reason);
	p = policy_current();
	class = policy_class_of(p, label);
	if (place == NULL)
	{
		if (class != NULL)
			remember(class->name, generation);
		return true;
	}

	event.label = label->text;
	event.required_tier = class ? policy_tier_name(p, class->required_tier) : NULL;
	event.found_tier = policy_tier_name(p, place_tier(p, place));
	event.detail = psprintf("Place \"%s\": %s", place->name, reason);
	if (gate_mode() == ENFORCEMENT_ENFORCING && policy_is_restoring())
		return gate_let_in(&event, event.detail);
	gate_refuse(&event,
				psprintf("cannot place data labeled \"%s\" while place \"%s\" is not good enough for them",
						 label->text, place->name),
				event.detail, next_step(place));
	if (class != NULL)			/* permissive: recorded once */
		remember(class->name, generation);
	return true;
}
