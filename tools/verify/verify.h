/*-------------------------------------------------------------------------
 *
 * verify.h
 *		What the files of the stand-alone verifier share.
 *
 * Parsers take bytes and a length, trust no length that the bytes name, and
 * allocate nothing.  Errors are static texts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef DATACLASS_VERIFY_H
#define DATACLASS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pg_dataclass/trail_format.h"

/* ---- keys and signed notes, verify_note.c ---- */

#define KEY_NAME_MAX		256
#define KEY_PUBLIC_SIZE		32
#define KEY_ID_SIZE			4
#define NOTE_MAX			65536	/* bytes of a note, and of a file with a proof */
#define NOTE_SIGNATURES_MAX 64

typedef struct VerifyKey
{
	char		name[KEY_NAME_MAX]; /* empty: any, the key came without a name */
	uint8_t		public_key[KEY_PUBLIC_SIZE];
} VerifyKey;

typedef struct Checkpoint
{
	const char *origin;
	size_t		origin_len;
	int64_t		size;
	uint8_t		root[AUDIT_HASH_SIZE];
} Checkpoint;

/* A verifier key as one line, or a PEM file of an Ed25519 public key. */
extern bool key_parse(const char *text, size_t len, VerifyKey *key, const char **error);
/* The first four bytes of SHA-256(name || 0x0A || 0x01 || public key). */
extern bool key_id(const char *name, size_t name_len, const uint8_t *public_key, uint8_t *id);

/* The body of a note alone; nothing is said about who signed it. */
extern bool checkpoint_parse(const char *text, size_t len, Checkpoint *checkpoint, const char **error);
/* Parse a signed note and verify its signature by one of the keys. */
extern bool checkpoint_verify(const char *text, size_t len, const VerifyKey *keys, int nkeys,
							  Checkpoint *checkpoint, const char **error);

/* ---- proofs, verify_proof.c ---- */

#define PROOF_HASHES_MAX	(2 * MERKLE_MAX_LEVELS)

typedef struct Proof
{
	int64_t		number;			/* index of the leaf from 0, or size of the old tree */
	int			nhashes;
	uint8_t		hash[PROOF_HASHES_MAX][AUDIT_HASH_SIZE];
	const char *note;			/* the checkpoint behind it */
	size_t		note_len;
} Proof;

extern bool inclusion_parse(const char *text, size_t len, Proof *proof, const char **error);
extern bool consistency_parse(const char *text, size_t len, Proof *proof, const char **error);

/* RFC 9162, 2.1.3.2 and 2.1.4.2 */
extern bool inclusion_holds(const Proof *proof, const uint8_t *leaf_hash, int64_t size,
							const uint8_t *root, const char **error);
extern bool consistency_holds(const Proof *proof, const uint8_t *old_root, int64_t size,
							  const uint8_t *root, const char **error);

/* ---- input, verify_input.c ---- */

typedef enum LineResult
{
	LINE_READ,
	LINE_END,
	LINE_TOO_LONG,
	LINE_BROKEN_OFF,			/* the last line has no newline */
	LINE_FAILED					/* errno tells why */
} LineResult;

typedef struct LineInput
{
	FILE	   *file;
	const char *name;
	size_t		at;
	size_t		end;
	char		buffer[65536];
} LineInput;

/* "-" or NULL: standard input. */
extern bool input_open(LineInput *input, const char *name);
extern void input_close(LineInput *input);
/* The line stays until the next call. */
extern LineResult input_line(LineInput *input, const char **line, size_t *len);

/* A whole small file, NUL behind it, an empty line at its end left out; NULL after a message.  The caller frees it. */
extern char *input_file(const char *name, size_t *len);

/* ---- output, verify_report.c ---- */

extern bool report_json;

/* One line each.  what: "trail", "record", ...; seq 0: none. */
extern void report_ok(const char *what, const char *format,...) __attribute__((format(printf, 2, 3)));
extern void report_bad(const char *what, const char *name, int64_t seq, const char *reason);
extern int	report_trouble(const char *name, const char *reason);	/* returns EXIT_TROUBLE */
extern void report_record(const TrailReader *reader);
extern void report_text(FILE *file, const char *text, size_t len);

/* ---- commands ---- */

#define EXIT_HOLDS		0
#define EXIT_BAD		1
#define EXIT_TROUBLE	2

#define KEYS_MAX		16
#define CHECKPOINTS_MAX 64

typedef struct Options
{
	VerifyKey	key[KEYS_MAX];
	int			nkeys;
	const char *checkpoint[CHECKPOINTS_MAX];
	int			ncheckpoints;
	const char *proof;
	const char *old;
	int64_t		seq;			/* 0: all */
	const char *const *files;
	int			nfiles;
} Options;

extern int	command_trail(const Options *options);
extern int	command_show(const Options *options);
extern int	command_inclusion(const Options *options);
extern int	command_consistency(const Options *options);
extern int	command_checkpoint(const Options *options);

/* Read and verify a checkpoint; EXIT_HOLDS, or what to exit with.  *text is to be freed. */
extern int	load_checkpoint(const Options *options, const char *name, char **text, Checkpoint *checkpoint);

#endif							/* DATACLASS_VERIFY_H */
