/*-------------------------------------------------------------------------
 *
 * report_cef.c
 *		A record as a line of ArcSight's Common Event Format, version 0.
 *
 * CEF:0|vendor|product|version|kind|title|severity|key=value ...  A key is
 * left out where the record has no value for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_event.h"
#include "pg_dataclass/report_page.h"

typedef struct CefKey
{
	const char *key;
	ReportField field;
	const char *label;			/* of a custom key: goes out as keyLabel */
} CefKey;

static const CefKey cef_keys[] = {
	{"externalId", FIELD_SEQ},
	{"act", FIELD_ACTION},
	{"outcome", FIELD_OUTCOME},
	{"suser", FIELD_SUBJECT},
	{"suid", FIELD_AUTHENTICATED_USER},
	{"duser", FIELD_CURRENT_USER},
	{"spt", FIELD_CLIENT_PORT},
	{"dvchost", FIELD_NODE},
	{"dvcpid", FIELD_BACKEND_PID},
	{"cnt", FIELD_REPEATS},
	{"cs1", FIELD_LABEL, "label"},
	{"cs2", FIELD_RULE, "rule"},
	{"cs3", FIELD_OBJECT_IDENTITY, "object"},
	{"cs4", FIELD_STATEMENT, "statement"},
	{"cs5", FIELD_REQUIRED_TIER, "requiredTier"},
	{"cs6", FIELD_APPLICATION, "application"},
	{"flexString1", FIELD_DATABASE, "database"},
	{"flexString2", FIELD_EVENT_ID, "eventId"},
	{"msg", FIELD_DETAIL}
};

static int
cef_severity(const char *severity)
{
	static const struct
	{
		const char *name;
		int			value;
	}			scale[] = {{"info", 1}, {"notice", 3}, {"warning", 5}, {"high", 8}, {"critical", 10}};

	for (int i = 0; i < lengthof(scale); i++)
	{
		if (severity && strcmp(scale[i].name, severity) == 0)
			return scale[i].value;
	}
	/* one that is not known is no reason to look away */
	return 10;
}

static void
put_header(StringInfo out, const char *text)
{
	ReportSink	sink = report_sink(out);

	appendStringInfoChar(out, '|');
	report_cef_header(&sink, text, strlen(text));
}

static void
put_pair(StringInfo out, const char *key, const char *value)
{
	ReportSink	sink = report_sink(out);

	if (value == NULL || value[0] == '\0')
		return;
	if (out->data[out->len - 1] != '|')
		appendStringInfoChar(out, ' ');
	appendStringInfo(out, "%s=", key);
	report_cef_value(&sink, value, strlen(value));
}

/* src is for IPv4; a unix socket has no address. */
static void
put_address(StringInfo out, const char *address)
{
	if (address == NULL)
		return;
	if (address[0] == '[')
		put_pair(out, "shost", "localhost");
	else if (strchr(address, ':') == NULL)
		put_pair(out, "src", address);
	else
	{
		put_pair(out, "c6a2Label", "Source IPv6 Address");
		put_pair(out, "c6a2", address);
	}
}

void
report_cef_event(StringInfo out, const ReportEvent *event, const ReportSource *source)
{
	char		number[32];

	appendStringInfoString(out, "CEF:0");
	put_header(out, REPORT_PRODUCT);
	put_header(out, REPORT_PRODUCT);
	put_header(out, source->version);
	put_header(out, event->text[FIELD_KIND]);
	put_header(out, report_kind_title(event->text[FIELD_KIND]));
	appendStringInfo(out, "|%d|", cef_severity(event->text[FIELD_SEVERITY]));

	snprintf(number, sizeof(number), INT64_FORMAT, event->time_ms);
	put_pair(out, "rt", number);
	put_address(out, event->text[FIELD_CLIENT_ADDR]);
	put_pair(out, "cat", event->breach ? "breach" : "event");
	for (int i = 0; i < lengthof(cef_keys); i++)
	{
		const char *value = event->text[cef_keys[i].field];

		if (value == NULL)
			continue;
		if (cef_keys[i].label)
			put_pair(out, psprintf("%sLabel", cef_keys[i].key), cef_keys[i].label);
		put_pair(out, cef_keys[i].key, value);
	}
}
