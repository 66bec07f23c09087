/*-------------------------------------------------------------------------
 *
 * fuzz_core_pattern.c
 *		Fuzz target of the parser of core_pattern: any bytes as its text.
 *
 * LINK: src/atrest/place_proc.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/place_parse.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = malloc(size > 0 ? size : 1);
	char		dir[PLACE_PARSE_PATH];
	char		small[16];
	CoreTarget	target;

	memcpy(copy, data, size);
	target = core_pattern_target(copy, size, dir, sizeof(dir));
	FUZZ_CHECK(strnlen(dir, sizeof(dir)) < sizeof(dir));
	if (target != CORE_DIRECTORY)
		FUZZ_CHECK(dir[0] == '\0');
	else
	{
		/* A directory is the beginning of the text, and never depends on the process. */
		FUZZ_CHECK(strlen(dir) <= size && memcmp(dir, copy, strlen(dir)) == 0);
		FUZZ_CHECK(strchr(dir, '%') == NULL);
		FUZZ_CHECK(size == 0 || (copy[0] != '|' && copy[0] != '@'));
	}
	if (core_pattern_target(copy, size, small, sizeof(small)) == CORE_DIRECTORY)
		FUZZ_CHECK(target == CORE_DIRECTORY && strcmp(dir, small) == 0);
	free(copy);
	return 0;
}
