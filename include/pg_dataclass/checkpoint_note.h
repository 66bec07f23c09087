/*-------------------------------------------------------------------------
 *
 * checkpoint_note.h
 *		Texts that leave the server: checkpoints and proofs.  Pure.
 *
 * Checkpoints are C2SP tlog-checkpoint in C2SP signed-note with Ed25519,
 * proofs of inclusion C2SP tlog-proof, proofs of consistency the body of
 * add-checkpoint of C2SP tlog-witness.  Needs OpenSSL and nothing of
 * PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_CHECKPOINT_NOTE_H
#define PG_DATACLASS_CHECKPOINT_NOTE_H

#include "pg_dataclass/audit_merkle.h"

#define NOTE_NAME_MAX		128 /* longest name of a key, bytes */
#define NOTE_KEY_SIZE		32	/* public key, Ed25519 */
#define NOTE_SIGNATURE_SIZE 64
#define NOTE_ID_SIZE		4
#define NOTE_MAX			4096	/* longest note that is read, with the terminator */
#define NOTE_VERIFIER_MAX	(NOTE_NAME_MAX + 64)
#define PROOF_TEXT_MAX		(NOTE_MAX + 4096)

/* Who signs. */
typedef struct NoteKey
{
	char		name[NOTE_NAME_MAX + 1];
	uint8_t		id[NOTE_ID_SIZE];
	uint8_t		public_key[NOTE_KEY_SIZE];
} NoteKey;

/* What a checkpoint says. */
typedef struct CheckpointNote
{
	char		origin[NOTE_NAME_MAX + 1];
	uint64_t	size;
	uint8_t		root[AUDIT_HASH_SIZE];
	size_t		text_len;		/* bytes under the signatures, with the last newline */
} CheckpointNote;

typedef enum NoteVerdict
{
	NOTE_GOOD,
	NOTE_BAD,					/* a signature of this key is there, and wrong */
	NOTE_UNSIGNED				/* this key did not sign it */
} NoteVerdict;

/* May a key, or a log, have this name? */
extern bool note_name_valid(const char *name);

/* Fills in the id; false if the name is none or the crypto library fails. */
extern bool note_key_init(NoteKey *key, const char *name, const uint8_t *public_key);

/* Verifier form of a key, NAME+HEXID+BASE64(0x01 || public key); 0 if it does not fit. */
extern size_t note_key_format(const NoteKey *key, char *out, size_t size);
extern bool note_key_parse(const char *text, size_t len, NoteKey *key);

/*
 * The text to be signed; 0 if it does not fit.  note_finish() adds the blank
 * line and the signature; returns the length of the whole.
 */
extern size_t checkpoint_text(const char *origin, uint64_t size, const uint8_t *root,
							  char *out, size_t out_size);
extern size_t note_finish(char *note, size_t text_len, size_t size, const NoteKey *key,
						  const uint8_t *signature);

/* Strict; *error is a static text.  Signatures are not looked at beyond their form. */
extern bool checkpoint_parse(const char *note, size_t len, CheckpointNote *out, const char **error);

/* Of a note that checkpoint_parse() accepted. */
extern NoteVerdict checkpoint_verify(const char *note, size_t len, const CheckpointNote *parsed,
									 const NoteKey *key);

/* ---- proofs as text ---- */

/* Both return the length, 0 if it does not fit; the checkpoint is a whole note. */
extern size_t inclusion_text(uint64_t index, const MerkleProof *proof,
							 const char *checkpoint, size_t checkpoint_len, char *out, size_t size);
extern size_t consistency_text(uint64_t old_size, const MerkleProof *proof,
							   const char *checkpoint, size_t checkpoint_len, char *out, size_t size);

/* A proof read back; the checkpoint is the rest of the text. */
typedef struct ProofText
{
	uint64_t	number;			/* index of the leaf, or size of the old tree */
	MerkleProof proof;
	const char *checkpoint;
	size_t		checkpoint_len;
} ProofText;

extern bool inclusion_parse(const char *text, size_t len, ProofText *out, const char **error);
extern bool consistency_parse(const char *text, size_t len, ProofText *out, const char **error);

#endif							/* PG_DATACLASS_CHECKPOINT_NOTE_H */
