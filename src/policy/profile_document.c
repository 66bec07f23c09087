/*-------------------------------------------------------------------------
 *
 * profile_document.c
 *		From a profile document to a Profile: what members there are, and what
 *		must hold between them.
 *
 * docs/profile.schema.json says the same in JSON Schema, but for what a schema
 * cannot say (unique names and ranks, names that must exist); a test compares
 * both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"

static const char *const profile_members[] = {
	"$schema", "format", "name", "version", "title", "description", "sources", "settings", "tiers", "classes",
	"disclosure_windows", NULL
};
static const char *const source_members[] = {"title", "url", "citation", "date", "note", NULL};
static const char *const setting_members[] = {"default_clearance", "unlabelled", NULL};
static const char *const tier_members[] = {"name", "rank", "description", "controls", NULL};
static const char *const class_members[] = {
	"name", "rank", "required_tier", "hosting_models", "regions", "read_audit", "min_evidence", "on_violation",
	"description", "read_audit_acknowledged", "superuser_audit", NULL
};
static const char *const window_members[] = {"class", "recipient", "within_seconds", "description", NULL};

static const char *const formats[] = {PROFILE_FORMAT, NULL};
static const char *const unlabelled_choices[] = {"ungoverned", "denied", NULL};
static const char *const read_audit_choices[] = {"none", "session", "statement", NULL};
static const char *const violation_choices[] = {"record", "quarantine", NULL};

static char *
description_of(const ProfileNode *node)
{
	return profile_text(node, "description", false, 0, PROFILE_MAX_TEXT);
}

static ProfileSource *
parse_source(const ProfileNode *node)
{
	ProfileSource *source = palloc0(sizeof(ProfileSource));

	profile_object(node, source_members);
	source->title = profile_text(node, "title", true, 1, PROFILE_MAX_TEXT);
	source->url = profile_text(node, "url", false, 1, PROFILE_MAX_TEXT);
	source->citation = profile_text(node, "citation", false, 1, PROFILE_MAX_TEXT);
	source->date = profile_word(node, "date", false, PROFILE_WORD_DATE);
	source->note = profile_text(node, "note", false, 1, PROFILE_MAX_TEXT);
	if (source->url == NULL && source->citation == NULL)
		profile_fail(node->path, "a source needs \"url\" or \"citation\"");
	return source;
}

static ProfileTier *
parse_tier(const ProfileNode *node)
{
	ProfileTier *tier = palloc0(sizeof(ProfileTier));

	profile_object(node, tier_members);
	tier->name = profile_word(node, "name", true, PROFILE_WORD_CLASS);
	tier->rank = profile_int(node, "rank", 0, PROFILE_MAX_RANK);
	tier->description = description_of(node);
	tier->controls = profile_pairs(node, "controls", PROFILE_MAX_CONTROLS);
	return tier;
}

static ProfileClass *
parse_class(const ProfileNode *node)
{
	ProfileClass *class = palloc0(sizeof(ProfileClass));

	profile_object(node, class_members);
	class->name = profile_word(node, "name", true, PROFILE_WORD_CLASS);
	class->rank = profile_int(node, "rank", 0, PROFILE_MAX_RANK);
	class->required_tier = profile_word(node, "required_tier", true, PROFILE_WORD_CLASS);
	class->hosting_models = profile_words(node, "hosting_models", PROFILE_MAX_PLACES, PROFILE_WORD_HOSTING);
	class->regions = profile_words(node, "regions", PROFILE_MAX_PLACES, PROFILE_WORD_REGION);
	class->read_audit = profile_choice(node, "read_audit", read_audit_choices);
	class->read_audit_acknowledged = profile_flag(node, "read_audit_acknowledged");
	class->superuser_audit = profile_flag(node, "superuser_audit");
	class->min_evidence = profile_int(node, "min_evidence", 0, 5);
	class->on_violation = profile_choice(node, "on_violation", violation_choices);
	class->description = description_of(node);
	return class;
}

static ProfileWindow *
parse_window(const ProfileNode *node)
{
	ProfileWindow *window = palloc0(sizeof(ProfileWindow));

	profile_object(node, window_members);
	window->class_name = profile_word(node, "class", true, PROFILE_WORD_CLASS);
	window->recipient = profile_text(node, "recipient", true, 1, PROFILE_MAX_WORD);
	window->within_seconds = profile_int(node, "within_seconds", 0, PROFILE_MAX_WINDOW);
	window->description = description_of(node);
	return window;
}

static void
parse_settings(const ProfileNode *node, Profile *profile)
{
	ProfileNode settings;

	if (!profile_member(node, "settings", &settings))
		profile_fail(node->path, "member \"settings\" is missing");
	profile_object(&settings, setting_members);
	profile->default_clearance = profile_text(&settings, "default_clearance", true, 0, LABEL_SPEC_MAX_TEXT - 1);
	profile->unlabelled = profile_choice(&settings, "unlabelled", unlabelled_choices);
}

/* ------------------------------------------------------------------------
 * What must hold between members
 * ------------------------------------------------------------------------
 */

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
compare_windows(const ListCell *a, const ListCell *b)
{
	const ProfileWindow *left = lfirst(a);
	const ProfileWindow *right = lfirst(b);
	int			order = strcmp(left->class_name, right->class_name);

	return order ? order : strcmp(left->recipient, right->recipient);
}

static const ProfileClass *
class_named(const Profile *profile, const char *name)
{
	ListCell   *cell;

	foreach(cell, profile->classes)
		if (strcmp(((ProfileClass *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

static bool
has_tier(const Profile *profile, const char *name)
{
	ListCell   *cell;

	foreach(cell, profile->tiers)
		if (strcmp(((ProfileTier *) lfirst(cell))->name, name) == 0)
			return true;
	return false;
}

static void
add_tier(Profile *profile, const ProfileNode *node)
{
	ProfileTier *tier = parse_tier(node);
	ListCell   *cell;

	foreach(cell, profile->tiers)
	{
		const ProfileTier *other = lfirst(cell);

		if (strcmp(other->name, tier->name) == 0)
			profile_fail(node->path, "tier \"%s\" is there twice", tier->name);
		if (other->rank == tier->rank)
			profile_fail(node->path, "tiers \"%s\" and \"%s\" have the same rank", other->name, tier->name);
	}
	profile->tiers = lappend(profile->tiers, tier);
}

static void
add_class(Profile *profile, const ProfileNode *node)
{
	ProfileClass *class = parse_class(node);
	ListCell   *cell;

	foreach(cell, profile->classes)
	{
		const ProfileClass *other = lfirst(cell);

		if (strcmp(other->name, class->name) == 0)
			profile_fail(node->path, "class \"%s\" is there twice", class->name);
		if (other->rank == class->rank)
			profile_fail(node->path, "classes \"%s\" and \"%s\" have the same rank", other->name, class->name);
	}
	if (!has_tier(profile, class->required_tier))
		profile_fail(node->path, "tier \"%s\" is not among the tiers of the document", class->required_tier);
	profile->classes = lappend(profile->classes, class);
}

static void
add_window(Profile *profile, const ProfileNode *node)
{
	ProfileWindow *window = parse_window(node);
	ListCell   *cell;

	if (class_named(profile, window->class_name) == NULL)
		profile_fail(node->path, "class \"%s\" is not among the classes of the document", window->class_name);
	foreach(cell, profile->windows)
	{
		const ProfileWindow *other = lfirst(cell);

		if (strcmp(other->class_name, window->class_name) == 0 && strcmp(other->recipient, window->recipient) == 0)
			profile_fail(node->path, "the window of this class and recipient is there twice");
	}
	profile->windows = lappend(profile->windows, window);
}

static void
check_clearance_class(const Profile *profile, const Label *label, const char *path)
{
	char	   *name = pnstrdup(label->text + label->class_name.off, label->class_name.len);

	if (class_named(profile, name) == NULL)
		profile_fail(path, "class \"%s\" is not among the classes of the document", name);
}

static void
check_default_clearance(const Profile *profile)
{
	const char *path = "$.settings.default_clearance";
	LabelSpec	spec;
	LabelError	error;

	if (profile->default_clearance[0] == '\0')
		return;
	if (!label_parse_spec(LABEL_SPEC_ROLE, profile->default_clearance, strlen(profile->default_clearance), &spec,
						  &error))
		profile_fail(path, "not a clearance: %s at byte %d", error.message, error.position);
	check_clearance_class(profile, &spec.label, path);
	if (spec.has_floor)
		check_clearance_class(profile, &spec.floor, path);
}

/*
 * profile_parse
 */
Profile *
profile_parse(const char *document, size_t len)
{
	Profile    *profile = palloc0(sizeof(Profile));
	ProfileNode root = profile_json(document, len);
	List	   *tiers;
	List	   *classes;
	ListCell   *cell;

	profile_object(&root, profile_members);
	(void) profile_text(&root, "$schema", false, 0, PROFILE_MAX_TEXT);
	(void) profile_choice(&root, "format", formats);
	profile->name = profile_word(&root, "name", true, PROFILE_WORD_CLASS);
	profile->version = profile_word(&root, "version", true, PROFILE_WORD_VERSION);
	profile->title = profile_text(&root, "title", true, 1, PROFILE_MAX_TEXT);
	profile->description = description_of(&root);
	foreach(cell, profile_elements(&root, "sources", true, PROFILE_MAX_SOURCES))
		profile->sources = lappend(profile->sources, parse_source(lfirst(cell)));
	parse_settings(&root, profile);

	tiers = profile_elements(&root, "tiers", true, PROFILE_MAX_TIERS);
	classes = profile_elements(&root, "classes", true, PROFILE_MAX_CLASSES);
	if (tiers == NIL)
		profile_fail("$.tiers", "must not be empty");
	if (classes == NIL)
		profile_fail("$.classes", "must not be empty");
	foreach(cell, tiers)
		add_tier(profile, lfirst(cell));
	foreach(cell, classes)
		add_class(profile, lfirst(cell));
	foreach(cell, profile_elements(&root, "disclosure_windows", true, PROFILE_MAX_WINDOWS))
		add_window(profile, lfirst(cell));
	check_default_clearance(profile);

	list_sort(profile->tiers, compare_tiers);
	list_sort(profile->classes, compare_classes);
	list_sort(profile->windows, compare_windows);
	return profile;
}

/* Numbers that are missing count as 0: 1.2 is 1.2.0. */
int
profile_compare_versions(const char *a, const char *b)
{
	for (int i = 0; i < 4; i++)
	{
		char	   *rest;
		long		left = strtol(a, &rest, 10);
		long		right;

		a = *rest == '.' ? rest + 1 : rest;
		right = strtol(b, &rest, 10);
		b = *rest == '.' ? rest + 1 : rest;
		if (left != right)
			return left < right ? -1 : 1;
	}
	return 0;
}
