/*-------------------------------------------------------------------------
 *
 * attest_scan.h
 *		Small parsers of what others wrote into attestations and sysfs.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ATTEST_SCAN_H
#define PG_DATACLASS_ATTEST_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define ATTEST_MAX_DOCUMENT	65536	/* bytes */
#define ATTEST_MAX_DEPTH	8
#define ATTEST_MAX_SERIAL	256	/* with its NUL */

/* Are objects and arrays nested at most so deep?  Counts up to the first error of JSON at least. */
extern bool attest_scan_depth(const char *text, size_t len, int max);

typedef struct AttestTime
{
	int			year;
	int			month;			/* 1 to 12 */
	int			day;
	int			hour;
	int			minute;
	int			second;			/* 0 to 59 */
	int			micros;
	int			offset;			/* seconds east of UTC */
} AttestTime;

/* A date and time of RFC 3339 with T and a zone; years 1970 to 9999, no leap seconds. */
extern bool attest_scan_time(const char *text, AttestTime *time);

/* "0123" with spaces around it off; false if nothing or anything unprintable is left. */
extern bool attest_scan_serial(const char *raw, size_t len, char *out, size_t size);

/* The same out of page 0x80 of the vital product data of SCSI. */
extern bool attest_scan_vpd80(const unsigned char *page, size_t len, char *out, size_t size);

/* 64 bytes out of hexadecimal digits (also after \x) or base64; blanks are skipped. */
extern bool attest_scan_signature(const char *text, size_t len, unsigned char *out, size_t out_size);

#endif							/* PG_DATACLASS_ATTEST_SCAN_H */
