/*-------------------------------------------------------------------------
 *
 * tap.h
 *		TAP for the unit tests: ok() lines, a plan at the end.
 *
 * Include after postgres.h.  Unit tests link no server code, so the printf
 * family must be libc's again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TAP_H
#define TAP_H

#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror

#include <stdarg.h>
#include <stdio.h>

static int	tap_count = 0;
static int	tap_failed = 0;

/* A line that explains the assertion before it. */
__attribute__((unused, format(printf, 1, 2)))
static void
tap_note(const char *format,...)
{
	va_list		args;

	printf("#   ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

__attribute__((unused, format(printf, 2, 3)))
static bool
tap_ok(bool passed, const char *format,...)
{
	va_list		args;

	tap_count++;
	if (!passed)
		tap_failed++;
	printf("%sok %d - ", passed ? "" : "not ", tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return passed;
}

__attribute__((unused))
static void
tap_is_string(const char *got, const char *expected, const char *name)
{
	if (!tap_ok(strcmp(got, expected) == 0, "%s", name))
		tap_note("got \"%s\", expected \"%s\"", got, expected);
}

__attribute__((unused))
static void
tap_is_int(long long got, long long expected, const char *name)
{
	if (!tap_ok(got == expected, "%s", name))
		tap_note("got %lld, expected %lld", got, expected);
}

/* The exit status of main(). */
__attribute__((unused))
static int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#endif							/* TAP_H */
