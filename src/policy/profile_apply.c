/*-------------------------------------------------------------------------
 *
 * profile_apply.c
 *		Writing a profile to the policy tables, through their triggers.
 *
 * Only rows that change are written, so that triggers, era and registered row
 * labels take notice of what really happened: classes that stay are never
 * deleted.  Ranks are unique, so rows change them in two steps, over numbers
 * that neither the old nor the new ranks use, which keep the order.
 *
 * Runs as the owner of the tables.  The caller has checked everything and
 * holds the locks of profile_lock_tables().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"
#include "pg_dataclass/protect.h"

/* Where ranks pass through; ranks of documents are lower. */
#define INTERIM_RANK	1500000000

/* The arrays as rows.  Qualified one by one: core knows unnest() of several arrays by its bare name only. */
#define UNNEST(n)	"pg_catalog.unnest($" #n ")"
#define COLUMNS_2	"ROWS FROM (" UNNEST(1) ", " UNNEST(2) ")"
#define COLUMNS_3	"ROWS FROM (" UNNEST(1) ", " UNNEST(2) ", " UNNEST(3) ")"
#define COLUMNS_5	"ROWS FROM (" UNNEST(1) ", " UNNEST(2) ", " UNNEST(3) ", " UNNEST(4) ", " UNNEST(5) ")"
#define COLUMNS_11	"ROWS FROM (" UNNEST(1) ", " UNNEST(2) ", " UNNEST(3) ", " UNNEST(4) ", " UNNEST(5) ", " \
					UNNEST(6) ", " UNNEST(7) ", " UNNEST(8) ", " UNNEST(9) ", " UNNEST(10) ", " UNNEST(11) ")"

/* Columns of the rows to be written, as arrays for unnest(). */
#define MAX_COLUMNS 11

typedef struct Rows
{
	int			ncolumns;
	Oid			types[MAX_COLUMNS]; /* of elements: text or int4 */
	List	   *values[MAX_COLUMNS];	/* char *, NULL is null */
	int			nrows;
} Rows;

static void
rows_init(Rows *rows, const char *columns)
{
	memset(rows, 0, sizeof(*rows));
	for (; columns[rows->ncolumns]; rows->ncolumns++)
		rows->types[rows->ncolumns] = columns[rows->ncolumns] == 'i' ? INT4OID : TEXTOID;
}

/* A row's values, and how many. */
#define ROW(...) (const char *[]) {__VA_ARGS__}, lengthof(((const char *[]) {__VA_ARGS__}))

static void
rows_add(Rows *rows, const char *const *values, int nvalues)
{
	Assert(nvalues == rows->ncolumns);
	for (int i = 0; i < nvalues; i++)
		rows->values[i] = lappend(rows->values[i], unconstify(char *, values[i]));
	rows->nrows++;
}

static Datum
rows_column(const Rows *rows, int column)
{
	bool		is_int = rows->types[column] == INT4OID;
	Datum	   *values = palloc(sizeof(Datum) * rows->nrows);
	bool	   *nulls = palloc(sizeof(bool) * rows->nrows);
	int			dims[1] = {rows->nrows};
	int			lower[1] = {1};
	ListCell   *cell;
	int			n = 0;

	foreach(cell, rows->values[column])
	{
		char	   *value = lfirst(cell);

		nulls[n] = value == NULL;
		values[n] = nulls[n] ? (Datum) 0 : is_int ? Int32GetDatum(pg_strtoint32(value)) : CStringGetTextDatum(value);
		n++;
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lower, rows->types[column],
											  is_int ? 4 : -1, is_int, TYPALIGN_INT));
}

/* A statement on no rows would be a change of the policy all the same. */
static void
rows_write(const Rows *rows, const char *table, const char *query)
{
	Oid			types[MAX_COLUMNS];
	Datum		values[MAX_COLUMNS];

	if (rows->nrows == 0)
		return;
	for (int i = 0; i < rows->ncolumns; i++)
	{
		types[i] = rows->types[i] == INT4OID ? INT4ARRAYOID : TEXTARRAYOID;
		values[i] = rows_column(rows, i);
	}
	profile_execute(table, query, rows->ncolumns, types, values);
}

static char *
number(int64 value)
{
	return psprintf(INT64_FORMAT, value);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_words(const List *a, const List *b)
{
	if (list_length(a) != list_length(b))
		return false;
	for (int i = 0; i < list_length(a); i++)
		if (strcmp(list_nth(a, i), list_nth(b, i)) != 0)
			return false;
	return true;
}

/* Names and ranks of tiers or classes that stay, from low to high as they are now. */
typedef struct Ranks
{
	List	   *names;
	bool		moved;
} Ranks;

static void
ranks_add(Ranks *ranks, char *name, int before, int after)
{
	ranks->names = lappend(ranks->names, name);
	ranks->moved = ranks->moved || before != after;
}

static void
ranks_write(const Ranks *ranks, const char *table, const List *taken)
{
	Rows		rows;
	int			n = list_length(ranks->names);
	int			base = INTERIM_RANK;

	if (!ranks->moved)
		return;
	rows_init(&rows, "ti");
	for (int i = 0; i < n; i++)
	{
		/* a rank made by hand may be as high */
		while (list_member_int(taken, base))
			base++;
		rows_add(&rows, ROW(list_nth(ranks->names, i), number(base++)));
	}
	rows_write(&rows, table,
			   psprintf("UPDATE dataclass.%s t SET rank = n.rank FROM " COLUMNS_2 " AS n (name, rank)"
						" WHERE t.name OPERATOR(pg_catalog.=) n.name", table));
}

/* ------------------------------------------------------------------------
 * Tiers and controls
 * ------------------------------------------------------------------------
 */

static const ProfileTier *
find_tier(const Profile *profile, const char *name)
{
	ListCell   *cell;

	foreach(cell, profile->tiers)
		if (strcmp(((ProfileTier *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

static const ProfileControl *
find_control(const ProfileTier *tier, const char *name)
{
	ListCell   *cell;

	if (tier)
		foreach(cell, tier->controls)
			if (strcmp(((ProfileControl *) lfirst(cell))->control, name) == 0)
				return lfirst(cell);
	return NULL;
}

static void
apply_tiers(const Profile *before, const Profile *after)
{
	Rows		gone;
	Rows		changed;
	Rows		added;
	Ranks		ranks = {0};
	List	   *taken = NIL;
	ListCell   *cell;

	rows_init(&gone, "t");
	rows_init(&changed, "tit");
	rows_init(&added, "tit");
	foreach(cell, before->tiers)
	{
		ProfileTier *old = lfirst(cell);
		const ProfileTier *new = find_tier(after, old->name);

		taken = lappend_int(taken, old->rank);
		if (new)
			ranks_add(&ranks, old->name, old->rank, new->rank);
		else
			rows_add(&gone, ROW(old->name));
	}
	foreach(cell, after->tiers)
	{
		const ProfileTier *new = lfirst(cell);
		const ProfileTier *old = find_tier(before, new->name);

		if (old == NULL)
			rows_add(&added, ROW(new->name, number(new->rank), new->description));
		else if (ranks.moved || !same_text(old->description, new->description))
			rows_add(&changed, ROW(new->name, number(new->rank), new->description));
	}
	rows_write(&gone, "tier",
			   "DELETE FROM dataclass.tier t WHERE t.name OPERATOR(pg_catalog.=) ANY ($1)");
	ranks_write(&ranks, "tier", taken);
	rows_write(&changed, "tier",
			   "UPDATE dataclass.tier t SET rank = n.rank, description = n.description, shipped = false"
			   " FROM " COLUMNS_3 " AS n (name, rank, description)"
			   " WHERE t.name OPERATOR(pg_catalog.=) n.name");
	rows_write(&added, "tier",
			   "INSERT INTO dataclass.tier (name, rank, description)"
			   " SELECT n.name, n.rank, n.description FROM " COLUMNS_3 " AS n (name, rank, description)");
}

/* Controls of tiers that do not exist are swept away with those that are gone. */
static void
apply_controls(const Profile *before, const Profile *after)
{
	Rows		kept;
	Rows		changed;
	Rows		added;
	ListCell   *cell;
	ListCell   *inner;

	rows_init(&kept, "tt");
	rows_init(&changed, "ttt");
	rows_init(&added, "ttt");
	foreach(cell, after->tiers)
	{
		const ProfileTier *tier = lfirst(cell);
		const ProfileTier *old_tier = find_tier(before, tier->name);

		foreach(inner, tier->controls)
		{
			const ProfileControl *new = lfirst(inner);
			const ProfileControl *old = find_control(old_tier, new->control);

			rows_add(&kept, ROW(tier->name, new->control));
			if (old == NULL)
				rows_add(&added, ROW(tier->name, new->control, new->requirement));
			else if (strcmp(old->requirement, new->requirement) != 0)
				rows_add(&changed, ROW(tier->name, new->control, new->requirement));
		}
	}
	if (kept.nrows == 0)
		profile_execute("tier_control", "DELETE FROM dataclass.tier_control", 0, NULL, NULL);
	rows_write(&kept, "tier_control",
			   "DELETE FROM dataclass.tier_control t WHERE NOT EXISTS (SELECT FROM " COLUMNS_2 " AS n (tier, control)"
			   " WHERE n.tier OPERATOR(pg_catalog.=) t.tier AND n.control OPERATOR(pg_catalog.=) t.control)");
	rows_write(&changed, "tier_control",
			   "UPDATE dataclass.tier_control t SET requirement = n.requirement, shipped = false"
			   " FROM " COLUMNS_3 " AS n (tier, control, requirement)"
			   " WHERE n.tier OPERATOR(pg_catalog.=) t.tier AND n.control OPERATOR(pg_catalog.=) t.control");
	/* of a tier that did not exist: its controls may have been there */
	rows_write(&added, "tier_control",
			   "INSERT INTO dataclass.tier_control (tier, control, requirement)"
			   " SELECT n.tier, n.control, n.requirement FROM " COLUMNS_3 " AS n (tier, control, requirement)"
			   " ON CONFLICT (tier, control) DO UPDATE SET requirement = EXCLUDED.requirement, shipped = false");
}

/* ------------------------------------------------------------------------
 * Classes
 * ------------------------------------------------------------------------
 */

static const ProfileClass *
find_class(const Profile *profile, const char *name)
{
	ListCell   *cell;

	foreach(cell, profile->classes)
		if (strcmp(((ProfileClass *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

static bool
same_class(const ProfileClass *a, const ProfileClass *b)
{
	return strcmp(a->required_tier, b->required_tier) == 0 &&
		same_words(a->hosting_models, b->hosting_models) && same_words(a->regions, b->regions) &&
		strcmp(a->read_audit, b->read_audit) == 0 &&
		a->read_audit_acknowledged == b->read_audit_acknowledged &&
		a->superuser_audit == b->superuser_audit && a->min_evidence == b->min_evidence &&
		strcmp(a->on_violation, b->on_violation) == 0 && same_text(a->description, b->description);
}

/* Lists go as one text: names in them have no commas. */
static char *
packed(const List *words)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, words)
		appendStringInfo(&buf, "%s%s", buf.len ? "," : "", (char *) lfirst(cell));
	return buf.data;
}

static void
add_class_row(Rows *rows, const ProfileClass *class)
{
	rows_add(rows, ROW(class->name, number(class->rank), class->required_tier, packed(class->hosting_models),
			 packed(class->regions), class->read_audit, number(class->min_evidence), class->on_violation,
			 class->description, number(class->read_audit_acknowledged), number(class->superuser_audit)));
}

#define CLASS_ROWS \
	COLUMNS_11 \
	" AS n (name, rank, required_tier, hosting_models, regions, read_audit, min_evidence, on_violation, description," \
	" read_audit_acknowledged, superuser_audit)"

static void
apply_classes(const Profile *before, const Profile *after)
{
	Rows		gone;
	Rows		changed;
	Rows		added;
	Ranks		ranks = {0};
	List	   *taken = NIL;
	ListCell   *cell;

	rows_init(&gone, "t");
	rows_init(&changed, "tittttittii");
	rows_init(&added, "tittttittii");
	foreach(cell, before->classes)
	{
		ProfileClass *old = lfirst(cell);
		const ProfileClass *new = find_class(after, old->name);

		taken = lappend_int(taken, old->rank);
		if (new)
			ranks_add(&ranks, old->name, old->rank, new->rank);
		else
			rows_add(&gone, ROW(old->name));
	}
	foreach(cell, after->classes)
	{
		const ProfileClass *new = lfirst(cell);
		const ProfileClass *old = find_class(before, new->name);

		if (old == NULL)
			add_class_row(&added, new);
		else if (ranks.moved || !same_class(old, new))
			add_class_row(&changed, new);
	}
	rows_write(&gone, "data_class",
			   "DELETE FROM dataclass.data_class t WHERE t.name OPERATOR(pg_catalog.=) ANY ($1)");
	ranks_write(&ranks, "data_class", taken);
	rows_write(&changed, "data_class",
			   "UPDATE dataclass.data_class t SET rank = n.rank, required_tier = n.required_tier,"
			   " hosting_models = pg_catalog.string_to_array(n.hosting_models, ','),"
			   " regions = pg_catalog.string_to_array(n.regions, ','),"
			   " read_audit = n.read_audit, min_evidence = n.min_evidence, on_violation = n.on_violation,"
			   " description = n.description, read_audit_acknowledged = n.read_audit_acknowledged::pg_catalog.bool,"
			   " superuser_audit = n.superuser_audit::pg_catalog.bool, shipped = false"
			   " FROM " CLASS_ROWS " WHERE t.name OPERATOR(pg_catalog.=) n.name");
	/* apart from the update: that new classes came would hide from the era that others changed their order */
	rows_write(&added, "data_class",
			   "INSERT INTO dataclass.data_class (name, rank, required_tier, hosting_models, regions, read_audit,"
			   " min_evidence, on_violation, description, read_audit_acknowledged, superuser_audit)"
			   " SELECT n.name, n.rank, n.required_tier, pg_catalog.string_to_array(n.hosting_models, ','),"
			   " pg_catalog.string_to_array(n.regions, ','), n.read_audit, n.min_evidence, n.on_violation, n.description,"
			   " n.read_audit_acknowledged::pg_catalog.bool, n.superuser_audit::pg_catalog.bool"
			   " FROM " CLASS_ROWS);
}

/* ------------------------------------------------------------------------
 * Settings and disclosure windows
 * ------------------------------------------------------------------------
 */

static void
apply_settings(const Profile *before, const Profile *after)
{
	Rows		rows;

	rows_init(&rows, "tt");
	if (strcmp(before->name, after->name) != 0)
		rows_add(&rows, ROW("profile", after->name));
	if (strcmp(before->default_clearance, after->default_clearance) != 0)
		rows_add(&rows, ROW("default_clearance", after->default_clearance));
	if (strcmp(before->unlabelled, after->unlabelled) != 0)
		rows_add(&rows, ROW("unlabelled", after->unlabelled));
	rows_write(&rows, "policy_setting",
			   "INSERT INTO dataclass.policy_setting (name, value)"
			   " SELECT n.name, n.value FROM " COLUMNS_2 " AS n (name, value)"
			   " ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, shipped = false");
}

static const ProfileWindow *
find_window(const Profile *profile, const ProfileWindow *key)
{
	ListCell   *cell;

	foreach(cell, profile->windows)
	{
		const ProfileWindow *window = lfirst(cell);

		if (strcmp(window->class_name, key->class_name) == 0 && strcmp(window->recipient, key->recipient) == 0)
			return window;
	}
	return NULL;
}

static void
apply_windows(const Profile *before, const Profile *after)
{
	Rows		gone;
	Rows		rows;
	ListCell   *cell;

	rows_init(&gone, "tt");
	rows_init(&rows, "ttiit");
	foreach(cell, before->windows)
	{
		const ProfileWindow *old = lfirst(cell);

		if (find_window(after, old) == NULL)
			rows_add(&gone, ROW(old->class_name, old->recipient));
	}
	foreach(cell, after->windows)
	{
		const ProfileWindow *new = lfirst(cell);
		const ProfileWindow *old = find_window(before, new);

		if (old == NULL || old->within_seconds != new->within_seconds ||
			!same_text(old->description, new->description))
			rows_add(&rows, ROW(new->class_name, new->recipient, number(new->within_seconds / SECS_PER_DAY),
					 number(new->within_seconds % SECS_PER_DAY), new->description));
	}
	rows_write(&gone, "disclosure_window",
			   "DELETE FROM dataclass.disclosure_window t USING " COLUMNS_2 " AS n (class, recipient)"
			   " WHERE t.class OPERATOR(pg_catalog.=) n.class AND t.recipient OPERATOR(pg_catalog.=) n.recipient");
	rows_write(&rows, "disclosure_window",
			   "INSERT INTO dataclass.disclosure_window (class, recipient, within, description)"
			   " SELECT n.class, n.recipient, pg_catalog.make_interval(days => n.days, secs => n.secs), n.description"
			   " FROM " COLUMNS_5 " AS n (class, recipient, days, secs, description)"
			   " ON CONFLICT (class, recipient) DO UPDATE SET within = EXCLUDED.within,"
			   " description = EXCLUDED.description, shipped = false");
}

static Oid
owner_of(const char *table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(profile_table(table)));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for policy table \"%s\"", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Tiers before the classes that need them, settings that name classes last. */
void
profile_apply(const Profile *before, const Profile *after)
{
	ProtectActing acting;

	protect_act_begin(&acting, owner_of("data_class"));
	apply_tiers(before, after);
	apply_controls(before, after);
	apply_classes(before, after);
	apply_windows(before, after);
	apply_settings(before, after);
	protect_act_end(&acting);
}
