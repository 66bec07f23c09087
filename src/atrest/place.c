/*-------------------------------------------------------------------------
 *
 * place.c
 *		The places of this server: which there are, and where they lie.
 *
 * Owns the list; storage.c owns the probing of one directory, storage_need.c
 * what the policy asks of a place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_tablespace.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest.h"
#include "pg_dataclass/place.h"

/* Where denials are kept while the writer is away, below the data directory. */
#define JOURNAL_DIRECTORY	"pg_dataclass"

#define MAX_TEMP_TABLESPACES	64

static Place *
make_place(PlaceKind kind, Oid tablespace, const char *name, const char *path)
{
	Place	   *place = palloc0(sizeof(Place));

	place->kind = kind;
	place->tablespace = tablespace;
	place->name = name;
	place->path = path;
	storage_probe(path, &place->evidence);
	attestation_apply(policy_current(), place);
	return place;
}

static const char *
tablespace_name(Oid tablespace)
{
	char	   *name = get_tablespace_name(tablespace);

	return name ? name : psprintf("%u", tablespace);
}

/*
 * place_of_tablespace
 */
Place *
place_of_tablespace(Oid tablespace)
{
	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	return make_place(PLACE_TABLESPACE, tablespace, tablespace_name(tablespace),
					  storage_place_path(tablespace));
}

/*
 * place_of_temp
 *		Where temporary files of a tablespace are made.
 */
Place *
place_of_temp(Oid tablespace)
{
	char		path[MAXPGPATH];
	const char *anchor = "base";

	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	TempTablespacePath(path, tablespace);
	if (tablespace != DEFAULTTABLESPACE_OID && tablespace != GLOBALTABLESPACE_OID)
		anchor = psprintf("pg_tblspc/%u", tablespace);
	return make_place(PLACE_TEMP, tablespace,
					  psprintf("temporary files (%s)", tablespace_name(tablespace)),
					  storage_resolve(path, anchor));
}

/*
 * places_of_tablespaces
 */
List *
places_of_tablespaces(void)
{
	Relation	rel = table_open(TableSpaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *oids = NIL;
	List	   *places = NIL;
	ListCell   *cell;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		oids = lappend_oid(oids, ((Form_pg_tablespace) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(cell, oids)
		places = lappend(places, place_of_tablespace(lfirst_oid(cell)));
	return places;
}

/* Temporary files follow this session's setting. */
static List *
temp_places(void)
{
	List	   *places = NIL;
	Oid			temp[MAX_TEMP_TABLESPACES];
	int			ntemp;

	PrepareTempTablespaces();
	ntemp = GetTempTablespaces(temp, lengthof(temp));
	for (int i = 0; i < ntemp; i++)
		places = lappend(places, place_of_temp(temp[i]));
	if (ntemp == 0)
		places = lappend(places, place_of_temp(InvalidOid));
	return places;
}

/*
 * places_common
 */
List *
places_common(void)
{
	List	   *places;
	char	   *journal = storage_resolve(JOURNAL_DIRECTORY, JOURNAL_DIRECTORY);

	places = list_make1(make_place(PLACE_WAL, InvalidOid, "pg_wal",
								   storage_resolve("pg_wal", "pg_wal")));
	places = list_concat(places, temp_places());
	if (journal != NULL)
		places = lappend(places, make_place(PLACE_JOURNAL, InvalidOid, "audit journal", journal));
	return places;
}

/*
 * place_control
 */
const char *
place_control(PlaceKind kind)
{
	switch (kind)
	{
		case PLACE_TABLESPACE:
			return "at_rest";
		case PLACE_WAL:
			return "wal";
		case PLACE_TEMP:
			return "temp";
		case PLACE_JOURNAL:
			return "journal";
		case PLACE_LOG:
			return "log";
		case PLACE_ARCHIVE:
			return "archive";
		case PLACE_SWAP:
			return "swap";
		case PLACE_CORE:
			return "core_dump";
	}
	return "at_rest";
}

/*
 * evidence_grade_name
 */
const char *
evidence_grade_name(int grade)
{
	static const char *const names[] = {
		"unknown", "declared", "kernel-reported", "kernel-reported with the key present",
		"attested", "proved by canary"
	};

	return grade >= 0 && grade < lengthof(names) ? names[grade] : "unknown";
}

/*
 * place_satisfies
 */
bool
place_satisfies(const PolicySnapshot *p, const Label *label, const Place *place, char **reason)
{
	return storage_satisfies(p, label, &place->evidence, reason);
}
