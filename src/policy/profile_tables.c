/*-------------------------------------------------------------------------
 *
 * profile_tables.c
 *		The policy tables as a Profile, and a Profile as a policy snapshot.
 *
 * Reads the tables as they are, and makes of a profile what decisions read
 * (PolicySnapshot), without putting it in force.  profile_apply.c writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"

/* ------------------------------------------------------------------------
 * What the tables say
 * ------------------------------------------------------------------------
 */

typedef struct Row
{
	Relation	rel;
	HeapTuple	tuple;
} Row;

static Datum
column(const Row *row, const char *name, bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(row->rel), name);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("policy table \"%s\" has no column \"%s\"", RelationGetRelationName(row->rel), name),
				 errhint("Update the extension: ALTER EXTENSION pg_dataclass UPDATE.")));
	return heap_getattr(row->tuple, attnum, RelationGetDescr(row->rel), isnull);
}

static char *
text_column(const Row *row, const char *name)
{
	bool		isnull;
	Datum		value = column(row, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static int
int_column(const Row *row, const char *name)
{
	bool		isnull;

	return DatumGetInt32(column(row, name, &isnull));
}

static bool
bool_column(const Row *row, const char *name)
{
	bool		isnull;

	return DatumGetBool(column(row, name, &isnull));
}

static List *
list_column(const Row *row, const char *name)
{
	bool		isnull;
	Datum		value = column(row, name, &isnull);
	Datum	   *elements;
	bool	   *nulls;
	int			n = 0;
	List	   *words = NIL;

	if (!isnull)
		deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			words = lappend(words, TextDatumGetCString(elements[i]));
	return words;
}

static void
read_tier(Profile *profile, const Row *row)
{
	ProfileTier *tier = palloc0(sizeof(ProfileTier));

	tier->name = text_column(row, "name");
	tier->rank = int_column(row, "rank");
	tier->description = text_column(row, "description");
	profile->tiers = lappend(profile->tiers, tier);
}

/* Controls of a tier that does not exist bind nobody and are no part of a profile. */
static void
read_control(Profile *profile, const Row *row)
{
	char	   *tier_name = text_column(row, "tier");
	ListCell   *cell;

	foreach(cell, profile->tiers)
	{
		ProfileTier *tier = lfirst(cell);
		ProfileControl *control;

		if (strcmp(tier->name, tier_name) != 0)
			continue;
		control = palloc0(sizeof(ProfileControl));
		control->control = text_column(row, "control");
		control->requirement = text_column(row, "requirement");
		tier->controls = lappend(tier->controls, control);
	}
}

static void
read_class(Profile *profile, const Row *row)
{
	ProfileClass *class = palloc0(sizeof(ProfileClass));

	class->name = text_column(row, "name");
	class->rank = int_column(row, "rank");
	class->required_tier = text_column(row, "required_tier");
	class->hosting_models = list_column(row, "hosting_models");
	class->regions = list_column(row, "regions");
	class->read_audit = text_column(row, "read_audit");
	class->read_audit_acknowledged = bool_column(row, "read_audit_acknowledged");
	class->superuser_audit = bool_column(row, "superuser_audit");
	class->min_evidence = int_column(row, "min_evidence");
	class->on_violation = text_column(row, "on_violation");
	class->description = text_column(row, "description");
	profile->classes = lappend(profile->classes, class);
}

static void
read_setting(Profile *profile, const Row *row)
{
	char	   *name = text_column(row, "name");
	char	   *value = text_column(row, "value");

	if (strcmp(name, "default_clearance") == 0)
		profile->default_clearance = value;
	else if (strcmp(name, "unlabelled") == 0)
		profile->unlabelled = value;
	else if (strcmp(name, "profile") == 0)
		profile->name = value;
}

static void
read_window(Profile *profile, const Row *row)
{
	ProfileWindow *window = palloc0(sizeof(ProfileWindow));
	bool		isnull;
	Interval   *within;

	window->class_name = text_column(row, "class");
	window->recipient = text_column(row, "recipient");
	within = DatumGetIntervalP(column(row, "within", &isnull));
	window->within_seconds = within->time / USECS_PER_SEC +
		(int64) SECS_PER_DAY * (within->day + (int64) DAYS_PER_MONTH * within->month);
	window->description = text_column(row, "description");
	profile->windows = lappend(profile->windows, window);
}

static void
read_table(Profile *profile, const char *name, void (*reader) (Profile *profile, const Row *row))
{
	Row			row;
	SysScanDesc scan;

	row.rel = table_open(profile_table(name), AccessShareLock);
	scan = systable_beginscan(row.rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(row.tuple = systable_getnext(scan)))
		reader(profile, &row);
	systable_endscan(scan);
	table_close(row.rel, AccessShareLock);
}

static int
compare_tiers(const ListCell *a, const ListCell *b)
{
	return ((ProfileTier *) lfirst(a))->rank - ((ProfileTier *) lfirst(b))->rank;
}

static int
compare_classes(const ListCell *a, const ListCell *b)
{
	return ((ProfileClass *) lfirst(a))->rank - ((ProfileClass *) lfirst(b))->rank;
}

static int
compare_controls(const ListCell *a, const ListCell *b)
{
	return strcmp(((ProfileControl *) lfirst(a))->control, ((ProfileControl *) lfirst(b))->control);
}

static int
compare_windows(const ListCell *a, const ListCell *b)
{
	const ProfileWindow *left = lfirst(a);
	const ProfileWindow *right = lfirst(b);
	int			order = strcmp(left->class_name, right->class_name);

	return order ? order : strcmp(left->recipient, right->recipient);
}

/* Title, version and sources are nowhere but in the document of the last version of that name. */
static void
read_document_part(Profile *profile)
{
	List	   *versions = profile_versions();

	for (int i = list_length(versions) - 1; i >= 0; i--)
	{
		const ProfileVersion *version = list_nth(versions, i);
		Profile    *loaded;

		if (profile->name && strcmp(version->name, profile->name) != 0)
			continue;
		loaded = profile_parse(version->document, strlen(version->document));
		if (profile->name == NULL)
			profile->name = loaded->name;
		profile->version = loaded->version;
		profile->title = loaded->title;
		profile->description = loaded->description;
		profile->sources = loaded->sources;
		return;
	}
	if (profile->name == NULL)
		profile->name = pstrdup("local");
	profile->version = pstrdup("0");
	profile->title = pstrdup("Local policy");
}

Profile *
profile_present(void)
{
	Profile    *profile = palloc0(sizeof(Profile));
	ListCell   *cell;

	read_table(profile, "tier", read_tier);
	read_table(profile, "tier_control", read_control);
	read_table(profile, "data_class", read_class);
	read_table(profile, "policy_setting", read_setting);
	read_table(profile, "disclosure_window", read_window);
	if (profile->default_clearance == NULL)
		profile->default_clearance = pstrdup("");
	if (profile->unlabelled == NULL)
		profile->unlabelled = pstrdup("ungoverned");
	read_document_part(profile);
	list_sort(profile->tiers, compare_tiers);
	list_sort(profile->classes, compare_classes);
	list_sort(profile->windows, compare_windows);
	foreach(cell, profile->tiers)
		list_sort(((ProfileTier *) lfirst(cell))->controls, compare_controls);
	return profile;
}

/* ------------------------------------------------------------------------
 * As a snapshot
 * ------------------------------------------------------------------------
 */

static const char **
words_array(const List *words)
{
	const char **array = palloc(sizeof(char *) * Max(1, list_length(words)));
	ListCell   *cell;
	int			n = 0;

	foreach(cell, words)
		array[n++] = lfirst(cell);
	return array;
}

static void
fill_tier(PolicyTier *to, const ProfileTier *from)
{
	ListCell   *cell;

	to->name = from->name;
	to->rank = from->rank;
	to->controls = palloc0(sizeof(PolicyTierControl) * Max(1, list_length(from->controls)));
	foreach(cell, from->controls)
	{
		const ProfileControl *control = lfirst(cell);

		to->controls[to->ncontrols].control = control->control;
		to->controls[to->ncontrols++].requirement = control->requirement;
	}
}

static void
fill_class(const PolicySnapshot *p, PolicyClass *to, const ProfileClass *from)
{
	const PolicyTier *tier = policy_tier_by_name(p, from->required_tier);

	to->name = from->name;
	to->rank = from->rank;
	to->required_tier = tier ? tier->rank : POLICY_RANK_NONE;
	to->min_evidence = from->min_evidence;
	to->read_audit = policy_read_audit(from->read_audit);
	to->read_audit_acknowledged = from->read_audit_acknowledged;
	to->superuser_audit = from->superuser_audit;
	to->nhosting_models = list_length(from->hosting_models);
	to->hosting_models = words_array(from->hosting_models);
	to->nregions = list_length(from->regions);
	to->regions = words_array(from->regions);
	to->quarantines = strcmp(from->on_violation, "record") != 0;
}

PolicySnapshot *
profile_snapshot(const Profile *profile)
{
	const PolicySnapshot *now = policy_current();
	PolicySnapshot *p = palloc0(sizeof(PolicySnapshot));
	ListCell   *cell;
	LabelError	error;

	p->installed = true;
	p->schema_oid = now->schema_oid;
	p->audit_schema_oid = now->audit_schema_oid;
	p->tiers = palloc0(sizeof(PolicyTier) * Max(1, list_length(profile->tiers)));
	foreach(cell, profile->tiers)
		fill_tier(&p->tiers[p->ntiers++], lfirst(cell));
	p->classes = palloc0(sizeof(PolicyClass) * Max(1, list_length(profile->classes)));
	foreach(cell, profile->classes)
		fill_class(p, &p->classes[p->nclasses++], lfirst(cell));
	/* the snapshot in force may be replaced while this one is used */
	p->compartments = palloc(sizeof(char *) * Max(1, now->ncompartments));
	for (int i = 0; i < now->ncompartments; i++)
		p->compartments[p->ncompartments++] = pstrdup(now->compartments[i]);
	p->deny_unlabelled = strcmp(profile->unlabelled, "denied") == 0;
	p->has_default_clearance = profile->default_clearance[0] != '\0' &&
		label_parse_spec(LABEL_SPEC_ROLE, profile->default_clearance, strlen(profile->default_clearance),
						 &p->default_clearance, &error);
	return p;
}
