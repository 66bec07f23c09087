/*-------------------------------------------------------------------------
 *
 * attest_document.c
 *		Reads an attestation: core's JSON parser, and what it must hold.
 *
 * Strict: every member is known, there once, and of its type; a fault is told
 * with its JSON path.  jsonb would keep the last of two equal keys, so the
 * signed text is walked instead.  Nothing here knows of this server's state;
 * whether the document is about it, attest_subject.c finds out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest_internal.h"

#define DOCUMENT_TYPE	"pg_dataclass.attestation/1"

/* What a member may be. */
#define IS_STRING		0x01
#define IS_NUMBER		0x02
#define IS_BOOL			0x04
#define IS_OBJECT		0x08
#define IS_ARRAY		0x10

typedef enum FieldId
{
	FIELD_ROOT,
	FIELD_TYPE,
	FIELD_ID,
	FIELD_ISSUER,
	FIELD_ISSUED_AT,
	FIELD_NOT_BEFORE,
	FIELD_NOT_AFTER,
	FIELD_SUBJECT,
	FIELD_SYSTEM_IDENTIFIER,
	FIELD_SERIAL,
	FIELD_SERIALS,
	FIELD_PATH,
	FIELD_TABLESPACE,
	FIELD_PLACE,
	FIELD_PLACES,
	FIELD_CLAIM,
	FIELD_ENCRYPTED,
	FIELD_MECHANISM,
	FIELD_CIPHER,
	FIELD_KEY_BITS,
	FIELD_KEY_ID,
	FIELD_HOSTING_MODEL,
	FIELD_REGION,
	FIELD_COUNT
} FieldId;

typedef struct Field
{
	const char *path;			/* [] stands for any index */
	int			types;
	bool		required;
} Field;

static const Field fields[FIELD_COUNT] = {
	[FIELD_ROOT] = {"$", IS_OBJECT, true},
	[FIELD_TYPE] = {"$.type", IS_STRING, true},
	[FIELD_ID] = {"$.id", IS_STRING, true},
	[FIELD_ISSUER] = {"$.issuer", IS_STRING, true},
	[FIELD_ISSUED_AT] = {"$.issued_at", IS_STRING, true},
	[FIELD_NOT_BEFORE] = {"$.not_before", IS_STRING, true},
	[FIELD_NOT_AFTER] = {"$.not_after", IS_STRING, true},
	[FIELD_SUBJECT] = {"$.subject", IS_OBJECT, true},
	[FIELD_SYSTEM_IDENTIFIER] = {"$.subject.system_identifier", IS_STRING, true},
	[FIELD_SERIAL] = {"$.subject.device_serial", IS_STRING | IS_ARRAY, false},
	[FIELD_SERIALS] = {"$.subject.device_serial[]", IS_STRING, false},
	[FIELD_PATH] = {"$.subject.path", IS_STRING, false},
	[FIELD_TABLESPACE] = {"$.subject.tablespace", IS_STRING, false},
	[FIELD_PLACE] = {"$.subject.place", IS_STRING | IS_ARRAY, false},
	[FIELD_PLACES] = {"$.subject.place[]", IS_STRING, false},
	[FIELD_CLAIM] = {"$.claim", IS_OBJECT, true},
	[FIELD_ENCRYPTED] = {"$.claim.encrypted", IS_BOOL, false},
	[FIELD_MECHANISM] = {"$.claim.mechanism", IS_STRING, false},
	[FIELD_CIPHER] = {"$.claim.cipher", IS_STRING, false},
	[FIELD_KEY_BITS] = {"$.claim.key_bits", IS_NUMBER, false},
	[FIELD_KEY_ID] = {"$.claim.key_id", IS_STRING, false},
	[FIELD_HOSTING_MODEL] = {"$.claim.hosting_model", IS_STRING, false},
	[FIELD_REGION] = {"$.claim.region", IS_STRING, false},
};

/* subject.place, and the kind each word stands for */
static const struct
{
	const char *name;
	PlaceKind	kind;
}			place_names[] = {
	{"wal", PLACE_WAL}, {"temp", PLACE_TEMP}, {"journal", PLACE_JOURNAL}, {"log", PLACE_LOG},
	{"archive", PLACE_ARCHIVE}, {"swap", PLACE_SWAP}, {"core_dump", PLACE_CORE}
};

typedef struct Level
{
	const char *name;			/* member being read; NULL in an array */
	int			index;			/* element being read */
} Level;

typedef struct Reader
{
	AttestDocument *document;
	char	   *fault;			/* the first one */
	int			depth;
	Level		levels[ATTEST_MAX_DEPTH + 1];
	bool		seen[FIELD_COUNT];
	const char *values[FIELD_COUNT];	/* of scalars */
} Reader;

/* ------------------------------------------------------------------------
 * Paths and faults
 * ------------------------------------------------------------------------
 */

/* Names are the author's; what a message shows of them is short and printable. */
static void
append_name(StringInfo out, const char *name)
{
	for (int i = 0; name[i] != '\0' && i < 40; i++)
		appendStringInfoChar(out, name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?');
	if (strlen(name) > 40)
		appendStringInfoString(out, "...");
}

static char *
shown_path(const Reader *reader)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '$');
	for (int i = 0; i < reader->depth; i++)
	{
		const Level *level = &reader->levels[i];

		if (level->name)
		{
			appendStringInfoChar(&out, '.');
			append_name(&out, level->name);
		}
		else if (level->index >= 0)
			appendStringInfo(&out, "[%d]", level->index);
	}
	return out.data;
}

static void note_fault(Reader *reader, const char *path, const char *fmt,...)
			__attribute__((format(printf, 3, 4)));

static void
note_fault(Reader *reader, const char *path, const char *fmt,...)
{
	char		what[400];
	va_list		args;

	if (reader->fault)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	reader->fault = psprintf("%s: %s.", path, what);
}

/* Does the path of the value being read match?  Part by part: a member may have dots in its name. */
static bool
path_is(const Reader *reader, const char *path)
{
	const char *pos = path + 1;

	for (int i = 0; i < reader->depth; i++)
	{
		const Level *level = &reader->levels[i];
		size_t		len;

		if (level->name == NULL)
		{
			if (strncmp(pos, "[]", 2) != 0)
				return false;
			pos += 2;
			continue;
		}
		if (*pos++ != '.')
			return false;
		len = strcspn(pos, ".[");
		if (len != strlen(level->name) || strncmp(pos, level->name, len) != 0)
			return false;
		pos += len;
	}
	return *pos == '\0';
}

static int
current_field(const Reader *reader)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		if (path_is(reader, fields[i].path))
			return i;
	return -1;
}

/* A value of this type begins: may it be here, now? */
static int
begin_value(Reader *reader, int type)
{
	int			field = reader->fault ? -1 : current_field(reader);

	if (reader->fault)
		return -1;
	if (field < 0)
		note_fault(reader, shown_path(reader), "this member is not known");
	else if ((fields[field].types & type) == 0)
		note_fault(reader, shown_path(reader), "the value is not of the right type");
	else if (reader->seen[field] && field != FIELD_SERIALS && field != FIELD_PLACES)
		note_fault(reader, shown_path(reader), "this member is there twice");
	if (reader->fault)
		return -1;
	reader->seen[field] = true;
	return field;
}

/* ------------------------------------------------------------------------
 * Actions of the parse
 * ------------------------------------------------------------------------
 */

static void
push(Reader *reader, const char *name)
{
	/* attest_scan_depth() saw to it that there is room */
	if (reader->depth < lengthof(reader->levels))
	{
		reader->levels[reader->depth].name = name;
		reader->levels[reader->depth].index = -1;
	}
	reader->depth++;
}

static CompatJsonAction
on_object_start(void *state)
{
	begin_value(state, IS_OBJECT);
	push(state, "");
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
on_array_start(void *state)
{
	begin_value(state, IS_ARRAY);
	push(state, NULL);
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
on_end(void *state)
{
	((Reader *) state)->depth--;
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
on_member(void *state, char *name, bool isnull)
{
	Reader	   *reader = state;

	reader->levels[reader->depth - 1].name = name;
	COMPAT_JSON_GO_ON;
}

static CompatJsonAction
on_element(void *state, bool isnull)
{
	Reader	   *reader = state;

	reader->levels[reader->depth - 1].index++;
	COMPAT_JSON_GO_ON;
}

static void
add_serial(Reader *reader, const char *serial)
{
	AttestSubject *subject = &reader->document->subject;
	char		clean[ATTEST_MAX_SERIAL];
	int			at = subject->nserials;

	if (!attest_scan_serial(serial, strlen(serial), clean, sizeof(clean)) || strcmp(clean, serial) != 0)
		note_fault(reader, shown_path(reader), "not a serial number");
	else if (subject->nserials == ATTEST_MAX_SERIALS)
		note_fault(reader, shown_path(reader), "more than %d serial numbers", ATTEST_MAX_SERIALS);
	if (reader->fault)
		return;
	while (at > 0 && strcmp(subject->serials[at - 1], serial) > 0)
		at--;
	if (at > 0 && strcmp(subject->serials[at - 1], serial) == 0)
	{
		note_fault(reader, shown_path(reader), "this serial number is there twice");
		return;
	}
	memmove(&subject->serials[at + 1], &subject->serials[at], sizeof(char *) * (subject->nserials - at));
	subject->serials[at] = serial;
	subject->nserials++;
}

static void
add_place(Reader *reader, const char *name)
{
	for (int i = 0; i < lengthof(place_names); i++)
	{
		uint32		bit = 1U << place_names[i].kind;

		if (strcmp(name, place_names[i].name) != 0)
			continue;
		if (reader->document->subject.kinds & bit)
			note_fault(reader, shown_path(reader), "this place is there twice");
		reader->document->subject.kinds |= bit;
		return;
	}
	note_fault(reader, shown_path(reader),
			   "not one of wal, temp, journal, log, archive, swap, core_dump");
}

static CompatJsonAction
on_scalar(void *state, char *token, JsonTokenType type)
{
	Reader	   *reader = state;
	int			field = begin_value(reader,
									type == JSON_TOKEN_STRING ? IS_STRING :
									type == JSON_TOKEN_NUMBER ? IS_NUMBER :
									type == JSON_TOKEN_TRUE || type == JSON_TOKEN_FALSE ? IS_BOOL : 0);

	if (field == FIELD_SERIAL || field == FIELD_SERIALS)
		add_serial(reader, token);
	else if (field == FIELD_PLACE || field == FIELD_PLACES)
		add_place(reader, token);
	else if (field >= 0)
		reader->values[field] = token;
	COMPAT_JSON_GO_ON;
}

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------
 */

static const char *
text_value(Reader *reader, FieldId field, size_t max, bool ascii)
{
	const char *value = reader->values[field];

	if (value == NULL)
		return "";
	if (value[0] == '\0' || strlen(value) > max)
		note_fault(reader, fields[field].path, "must have 1 to %zu bytes", max);
	for (const char *c = value; *c; c++)
	{
		if ((unsigned char) *c < 0x20 || *c == 0x7f || (ascii && ((unsigned char) *c & 0x80)))
		{
			note_fault(reader, fields[field].path, "has characters that cannot be printed");
			break;
		}
	}
	return value;
}

/* Nothing but these characters. */
static const char *
word_value(Reader *reader, FieldId field, size_t max, const char *allowed)
{
	const char *value = text_value(reader, field, max, true);

	if (value[strspn(value, allowed)] != '\0')
		note_fault(reader, fields[field].path, "has characters other than %s", allowed);
	return value;
}

static TimestampTz
time_value(Reader *reader, FieldId field)
{
	AttestTime	time;
	struct pg_tm tm = {0};
	Timestamp	result = 0;
	int			tz;

	if (!attest_scan_time(reader->values[field], &time))
	{
		note_fault(reader, fields[field].path, "not a date and time of RFC 3339 such as 2026-01-31T12:00:00Z");
		return 0;
	}
	tm.tm_year = time.year;
	tm.tm_mon = time.month;
	tm.tm_mday = time.day;
	tm.tm_hour = time.hour;
	tm.tm_min = time.minute;
	tm.tm_sec = time.second;
	tz = -time.offset;
	if (tm2timestamp(&tm, time.micros, &tz, &result) != 0)
		note_fault(reader, fields[field].path, "the time is out of range");
	return result;
}

static int
key_bits_value(Reader *reader)
{
	const char *value = reader->values[FIELD_KEY_BITS];
	size_t		len = value ? strlen(value) : 0;
	long		bits = 0;

	if (value == NULL)
		return 0;
	if (len <= 5 && strspn(value, "0123456789") == len)
		bits = strtol(value, NULL, 10);
	if (bits < 1 || bits > 65536)
	{
		note_fault(reader, fields[FIELD_KEY_BITS].path, "must be a whole number from 1 to 65536");
		return 0;
	}
	return (int) bits;
}

static void
read_subject(Reader *reader)
{
	AttestSubject *subject = &reader->document->subject;
	const char *given = word_value(reader, FIELD_SYSTEM_IDENTIFIER, 20, "0123456789");

	subject->system_identifier = given;
	if (given[0] == '0')
		note_fault(reader, fields[FIELD_SYSTEM_IDENTIFIER].path, "must not begin with a zero");
	if (reader->values[FIELD_PATH])
		subject->path = text_value(reader, FIELD_PATH, MAXPGPATH - 1, false);
	if (reader->values[FIELD_TABLESPACE])
		subject->tablespace = text_value(reader, FIELD_TABLESPACE, MAXPGPATH - 1, false);
	if (subject->path && subject->path[0] != '/')
		note_fault(reader, fields[FIELD_PATH].path, "must be an absolute path");
	if (reader->seen[FIELD_SERIAL] && subject->nserials == 0)
		note_fault(reader, fields[FIELD_SERIAL].path, "must not be empty");
	if (reader->seen[FIELD_PLACE] && subject->kinds == 0)
		note_fault(reader, fields[FIELD_PLACE].path, "must not be empty");
	if (subject->path == NULL && subject->tablespace == NULL && subject->nserials == 0 && subject->kinds == 0)
		note_fault(reader, fields[FIELD_SUBJECT].path,
				   "must name at least one of device_serial, path, tablespace and place");
}

static void
read_claim(Reader *reader)
{
	AttestClaim *claim = &reader->document->claim;

	claim->speaks_of_encryption = reader->seen[FIELD_ENCRYPTED];
	claim->encrypted = claim->speaks_of_encryption && strcmp(reader->values[FIELD_ENCRYPTED], "true") == 0;
	claim->mechanism = text_value(reader, FIELD_MECHANISM, sizeof(((Evidence *) 0)->mechanism) - 1, true);
	claim->cipher = text_value(reader, FIELD_CIPHER, sizeof(((Evidence *) 0)->cipher) - 1, true);
	claim->key_bits = key_bits_value(reader);
	claim->key_id = text_value(reader, FIELD_KEY_ID, 256, true);
	claim->hosting_model = word_value(reader, FIELD_HOSTING_MODEL, sizeof(((Evidence *) 0)->hosting_model) - 1,
									  "abcdefghijklmnopqrstuvwxyz0123456789-_");
	claim->region = word_value(reader, FIELD_REGION, 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (claim->region[0] && strlen(claim->region) != 2)
		note_fault(reader, fields[FIELD_REGION].path, "must be a code of two letters of ISO 3166-1");
	if (claim->encrypted && claim->mechanism[0] == '\0')
		note_fault(reader, fields[FIELD_MECHANISM].path, "is missing, it is needed where encrypted is true");
	if (!claim->speaks_of_encryption &&
		(claim->mechanism[0] || claim->cipher[0] || claim->key_bits || claim->key_id[0]))
		note_fault(reader, fields[FIELD_ENCRYPTED].path, "is missing, other members speak of encryption");
	if (!claim->speaks_of_encryption && !claim->hosting_model[0] && !claim->region[0])
		note_fault(reader, fields[FIELD_CLAIM].path, "claims nothing");
}

static void
read_values(Reader *reader)
{
	AttestDocument *document = reader->document;

	for (int i = 0; i < FIELD_COUNT; i++)
		if (fields[i].required && !reader->seen[i])
			note_fault(reader, fields[i].path, "is missing");
	if (reader->fault)
		return;
	if (strcmp(reader->values[FIELD_TYPE], DOCUMENT_TYPE) != 0)
		note_fault(reader, fields[FIELD_TYPE].path, "must be \"%s\"", DOCUMENT_TYPE);
	document->id = word_value(reader, FIELD_ID, 128,
							  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-");
	document->issuer = text_value(reader, FIELD_ISSUER, 200, false);
	document->issued_at = time_value(reader, FIELD_ISSUED_AT);
	document->not_before = time_value(reader, FIELD_NOT_BEFORE);
	document->not_after = time_value(reader, FIELD_NOT_AFTER);
	if (document->not_after <= document->not_before)
		note_fault(reader, fields[FIELD_NOT_AFTER].path, "must be later than not_before");
	if (document->not_after - document->not_before > (TimestampTz) ATTEST_MAX_DAYS * USECS_PER_DAY)
		note_fault(reader, fields[FIELD_NOT_AFTER].path, "must be at most %d days after not_before", ATTEST_MAX_DAYS);
	read_subject(reader);
	read_claim(reader);
}

/*
 * attest_document_read
 */
bool
attest_document_read(const char *text, int len, AttestDocument *document, char **fault)
{
	Reader		reader = {0};
	JsonSemAction actions = {0};
	JsonLexContext *lex;
	JsonParseErrorType error;

	memset(document, 0, sizeof(*document));
	reader.document = document;
	*fault = NULL;
	if (len > ATTEST_MAX_DOCUMENT || !attest_scan_depth(text, len, ATTEST_MAX_DEPTH))
	{
		*fault = pstrdup(len > ATTEST_MAX_DOCUMENT ? "$: the document is too long." :
						 "$: objects and arrays are nested too deep.");
		return false;
	}
	actions.semstate = &reader;
	actions.object_start = on_object_start;
	actions.object_end = on_end;
	actions.array_start = on_array_start;
	actions.array_end = on_end;
	actions.object_field_start = on_member;
	actions.array_element_start = on_element;
	actions.scalar = on_scalar;
	lex = compat_json_lexer(pnstrdup(text, len), len);
	error = pg_parse_json(lex, &actions);
	if (error != JSON_SUCCESS)
	{
		StringInfoData detail;

		initStringInfo(&detail);
		append_name(&detail, json_errdetail(error, lex));
		/* a value is lexed before its member is told of */
		*fault = psprintf("after %s: not JSON at byte %d (%s).", shown_path(&reader),
						  lex->token_start ? (int) (lex->token_start - lex->input) + 1 : 1, detail.data);
		return false;
	}
	if (reader.fault == NULL)
		read_values(&reader);
	*fault = reader.fault;
	return reader.fault == NULL;
}

/*
 * attest_subject_equal
 */
bool
attest_subject_equal(const AttestSubject *a, const AttestSubject *b)
{
	if (strcmp(a->system_identifier, b->system_identifier) != 0 || a->kinds != b->kinds ||
		a->nserials != b->nserials || (a->path == NULL) != (b->path == NULL) ||
		(a->tablespace == NULL) != (b->tablespace == NULL) ||
		(a->path && strcmp(a->path, b->path) != 0) ||
		(a->tablespace && strcmp(a->tablespace, b->tablespace) != 0))
		return false;
	for (int i = 0; i < a->nserials; i++)
		if (strcmp(a->serials[i], b->serials[i]) != 0)
			return false;
	return true;
}
