/*-------------------------------------------------------------------------
 *
 * checkpoint.h
 *		Checkpoints of the trail: key, table, head file, the stage that makes
 *		them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_CHECKPOINT_H
#define PG_DATACLASS_CHECKPOINT_H

#include "pg_dataclass/audit_tile.h"
#include "pg_dataclass/audit_writer.h"
#include "pg_dataclass/checkpoint_note.h"

#define CHECKPOINT_ASK	"make_checkpoint"	/* action of the record that asks the writer */
#define CHECKPOINT_KEY	"key"	/* action of the record that names a new key */

/* ---- checkpoint_key.c: settings and the private key.  Nothing here raises. ---- */

extern char *guc_checkpoint_name;
extern char *guc_checkpoint_key_file;
extern int	guc_checkpoint_records;
extern int	guc_checkpoint_interval;	/* s; 0: not by time */
extern int	guc_checkpoint_key_evolve;	/* checkpoints under one key; 0: no end */

extern void checkpoint_init(void);

/* Origin of checkpoints of this database. */
extern const char *checkpoint_origin(void);

#define CHECKPOINT_WHY_MAX	256

typedef struct CheckpointKey
{
	NoteKey		note;
	void	   *pkey;			/* EVP_PKEY */
} CheckpointKey;

/* create: where the default file does not exist.  False: why holds a sentence. */
extern bool checkpoint_key_load(bool create, CheckpointKey *key, char *why);
extern bool checkpoint_key_sign(const CheckpointKey *key, const char *text, size_t len, uint8 *signature);
extern void checkpoint_key_free(CheckpointKey *key);

/* Make a successor beside the key; put it in the place of the key, which is destroyed. */
extern bool checkpoint_key_succeed(NoteKey *next, char *why);
extern bool checkpoint_key_switch(char *why);

/* Public key as PEM, palloc'd. */
extern char *checkpoint_key_pem(const CheckpointKey *key);

/* ---- checkpoint_store.c: table and head file ---- */

typedef struct Checkpoint
{
	int64		size;			/* 0: there is none */
	uint8		root[AUDIT_HASH_SIZE];
	TimestampTz made_at;
	const char *key;			/* public key, verifier form; palloc'd */
	const char *note;			/* palloc'd */
} Checkpoint;

/* Exactly that size, or the last one if size is 0.  Raises if the table is gone. */
extern bool checkpoint_read(Snapshot snapshot, int64 size, Checkpoint *out);
/* The smallest one that covers a record. */
extern bool checkpoint_read_covering(Snapshot snapshot, int64 seq, Checkpoint *out);
extern void checkpoint_insert(const Checkpoint *checkpoint, const char *reason, const char *key_name);
/* Of a row; texts point into copies in the current context.  False: a column is not what it was. */
struct HeapTupleData;
extern bool checkpoint_deform(struct HeapTupleData *tuple, TupleDesc desc, Checkpoint *out);
/* How many of the last ones a key has signed, counted up to max. */
extern int	checkpoint_count_key(Snapshot snapshot, const char *key, int max);
/* Is there one that this key has signed? */
extern bool checkpoint_key_known(Snapshot snapshot, const char *note, size_t len,
								 const CheckpointNote *parsed, NoteVerdict *verdict);

/* The last checkpoint that was handed out, in the head file.  Nothing raises. */
extern bool checkpoint_file_read(Oid dbid, int64 *size, uint8 *root);
extern bool checkpoint_file_write(Oid dbid, int64 size, const uint8 *root);

/*
 * Is the trail one that the last checkpoint handed out does not know?  A
 * sentence, palloc'd, or NULL; *size: of that checkpoint, 0 if there is none.
 */
extern char *checkpoint_contradiction(int64 seq, Snapshot snapshot, int64 *size);

/* ---- checkpoint.c: the stage ---- */

extern const WriterStage checkpoint_stage;

/* ---- checkpoint_sql.c ---- */

/* Who signed a parsed note: the key of now, or one that signed before? */
extern NoteVerdict checkpoint_judge(const char *note, size_t len, const CheckpointNote *parsed);

/* Ask the writer for one over all that is recorded by now, and wait; raises 55000. */
extern void checkpoint_demand(Checkpoint *out);

#endif							/* PG_DATACLASS_CHECKPOINT_H */
