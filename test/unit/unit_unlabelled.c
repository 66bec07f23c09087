/*-------------------------------------------------------------------------
 *
 * unit_unlabelled.c
 *		Formats and names of personal data: what is one, what nearly is one,
 *		what only looks like one.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/unlabelled.h"
#include "tap.h"

static void
value_is(const char *value, int kind)
{
	uint32		weak;
	uint32		kinds = personal_by_value(value, strlen(value), &weak);
	uint32		expected = kind < 0 ? 0 : PERSONAL_BIT(kind);

	if (!tap_ok(kinds == expected, "\"%s\" is %s", value, kind < 0 ? "nothing" : personal_kind_name(kind)))
		tap_note("got bits 0x%x, expected 0x%x", kinds, expected);
	if ((kinds & weak) != 0)
		tap_ok(false, "strong and weak at once: \"%s\"", value);
}

static void
weak_is(const char *value, int kind, bool expected)
{
	uint32		weak;

	(void) personal_by_value(value, strlen(value), &weak);
	tap_ok(((weak & PERSONAL_BIT(kind)) != 0) == expected, "\"%s\" %s be %s", value, expected ? "may" : "cannot",
		   personal_kind_name(kind));
}

static void
name_is(const char *name, PersonalShape shape, uint32 expected)
{
	uint32		kinds = personal_by_name(name, shape);

	if (!tap_ok(kinds == expected, "column %s", name))
		tap_note("got bits 0x%x, expected 0x%x", kinds, expected);
}

static void
test_values(void)
{
	/* national identity numbers, and what is next to them */
	value_is("35202-1234567-1", PERSONAL_NATIONAL_ID);
	value_is(" 35202-1234567-1 ", PERSONAL_NATIONAL_ID);
	value_is("85202-1234567-1", -1);
	value_is("35202-123456-71", -1);
	value_is("3520212345671", -1);
	value_is("AB123456C", PERSONAL_NATIONAL_ID);
	value_is("AB 12 34 56 C", PERSONAL_NATIONAL_ID);
	value_is("BG123456C", -1);
	value_is("DA123456C", -1);
	value_is("AO123456C", -1);
	value_is("AB123456E", -1);
	value_is("1012345672", PERSONAL_NATIONAL_ID);
	value_is("1012345673", -1);
	value_is("3012345670", -1);
	value_is("078-05-1120", PERSONAL_NATIONAL_ID);
	value_is("000-05-1120", -1);
	value_is("666-05-1120", -1);
	value_is("900-05-1120", -1);
	value_is("078-00-1120", -1);
	value_is("078-05-0000", -1);
	value_is("12345678Z", PERSONAL_NATIONAL_ID);
	value_is("12345678A", -1);
	value_is("529.982.247-25", PERSONAL_NATIONAL_ID);
	value_is("529.982.247-24", -1);

	/* telephones */
	value_is("+92 300 1234567", PERSONAL_PHONE);
	value_is("+442079460123", PERSONAL_PHONE);
	value_is("+1 (212) 555-0123", PERSONAL_PHONE);
	value_is("+12", -1);
	value_is("+1234567890123456", -1);
	value_is("+0123456789", -1);
	value_is("0300-1234567", PERSONAL_PHONE);
	value_is("03001234567", PERSONAL_PHONE);
	value_is("07700 900123", PERSONAL_PHONE);
	value_is("0501234567", PERSONAL_PHONE);
	value_is("0092 300 1234567", PERSONAL_PHONE);
	value_is("(212) 555-0123", PERSONAL_PHONE);
	value_is("212-555-0123", PERSONAL_PHONE);
	value_is("112-555-0123", -1);
	value_is("2024010001234", -1);
	value_is("1234567890", -1);
	value_is("12345678", -1);
	value_is("0000000000000", -1);
	value_is("ORD-0300-1234567", -1);

	/* e-mail */
	value_is("a.person@mail.example", PERSONAL_EMAIL);
	value_is("a+b@x-y.co.uk", PERSONAL_EMAIL);
	value_is("@handle", -1);
	value_is("a@b", -1);
	value_is("a@b.c", -1);
	value_is("a b@mail.example", -1);
	value_is("a@b@mail.example", -1);
	value_is("a@mail..example", -1);
	value_is("a@mail.example1", -1);

	/* accounts and cards, with their check digits */
	value_is("GB82 WEST 1234 5698 7654 32", PERSONAL_IBAN);
	value_is("GB82WEST12345698765432", PERSONAL_IBAN);
	value_is("PK36SCBL0000001123456702", PERSONAL_IBAN);
	value_is("SA0380000000608010167519", PERSONAL_IBAN);
	value_is("GB83WEST12345698765432", -1);
	value_is("GB82 WEST", -1);
	value_is("4111 1111 1111 1111", PERSONAL_PAYMENT_CARD);
	value_is("5500-0000-0000-0004", PERSONAL_PAYMENT_CARD);
	value_is("378282246310005", PERSONAL_PAYMENT_CARD);
	value_is("4111 1111 1111 1112", -1);
	value_is("9111111111111119", -1);

	/* where somebody is */
	value_is("33.6844, 73.0479", PERSONAL_COORDINATES);
	value_is("(-33.8688,151.2093)", PERSONAL_COORDINATES);
	value_is("geo:33.6844,73.0479", PERSONAL_COORDINATES);
	value_is("POINT(73.0479 33.6844)", PERSONAL_COORDINATES);
	value_is("99.6844, 73.0479", -1);
	value_is("33.6844, 193.0479", -1);
	value_is("1.5, 2.5", -1);
	value_is("10, 20", -1);
	value_is("192.168.1.10", PERSONAL_IP_ADDRESS);
	value_is("2001:db8::1", PERSONAL_IP_ADDRESS);
	value_is("192.168.1.256", -1);
	value_is("1.2.3", -1);
	value_is("12:30:45", -1);

	/* what only looks like something */
	value_is("", -1);
	value_is("   ", -1);
	value_is("2024-05-01", -1);
	value_is("2024-05-01 10:00:00+05", -1);
	value_is("1690000000000", -1);
	value_is("1712345678.123", -1);
	value_is("550e8400-e29b-41d4-a716-446655440000", -1);
	value_is("ORD-1234567890", -1);
	value_is("9780306406157", -1);
	value_is("\xd9\x85\xd8\xad\xd9\x85\xd8\xaf", -1);

	/* only with a name that says so */
	weak_is("3520212345671", PERSONAL_NATIONAL_ID, true);
	weak_is("12345678", PERSONAL_PHONE, true);
	weak_is("123", PERSONAL_PHONE, false);
	weak_is("AB1234567", PERSONAL_PASSPORT, true);
	weak_is("ABC12", PERSONAL_PASSPORT, false);
	weak_is("33.684400", PERSONAL_COORDINATES, true);
	weak_is("200.5", PERSONAL_COORDINATES, false);
}

static void
test_names(void)
{
	name_is("cnic", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_NATIONAL_ID));
	name_is("CustomerEMail", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_EMAIL));
	name_is("customerEmail", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_EMAIL));
	name_is("home_phone_2", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_PHONE));
	name_is("phone_verified", SHAPE_OTHER, 0);
	name_is("email_sent_at", SHAPE_TIME, 0);
	name_is("email_address", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_EMAIL));
	name_is("ip_address", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_IP_ADDRESS));
	name_is("mac_address", SHAPE_TEXT, 0);
	name_is("home address", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_ADDRESS));
	name_is("first_name", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_NAME));
	name_is("FirstName", SHAPE_TEXT, PERSONAL_BIT(PERSONAL_NAME));
	name_is("name", SHAPE_TEXT, 0);
	name_is("file_name", SHAPE_TEXT, 0);
	name_is("date_of_birth", SHAPE_TIME, PERSONAL_BIT(PERSONAL_BIRTH));
	name_is("hiv_positive", SHAPE_OTHER, PERSONAL_BIT(PERSONAL_HEALTH));
	name_is("latitude", SHAPE_NUMBER, PERSONAL_BIT(PERSONAL_COORDINATES));
	name_is("flat", SHAPE_NUMBER, 0);
	name_is("telemetry", SHAPE_TEXT, 0);
	name_is("shipping", SHAPE_TEXT, 0);
	name_is("clinic", SHAPE_TEXT, 0);
	name_is("", SHAPE_TEXT, 0);
	name_is("________________________________________________________________a", SHAPE_TEXT, 0);
	name_is("ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABA", SHAPE_TEXT, 0);
	name_is("aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBa", SHAPE_TEXT, 0);
	tap_is_int(personal_by_type("inet"), PERSONAL_BIT(PERSONAL_IP_ADDRESS), "type inet");
	tap_is_int(personal_by_type("geometry"), PERSONAL_BIT(PERSONAL_COORDINATES), "type geometry");
	tap_is_int(personal_by_type("text"), 0, "type text");
}

static void
test_limits(void)
{
	char		digits[2 * PERSONAL_MAX_VALUE];
	char		cut[] = "35202-1234567-1234";
	uint32		weak;

	memset(digits, '1', sizeof(digits));
	tap_is_int(personal_by_value(digits, sizeof(digits), &weak), 0, "what is too long is nothing");
	tap_is_int(personal_by_value(digits, PERSONAL_MAX_VALUE, &weak), 0, "what is just not too long is read");
	tap_is_int(personal_by_value(cut, 15, &weak), PERSONAL_BIT(PERSONAL_NATIONAL_ID), "only the length given counts");
	tap_is_int(personal_by_value("a@b\0.example", 12, &weak), 0, "a zero byte is no format");
	for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
		tap_ok(strcmp(personal_kind_name(kind), "unknown") != 0, "kind %d has a name", kind);
}

int
main(void)
{
	test_values();
	test_names();
	test_limits();
	return tap_done();
}
