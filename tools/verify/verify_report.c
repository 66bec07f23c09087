/*-------------------------------------------------------------------------
 *
 * verify_report.c
 *		What the verifier prints: a line per finding, as text or as JSON.
 *
 * Texts of records come from whoever caused the event: nothing of them reaches
 * a terminal unescaped.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "verify.h"

bool		report_json = false;

static const char *const number_name[AUDIT_NUMBER_COUNT] = {
	[AUDIT_TIME] = "time",
	[AUDIT_BREACH] = "breach",
	[AUDIT_CLIENT_PORT] = "client_port",
	[AUDIT_BACKEND_PID] = "backend_pid",
	[AUDIT_TRANSACTION_ID] = "transaction_id",
	[AUDIT_CLASS_ID] = "class_id",
	[AUDIT_OBJECT_ID] = "object_id",
	[AUDIT_OBJECT_SUBID] = "object_subid",
	[AUDIT_REPEATS] = "repeats"
};

static const char *const text_name[AUDIT_TEXT_COUNT] = {
	[AUDIT_KIND] = "kind",
	[AUDIT_SEVERITY] = "severity",
	[AUDIT_OUTCOME] = "outcome",
	[AUDIT_ACTION] = "action",
	[AUDIT_SUBJECT] = "subject",
	[AUDIT_SESSION_USER] = "session_user_name",
	[AUDIT_CURRENT_USER] = "current_user_name",
	[AUDIT_AUTHENTICATED_USER] = "authenticated_user",
	[AUDIT_CLIENT_ADDR] = "client_addr",
	[AUDIT_APPLICATION] = "application",
	[AUDIT_SESSION_ID] = "session_id",
	[AUDIT_DATABASE] = "database",
	[AUDIT_OBJECT_TYPE] = "object_type",
	[AUDIT_OBJECT_IDENTITY] = "object_identity",
	[AUDIT_LABEL] = "label",
	[AUDIT_RULE] = "rule",
	[AUDIT_REQUIRED_TIER] = "required_tier",
	[AUDIT_FOUND_TIER] = "found_tier",
	[AUDIT_STATEMENT] = "statement",
	[AUDIT_DETAIL] = "detail",
	[AUDIT_NODE] = "node"
};

/* Bytes of the UTF-8 character at text, 0 if it is none; *code: its number. */
static int
decode_utf8(const char *text, size_t len, uint32_t *code)
{
	const unsigned char *c = (const unsigned char *) text;
	int			n = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;

	if (n == 0 || (size_t) n > len)
		return 0;
	*code = n == 1 ? c[0] : c[0] & (0x7f >> n);
	for (int i = 1; i < n; i++)
	{
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (c[i] & 0x3f);
	}
	if ((n == 3 && (*code < 0x800 || (*code >= 0xd800 && *code <= 0xdfff))) ||
		(n == 4 && (*code < 0x10000 || *code > 0x10ffff)))
		return 0;
	return n;
}

/* Characters that show themselves and leave the others where they are. */
static bool
is_visible(uint32_t code)
{
	if (code < 0x80)
		return code >= ' ' && code != 0x7f;
	return code >= 0xa0 && code != 0xad && code != 0x61c && code != 0xfeff &&
		!(code >= 0x200b && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
		!(code >= 0x2060 && code <= 0x206f) && code < 0xe0000;
}

/* In double quotes with JSON's escapes; as JSON nothing but ASCII. */
void
report_text(FILE *file, const char *text, size_t len)
{
	size_t		at = 0;

	putc('"', file);
	while (at < len)
	{
		uint32_t	code;
		int			n = decode_utf8(text + at, len - at, &code);

		if (n == 0)
			code = 0xfffd;
		if (n > 0 && is_visible(code) && (code < 0x80 || !report_json))
			fprintf(file, "%s%.*s", code == '"' || code == '\\' ? "\\" : "", n, text + at);
		else if (code >= 0x10000)
			fprintf(file, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
		else
			fprintf(file, "\\u%04x", code);
		at += n > 0 ? n : 1;
	}
	putc('"', file);
}

void
report_ok(const char *what, const char *format,...)
{
	char		text[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (report_json)
	{
		printf("{\"result\":\"ok\",\"what\":\"%s\",\"detail\":", what);
		report_text(stdout, text, strlen(text));
		printf("}\n");
	}
	else
		printf("ok: %s: %s\n", what, text);
}

void
report_bad(const char *what, const char *name, int64_t seq, const char *reason)
{
	if (report_json)
	{
		printf("{\"result\":\"bad\",\"what\":\"%s\",\"source\":", what);
		report_text(stdout, name, strlen(name));
		if (seq != 0)
			printf(",\"first_bad\":%lld", (long long) seq);
		printf(",\"reason\":");
		report_text(stdout, reason, strlen(reason));
		printf("}\n");
	}
	else if (seq != 0)
		printf("bad: %s: %s: record %lld: %s\n", what, name, (long long) seq, reason);
	else
		printf("bad: %s: %s: %s\n", what, name, reason);
}

int
report_trouble(const char *name, const char *reason)
{
	fprintf(stderr, "dataclass_verify: %s: %s\n", name, reason);
	return EXIT_TROUBLE;
}

/* Microseconds since 1970 as ISO 8601; as they are where the C library has no date for them. */
static void
print_time(const char *name, int64_t microseconds)
{
	int64_t		fraction = microseconds % 1000000;
	time_t		seconds = (time_t) (microseconds / 1000000);
	struct tm	tm;
	char		date[64];

	if (fraction < 0)
	{
		fraction += 1000000;
		seconds--;
	}
	if (gmtime_r(&seconds, &tm) != NULL && strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
		printf("%s%s%s\"%s.%06dZ\"", report_json ? ",\"" : "  ", name, report_json ? "\":" : " ", date, (int) fraction);
	else
		printf("%s%s%s%lld", report_json ? ",\"" : "  ", name, report_json ? "\":" : " ", (long long) microseconds);
	if (!report_json)
		putchar('\n');
}

static void
print_value(const char *name, const char *text, size_t len)
{
	printf(report_json ? ",\"%s\":" : "  %s ", name);
	report_text(stdout, text, len);
	if (!report_json)
		putchar('\n');
}

static void
print_hash(const char *name, const uint8_t *hash)
{
	char		hex[2 * AUDIT_HASH_SIZE + 1];

	for (int i = 0; i < AUDIT_HASH_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	print_value(name, hex, 2 * AUDIT_HASH_SIZE);
}

/* Absent fields are left out. */
void
report_record(const TrailReader *reader)
{
	const AuditRecord *record = &reader->record;
	char		id[2 * AUDIT_ID_SIZE + 1];

	for (int i = 0; i < AUDIT_ID_SIZE; i++)
		snprintf(id + 2 * i, 3, "%02x", record->event_id[i]);
	if (report_json)
		printf("{\"seq\":%lld", (long long) reader->place.seq);
	else
		printf("record %lld\n", (long long) reader->place.seq);
	print_value("event_id", id, 2 * AUDIT_ID_SIZE);
	print_time("recorded_at", reader->place.recorded_at);
	print_value("origin", reader->place.origin, reader->place.origin_len);
	for (int i = 0; i < AUDIT_NUMBER_COUNT; i++)
	{
		if (i == AUDIT_TIME)
			print_time(number_name[i], record->number[i].value);
		else if (record->number[i].present)
			printf(report_json ? ",\"%s\":%lld" : "  %s %lld\n", number_name[i], (long long) record->number[i].value);
	}
	for (int i = 0; i < AUDIT_TEXT_COUNT; i++)
	{
		if (record->text[i].data != NULL)
			print_value(text_name[i], record->text[i].data, record->text[i].len);
	}
	print_hash("prev_hash", reader->place.prev_hash);
	print_hash("leaf_hash", reader->leaf_hash);
	if (report_json)
		printf("}\n");
}
