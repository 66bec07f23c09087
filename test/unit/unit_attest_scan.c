/*-------------------------------------------------------------------------
 *
 * unit_attest_scan.c
 *		Times, serial numbers, signatures as text, depth of nesting.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/attest_scan.h"
#include "tap.h"

static void
test_depth(void)
{
	static const struct
	{
		const char *text;
		int			max;
		bool		within;
	}			cases[] = {
		{"", 0, true},
		{"1", 0, true},
		{"{}", 0, false},
		{"{}", 1, true},
		{"{\"a\":[[1]]}", 3, true},
		{"{\"a\":[[1]]}", 2, false},
		{"[[],[],[],[]]", 2, true},
		{"\"[[[[[[\"", 0, true},
		{"\"\\\"[[[[\"", 0, true},
		{"\"\\\\\"[[", 1, false},
		{"]]]][", 1, true},
		{"]]]][[", 1, false},
		{"\"[[[", 0, true},
		{"\"\\", 0, true},
	};

	for (size_t i = 0; i < lengthof(cases); i++)
		tap_ok(attest_scan_depth(cases[i].text, strlen(cases[i].text), cases[i].max) == cases[i].within,
			   "depth %d of %s", cases[i].max, cases[i].text);
}

static void
test_time(void)
{
	static const char *const good[] = {
		"2026-01-31T12:00:00Z", "2024-02-29T23:59:59.5+05:00", "2000-02-29T00:00:00-14:00",
		"9999-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00+00:00"
	};
	static const char *const bad[] = {
		"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31t12:00:00Z",
		"2026-01-31T12:00:00z", "2026-1-31T12:00:00Z", "2026-01-31T12:00Z", "2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
		"2026-01-31T12:00:60Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+5", "2026-01-31T12:00:00+0500",
		"2026-01-31T12:00:00+15:00", "2026-01-31T12:00:00+05:60", "2026-01-31T12:00:00ZZ", "now", "infinity",
		"2026-01-31T12:00:00Z ", " 2026-01-31T12:00:00Z", "12026-01-31T12:00:00Z", "-026-01-31T12:00:00Z",
		"2026-01-31T12:00:00.1234567890123456789Z"
	};
	AttestTime	time;

	for (size_t i = 0; i < lengthof(good); i++)
		tap_ok(attest_scan_time(good[i], &time), "a time: %s", good[i]);
	for (size_t i = 0; i < lengthof(bad); i++)
		tap_ok(!attest_scan_time(bad[i], &time), "no time: \"%s\"", bad[i]);
	attest_scan_time("2026-01-31T12:34:56.0789-01:30", &time);
	tap_ok(time.year == 2026 && time.month == 1 && time.day == 31 && time.hour == 12 && time.minute == 34 &&
		   time.second == 56 && time.micros == 78900 && time.offset == -5400, "its parts");
}

static void
test_serial(void)
{
	char		out[8];

	tap_ok(attest_scan_serial("vol-1\n", 6, out, sizeof(out)) && strcmp(out, "vol-1") == 0, "newline taken off");
	tap_ok(attest_scan_serial("  a b \0\0", 8, out, sizeof(out)) && strcmp(out, "a b") == 0, "padding taken off");
	tap_ok(attest_scan_serial("1234567", 7, out, sizeof(out)), "as long as there is room");
	tap_ok(!attest_scan_serial("12345678", 8, out, sizeof(out)), "not cut");
	tap_ok(!attest_scan_serial("", 0, out, sizeof(out)), "nothing");
	tap_ok(!attest_scan_serial(" \n", 2, out, sizeof(out)), "blanks only");
	tap_ok(!attest_scan_serial("a\0b", 3, out, sizeof(out)), "a NUL inside");
	tap_ok(!attest_scan_serial("a\x80", 2, out, sizeof(out)), "a byte that is no ASCII");
	tap_ok(!attest_scan_serial("a\nb", 3, out, sizeof(out)), "two lines");

	tap_ok(attest_scan_vpd80((const unsigned char *) "\0\x80\0\x03" "abc", 7, out, sizeof(out)) &&
		   strcmp(out, "abc") == 0, "page 0x80");
	tap_ok(attest_scan_vpd80((const unsigned char *) "\0\x80\0\x03" "abcX", 8, out, sizeof(out)) &&
		   strcmp(out, "abc") == 0, "page 0x80 with more behind it");
	tap_ok(!attest_scan_vpd80((const unsigned char *) "\0\x80\0\x04" "abc", 7, out, sizeof(out)), "page cut short");
	tap_ok(!attest_scan_vpd80((const unsigned char *) "\0\x83\0\x03" "abc", 7, out, sizeof(out)), "another page");
	tap_ok(!attest_scan_vpd80((const unsigned char *) "\0\x80\0", 3, out, sizeof(out)), "no header");
	tap_ok(!attest_scan_vpd80((const unsigned char *) "\0\x80\0\0", 4, out, sizeof(out)), "empty page");
	tap_ok(!attest_scan_vpd80((const unsigned char *) "\0\x80\xff\xff" "abc", 7, out, sizeof(out)), "length of 64 kB");
}

static bool
decodes(const char *text, size_t size, const char *expected)
{
	unsigned char out[64];

	memset(out, 0xaa, sizeof(out));
	return attest_scan_signature(text, strlen(text), out, size) && memcmp(out, expected, size) == 0;
}

static void
test_signature(void)
{
	char		text[256];
	unsigned char out[64];
	static const char zeros[64] = {0};

	tap_ok(decodes("66 6f6F\n62", 4, "foob"), "hexadecimal digits with blanks");
	tap_ok(decodes("\\x666f6f62", 4, "foob"), "after \\x");
	tap_ok(decodes("Zm9vYmE=", 5, "fooba"), "base64");
	tap_ok(decodes("Zm9v\nYmE=\n", 5, "fooba"), "base64 in lines");
	tap_ok(!decodes("Zm9vYmE", 5, "fooba"), "padding cut short");
	tap_ok(!decodes("Zm9vYmF=", 5, "fooba"), "bits left over");
	tap_ok(!decodes("Zm9vYmEx", 5, "fooba"), "something else for padding");
	tap_ok(!decodes("Zm9v*mE=", 5, "fooba"), "no digit of base64");
	tap_ok(!decodes("", 4, "foob"), "nothing");
	tap_ok(!decodes("\\x", 4, "foob"), "nothing after \\x");
	tap_ok(!decodes("666f6f6g", 4, "foob"), "no hexadecimal digit");
	memset(text, '0', 128);
	text[128] = '\0';
	tap_ok(decodes(text, 64, zeros), "64 bytes as digits");
	memset(text, 'A', 86);
	strcpy(text + 86, "==");
	tap_ok(decodes(text, 64, zeros), "64 bytes as base64");
	memset(text, 'A', 255);
	text[255] = '\0';
	tap_ok(!attest_scan_signature(text, 255, out, 64), "too many digits");
	memset(text, '0', 132);
	memcpy(text, "\\x", 2);
	text[132] = '\0';
	tap_ok(!attest_scan_signature(text, 132, out, 64), "a byte too many");
	tap_ok(!attest_scan_signature("", 0, out, 200), "a size there is no room for");
}

int
main(void)
{
	test_depth();
	test_time();
	test_serial();
	test_signature();
	return tap_done();
}
