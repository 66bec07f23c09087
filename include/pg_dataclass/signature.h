/*-------------------------------------------------------------------------
 *
 * signature.h
 *		Detached Ed25519 signatures over documents, against trust anchors.
 *
 * Pure with respect to PostgreSQL: no palloc, no ereport, no setting.
 *
 * A trust anchor is a public key (PEM, SubjectPublicKeyInfo, one a file) in a
 * file DIRECTORY/PURPOSE/NAME.pem.  A key signs for the purpose whose folder it
 * lies in and for no other.  DIRECTORY/revoked, if it is there, lists key ids
 * that are no longer trusted, one a line, # begins a comment.
 *
 * The key id is SHA-256 over the DER of the SubjectPublicKeyInfo, in hex.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SIGNATURE_H
#define PG_DATACLASS_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_SIZE			64	/* bytes, RFC 8032 */
#define SIGNATURE_KEY_ID_SIZE	65	/* hex and terminator */

#define SIGNATURE_PURPOSE_ATTESTATION	"attestation"
#define SIGNATURE_PURPOSE_PROFILE		"profile"

typedef enum SignatureVerdict
{
	SIGNATURE_GOOD,
	SIGNATURE_BAD,				/* no trust anchor made it, or it is malformed */
	SIGNATURE_REVOKED,			/* by a key that was revoked */
	SIGNATURE_NO_ANCHORS		/* the directory cannot be used: nothing is trusted */
} SignatureVerdict;

typedef struct SignatureResult
{
	SignatureVerdict verdict;
	char		key_id[SIGNATURE_KEY_ID_SIZE];	/* of GOOD and REVOKED, else "" */
	char		anchor[64];		/* NAME of the anchor's file, printable; else "" */
	char		why[320];		/* one sentence, unless GOOD */
} SignatureResult;

/* directory may be NULL or "": no anchors.  Returns result->verdict. */
extern SignatureVerdict signature_verify(const char *directory, const char *purpose,
										 const void *document, size_t document_len,
										 const unsigned char *signature, size_t signature_len,
										 SignatureResult *result);

/*
 * A number that changes when keys come, go or change, when keys are revoked or
 * when modes of files change: what was verified before has to be verified
 * again.  Costs a look at each file's facts, reads none.
 */
extern uint64_t signature_fingerprint(const char *directory, const char *purpose);

#endif							/* PG_DATACLASS_SIGNATURE_H */
