/*-------------------------------------------------------------------------
 *
 * attest_apply.c
 *		What attestations say about a place, and how long they say it.
 *
 * An attestation adds what the kernel cannot see; it takes back nothing that
 * the kernel saw.  About encryption:
 *
 *	found by the probes				an attestation can make it
 *	encrypted, key present (3)		attested (4)
 *	encrypted, declared (1)			attested (4)
 *	encrypted, key not seen (2)		nothing: the key is gone or suspended
 *	plain							attested (4) if it names the serial number of
 *									every disk: a volume that is encrypted below
 *	unknown							attested (4) if it names the place: by path,
 *									tablespace or kind of place
 *
 * Hosting model and region count wherever the subject matches.  Of several
 * attestations the newest one that holds decides; within one subject a newer
 * one takes the place of older ones as soon as it begins, also when it is
 * expired or revoked by then, so that withdrawing it brings back nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/attest_internal.h"
#include "pg_dataclass/report.h"

typedef enum Aspect
{
	ASPECT_ENCRYPTION,
	ASPECT_HOSTING,
	ASPECT_REGION
} Aspect;

/*
 * attestation_state_name
 */
const char *
attestation_state_name(AttestationState state)
{
	switch (state)
	{
		case ATTESTATION_VALID:
			return "valid";
		case ATTESTATION_NOT_YET_VALID:
			return "not yet valid";
		case ATTESTATION_EXPIRED:
			return "expired";
		case ATTESTATION_REVOKED:
			return "revoked";
		case ATTESTATION_SUPERSEDED:
			return "superseded";
		case ATTESTATION_MISMATCH:
			return "subject mismatch";
		case ATTESTATION_BAD:
			return "signature bad";
	}
	return "signature bad";
}

static bool
speaks_of(const AttestClaim *claim, Aspect aspect)
{
	switch (aspect)
	{
		case ASPECT_ENCRYPTION:
			return claim->speaks_of_encryption;
		case ASPECT_HOSTING:
			return claim->hosting_model[0] != '\0';
		case ASPECT_REGION:
			return claim->region[0] != '\0';
	}
	return false;
}

static bool
is_newer(const Attestation *a, const Attestation *b)
{
	if (a->document.issued_at != b->document.issued_at)
		return a->document.issued_at > b->document.issued_at;
	return a->sequence > b->sequence;
}

/* Has a newer one about the same subject and aspect begun? */
static const Attestation *
successor(const AttestationSet *set, const Attestation *item, Aspect aspect, TimestampTz now)
{
	for (int i = 0; i < set->count; i++)
	{
		const Attestation *other = &set->items[i];

		if (other != item && other->readable && is_newer(other, item) && other->document.not_before <= now &&
			speaks_of(&other->document.claim, aspect) &&
			attest_subject_equal(&other->document.subject, &item->document.subject) &&
			attest_signature(other)->verdict == SIGNATURE_GOOD)
			return other;
	}
	return NULL;
}

/* The newer one that took over all that this one says, if there is one. */
static const Attestation *
superseded_by(const AttestationSet *set, const Attestation *item, TimestampTz now)
{
	const Attestation *by = NULL;

	for (Aspect aspect = ASPECT_ENCRYPTION; aspect <= ASPECT_REGION; aspect++)
	{
		if (!speaks_of(&item->document.claim, aspect))
			continue;
		by = successor(set, item, aspect, now);
		if (by == NULL)
			return NULL;
	}
	return by;
}

/*
 * attest_state
 */
AttestationState
attest_state(const AttestationSet *set, const Attestation *item, TimestampTz now, char **why)
{
	const SignatureResult *signature;
	const Attestation *by;

	*why = NULL;
	if (!item->readable)
	{
		*why = pstrdup(item->fault);
		return ATTESTATION_BAD;
	}
	signature = attest_signature(item);
	switch (signature->verdict)
	{
		case SIGNATURE_GOOD:
			break;
		case SIGNATURE_REVOKED:
			*why = pstrdup(signature->why);
			return ATTESTATION_REVOKED;
		case SIGNATURE_BAD:
		case SIGNATURE_NO_ANCHORS:
			*why = pstrdup(signature->why);
			return ATTESTATION_BAD;
	}
	if (item->revoked)
	{
		*why = psprintf("Revoked by an officer: %s", item->revoked_reason);
		return ATTESTATION_REVOKED;
	}
	if (item->document.not_after <= now)
	{
		*why = psprintf("It was valid until %s.", timestamptz_to_str(item->document.not_after));
		return ATTESTATION_EXPIRED;
	}
	if (!attest_subject_is_here(&item->document.subject, &item->binding, why))
		return ATTESTATION_MISMATCH;
	if (item->document.not_before > now)
	{
		*why = psprintf("It is valid from %s on.", timestamptz_to_str(item->document.not_before));
		return ATTESTATION_NOT_YET_VALID;
	}
	by = superseded_by(set, item, now);
	if (by != NULL)
	{
		*why = psprintf("A newer one about the same subject counts: \"%s\".", by->document.id);
		return ATTESTATION_SUPERSEDED;
	}
	return ATTESTATION_VALID;
}

/*
 * attest_state_among
 */
AttestationState
attest_state_among(const AttestationSet *set, const Attestation *item, TimestampTz now, List *places, char **why)
{
	AttestationState state = attest_state(set, item, now, why);

	if (state == ATTESTATION_VALID &&
		!attest_subject_covers_any(&item->document.subject, &item->binding, places, why))
		return ATTESTATION_MISMATCH;
	return state;
}

/* Cheap questions first: there may be many that are long over. */
static bool
holds_for(const AttestationSet *set, const Attestation *item, Aspect aspect, const Place *place, TimestampTz now)
{
	const AttestDocument *document = &item->document;
	char	   *why;

	return item->readable && !item->revoked && speaks_of(&document->claim, aspect) &&
		document->not_before <= now && now < document->not_after &&
		attest_subject_is_here(&document->subject, &item->binding, &why) &&
		attest_subject_covers(&document->subject, &item->binding, place, &why) &&
		attest_signature(item)->verdict == SIGNATURE_GOOD &&
		successor(set, item, aspect, now) == NULL;
}

static const Attestation *
newest_for(const AttestationSet *set, Aspect aspect, const Place *place, TimestampTz now)
{
	const Attestation *newest = NULL;

	for (int i = 0; i < set->count; i++)
	{
		const Attestation *item = &set->items[i];

		if ((newest == NULL || (item->readable && is_newer(item, newest))) &&
			holds_for(set, item, aspect, place, now))
			newest = item;
	}
	return newest;
}

/* See the table at the head of this file. */
static bool
may_speak(const AttestSubject *subject, const Evidence *evidence)
{
	switch (evidence->verdict)
	{
		case EVIDENCE_ENCRYPTED:
			return evidence->grade == EVIDENCE_GRADE_DECLARED || evidence->grade == EVIDENCE_GRADE_KERNEL_KEY;
		case EVIDENCE_PLAIN:
			return subject->nserials > 0;
		case EVIDENCE_UNKNOWN:
			return subject->path != NULL || subject->tablespace != NULL || subject->kinds != 0;
	}
	return false;
}

static void
apply_encryption(const Attestation *item, Evidence *evidence)
{
	const AttestClaim *claim = &item->document.claim;
	char		seen[sizeof(evidence->detail)];
	char		issuer[64];

	if (!claim->encrypted || !may_speak(&item->document.subject, evidence))
		return;
	strlcpy(seen, evidence->detail, sizeof(seen));
	evidence->verdict = EVIDENCE_ENCRYPTED;
	evidence->grade = EVIDENCE_GRADE_ATTESTED;
	atrest_printable(evidence->mechanism, sizeof(evidence->mechanism), claim->mechanism);

	/* What the kernel saw of cipher and key stays where nothing is attested. */
	if (claim->cipher[0])
		atrest_printable(evidence->cipher, sizeof(evidence->cipher), claim->cipher);
	if (claim->key_bits)
		evidence->key_bits = claim->key_bits;
	atrest_printable(issuer, sizeof(issuer), item->document.issuer);
	snprintf(evidence->detail, sizeof(evidence->detail), "Attested by %s (%.60s) until %s. %s",
			 issuer, item->document.id, timestamptz_to_str(item->document.not_after), seen);
}

/* Why is the place not attested any more?  For people; the last word on it is the view. */
static void
tell_of_lapsed(const AttestationSet *set, const Place *place, TimestampTz now, Evidence *evidence)
{
	size_t		used = strlen(evidence->detail);
	char	   *why;

	for (int i = set->count - 1; i >= 0; i--)
	{
		const Attestation *item = &set->items[i];

		if (!item->readable || !item->document.claim.encrypted ||
			(now < item->document.not_after && !item->revoked && attest_signature(item)->verdict != SIGNATURE_REVOKED) ||
			!attest_subject_is_here(&item->document.subject, &item->binding, &why) ||
			!attest_subject_covers(&item->document.subject, &item->binding, place, &why))
			continue;
		snprintf(evidence->detail + used, sizeof(evidence->detail) - used, " Attestation \"%.60s\" of it is %s.",
				 item->document.id, now >= item->document.not_after ? "expired" : "revoked");
		return;
	}
}

/*
 * attestation_apply
 */
void
attestation_apply(const PolicySnapshot *p, Place *place)
{
	const AttestationSet *set;
	const Attestation *item;
	TimestampTz now;

	if (!IsTransactionState())
		return;
	set = attest_set(p);
	if (set->count == 0)
		return;

	/* not the transaction's time: validity ends while it runs */
	now = GetCurrentTimestamp();
	item = newest_for(set, ASPECT_ENCRYPTION, place, now);
	if (item != NULL)
		apply_encryption(item, &place->evidence);
	if (place->evidence.verdict != EVIDENCE_ENCRYPTED)
		tell_of_lapsed(set, place, now, &place->evidence);
	item = newest_for(set, ASPECT_HOSTING, place, now);
	if (item != NULL)
		strlcpy(place->evidence.hosting_model, item->document.claim.hosting_model,
				sizeof(place->evidence.hosting_model));
	item = newest_for(set, ASPECT_REGION, place, now);
	if (item != NULL)
		strlcpy(place->evidence.region, item->document.claim.region, sizeof(place->evidence.region));
}

/*
 * attestation_next_expiry
 */
TimestampTz
attestation_next_expiry(const PolicySnapshot *p)
{
	const AttestationSet *set = attest_set(p);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = DT_NOEND;

	for (int i = 0; i < set->count; i++)
	{
		const Attestation *item = &set->items[i];

		if (!item->readable || item->revoked)
			continue;
		if (item->document.not_before > now)
			next = Min(next, item->document.not_before);
		else if (item->document.not_after > now)
			next = Min(next, item->document.not_after);
	}
	return next;
}

/* An attestation that began or was refused since is news, one that ended is more. */
static void
record_change(const Attestation *item, AttestationState state, const char *reason)
{
	AuditEvent	event = {0};
	bool		ended = state != ATTESTATION_VALID && state != ATTESTATION_NOT_YET_VALID &&
		state != ATTESTATION_SUPERSEDED;

	event.kind = EVENT_ATTESTATION;
	event.severity = ended ? SEVERITY_WARNING : SEVERITY_INFO;
	event.outcome = OUTCOME_OBSERVED;
	event.action = "watch";
	event.object_type = "attestation";
	event.object_identity = item->stored_id;
	event.rule = "attestation";
	event.detail = psprintf("Its state was \"%s\" and is \"%s\".%s%s", item->recorded_state,
							attestation_state_name(state), reason ? " " : "", reason ? reason : "");
	if (!event_record_at_commit(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record a change of an attestation in the audit trail")));
}

/*
 * attestation_watch_pass
 */
List *
attestation_watch_pass(const PolicySnapshot *p)
{
	const AttestationSet *set;
	TimestampTz now = GetCurrentTimestamp();
	List	   *changes = NIL;
	List	   *places;
	Relation	rel = NULL;

	if (RecoveryInProgress() || attest_set(p)->count == 0)
		return NIL;

	/* places first: probing them may replace the set */
	places = attest_places();
	set = attest_set(p);
	for (int i = 0; i < set->count; i++)
	{
		const Attestation *item = &set->items[i];
		AttestationChange *change;
		char	   *why;
		AttestationState state = attest_state_among(set, item, now, places, &why);

		if (strcmp(attestation_state_name(state), item->recorded_state) == 0)
			continue;
		if (rel == NULL && (rel = attest_open(ShareRowExclusiveLock)) == NULL)
			break;
		attest_set_recorded(rel, item, attestation_state_name(state));
		record_change(item, state, why);
		change = palloc0(sizeof(AttestationChange));
		change->id = pstrdup(item->stored_id);
		change->state = state;
		change->reason = why ? why : "";
		changes = lappend(changes, change);
	}
	if (rel)
		table_close(rel, NoLock);
	/* others know the recorded state from their sets */
	if (changes != NIL)
		policy_invalidate_all();
	return changes;
}
