/*-------------------------------------------------------------------------
 *
 * storage_control.c
 *		The storage controls as operations, for reports on tiers.
 *
 * A storage control is judged here for the server as a whole: every place of
 * its kind has to meet the requirement, and the finding names the first that
 * does not.  What one label asks of one place is storage_need.c's business.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/tier_control.h"

/* In the words of requirements, where there are such. */
static const char *
found_word(const char *control, const Place *place)
{
	const Evidence *evidence = &place->evidence;

	if (strcmp(control, "hosting") == 0)
		return evidence->hosting_model[0] ? evidence->hosting_model : "unknown";
	if (strcmp(control, "at_rest_key") == 0)
		return evidence->key_bits > 0 ? psprintf("%d", evidence->key_bits) : "unknown";
	if (strcmp(control, "checksums") == 0)
		return DataChecksumsEnabled() ? "on" : "off";
	return evidence_verdict_name(evidence->verdict);
}

static void
judge_places(const char *control, PlaceKind kind, const char *requirement, ControlFinding *finding)
{
	List	   *places = places_of_kind(kind);
	const char *word = NULL;
	bool		same = true;
	int			met = 0;
	ListCell   *cell;

	memset(finding, 0, sizeof(*finding));
	if (!storage_requirement_known(control, requirement))
	{
		strlcpy(finding->found, "not judged", sizeof(finding->found));
		snprintf(finding->detail, sizeof(finding->detail),
				 "The requirement \"%.60s\" is not known.", requirement);
		return;
	}
	if (places == NIL)
	{
		finding->satisfied = true;
		strlcpy(finding->found, "no such place", sizeof(finding->found));
		return;
	}
	foreach(cell, places)
	{
		const Place *place = (const Place *) lfirst(cell);
		const char *found = found_word(control, place);
		char	   *why;

		if (word != NULL && strcmp(word, found) != 0)
			same = false;
		word = found;
		if (place_meets(control, requirement, place, &why) == PLACE_COMPLIANT)
			met++;
		else if (finding->detail[0] == '\0' && why != NULL)
			strlcpy(finding->detail, why, sizeof(finding->detail));
	}
	finding->satisfied = (met == list_length(places));
	if (word != NULL && same)
		strlcpy(finding->found, word, sizeof(finding->found));
	else
		snprintf(finding->found, sizeof(finding->found), "met by %d of %d places", met,
				 list_length(places));
}

/* An operation gets its requirement, not its control: hence one pair each. */
#define STORAGE_CONTROL(name, kind) \
static bool \
known_##name(const char *requirement) \
{ \
	return storage_requirement_known(#name, requirement); \
} \
static void \
judge_##name(const char *requirement, const SessionFacts *facts, ControlFinding *finding) \
{ \
	judge_places(#name, kind, requirement, finding); \
}

STORAGE_CONTROL(at_rest, PLACE_TABLESPACE)
STORAGE_CONTROL(at_rest_key, PLACE_TABLESPACE)
STORAGE_CONTROL(hosting, PLACE_TABLESPACE)
STORAGE_CONTROL(checksums, PLACE_TABLESPACE)
STORAGE_CONTROL(wal, PLACE_WAL)
STORAGE_CONTROL(temp, PLACE_TEMP)
STORAGE_CONTROL(journal, PLACE_JOURNAL)
STORAGE_CONTROL(log, PLACE_LOG)
STORAGE_CONTROL(archive, PLACE_ARCHIVE)
STORAGE_CONTROL(swap, PLACE_SWAP)
STORAGE_CONTROL(core_dump, PLACE_CORE)

#define STORAGE_OPS(name, words) {#name, CONTROL_STORAGE, words, known_##name, judge_##name}

static const TierControlOps storage_controls[] = {
	STORAGE_OPS(at_rest, "none < encrypted"),
	STORAGE_OPS(at_rest_key, "none, or the least number of bits of the key: 128, 256"),
	STORAGE_OPS(hosting, "none < attested"),
	STORAGE_OPS(checksums, "none < on"),
	STORAGE_OPS(wal, "none < encrypted"),
	STORAGE_OPS(temp, "none < encrypted"),
	STORAGE_OPS(journal, "none < encrypted"),
	STORAGE_OPS(log, "none < encrypted"),
	STORAGE_OPS(archive, "none < encrypted"),
	STORAGE_OPS(swap, "none < encrypted"),
	STORAGE_OPS(core_dump, "none < encrypted"),
};

/*
 * storage_controls_init
 */
void
storage_controls_init(void)
{
	for (int i = 0; i < lengthof(storage_controls); i++)
		tier_control_register(&storage_controls[i]);
}
