/*-------------------------------------------------------------------------
 *
 * report_json.h
 *		Writing JSON text member by member; commas take care of themselves.
 *
 * A NULL value writes nothing.  key NULL: an element of an array.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_JSON_H
#define PG_DATACLASS_REPORT_JSON_H

#include "lib/stringinfo.h"
#include "utils/json.h"

#include "pg_dataclass/report_event.h"

/* After an opening bracket nothing separates; a text cannot end in one, its quote follows. */
static inline void
json_key(StringInfo out, const char *key)
{
	char		last = out->len > 0 ? out->data[out->len - 1] : '{';

	if (last != '{' && last != '[')
		appendStringInfoChar(out, ',');
	if (key)
	{
		escape_json(out, key);
		appendStringInfoChar(out, ':');
	}
}

static inline void
json_open(StringInfo out, const char *key, char bracket)
{
	json_key(out, key);
	appendStringInfoChar(out, bracket);
}

static inline void
json_close(StringInfo out, char bracket)
{
	appendStringInfoChar(out, bracket);
}

static inline void
json_string(StringInfo out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	json_key(out, key);
	escape_json(out, value);
}

static inline void
json_item(StringInfo out, const char *value)
{
	json_string(out, NULL, value);
}

static inline void
json_int(StringInfo out, const char *key, int64 value)
{
	json_key(out, key);
	appendStringInfo(out, INT64_FORMAT, value);
}

/* A number that is a text already, as an output function of integers gives it. */
static inline void
json_number(StringInfo out, const char *key, const char *digits)
{
	if (digits == NULL)
		return;
	json_key(out, key);
	appendStringInfoString(out, digits);
}

static inline void
json_bool(StringInfo out, const char *key, bool value)
{
	json_key(out, key);
	appendStringInfoString(out, value ? "true" : "false");
}

extern void report_ocsf_product(StringInfo out, const ReportSource *source);

#endif							/* PG_DATACLASS_REPORT_JSON_H */
