/*-------------------------------------------------------------------------
 *
 * place.h
 *		Places where data lie or pass through, each with its evidence.
 *
 * A tablespace holds relations.  The other places are shared by all data of
 * the server, or of the session: the write-ahead log, temporary files, the
 * audit journal, server log, archive, swap, core dumps.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PLACE_H
#define PG_DATACLASS_PLACE_H

#include "pg_dataclass/atrest.h"

typedef enum PlaceKind
{
	PLACE_TABLESPACE,			/* control at_rest */
	PLACE_WAL,					/* control wal */
	PLACE_TEMP,					/* control temp */
	PLACE_JOURNAL,				/* control journal */
	PLACE_LOG,					/* control log */
	PLACE_ARCHIVE,				/* control archive */
	PLACE_SWAP,					/* control swap */
	PLACE_CORE					/* control core_dump */
} PlaceKind;

typedef struct Place
{
	PlaceKind	kind;
	Oid			tablespace;		/* of kinds TABLESPACE and TEMP, never 0 there; else InvalidOid */
	const char *name;			/* as views and messages call it */
	const char *path;			/* links resolved; NULL: not found */
	Evidence	evidence;		/* probed when the place was made */
} Place;

/* All palloc'd and probed afresh.  Lists hold Place *. */
extern Place *place_of_tablespace(Oid tablespace);	/* InvalidOid: the database's default */
extern Place *place_of_temp(Oid tablespace);
extern List *places_of_tablespaces(void);	/* every tablespace of the server */
extern List *places_common(void);	/* everything that is no tablespace */
extern List *places_of_kind(PlaceKind kind);
/* Log, archive, swap, core dumps (place_server.c); what is not there is not in the list. */
extern List *places_of_log(void);
extern List *places_of_archive(void);
extern List *places_of_swap(void);
extern List *places_of_core(void);

/* For modules that know more of a place: seen NULL probes the path. */
extern Place *place_make(PlaceKind kind, Oid tablespace, const char *name, const char *path,
						 const Evidence *seen);

/*
 * Encryption by the server itself, which counts instead of the tablespace's.
 * False: nothing to say.  Reads catalogs; the answer is a declaration, which
 * only a canary can prove.
 */
extern bool tde_relation_evidence(Oid relid, Evidence *evidence);
extern bool tde_server_evidence(Evidence *evidence);

/*
 * A tablespace as the data of that relation find it: encryption by its access
 * method, by the server as a whole and proved by canary count.  The place
 * itself, or a palloc'd copy.
 */
extern const Place *place_of_relation(const Place *place, Oid relid);

/* Name of the control in dataclass.tier_control that binds a kind of place. */
extern const char *place_control(PlaceKind kind);

/* "unknown", "declared", ...: the grades of DESIGN section 7 in words. */
extern const char *evidence_grade_name(int grade);

typedef enum PlaceVerdict
{
	PLACE_COMPLIANT,
	PLACE_VIOLATION,
	PLACE_UNKNOWN				/* cannot be told from the evidence: never compliant */
} PlaceVerdict;

/* "compliant", "violation", "unknown" */
extern const char *place_verdict_name(PlaceVerdict verdict);

/*
 * May data of this label be at the place?  The control of its kind; where no
 * tier has that control, at_rest, since the data are there as well.  Where the
 * class may live (hosting) counts at every place, key length and checksums at
 * tablespaces.  reason is palloc'd and names place, control, what is required,
 * what was found and its grade.
 */
extern PlaceVerdict place_judge(const PolicySnapshot *p, const Label *label, const Place *place,
								char **reason);
/* place_judge() == PLACE_COMPLIANT */
extern bool place_satisfies(const PolicySnapshot *p, const Label *label, const Place *place,
							char **reason);

/* Does the label ask anything of a place of this kind? */
extern bool place_needed(const PolicySnapshot *p, const Label *label, PlaceKind kind);

/*
 * Does a tier up to this one name the control of such a place, with a
 * requirement other than none?
 */
extern bool place_named(const PolicySnapshot *p, int tier, PlaceKind kind);

/*
 * Does the place meet the requirement of one storage control, with evidence
 * of the grade that is asked for by default?  why is palloc'd.
 */
extern PlaceVerdict place_meets(const char *control, const char *requirement, const Place *place,
								char **why);
extern bool storage_requirement_known(const char *control, const char *requirement);

/* Rank of the highest tier whose controls of such a place the evidence satisfies. */
extern int	place_tier(const PolicySnapshot *p, const Place *place);

#endif							/* PG_DATACLASS_PLACE_H */
