/*-------------------------------------------------------------------------
 *
 * fuzz_swaps.c
 *		Fuzz target of the parser of /proc/swaps: any bytes as its text.
 *
 * LINK: src/atrest/place_proc.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/place_parse.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Areas of a copy with nothing behind it; -1 for a table that is none. */
static int
count_areas(const char *text, size_t len)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	SwapArea   *area = malloc(sizeof(SwapArea));
	size_t		pos = 0;
	int			count = 0;
	SwapLookup	result;

	memcpy(copy, text, len);
	while ((result = swaps_next(copy, len, &pos, area)) == SWAP_AREA)
	{
		FUZZ_CHECK(area->name[0] == '/');
		FUZZ_CHECK(strnlen(area->name, sizeof(area->name)) < sizeof(area->name));
		FUZZ_CHECK(pos <= len && copy[pos - 1] == '\n');
		count++;
	}
	free(area);
	free(copy);
	return result == SWAP_END ? count : -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] = "/dev/zz partition 1 0 -2\n";
	static const char bad[] = "/dev/zz nothing\n";
	const char *text = (const char *) data;
	int			count = count_areas(text, size);
	char	   *longer = malloc(size + sizeof(good));

	/* One more line counts, or spoils all. */
	memcpy(longer, text, size);
	memcpy(longer + size, good, sizeof(good) - 1);
	if (count >= 0)
		FUZZ_CHECK(count_areas(longer, size + sizeof(good) - 1) == count + 1);
	memcpy(longer + size, bad, sizeof(bad) - 1);
	FUZZ_CHECK(count_areas(longer, size + sizeof(bad) - 1) == -1);

	/* So does a cut. */
	if (count > 0)
		FUZZ_CHECK(count_areas(text, size - 1) == -1);
	free(longer);
	return 0;
}
