/*-------------------------------------------------------------------------
 *
 * profile_text.c
 *		A Profile as its canonical document, and what differs between two.
 *
 * Canonical: members in one order, two spaces a level, one line per class,
 * source and window; tiers and classes by rank.  The same profile gives the
 * same bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"

/* ------------------------------------------------------------------------
 * The document
 * ------------------------------------------------------------------------
 */

/* Appends  "name": "text"  with what goes before it, nothing where there is no text. */
static void
put_text(StringInfo buf, const char *before, const char *name, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(buf, "%s\"%s\": ", before, name);
	escape_json(buf, text);
}

/* Only what is true is written: documents from before there were flags stay what they are. */
static void
put_flag(StringInfo buf, const char *name, bool value)
{
	if (value)
		appendStringInfo(buf, ", \"%s\": true", name);
}

static void
put_list(StringInfo buf, const char *name, const List *words)
{
	ListCell   *cell;
	const char *before = "";

	appendStringInfo(buf, ", \"%s\": [", name);
	foreach(cell, words)
	{
		appendStringInfoString(buf, before);
		escape_json(buf, lfirst(cell));
		before = ", ";
	}
	appendStringInfoChar(buf, ']');
}

static void
put_source(StringInfo buf, const ProfileSource *source)
{
	put_text(buf, "    {", "title", source->title);
	put_text(buf, ", ", "url", source->url);
	put_text(buf, ", ", "citation", source->citation);
	put_text(buf, ", ", "date", source->date);
	put_text(buf, ", ", "note", source->note);
	appendStringInfoChar(buf, '}');
}

static void
put_tier(StringInfo buf, const ProfileTier *tier)
{
	ListCell   *cell;
	const char *before = "";

	put_text(buf, "    {", "name", tier->name);
	appendStringInfo(buf, ", \"rank\": %d", tier->rank);
	put_text(buf, ", ", "description", tier->description);
	appendStringInfoString(buf, ",\n     \"controls\": {");
	foreach(cell, tier->controls)
	{
		const ProfileControl *control = lfirst(cell);

		put_text(buf, before, control->control, control->requirement);
		before = ", ";
	}
	appendStringInfoString(buf, "}}");
}

static void
put_class(StringInfo buf, const ProfileClass *class)
{
	put_text(buf, "    {", "name", class->name);
	appendStringInfo(buf, ", \"rank\": %d", class->rank);
	put_text(buf, ", ", "required_tier", class->required_tier);
	put_text(buf, ",\n     ", "read_audit", class->read_audit);
	put_flag(buf, "read_audit_acknowledged", class->read_audit_acknowledged);
	put_flag(buf, "superuser_audit", class->superuser_audit);
	appendStringInfo(buf, ", \"min_evidence\": %d", class->min_evidence);
	put_text(buf, ", ", "on_violation", class->on_violation);
	put_list(buf, "hosting_models", class->hosting_models);
	put_list(buf, "regions", class->regions);
	put_text(buf, ",\n     ", "description", class->description);
	appendStringInfoChar(buf, '}');
}

static void
put_window(StringInfo buf, const ProfileWindow *window)
{
	put_text(buf, "    {", "class", window->class_name);
	put_text(buf, ", ", "recipient", window->recipient);
	appendStringInfo(buf, ", \"within_seconds\": " INT64_FORMAT, window->within_seconds);
	put_text(buf, ", ", "description", window->description);
	appendStringInfoChar(buf, '}');
}

static void
next_line(StringInfo buf, bool first)
{
	appendStringInfoString(buf, first ? "\n" : ",\n");
}

char *
profile_canonical(const Profile *profile)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	put_text(&buf, "{\n  ", "format", PROFILE_FORMAT);
	put_text(&buf, ",\n  ", "name", profile->name);
	put_text(&buf, ",\n  ", "version", profile->version);
	put_text(&buf, ",\n  ", "title", profile->title);
	put_text(&buf, ",\n  ", "description", profile->description);
	appendStringInfoString(&buf, ",\n  \"sources\": [");
	foreach(cell, profile->sources)
	{
		next_line(&buf, cell == list_head(profile->sources));
		put_source(&buf, lfirst(cell));
	}
	put_text(&buf, "],\n  \"settings\": {", "default_clearance", profile->default_clearance);
	put_text(&buf, ", ", "unlabelled", profile->unlabelled);
	appendStringInfoString(&buf, "},\n  \"tiers\": [");
	foreach(cell, profile->tiers)
	{
		next_line(&buf, cell == list_head(profile->tiers));
		put_tier(&buf, lfirst(cell));
	}
	appendStringInfoString(&buf, "],\n  \"classes\": [");
	foreach(cell, profile->classes)
	{
		next_line(&buf, cell == list_head(profile->classes));
		put_class(&buf, lfirst(cell));
	}
	appendStringInfoString(&buf, "],\n  \"disclosure_windows\": [");
	foreach(cell, profile->windows)
	{
		next_line(&buf, cell == list_head(profile->windows));
		put_window(&buf, lfirst(cell));
	}
	appendStringInfoString(&buf, "]\n}\n");
	return buf.data;
}

/* ------------------------------------------------------------------------
 * Differences
 *
 * A profile as a sorted list of facts (object, member, value); two lists are
 * merged.
 * ------------------------------------------------------------------------
 */

typedef struct Fact
{
	const char *object;
	const char *member;
	const char *value;
} Fact;

static List *
add_fact(List *facts, const char *object, const char *member, const char *value)
{
	Fact	   *fact;

	if (value == NULL)
		return facts;
	fact = palloc(sizeof(Fact));
	fact->object = object;
	fact->member = member;
	fact->value = value;
	return lappend(facts, fact);
}

static char *
joined(const List *words)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, words)
		appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", (char *) lfirst(cell));
	return buf.data;
}

static List *
tier_facts(List *facts, const ProfileTier *tier)
{
	const char *object = psprintf("tier %s", tier->name);
	ListCell   *cell;

	facts = add_fact(facts, object, "rank", psprintf("%d", tier->rank));
	facts = add_fact(facts, object, "description", tier->description);
	foreach(cell, tier->controls)
	{
		const ProfileControl *control = lfirst(cell);

		facts = add_fact(facts, object, psprintf("control %s", control->control), control->requirement);
	}
	return facts;
}

static List *
class_facts(List *facts, const ProfileClass *class)
{
	const char *object = psprintf("class %s", class->name);

	facts = add_fact(facts, object, "rank", psprintf("%d", class->rank));
	facts = add_fact(facts, object, "required_tier", class->required_tier);
	facts = add_fact(facts, object, "read_audit", class->read_audit);
	facts = add_fact(facts, object, "read_audit_acknowledged", class->read_audit_acknowledged ? "true" : NULL);
	facts = add_fact(facts, object, "superuser_audit", class->superuser_audit ? "true" : NULL);
	facts = add_fact(facts, object, "min_evidence", psprintf("%d", class->min_evidence));
	facts = add_fact(facts, object, "on_violation", class->on_violation);
	facts = add_fact(facts, object, "hosting_models", joined(class->hosting_models));
	facts = add_fact(facts, object, "regions", joined(class->regions));
	return add_fact(facts, object, "description", class->description);
}

static int
compare_facts(const Fact *a, const Fact *b)
{
	int			order = strcmp(a->object, b->object);

	return order ? order : strcmp(a->member, b->member);
}

static int
compare_fact_cells(const ListCell *a, const ListCell *b)
{
	return compare_facts(lfirst(a), lfirst(b));
}

static List *
profile_facts(const Profile *profile)
{
	List	   *facts = NIL;
	ListCell   *cell;

	facts = add_fact(facts, "setting profile", "value", profile->name);
	facts = add_fact(facts, "setting default_clearance", "value", profile->default_clearance);
	facts = add_fact(facts, "setting unlabelled", "value", profile->unlabelled);
	foreach(cell, profile->tiers)
		facts = tier_facts(facts, lfirst(cell));
	foreach(cell, profile->classes)
		facts = class_facts(facts, lfirst(cell));
	foreach(cell, profile->windows)
	{
		const ProfileWindow *window = lfirst(cell);
		const char *object = psprintf("window %s: %s", window->class_name, window->recipient);

		facts = add_fact(facts, object, "within_seconds", psprintf(INT64_FORMAT, window->within_seconds));
		facts = add_fact(facts, object, "description", window->description);
	}
	list_sort(facts, compare_fact_cells);
	return facts;
}

/* either: the one of the two that is there */
static List *
add_difference(List *differences, const Fact *either, const Fact *before, const Fact *after)
{
	ProfileDifference *difference = palloc(sizeof(ProfileDifference));

	difference->object = either->object;
	difference->member = either->member;
	difference->before = before ? before->value : NULL;
	difference->after = after ? after->value : NULL;
	return lappend(differences, difference);
}

List *
profile_differences(const Profile *before, const Profile *after)
{
	List	   *left = profile_facts(before);
	List	   *right = profile_facts(after);
	List	   *differences = NIL;
	int			nleft = list_length(left);
	int			nright = list_length(right);
	int			l = 0;
	int			r = 0;

	while (l < nleft || r < nright)
	{
		const Fact *a = l < nleft ? list_nth(left, l) : NULL;
		const Fact *b = r < nright ? list_nth(right, r) : NULL;
		int			order = l >= nleft ? 1 : r >= nright ? -1 : compare_facts(a, b);

		if (order < 0)
			differences = add_difference(differences, a, a, NULL);
		else if (order > 0)
			differences = add_difference(differences, b, NULL, b);
		else if (strcmp(a->value, b->value) != 0)
			differences = add_difference(differences, a, a, b);
		l += order <= 0;
		r += order >= 0;
	}
	return differences;
}

Datum
profile_differences_jsonb(const List *differences)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(cell, differences)
	{
		const ProfileDifference *difference = lfirst(cell);

		put_text(&buf, buf.len > 1 ? ", {" : "{", "object", difference->object);
		put_text(&buf, ", ", "member", difference->member);
		put_text(&buf, ", ", "before", difference->before);
		put_text(&buf, ", ", "after", difference->after);
		appendStringInfoChar(&buf, '}');
	}
	appendStringInfoChar(&buf, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data));
}
