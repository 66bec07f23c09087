/*-------------------------------------------------------------------------
 *
 * fuzz_attest.c
 *		Fuzz target of the small parsers of attestations: the first byte picks
 *		one, the rest is its input.
 *
 * LINK: src/atrest/attest_scan.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/attest_scan.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_serial(const char *serial, size_t room)
{
	size_t		len = strnlen(serial, room);

	FUZZ_CHECK(len > 0 && len < room && serial[0] != ' ' && serial[len - 1] != ' ');
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(serial[i] >= 0x20 && serial[i] < 0x7f);
}

static void
check_time(const char *text)
{
	AttestTime	time;

	if (!attest_scan_time(text, &time))
		return;
	FUZZ_CHECK(strlen(text) >= 20 && text[10] == 'T');
	FUZZ_CHECK(time.month >= 1 && time.month <= 12 && time.day >= 1 && time.day <= 31);
	FUZZ_CHECK(time.hour < 24 && time.minute < 60 && time.second < 60);
	FUZZ_CHECK(time.micros >= 0 && time.micros < 1000000);
	FUZZ_CHECK(time.offset > -15 * 3600 && time.offset < 15 * 3600);
}

/* What was decoded, written as digits, decodes to the same. */
static void
check_signature(const char *text, size_t len)
{
	unsigned char out[64];
	unsigned char again[64];
	char		hex[129];

	if (!attest_scan_signature(text, len, out, sizeof(out)))
		return;
	for (int i = 0; i < 64; i++)
		sprintf(hex + 2 * i, "%02x", out[i]);
	FUZZ_CHECK(attest_scan_signature(hex, 128, again, sizeof(again)) && memcmp(out, again, sizeof(out)) == 0);
}

static void
check_depth(const char *text, size_t len)
{
	for (int max = 0; max < 8; max++)
		FUZZ_CHECK(!attest_scan_depth(text, len, max) || attest_scan_depth(text, len, max + 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text;
	char		serial[32];
	size_t		len = size > 0 ? size - 1 : 0;

	if (size == 0)
		return 0;
	/* nothing behind it, so that a sanitizer sees every step too far */
	text = malloc(len + 1);
	memcpy(text, data + 1, len);
	text[len] = '\0';
	switch (data[0] % 5)
	{
		case 0:
			check_time(text);
			break;
		case 1:
			check_signature(text, len);
			break;
		case 2:
			check_depth(text, len);
			break;
		case 3:
			if (attest_scan_serial(text, len, serial, sizeof(serial)))
				check_serial(serial, sizeof(serial));
			break;
		case 4:
			if (attest_scan_vpd80((const unsigned char *) text, len, serial, sizeof(serial)))
				check_serial(serial, sizeof(serial));
			break;
	}
	free(text);
	return 0;
}
