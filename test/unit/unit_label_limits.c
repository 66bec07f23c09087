/*-------------------------------------------------------------------------
 *
 * unit_label_limits.c
 *		Limits of labels: the last that fits and the first that does not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/label.h"
#include "tap.h"

static char input[100000];
static size_t input_len;

static void
begin(const char *start)
{
	input_len = 0;
	while (*start)
		input[input_len++] = *start++;
}

/* A name of n bytes that begins with two letters telling of i. */
static void
add_name(int i, int n)
{
	input[input_len++] = (char) ('a' + i / 26 % 26);
	input[input_len++] = (char) ('a' + i % 26);
	for (int j = 2; j < n; j++)
		input[input_len++] = 'x';
}

static void
add_list(int n, char separator, int size)
{
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			input[input_len++] = separator;
		add_name(i, size);
	}
}

static void
is_accepted(const char *name)
{
	Label		label;
	LabelError	error;

	if (!tap_ok(label_parse(input, input_len, &label, &error), "accepted: %s", name))
		tap_note("%s at byte %d", error.message, error.position);
}

static void
is_limited(int position, const char *name)
{
	Label		label;
	LabelError	error;
	bool		ok = label_parse(input, input_len, &label, &error);

	if (!tap_ok(!ok && error.code == LABEL_ERROR_LIMIT && error.position == position, "refused: %s", name))
		tap_note("%s at byte %d", ok ? "accepted" : error.message, ok ? 0 : error.position);
}

static void
test_counts(void)
{
	begin("c:");
	add_list(LABEL_MAX_CLAUSES, ',', 2);
	is_accepted("16 clauses");
	begin("c:");
	add_list(LABEL_MAX_CLAUSES + 1, ',', 2);
	is_limited(3 + 3 * LABEL_MAX_CLAUSES, "17 clauses");
	begin("c:aa");
	for (int i = 0; i < LABEL_MAX_CLAUSES; i++)
		input_len += snprintf(input + input_len, 4, ",aa");
	is_limited(3 + 3 * LABEL_MAX_CLAUSES, "17 equal clauses: limits are for what is written");

	begin("c:");
	add_list(LABEL_MAX_ALTERNATIVES, '|', 2);
	is_accepted("64 alternatives");
	begin("c:");
	add_list(LABEL_MAX_ALTERNATIVES + 1, '|', 2);
	is_limited(3 + 3 * LABEL_MAX_ALTERNATIVES, "65 alternatives");

	begin("c:");
	for (int clause = 0; clause < LABEL_MAX_CLAUSES; clause++)
	{
		if (clause > 0)
			input[input_len++] = ',';
		for (int i = 0; i < LABEL_MAX_ALTERNATIVES / LABEL_MAX_CLAUSES; i++)
		{
			if (i > 0)
				input[input_len++] = '|';
			add_name(clause * 4 + i, 2);
		}
	}
	is_accepted("16 clauses of 4 alternatives");
	input_len += snprintf(input + input_len, 4, "|zz");
	is_limited((int) input_len - 1, "the 65th alternative in the last clause");
}

static void
test_bytes(void)
{
	/* 1 class byte, then separator and name each */
	begin("c:");
	add_list(7, ',', 63);		/* 1 + 7 * 64 = 449 */
	input[input_len++] = ',';
	add_name(8, 61);			/* 511 */
	tap_is_int(input_len, LABEL_MAX_TEXT - 1, "511 bytes made");
	is_accepted("511 bytes");
	input[input_len++] = 'x';
	is_limited((int) input_len - 61, "512 bytes");

	begin("c:");
	add_list(7, ',', 63);
	input_len += snprintf(input + input_len, 10, ",a|a|a|a");
	is_accepted("long with small alternatives");
	begin("c:");
	add_list(7, '.', 63);
	input[input_len++] = '.';
	add_name(8, 61);
	is_accepted("one compartment of 509 bytes");
	input[input_len++] = 'x';
	is_limited((int) input_len - 61, "one compartment of 510 bytes");

	begin("c:");
	add_list(300, '.', 2);
	is_limited(3 + 3 * 170, "dots count");

	/* White space does not. */
	begin("c");
	memset(input + input_len, ' ', 90000);
	input_len += 90000;
	input_len += snprintf(input + input_len, 10, ":a");
	is_accepted("90000 blanks");
	memset(input, ' ', sizeof(input));
	input_len = sizeof(input);
	{
		Label		label;
		LabelError	error;

		tap_ok(!label_parse(input, input_len, &label, &error) && error.code == LABEL_ERROR_SYNTAX &&
			   error.position == (int) input_len + 1, "blanks alone are empty");
	}
	memset(input, 'a', sizeof(input));
	is_limited(1, "a name of 100000 bytes");
}

/* Two labels that fit, whose join may not. */
static void
test_join(void)
{
	Label		a;
	Label		b;
	Label		out;
	Label		untouched;
	LabelError	error;

	begin("c:");
	add_list(LABEL_MAX_CLAUSES, ',', 2);
	tap_ok(label_parse(input, input_len, &a, &error), "16 clauses");
	tap_ok(label_parse("d:zz", 4, &b, &error), "one other clause");
	memset(&out, 0x5a, sizeof(out));
	untouched = out;
	tap_ok(!label_join(&a, 0, &b, 1, &out) && memcmp(&out, &untouched, sizeof(out)) == 0,
		   "a join of 17 clauses fails, result untouched");
	tap_ok(label_join(&a, 0, &a, 0, &out) && memcmp(&out, &a, sizeof(a)) == 0,
		   "a join of 16 clauses with themselves fits");

	begin("c:");
	add_list(LABEL_MAX_ALTERNATIVES, '|', 2);
	tap_ok(label_parse(input, input_len, &a, &error), "64 alternatives");
	tap_ok(!label_join(&a, 0, &b, 1, &out), "a join of 65 alternatives fails");
	tap_ok(label_join(&a, 0, &a, 0, &out) && memcmp(&out, &a, sizeof(a)) == 0,
		   "a join of 64 alternatives with themselves fits");

	begin("c:");
	add_list(7, ',', 63);
	tap_ok(label_parse(input, input_len, &a, &error), "449 bytes");
	begin("c:");
	add_name(100, 61);
	tap_ok(label_parse(input, input_len, &b, &error) && label_join(&a, 0, &b, 0, &out) &&
		   out.text_len == LABEL_MAX_TEXT - 1, "a join of 511 bytes fits");
	begin("c:");
	add_name(100, 62);
	tap_ok(label_parse(input, input_len, &b, &error) && !label_join(&a, 0, &b, 0, &out),
		   "a join of 512 bytes fails");
	begin("dd:");
	add_name(100, 61);
	tap_ok(label_parse(input, input_len, &b, &error) && !label_join(&a, 0, &b, 1, &out) &&
		   label_join(&a, 1, &b, 0, &out), "the class that wins counts");
	tap_ok(label_join(&a, 1, &b, 0, &a) && memcmp(&a, &out, sizeof(a)) == 0, "result may be the first argument");
}

static void
test_spec_room(void)
{
	LabelSpec	spec;
	LabelError	error;
	char		buf[LABEL_SPEC_MAX_TEXT];
	size_t		half;

	begin("c:");
	add_list(7, ',', 63);
	input[input_len++] = ',';
	add_name(8, 61);
	half = input_len;
	input[input_len++] = '.';
	input[input_len++] = '.';
	memcpy(input + input_len, input, half);
	input_len += half;
	input_len += snprintf(input + input_len, 64, " with (break_glass, declassify, export, reclassify)");
	tap_ok(label_parse_spec(LABEL_SPEC_ROLE, input, input_len, &spec, &error), "the longest clearance");
	input[input_len] = '\0';
	tap_ok(label_spec_text(&spec, buf, sizeof(buf)) < sizeof(buf) && strcmp(buf, input) == 0,
		   "fits the buffer it is promised");
}

int
main(void)
{
	test_counts();
	test_bytes();
	test_join();
	test_spec_room();
	return tap_done();
}
