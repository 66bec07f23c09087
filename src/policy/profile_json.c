/*-------------------------------------------------------------------------
 *
 * profile_json.c
 *		Reading a profile document strictly: every member must be known, there
 *		once, of the right type and within limits.
 *
 * Core parses: its lexer tells of members that are there twice, which jsonb
 * would drop, and jsonb is what is read afterwards.  Errors carry the JSON path
 * of what is wrong, never more of the document than a name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/jsonfuncs.h"
#include "utils/numeric.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"

/* A number that could be meant is shorter; core would spend megabytes on 1e100000. */
#define MAX_NUMBER_BYTES	16
#define MAX_EXPONENT_BYTES	3	/* with its e */
#define MAX_DEPTH			16

typedef struct DuplicateCheck
{
	int			depth;
	List	   *members[MAX_DEPTH + 1];	/* names seen in the open object of that depth */
} DuplicateCheck;

void
profile_fail(const char *path, const char *fmt,...)
{
	StringInfoData why;

	initStringInfo(&why);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&why, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&why, needed);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid policy profile at %s: %s", path, why.data),
			 errhint("The documents are described by docs/profile.schema.json; see one: SELECT dataclass.shipped_profile('fips-199').")));
}

void
profile_limit(const char *path, const char *what, int limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("invalid policy profile at %s: more than %d %s", path, limit, what)));
}

/* A name out of the document, fit to be shown. */
static char *
shown_name(const char *name)
{
	StringInfoData buf;
	int			len = pg_mbcliplen(name, strlen(name), 64);

	initStringInfo(&buf);
	escape_json(&buf, pnstrdup(name, len));
	return buf.data;
}

/* ------------------------------------------------------------------------
 * Members that are there twice
 * ------------------------------------------------------------------------
 */

static CompatJsonAction
open_level(void *state)
{
	DuplicateCheck *check = state;

	if (check->depth == MAX_DEPTH)
		profile_limit("$", "levels of nesting", MAX_DEPTH);
	check->members[++check->depth] = NIL;
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
close_level(void *state)
{
	((DuplicateCheck *) state)->depth--;
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
see_member(void *state, char *name, bool isnull)
{
	DuplicateCheck *check = state;
	ListCell   *cell;

	foreach(cell, check->members[check->depth])
		if (strcmp(lfirst(cell), name) == 0)
			profile_fail("$", "member %s is there twice in one object", shown_name(name));
	if (list_length(check->members[check->depth]) == PROFILE_MAX_MEMBERS)
		profile_limit("$", "members of one object", PROFILE_MAX_MEMBERS);
	check->members[check->depth] = lappend(check->members[check->depth], pstrdup(name));
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
see_scalar(void *state, char *token, JsonTokenType type)
{
	const char *exponent = strpbrk(token, "eE");

	if (type == JSON_TOKEN_NUMBER && strlen(token) > MAX_NUMBER_BYTES)
		profile_limit("$", "bytes of a number", MAX_NUMBER_BYTES);
	if (type == JSON_TOKEN_NUMBER && exponent && strlen(exponent) > MAX_EXPONENT_BYTES)
		profile_fail("$", "a number is out of range");
	COMPAT_JSON_GO_ON;
}

ProfileNode
profile_json(const char *document, size_t len)
{
	DuplicateCheck check = {0};
	JsonSemAction actions = {0};
	ProfileNode node;
	Jsonb	   *parsed;

	if (len > PROFILE_MAX_BYTES)
		profile_limit("$", "bytes", PROFILE_MAX_BYTES);
	actions.semstate = &check;
	actions.object_start = open_level;
	actions.object_end = close_level;
	actions.array_start = open_level;
	actions.array_end = close_level;
	actions.object_field_start = see_member;
	actions.scalar = see_scalar;
	compat_parse_json(cstring_to_text_with_len(document, len), &actions);

	parsed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(document, len))));
	node.value = palloc0(sizeof(JsonbValue));
	node.path = pstrdup("$");
	JsonbToJsonbValue(parsed, node.value);
	return node;
}

/* ------------------------------------------------------------------------
 * Members of one object
 * ------------------------------------------------------------------------
 */

static bool
is_container(const ProfileNode *node, bool object)
{
	if (node->value->type != jbvBinary)
		return false;
	return object ? JsonContainerIsObject(node->value->val.binary.data) :
		JsonContainerIsArray(node->value->val.binary.data) &&
		!JsonContainerIsScalar(node->value->val.binary.data);
}

static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

void
profile_object(const ProfileNode *node, const char *const *known)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!is_container(node, true))
		profile_fail(node->path, "must be an object");
	it = JsonbIteratorInit(node->value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char	   *name;
		int			i = 0;

		if (token != WJB_KEY)
			continue;
		name = string_of(&value);
		while (known[i] && strcmp(known[i], name) != 0)
			i++;
		if (known[i] == NULL)
			profile_fail(node->path, "member %s is not known", shown_name(name));
	}
}

bool
profile_member(const ProfileNode *node, const char *name, ProfileNode *member)
{
	member->value = getKeyJsonValueFromContainer(node->value->val.binary.data, name, strlen(name), NULL);
	member->path = psprintf("%s.%s", node->path, name);
	return member->value != NULL;
}

/* The value of a string member, NULL where it may be missing and is. */
static char *
string_member(const ProfileNode *node, const char *name, bool required, ProfileNode *member)
{
	if (!profile_member(node, name, member))
	{
		if (required)
			profile_fail(node->path, "member \"%s\" is missing", name);
		return NULL;
	}
	if (member->value->type != jbvString)
		profile_fail(member->path, "must be a string");
	return string_of(member->value);
}

static void
check_text(const char *text, const char *path, int least, int most)
{
	int			len = pg_mbstrlen(text);

	if (len < least)
		profile_fail(path, "must not be empty");
	if (len > most)
		profile_limit(path, "characters", most);
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			profile_fail(path, "must not contain control characters");
}

char *
profile_text(const ProfileNode *node, const char *name, bool required, int least, int most)
{
	ProfileNode member;
	char	   *text = string_member(node, name, required, &member);

	if (text)
		check_text(text, member.path, least, most);
	return text;
}

#define DIGITS	"0123456789"
#define LOWER	"abcdefghijklmnopqrstuvwxyz"

static bool
is_version(const char *text)
{
	int			numbers = 0;

	while (numbers < 4)
	{
		size_t		digits = strspn(text, DIGITS);

		if (digits < 1 || digits > 9)
			return false;
		numbers++;
		text += digits;
		if (*text == '\0')
			return true;
		if (*text++ != '.')
			return false;
	}
	return false;
}

static bool
is_date(const char *text)
{
	static const char shape[] = "dddd-dd-dd";
	size_t		len = strlen(text);

	if (len != 4 && len != 7 && len != 10)
		return false;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == '-' ? text[i] != '-' : strchr(DIGITS, text[i]) == NULL)
			return false;
	return true;
}

bool
profile_is_word(const char *text, ProfileWord kind)
{
	size_t		len = strlen(text);

	switch (kind)
	{
		case PROFILE_WORD_CLASS:
			return len >= 1 && len <= 63 && strchr(LOWER, text[0]) && strspn(text, LOWER DIGITS "_-") == len;
		case PROFILE_WORD_CONTROL:
			return len >= 1 && len <= 63 && strchr(LOWER, text[0]) && strspn(text, LOWER DIGITS "_") == len;
		case PROFILE_WORD_HOSTING:
			return len >= 1 && len <= 31 && strchr(LOWER, text[0]) && strspn(text, LOWER DIGITS "-") == len;
		case PROFILE_WORD_REGION:
			return len == 2 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
		case PROFILE_WORD_VERSION:
			return is_version(text);
		case PROFILE_WORD_DATE:
			return is_date(text);
	}
	return false;
}

static const char *
word_shape(ProfileWord kind)
{
	switch (kind)
	{
		case PROFILE_WORD_CLASS:
			return "a name: a lower-case letter, then letters, digits, _ or -, at most 63 bytes";
		case PROFILE_WORD_CONTROL:
			return "a control: a lower-case letter, then letters, digits or _, at most 63 bytes";
		case PROFILE_WORD_HOSTING:
			return "a hosting model: a lower-case letter, then letters, digits or -, at most 31 bytes";
		case PROFILE_WORD_REGION:
			return "a country by its two letters in upper case";
		case PROFILE_WORD_VERSION:
			return "a version: one to four numbers of at most 9 digits with dots between them";
		case PROFILE_WORD_DATE:
			return "a date: YYYY, YYYY-MM or YYYY-MM-DD";
	}
	return "?";
}

static char *
check_word(char *text, const char *path, ProfileWord kind)
{
	if (!profile_is_word(text, kind))
		profile_fail(path, "must be %s", word_shape(kind));
	return text;
}

char *
profile_word(const ProfileNode *node, const char *name, bool required, ProfileWord kind)
{
	ProfileNode member;
	char	   *text = string_member(node, name, required, &member);

	return text ? check_word(text, member.path, kind) : NULL;
}

int
profile_int(const ProfileNode *node, const char *name, int least, int most)
{
	ProfileNode member;
	Datum		number;
	Datum		whole;
	Datum		least_number;
	Datum		most_number;

	if (!profile_member(node, name, &member))
		profile_fail(node->path, "member \"%s\" is missing", name);
	if (member.value->type != jbvNumeric)
		profile_fail(member.path, "must be a number");
	number = NumericGetDatum(member.value->val.numeric);
	whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));
	least_number = DirectFunctionCall1(int4_numeric, Int32GetDatum(least));
	most_number = DirectFunctionCall1(int4_numeric, Int32GetDatum(most));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number, whole)) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, number, least_number)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, most_number)))
		profile_fail(member.path, "must be a whole number from %d to %d", least, most);
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, number));
}

bool
profile_flag(const ProfileNode *node, const char *name)
{
	ProfileNode member;

	if (!profile_member(node, name, &member))
		return false;
	if (member.value->type != jbvBool)
		profile_fail(member.path, "must be true or false");
	return member.value->val.boolean;
}

char *
profile_choice(const ProfileNode *node, const char *name, const char *const *choices)
{
	ProfileNode member;
	char	   *text = string_member(node, name, true, &member);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; choices[i]; i++)
	{
		if (strcmp(choices[i], text) == 0)
			return text;
		appendStringInfo(&buf, "%s%s", i ? ", " : "", choices[i]);
	}
	profile_fail(member.path, "must be one of: %s", buf.data);
}

List *
profile_elements(const ProfileNode *node, const char *name, bool required, int most)
{
	ProfileNode member;
	List	   *elements = NIL;
	uint32		n;

	if (!profile_member(node, name, &member))
	{
		if (required)
			profile_fail(node->path, "member \"%s\" is missing", name);
		return NIL;
	}
	if (!is_container(&member, false))
		profile_fail(member.path, "must be an array");
	n = JsonContainerSize(member.value->val.binary.data);
	if (n > (uint32) most)
		profile_limit(member.path, "elements", most);
	for (uint32 i = 0; i < n; i++)
	{
		ProfileNode *element = palloc(sizeof(ProfileNode));

		element->value = getIthJsonbValueFromContainer(member.value->val.binary.data, i);
		element->path = psprintf("%s[%u]", member.path, i);
		elements = lappend(elements, element);
	}
	return elements;
}

List *
profile_words(const ProfileNode *node, const char *name, int most, ProfileWord kind)
{
	List	   *words = NIL;
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, profile_elements(node, name, true, most))
	{
		ProfileNode *element = lfirst(cell);
		char	   *word;

		if (element->value->type != jbvString)
			profile_fail(element->path, "must be a string");
		word = check_word(string_of(element->value), element->path, kind);
		foreach(other, words)
			if (strcmp(lfirst(other), word) == 0)
				profile_fail(element->path, "\"%s\" is there twice", word);
		words = lappend(words, word);
	}
	return words;
}

/* jsonb orders keys by length first; bytes alone are what everybody expects. */
static int
compare_controls(const ListCell *a, const ListCell *b)
{
	return strcmp(((ProfileControl *) lfirst(a))->control, ((ProfileControl *) lfirst(b))->control);
}

List *
profile_pairs(const ProfileNode *node, const char *name, int most)
{
	ProfileNode member;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *control = NULL;
	List	   *pairs = NIL;

	if (!profile_member(node, name, &member))
		profile_fail(node->path, "member \"%s\" is missing", name);
	if (!is_container(&member, true))
		profile_fail(member.path, "must be an object");
	if (JsonContainerSize(member.value->val.binary.data) > (uint32) most)
		profile_limit(member.path, "members", most);
	it = JsonbIteratorInit(member.value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			control = string_of(&value);
			if (!profile_is_word(control, PROFILE_WORD_CONTROL))
				profile_fail(member.path, "member %s must be %s", shown_name(control),
							 word_shape(PROFILE_WORD_CONTROL));
		}
		else if (token == WJB_VALUE)
		{
			ProfileControl *pair = palloc(sizeof(ProfileControl));
			char	   *path = psprintf("%s.%s", member.path, control);

			pair->control = control;
			if (value.type != jbvString)
				profile_fail(path, "must be a string");
			pair->requirement = string_of(&value);
			check_text(pair->requirement, path, 1, PROFILE_MAX_WORD);
			pairs = lappend(pairs, pair);
		}
	}
	list_sort(pairs, compare_controls);
	return pairs;
}
