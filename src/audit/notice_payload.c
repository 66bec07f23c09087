/*-------------------------------------------------------------------------
 *
 * notice_payload.c
 *		The JSON document that a notice is handed over as.
 *
 * One object: which notice it is, deadlines of its incident, the latest
 * checkpoint of the trail, and what the body in the outbox says.  notice_id
 * stays the same for every attempt, so that whoever is told twice can tell.
 *
 * The document is ASCII: other characters are escapes of JSON.  So no name that
 * somebody chose can keep a notice back, whatever the encodings of the database
 * and of those who listen; bytes that are no character become U+FFFD.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/policy.h"

enum
{
	CHECKPOINT_SIZE = 1,
	CHECKPOINT_ROOT,
	CHECKPOINT_MADE_AT,
	CHECKPOINT_REASON,
	CHECKPOINT_KEY_NAME,
	CHECKPOINT_NOTE,
	CHECKPOINT_KEY
};

#define CHECKPOINT_NATTS CHECKPOINT_KEY

enum
{
	DEADLINE_INCIDENT = 1,
	DEADLINE_RECIPIENT,
	DEADLINE_CLASS,
	DEADLINE_DUE,
	DEADLINE_SETTLED
};

#define DEADLINE_NATTS	DEADLINE_SETTLED

#define COVER_PATIENCE	400		/* ms that a notice waits for it */

static bool
is_highest_class(const char *class)
{
	const PolicySnapshot *p = policy_current();

	for (int i = 0; i < p->nclasses; i++)
	{
		if (class != NULL && strcmp(p->classes[i].name, class) == 0)
			return i == p->nclasses - 1;
	}
	return class != NULL;
}

/* Records under the latest checkpoint, 0: there is none. */
static int64
covered_size(void)
{
	Oid			relid = trail_relid("checkpoint");
	int64		size = 0;
	Relation	rel;
	Relation	index;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		isnull;

	if (!OidIsValid(relid))
		return 0;
	rel = table_open(relid, AccessShareLock);
	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
		size = DatumGetInt64(heap_getattr(tuple, CHECKPOINT_SIZE, RelationGetDescr(rel), &isnull));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return size;
}

/*
 * notice_awaits_checkpoint
 */
bool
notice_awaits_checkpoint(const Notice *notice)
{
	int64		size;

	if (notice->seq == 0 || !is_highest_class(notice->class) ||
		TimestampDifferenceExceeds(notice->created_at, GetCurrentTimestamp(), COVER_PATIENCE))
		return false;
	/* where none was ever made there is no key */
	size = covered_size();
	return size > 0 && size < notice->seq;
}

static void
append_time(StringInfo out, const char *key, TimestampTz time)
{
	char		text[MAXDATELEN + 1];
	int			utc = 0;

	appendStringInfo(out, ", \"%s\": \"%s\"", key,
					 JsonEncodeDateTime(text, TimestampTzGetDatum(time), TIMESTAMPTZOID, &utc));
}

static void
append_root(StringInfo out, Datum root)
{
	bytea	   *bytes = DatumGetByteaPP(root);

	appendStringInfoString(out, ", \"root\": \"");
	for (int i = 0; i < VARSIZE_ANY_EXHDR(bytes); i++)
		appendStringInfo(out, "%02x", (unsigned char) VARDATA_ANY(bytes)[i]);
	appendStringInfoChar(out, '"');
}

/* The latest checkpoint; covers says whether the record of the notice is under it. */
static void
append_checkpoint(StringInfo out, const Notice *notice, bool whole)
{
	Oid			relid = trail_relid("checkpoint");
	Relation	rel;
	Relation	index;
	SysScanDesc scan;
	HeapTuple	tuple;

	appendStringInfoString(out, ", \"checkpoint\": ");
	if (!OidIsValid(relid))
	{
		appendStringInfoString(out, "null");
		return;
	}
	rel = table_open(relid, AccessShareLock);
	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		Datum		values[CHECKPOINT_NATTS];
		bool		nulls[CHECKPOINT_NATTS];
		int64		size;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		size = DatumGetInt64(values[CHECKPOINT_SIZE - 1]);
		appendStringInfo(out, "{\"size\": %lld, \"covers\": %s", (long long) size,
						 size >= notice->seq ? "true" : "false");
		append_root(out, values[CHECKPOINT_ROOT - 1]);
		append_time(out, "made_at", DatumGetTimestampTz(values[CHECKPOINT_MADE_AT - 1]));
		if (whole)
		{
			appendStringInfoString(out, ", \"note\": ");
			escape_json(out, TextDatumGetCString(values[CHECKPOINT_NOTE - 1]));
		}
		appendStringInfoChar(out, '}');
	}
	else
		appendStringInfoString(out, "null");
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
}

/* Until when whom has to be told. */
static void
append_deadlines(StringInfo out, int64 incident)
{
	Oid			relid = trail_relid("deadline");
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	const char *before = "";

	appendStringInfoString(out, ", \"deadlines\": [");
	if (OidIsValid(relid) && incident != 0)
	{
		rel = table_open(relid, AccessShareLock);
		ScanKeyInit(&key, DEADLINE_INCIDENT, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(incident));
		scan = systable_beginscan(rel, RelationGetPrimaryKeyIndex(rel), true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Datum		values[DEADLINE_NATTS];
			bool		nulls[DEADLINE_NATTS];

			heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
			appendStringInfo(out, "%s{\"recipient\": ", before);
			escape_json(out, TextDatumGetCString(values[DEADLINE_RECIPIENT - 1]));
			append_time(out, "due", DatumGetTimestampTz(values[DEADLINE_DUE - 1]));
			appendStringInfoChar(out, '}');
			before = ", ";
		}
		systable_endscan(scan);
		table_close(rel, AccessShareLock);
	}
	appendStringInfoChar(out, ']');
}

static void
append_head(StringInfo out, const Notice *notice)
{
	appendStringInfo(out, "{\"notice_id\": \"%llu-%u-%lld\"",
					 (unsigned long long) GetSystemIdentifier(), MyDatabaseId, (long long) notice->id);
	append_time(out, "created_at", notice->created_at);
}

#define NO_CHARACTER	0xfffd

static void
put_escape(StringInfo out, pg_wchar code)
{
	if (code > 0xffff)
	{
		code -= 0x10000;
		appendStringInfo(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
	}
	else
		appendStringInfo(out, "\\u%04x", code);
}

/* UTF-8, with what is none as NO_CHARACTER. */
static void
put_ascii(StringInfo out, const unsigned char *utf8, int len)
{
	while (len > 0)
	{
		int			n = pg_utf_mblen(utf8);

		if (*utf8 < 0x7f)
			appendStringInfoChar(out, (char) *utf8);
		else if (*utf8 == 0x7f)
			put_escape(out, *utf8);
		else if (n > len || !pg_utf8_islegal(utf8, n))
		{
			put_escape(out, NO_CHARACTER);
			n = 1;
		}
		else
			put_escape(out, utf8_to_unicode(utf8));
		utf8 += n;
		len -= n;
	}
}

/* Never raises over what a text holds: core's conversions would. */
static char *
ascii_payload(const char *text)
{
	int			encoding = GetDatabaseEncoding();
	Oid			proc = encoding == PG_UTF8 || encoding == PG_SQL_ASCII ? InvalidOid : FindDefaultConversionProc(encoding, PG_UTF8);
	int			len = strlen(text);
	StringInfoData out;

	initStringInfo(&out);
	if (!OidIsValid(proc))
		put_ascii(&out, (const unsigned char *) text, len);
	else
	{
		unsigned char *utf8 = palloc((Size) len * MAX_CONVERSION_GROWTH + 1);

		while (len > 0)
		{
			int			done = pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8, (unsigned char *) unconstify(char *, text), len,
															 utf8, len * MAX_CONVERSION_GROWTH + 1, true);

			put_ascii(&out, utf8, strlen((char *) utf8));
			if (done < len)
			{
				put_escape(&out, NO_CHARACTER);
				done += Min(pg_encoding_mblen(encoding, text + done), len - done);
			}
			text += done;
			len -= done;
		}
	}
	return out.data;
}

static char *
whole_payload(const Notice *notice, bool whole_checkpoint)
{
	StringInfoData out;

	initStringInfo(&out);
	append_head(&out, notice);
	append_deadlines(&out, notice->incident);
	append_checkpoint(&out, notice, whole_checkpoint);
	/* the members of the body follow ours */
	if (strcmp(notice->body, "{}") != 0)
		appendStringInfo(&out, ", %s", notice->body + 1);
	else
		appendStringInfoChar(&out, '}');
	return ascii_payload(out.data);
}

/*
 * notice_payload
 */
char *
notice_payload(const Notice *notice)
{
	return whole_payload(notice, true);
}

/*
 * notice_payload_within
 *		What there is room for: without the signed note of the checkpoint, without
 *		the checkpoint's and the body's details at last.
 */
char *
notice_payload_within(const Notice *notice, int limit)
{
	char	   *payload = whole_payload(notice, true);
	StringInfoData out;

	if (strlen(payload) >= limit)
		payload = whole_payload(notice, false);
	if (strlen(payload) < limit)
		return payload;
	initStringInfo(&out);
	append_head(&out, notice);
	appendStringInfo(&out, ", \"notice\": %lld, \"subject\": ", (long long) notice->id);
	escape_json(&out, notice->subject);
	if (notice->incident != 0)
		appendStringInfo(&out, ", \"incident\": %lld", (long long) notice->incident);
	if (notice->seq != 0)
		appendStringInfo(&out, ", \"seq\": %lld", (long long) notice->seq);
	appendStringInfoString(&out, ", \"truncated\": true}");
	return out.data;
}
