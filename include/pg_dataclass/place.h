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

/* Name of the control in dataclass.tier_control that binds a kind of place. */
extern const char *place_control(PlaceKind kind);

/* "unknown", "declared", ...: the grades of DESIGN section 7 in words. */
extern const char *evidence_grade_name(int grade);

/*
 * May data of this label be at the place?  The control of its kind; where no
 * tier has that control, at_rest, since the data are there as well.  reason is
 * palloc'd and names control, what is required, what was found and its grade.
 */
extern bool place_satisfies(const PolicySnapshot *p, const Label *label, const Place *place,
							char **reason);

#endif							/* PG_DATACLASS_PLACE_H */
