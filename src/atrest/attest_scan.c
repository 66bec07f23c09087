/*-------------------------------------------------------------------------
 *
 * attest_scan.c
 *		Small parsers of what others wrote into attestations and sysfs.
 *
 * Pure: no palloc, no ereport, no settings; unit-tested and fuzzed as they
 * are.  JSON itself is parsed by core.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest_scan.h"

/*
 * attest_scan_depth
 *		Core's parser recurses; this keeps it from going deep.  Both agree on
 *		where strings begin and end up to the first error, where core stops.
 */
bool
attest_scan_depth(const char *text, size_t len, int max)
{
	int			depth = 0;
	bool		in_string = false;

	for (size_t i = 0; i < len; i++)
	{
		char		c = text[i];

		if (in_string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		}
		else if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
		{
			if (++depth > max)
				return false;
		}
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return true;
}

/* Exactly so many digits. */
static bool
take_digits(const char **pos, int count, int *out)
{
	int			value = 0;

	for (int i = 0; i < count; i++)
	{
		char		c = (*pos)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*pos += count;
	*out = value;
	return true;
}

static bool
take_char(const char **pos, char c)
{
	if (**pos != c)
		return false;
	(*pos)++;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* ".123456": more digits than six are read and dropped. */
static bool
take_fraction(const char **pos, int *micros)
{
	int			digits = 0;

	*micros = 0;
	if (!take_char(pos, '.'))
		return true;
	for (; isdigit((unsigned char) **pos); (*pos)++, digits++)
	{
		if (digits < 6)
			*micros = *micros * 10 + (**pos - '0');
		if (digits == 18)
			return false;
	}
	for (int i = digits; i < 6; i++)
		*micros *= 10;
	return digits > 0;
}

static bool
take_zone(const char **pos, int *offset)
{
	bool		west;
	int			hours;
	int			minutes;

	*offset = 0;
	if (take_char(pos, 'Z'))
		return true;
	west = **pos == '-';
	if (!take_char(pos, '+') && !take_char(pos, '-'))
		return false;
	if (!take_digits(pos, 2, &hours) || !take_char(pos, ':') || !take_digits(pos, 2, &minutes) ||
		hours > 14 || minutes > 59)
		return false;
	*offset = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return true;
}

/*
 * attest_scan_time
 */
bool
attest_scan_time(const char *text, AttestTime *time)
{
	const char *pos = text;

	memset(time, 0, sizeof(*time));
	return take_digits(&pos, 4, &time->year) && take_char(&pos, '-') &&
		take_digits(&pos, 2, &time->month) && take_char(&pos, '-') &&
		take_digits(&pos, 2, &time->day) && take_char(&pos, 'T') &&
		take_digits(&pos, 2, &time->hour) && take_char(&pos, ':') &&
		take_digits(&pos, 2, &time->minute) && take_char(&pos, ':') &&
		take_digits(&pos, 2, &time->second) &&
		take_fraction(&pos, &time->micros) && take_zone(&pos, &time->offset) && *pos == '\0' &&
		time->year >= 1970 && time->month >= 1 && time->month <= 12 && time->day >= 1 &&
		time->day <= days_in_month(time->year, time->month) &&
		time->hour <= 23 && time->minute <= 59 && time->second <= 59;
}

/*
 * attest_scan_serial
 */
bool
attest_scan_serial(const char *raw, size_t len, char *out, size_t size)
{
	while (len > 0 && (raw[len - 1] == '\0' || isspace((unsigned char) raw[len - 1])))
		len--;
	while (len > 0 && isspace((unsigned char) *raw))
	{
		raw++;
		len--;
	}
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (raw[i] < 0x20 || raw[i] > 0x7e)
			return false;
	}
	memcpy(out, raw, len);
	out[len] = '\0';
	return true;
}

/*
 * attest_scan_vpd80
 *		Byte 1 is the number of the page, bytes 2 and 3 the length of what follows.
 */
bool
attest_scan_vpd80(const unsigned char *page, size_t len, char *out, size_t size)
{
	size_t		body;

	if (len < 4 || page[1] != 0x80)
		return false;
	body = ((size_t) page[2] << 8) | page[3];
	if (body > len - 4)
		return false;
	return attest_scan_serial((const char *) page + 4, body, out, size);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char) (c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	return found ? (int) (found - digits) : -1;
}

/* Canonical base64 of out_size bytes: padded, the bits left over are zero. */
static bool
decode_base64(const char *text, size_t len, unsigned char *out, size_t out_size)
{
	uint32		bits = 0;
	int			nbits = 0;
	size_t		n = 0;
	size_t		padding = (3 - out_size % 3) % 3;

	if (len != (out_size + 2) / 3 * 4)
		return false;
	for (size_t i = 0; i < len - padding; i++)
	{
		int			value = base64_value(text[i]);

		if (value < 0)
			return false;
		bits = (bits << 6) | (uint32) value;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			out[n++] = (unsigned char) (bits >> nbits);
			bits &= (1U << nbits) - 1;
		}
	}
	for (size_t i = len - padding; i < len; i++)
	{
		if (text[i] != '=')
			return false;
	}
	return bits == 0 && n == out_size;
}

/*
 * attest_scan_signature
 */
bool
attest_scan_signature(const char *text, size_t len, unsigned char *out, size_t out_size)
{
	char		dense[256] = {0};
	size_t		n = 0;
	const char *hex = dense;

	if (out_size * 2 + 2 > sizeof(dense))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (isspace((unsigned char) text[i]))
			continue;
		if (n == sizeof(dense))
			return false;
		dense[n++] = text[i];
	}
	if (n >= 2 && dense[0] == '\\' && dense[1] == 'x')
	{
		hex += 2;
		n -= 2;
	}
	else if (n != out_size * 2)
		return decode_base64(dense, n, out, out_size);
	if (n != out_size * 2)
		return false;
	for (size_t i = 0; i < out_size; i++)
	{
		int			high = hex_value(hex[2 * i]);
		int			low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char) (high << 4 | low);
	}
	return true;
}
