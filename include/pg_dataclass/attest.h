/*-------------------------------------------------------------------------
 *
 * attest.h
 *		Signed attestations: what others vouch for that the kernel cannot see.
 *
 * An attestation is a JSON document with a detached signature.  Accepted ones
 * are kept verbatim in dataclass.attestation; each backend verifies them anew
 * for each policy snapshot and whenever the trust anchors change.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ATTEST_H
#define PG_DATACLASS_ATTEST_H

#include "datatype/timestamp.h"
#include "pg_dataclass/place.h"

typedef enum AttestationState
{
	ATTESTATION_VALID,
	ATTESTATION_NOT_YET_VALID,
	ATTESTATION_EXPIRED,
	ATTESTATION_REVOKED,		/* by an officer, or with the key that signed it */
	ATTESTATION_SUPERSEDED,		/* a newer one says the same things about the same subject */
	ATTESTATION_MISMATCH,		/* its subject is not, or no longer, of this server */
	ATTESTATION_BAD				/* signature or document do not hold */
} AttestationState;

extern const char *attestation_state_name(AttestationState state);

/*
 * Let attestations speak for a place that was just probed.  Needs a
 * transaction.  A p that is no longer current is replaced by what is.
 */
extern void attestation_apply(const PolicySnapshot *p, Place *place);

/* When the validity of some attestation begins or ends next; DT_NOEND: never. */
extern TimestampTz attestation_next_expiry(const PolicySnapshot *p);

typedef struct AttestationChange
{
	const char *id;
	AttestationState state;		/* now; what it was before is in the record */
	const char *reason;			/* one sentence */
} AttestationChange;

/*
 * Compare the state of every attestation with the one that was recorded last;
 * changes are stored and recorded (event kind attestation) with the
 * transaction.  Returns a list of AttestationChange *, palloc'd.  Nothing
 * happens on a standby.  Probes every place once.
 */
extern List *attestation_watch_pass(const PolicySnapshot *p);

#endif							/* PG_DATACLASS_ATTEST_H */
