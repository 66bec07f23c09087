/*-------------------------------------------------------------------------
 *
 * canary.h
 *		Canary proof: does the server itself encrypt what it writes?
 *
 * A random marker is written through one table access method and looked for
 * in the bytes of every file it has to reach.  canary_search.c is pure; the
 * rest needs a server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_CANARY_H
#define PG_DATACLASS_CANARY_H

#include "pg_dataclass/atrest.h"

/* ---- canary_search.c (pure) ---- */

/* 128 random bits are in no file by chance. */
#define CANARY_NEEDLE_BYTES	16

typedef struct CanaryNeedle
{
	unsigned char bytes[CANARY_NEEDLE_BYTES];
	bool		found;
} CanaryNeedle;

typedef struct CanarySearch
{
	CanaryNeedle *needles;		/* the caller's */
	int			nneedles;
	uint64		bytes;			/* fed so far */
	bool		all_zero;		/* nothing but zeros so far */
	size_t		tail_len;		/* end of what was fed, in which a needle may begin */
	unsigned char tail[CANARY_NEEDLE_BYTES - 1];
	unsigned char prefixes[65536 / 8];	/* first two bytes of the needles, a bit each */
} CanarySearch;

/* Forgets what was found before. */
extern void canary_search_init(CanarySearch *search, CanaryNeedle *needles, int nneedles);
/* The next bytes of a stream; where it is cut into calls does not matter. */
extern void canary_search_feed(CanarySearch *search, const unsigned char *data, size_t len);
/* The stream goes on somewhere else. */
extern void canary_search_break(CanarySearch *search);
extern int	canary_search_found(const CanarySearch *search);

/* What was seen of one place that the marker had to reach. */
typedef struct CanaryPlace
{
	const char *name;			/* "relation file", "index", ... */
	const char *path;			/* below the data directory, NULL: none */
	uint64		bytes_due;		/* bytes of marker that were written there */
	uint64		bytes_read;
	int			markers;		/* markers that were written there */
	int			found;			/* needles that were found */
	bool		applies;		/* false: this kind of relation has no such file */
	bool		readable;		/* read whole, and known to be the right bytes */
	const char *detail;
} CanaryPlace;

/*
 * UNKNOWN unless it was read whole, is not empty and holds at least as many
 * bytes as were written: what is smaller was compressed or lies elsewhere.
 */
extern EvidenceVerdict canary_judge_place(const CanaryPlace *place);
/* Of all together; control: did the search find what was put there in the clear, and nothing else? */
extern EvidenceVerdict canary_judge(const CanaryPlace *places, int nplaces, bool control);

/* ---- canary_read.c ---- */

/*
 * Feed a stretch of a file of the server; length 0: to its end.  False, with
 * the reason in *detail (palloc'd), if it could not be read whole.
 */
extern bool canary_read(CanarySearch *search, const char *path, uint64 offset, uint64 length, const char **detail);
/* Write the marker to a plain file in the tablespace, read it back by the code above, look for it and for one that is not there. */
extern bool canary_control(Oid tablespace, CanaryPlace *place);
/* Write the marker through the server's own temporary files. */
extern void canary_spill(CanarySearch *search, const unsigned char *marker, size_t len, CanaryPlace *place);

/* ---- canary_relation.c ---- */

#define CANARY_ROWS			4
#define CANARY_SHORT_BYTES	64
#define CANARY_KEY_BYTES	32
#define CANARY_LONG_BYTES	16384
#define CANARY_UNIT_BYTES	32

/* Each column of each row has a marker of its own. */
typedef struct CanaryRow
{
	unsigned char key[CANARY_KEY_BYTES];	/* indexed */
	unsigned char inline_value[CANARY_SHORT_BYTES];
	unsigned char long_value[CANARY_LONG_BYTES];	/* out of line, nothing to compress */
	unsigned char repeated[CANARY_LONG_BYTES];	/* out of line, one unit again and again */
} CanaryRow;

typedef struct CanaryRelation
{
	Oid			relid;
	Oid			indexid;
	Oid			toastid;		/* InvalidOid: the access method wants none */
	uint64		wal_start;		/* of what the rows wrote */
	uint64		wal_end;
} CanaryRelation;

/*
 * Make a table that nobody else can see, in the caller's subtransaction, and
 * put the rows into it.  Rolling back removes it.
 */
extern void canary_relation_make(const char *access_method, const char *tablespace, const CanaryRow *rows,
								 int nrows, CanaryRelation *made);

/* ---- canary_result.c ---- */

extern void canary_init(void);
/* Keep the outcome, and tell the trail at commit. */
extern void canary_result_store(Oid access_method, const char *tablespace, EvidenceVerdict verdict,
								const char *detail);
/*
 * The evidence by canary for relations of an access method: true, and grade
 * 5, if its newest proof is one, made by this version of the server and not
 * too long ago.  False: nothing is said, about heap ever.
 */
extern bool canary_evidence(Oid access_method, Evidence *evidence);
/* The same for a relation, all of whose indexes must be of the kind that the proof has looked at. */
extern bool canary_evidence_of_relation(Oid relid, Evidence *evidence);
/* Verdict and grade by canary on top of what else is known of the place; where it is hosted stays. */
extern void canary_raise(Evidence *evidence, const Evidence *proved);

#endif							/* PG_DATACLASS_CANARY_H */
