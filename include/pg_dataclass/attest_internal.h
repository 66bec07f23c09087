/*-------------------------------------------------------------------------
 *
 * attest_internal.h
 *		What the files src/atrest/attest_*.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ATTEST_INTERNAL_H
#define PG_DATACLASS_ATTEST_INTERNAL_H

#include "access/htup.h"
#include "pg_dataclass/attest.h"
#include "pg_dataclass/attest_scan.h"
#include "pg_dataclass/signature.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

#define ATTEST_MAX_SERIALS	64
#define ATTEST_MAX_DAYS		400 /* between not_before and not_after */
#define ATTEST_MAX_SKEW_SECONDS	300 /* that issued_at may be ahead of this server */

typedef struct AttestSubject
{
	const char *system_identifier;	/* decimal */
	const char *path;			/* absolute; NULL: not named */
	const char *tablespace;		/* name, or location if absolute; NULL: not named */
	int			nserials;		/* 0: not named */
	const char *serials[ATTEST_MAX_SERIALS];	/* sorted by strcmp, no two the same */
	uint32		kinds;			/* 1 << PlaceKind; 0: not named */
} AttestSubject;

typedef struct AttestClaim
{
	bool		speaks_of_encryption;
	bool		encrypted;
	const char *mechanism;		/* "" where not given, as all below */
	const char *cipher;
	int			key_bits;		/* 0: not given */
	const char *key_id;
	const char *hosting_model;
	const char *region;
} AttestClaim;

typedef struct AttestDocument
{
	const char *id;
	const char *issuer;
	TimestampTz issued_at;
	TimestampTz not_before;
	TimestampTz not_after;
	AttestSubject subject;
	AttestClaim claim;
} AttestDocument;

/*
 * attest_document.c: read a document strictly, into palloc'd memory.  False:
 * *fault is one sentence that begins with the JSON path of the fault.
 */
extern bool attest_document_read(const char *text, int len, AttestDocument *document, char **fault);
extern bool attest_subject_equal(const AttestSubject *a, const AttestSubject *b);

/* What the server found when it accepted an attestation; each use compares. */
typedef struct AttestBinding
{
	int64		timeline;		/* 0: none */
	Oid			tablespace;		/* of subject.tablespace, else InvalidOid */
	const char *location;		/* of subject.tablespace, links resolved; "" if none */
} AttestBinding;

/*
 * attest_subject.c: *why is palloc'd, one sentence.  bind_subject() finds what
 * the subject names; false: this server has nothing of the kind.
 */
extern bool attest_subject_bind(const AttestSubject *subject, AttestBinding *binding, char **why);
/* The part that concerns the server as a whole: identifier, timeline, tablespace. */
extern bool attest_subject_is_here(const AttestSubject *subject, const AttestBinding *binding, char **why);
/* The part that concerns one place. */
extern bool attest_subject_covers(const AttestSubject *subject, const AttestBinding *binding,
								  const Place *place, char **why);
/* Some place of the list is covered; else why the last one named is not. */
extern bool attest_subject_covers_any(const AttestSubject *subject, const AttestBinding *binding,
									  List *places, char **why);
/* Every place of this server that attestations can speak of. */
extern List *attest_places(void);

/* attest_device.c: serial numbers of all disks below a file or device; palloc'd. */
extern bool attest_device_serials(const char *path, List **serials, char **why);

/* One row of dataclass.attestation, as far as it can be believed. */
typedef struct Attestation
{
	int64		sequence;
	const char *stored_id;		/* column id, which only the document can confirm */
	const char *text;			/* the document verbatim */
	int			text_len;
	const unsigned char *signature;
	int			signature_len;
	const char *digest;			/* SHA-256 of the document, hex, computed here */
	bool		readable;		/* document is filled, and its id is the stored one */
	const char *fault;			/* unless readable */
	AttestDocument document;
	AttestBinding binding;
	bool		is_verified;
	SignatureResult verified;	/* see attest_signature() */
	TimestampTz accepted_at;
	const char *accepted_by;
	bool		revoked;
	const char *revoked_reason;
	const char *recorded_state; /* see attestation_watch_pass() */
} Attestation;

typedef struct AttestationSet
{
	int			count;
	Attestation *items;			/* by sequence, ascending */
} AttestationSet;

/*
 * attest_store.c: rows, verified.  The set is valid until the next call, or
 * until anything probes a place.
 */
extern const AttestationSet *attest_set(const PolicySnapshot *p);
/* Verified at most once while policy and trust anchors stay as they are. */
extern const SignatureResult *attest_signature(const Attestation *item);
extern Relation attest_open(LOCKMODE lockmode);	/* NULL: not installed */
extern void attest_insert(Relation rel, const AttestDocument *document, const AttestBinding *binding,
						  const char *text, int text_len, const unsigned char *signature, const char *digest);
extern void attest_set_revoked(Relation rel, const Attestation *item, const char *reason);
extern void attest_set_recorded(Relation rel, const Attestation *item, const char *state);
extern char *attest_digest(const char *text, int len);

/* attest_apply.c: everything but the places. */
extern AttestationState attest_state(const AttestationSet *set, const Attestation *item,
									 TimestampTz now, char **why);
/* ... and with them. */
extern AttestationState attest_state_among(const AttestationSet *set, const Attestation *item,
										   TimestampTz now, List *places, char **why);

#endif							/* PG_DATACLASS_ATTEST_INTERNAL_H */
