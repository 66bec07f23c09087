/*-------------------------------------------------------------------------
 *
 * place.c
 *		The places of this server: which there are, and where they lie.
 *
 * Owns the list and the directories of the database; place_server.c finds
 * where the rest of the server and the machine put data, storage.c probes one
 * directory, storage_need.c knows what the policy asks of a place.
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

/*
 * Encryption by the server itself says more than a plain disk below it, in
 * files that the server writes by itself.
 */
static void
apply_server_encryption(PlaceKind kind, Evidence *evidence)
{
	Evidence	server;

	if ((kind == PLACE_TABLESPACE || kind == PLACE_WAL || kind == PLACE_TEMP) &&
		evidence->verdict != EVIDENCE_ENCRYPTED && tde_server_evidence(&server))
		*evidence = server;
}

/*
 * place_make
 *		seen: evidence of whoever knows more of the place than its path.
 */
Place *
place_make(PlaceKind kind, Oid tablespace, const char *name, const char *path,
		   const Evidence *seen)
{
	Place	   *place = palloc0(sizeof(Place));

	place->kind = kind;
	place->tablespace = tablespace;
	place->name = name;
	place->path = path;
	if (seen != NULL)
		place->evidence = *seen;
	else
	{
		storage_probe(path, &place->evidence);
		apply_server_encryption(kind, &place->evidence);
	}
	attestation_apply(policy_current(), place);
	return place;
}

static Place *
make_place(PlaceKind kind, Oid tablespace, const char *name, const char *path)
{
	return place_make(kind, tablespace, name, path, NULL);
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

/*
 * Temporary files follow this session's setting; those that outlive a
 * transaction, of held cursors, go to the database's default all the same.
 */
static List *
places_of_temp(void)
{
	List	   *oids = list_make1_oid(MyDatabaseTableSpace);
	List	   *places = NIL;
	Oid			temp[MAX_TEMP_TABLESPACES];
	int			ntemp;
	ListCell   *cell;

	PrepareTempTablespaces();
	ntemp = GetTempTablespaces(temp, lengthof(temp));
	for (int i = 0; i < ntemp; i++)
	{
		if (OidIsValid(temp[i]))
			oids = list_append_unique_oid(oids, temp[i]);
	}
	foreach(cell, oids)
		places = lappend(places, place_of_temp(lfirst_oid(cell)));
	return places;
}

/*
 * The write-ahead log, and what is taken from it or kept for it: spilled
 * changes of logical decoding, state of prepared transactions.
 */
static List *
places_of_wal(void)
{
	static const char *const directories[] = {"pg_wal", "pg_replslot", "pg_twophase"};
	List	   *places = NIL;

	for (int i = 0; i < lengthof(directories); i++)
		places = lappend(places, make_place(PLACE_WAL, InvalidOid, directories[i],
											storage_resolve(directories[i], directories[i])));
	return places;
}

static List *
places_of_journal(void)
{
	char	   *journal = storage_resolve(JOURNAL_DIRECTORY, JOURNAL_DIRECTORY);

	if (journal == NULL)
		return NIL;
	return list_make1(make_place(PLACE_JOURNAL, InvalidOid, "audit journal", journal));
}

/*
 * places_of_kind
 */
List *
places_of_kind(PlaceKind kind)
{
	switch (kind)
	{
		case PLACE_TABLESPACE:
			return places_of_tablespaces();
		case PLACE_WAL:
			return places_of_wal();
		case PLACE_TEMP:
			return places_of_temp();
		case PLACE_JOURNAL:
			return places_of_journal();
		case PLACE_LOG:
			return places_of_log();
		case PLACE_ARCHIVE:
			return places_of_archive();
		case PLACE_SWAP:
			return places_of_swap();
		case PLACE_CORE:
			return places_of_core();
	}
	return NIL;
}

/*
 * places_common
 */
List *
places_common(void)
{
	List	   *places = NIL;

	for (PlaceKind kind = PLACE_WAL; kind <= PLACE_CORE; kind++)
		places = list_concat(places, places_of_kind(kind));
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
