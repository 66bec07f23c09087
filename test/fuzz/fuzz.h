/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *		What the fuzz targets share.  Include after postgres.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FUZZ_H
#define FUZZ_H

#undef printf
#undef fprintf
#undef snprintf

#include <stdio.h>
#include <stdlib.h>

/* An invariant: abort() is what libFuzzer and the replay program take for a finding. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif							/* FUZZ_H */
