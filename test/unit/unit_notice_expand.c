/*-------------------------------------------------------------------------
 *
 * unit_notice_expand.c
 *		Placeholders of dataclass.breach_command.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/notice_expand.h"
#include "tap.h"

typedef struct Case
{
	const char *command;
	int64_t		incident;
	const char *class;
	const char *expected;
} Case;

static const Case cases[] = {
	{"tell", 1, "secret", "tell"},
	{"tell %i %c", 42, "secret", "tell 42 secret"},
	{"%i%i", 7, NULL, "77"},
	{"date +%%s", 1, "secret", "date +%s"},
	{"date +%s %", 1, "secret", "date +%s %"},
	{"%%i", 1, "secret", "%i"},
	{"%%%i", 1, "secret", "%1"},
	{"%c", 1, NULL, "none"},
	{"%c", 1, "", "none"},
	{"%c", 1, "secret; rm -rf x", "none"},
	{"%c", 1, "$(x)", "none"},
	{"%c", 1, "-rf", "none"},
	{"%c", 1, "Secret", "none"},
	{"%c", 1, "a%i", "none"},
	{"%i", 0, NULL, "0"},
	{"%i", INT64_MAX, NULL, "9223372036854775807"},
	{"", 1, "secret", ""},
};

int
main(void)
{
	char		out[256];
	char		small[5];

	for (int i = 0; i < lengthof(cases); i++)
	{
		const Case *c = &cases[i];
		size_t		len = notice_expand_command(out, sizeof(out), c->command, c->incident, c->class);

		tap_ok(strcmp(out, c->expected) == 0 && len == strlen(c->expected), "\"%s\" with class %s",
		   c->command, c->class ? c->class : "none");
	}
	tap_ok(notice_expand_command(small, sizeof(small), "tell %i", 1, NULL) == 6 && strcmp(small, "tell") == 0,
	   "no more is written than there is room for");
	tap_ok(notice_expand_command(NULL, 0, "tell %i", 12, NULL) == 7, "the length can be asked for");
	return tap_done();
}
