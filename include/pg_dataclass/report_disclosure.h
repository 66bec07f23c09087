/*-------------------------------------------------------------------------
 *
 * report_disclosure.h
 *		Deadlines of disclosure in the HTML reports.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_DISCLOSURE_H
#define PG_DATACLASS_REPORT_DISCLOSURE_H

#include "lib/stringinfo.h"

/* What page_disclosures() needs of dataclass_audit.disclosure d; a WHERE follows. */
#define DISCLOSURE_SELECT \
	"SELECT d.incident, d.recipient, d.class," \
	" to_char(d.discovered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')," \
	" to_char(d.due AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')," \
	" to_char(d.disclosed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')," \
	" d.status," \
	" extract(epoch FROM coalesce(d.disclosed_at, now()) - d.discovered_at)::bigint," \
	" extract(epoch FROM d.due - d.discovered_at)::bigint," \
	" CASE d.status WHEN 'met' THEN 0 WHEN 'pending' THEN 2 ELSE 1 END," \
	" d.disclosed_at IS NULL" \
	" FROM dataclass_audit.disclosure d"

/* Chart and table of the rows of the last query. */
extern void page_disclosures(StringInfo out);

/* "3 d 4 h", "12 min", "0 s"; palloc'd. */
extern char *report_duration(int64 seconds);

#endif							/* PG_DATACLASS_REPORT_DISCLOSURE_H */
