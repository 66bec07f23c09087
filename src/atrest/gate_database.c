/*-------------------------------------------------------------------------
 *
 * gate_database.c
 *		Whole databases: moved or copied.
 *
 * Labels of the relations of another database cannot be read from here.  What
 * can be: the database's own label, which is a shared object's; and where its
 * default tablespace lies.  So, with the label that the database has, the new
 * place must satisfy it under the policy of this database; and in any case
 * the evidence may not get worse: nothing that was placed properly is placed
 * badly afterwards.  A copy of this database is judged by the labels of its
 * relations.
 *
 * Of tablespaces only the default is concerned: what lies in others stays, or
 * is copied, there.  Takes no locks beyond those of look-ups.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/seclabel.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/resolve.h"

static Oid
default_tablespace_of(Oid database)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	Oid			tablespace = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		tablespace = ((Form_pg_database) GETSTRUCT(tuple))->dattablespace;
		ReleaseSysCache(tuple);
	}
	return tablespace;
}

/* Where files of the database are or will be in that tablespace, with what is attested of the tablespace. */
static Place *
place_of_database(Oid database, Oid tablespace)
{
	Place	   *place = place_of_tablespace(tablespace);
	Evidence	seen;

	place->path = storage_database_path(database, tablespace);
	storage_probe(place->path, &seen);
	strlcpy(seen.hosting_model, place->evidence.hosting_model, sizeof(seen.hosting_model));
	strlcpy(seen.region, place->evidence.region, sizeof(seen.region));
	place->evidence = seen;
	return place;
}

/* Every requirement that the place before may have met must be met by the new one. */
static const char *
worse_control(const Evidence *before, const Evidence *after)
{
	if (before->verdict == EVIDENCE_ENCRYPTED &&
		(after->verdict != EVIDENCE_ENCRYPTED || after->grade < before->grade))
		return "at_rest";
	if (before->verdict == EVIDENCE_ENCRYPTED && after->key_bits < before->key_bits)
		return "at_rest_key";
	if ((before->hosting_model[0] && strcmp(before->hosting_model, after->hosting_model) != 0) ||
		(before->region[0] && strcmp(before->region, after->region) != 0))
		return "hosting";
	return NULL;
}

static void
refuse(Oid database, const char *name, const char *tablespace_name, const char *action, const char *label,
	   const char *detail)
{
	AuditEvent	event = {0};

	event.action = action;
	event.class_id = DatabaseRelationId;
	event.object_id = database;
	event.object_type = "database";
	event.object_identity = quote_identifier(name);
	event.label = label;
	gate_refuse(&event,
				psprintf("cannot place data of database \"%s\" in tablespace \"%s\"", name, tablespace_name),
				detail,
				"Use a tablespace on encrypted storage: SELECT * FROM dataclass.storage_evidence().");
}

/* The label of the database itself, under the policy of this one. */
static bool
database_label(Oid database, Label *label)
{
	ObjectAddress object;
	char	   *text;
	LabelError	error;

	if (!policy_current()->installed)
		return false;
	ObjectAddressSet(object, DatabaseRelationId, database);
	text = GetSecurityLabel(&object, DC_PROVIDER);
	return text != NULL && label_parse(text, strlen(text), label, &error);
}

/* Its files are written anew, and the copy of a database by way of the write-ahead log. */
static void
gate_shared_database(Oid database, const char *name, const Label *label, const char *action)
{
	AuditEvent	about = {0};

	about.action = action;
	about.class_id = DatabaseRelationId;
	about.object_id = database;
	about.object_type = "database";
	about.object_identity = quote_identifier(name);
	(void) gate_check_shared(label, &about);
}

/* Relations of this database: shared places for all, and the target, if valid, for those in its default tablespace. */
static void
gate_own_relations(Oid target, const char *name, const char *action)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	List	   *relids = NIL;
	ListCell   *cell;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW ||
			 form->relkind == RELKIND_INDEX))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(cell, relids)
	{
		Label		label;

		if (!gate_relation_label(lfirst_oid(cell), &label))
			continue;
		if (OidIsValid(target) && !OidIsValid(get_rel_tablespace(lfirst_oid(cell))))
			(void) gate_check(&label, target, RelationRelationId, lfirst_oid(cell), "relation", NULL, action);
		gate_shared_database(MyDatabaseId, name, &label, action);
	}
}

/* tablespace_name NULL: the one it is in */
static void
gate_database(const char *name, const char *tablespace_name, const char *action)
{
	Oid			database = get_database_oid(name, true);
	Oid			target = tablespace_name ? get_tablespace_oid(tablespace_name, true) : InvalidOid;
	Oid			source;
	Place	   *before;
	Place	   *after;
	const char *control;
	Label		label;
	char	   *reason;

	if (!OidIsValid(database) || (tablespace_name != NULL && !OidIsValid(target)))
		return;
	source = default_tablespace_of(database);
	if (!OidIsValid(source))
		return;
	if (database_label(database, &label))
		gate_shared_database(database, name, &label, action);
	if (!OidIsValid(target) || source == target)
	{
		if (database == MyDatabaseId && policy_current()->installed)
			gate_own_relations(InvalidOid, name, action);
		return;
	}
	after = place_of_database(database, target);
	if (database_label(database, &label) && gate_label_needs_place(policy_current(), &label) &&
		!place_satisfies(policy_current(), &label, after, &reason))
		refuse(database, name, tablespace_name, action, label.text,
			   psprintf("The database is labeled \"%s\". %s", label.text, reason));
	if (database == MyDatabaseId && policy_current()->installed)
	{
		gate_own_relations(target, name, action);
		return;
	}

	before = place_of_database(database, source);
	control = worse_control(&before->evidence, &after->evidence);
	if (control == NULL)
		return;
	refuse(database, name, tablespace_name, action, NULL,
		   psprintf("Control %s requires what tablespace \"%s\" has (%s, grade %d), found at tablespace \"%s\": %s, grade %d. %s Labels of another database cannot be read from here, so evidence may not get worse.",
					control, before->name, evidence_verdict_name(before->evidence.verdict), before->evidence.grade,
					tablespace_name, evidence_verdict_name(after->evidence.verdict), after->evidence.grade,
					after->evidence.detail));
}

/*
 * gate_alter_database
 */
void
gate_alter_database(const struct AlterDatabaseStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "tablespace") == 0 && option->arg != NULL)
			gate_database(stmt->dbname, defGetString(option), "ALTER DATABASE");
	}
}

/*
 * gate_create_database
 *		A database is a copy of its template, by way of the write-ahead log or not.
 */
void
gate_create_database(const struct CreatedbStmt *stmt)
{
	const char *template = "template1";
	const char *tablespace = NULL;
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (option->arg == NULL)
			continue;
		if (strcmp(option->defname, "template") == 0)
			template = defGetString(option);
		else if (strcmp(option->defname, "tablespace") == 0)
			tablespace = defGetString(option);
	}
	gate_database(template, tablespace, "CREATE DATABASE");
}
