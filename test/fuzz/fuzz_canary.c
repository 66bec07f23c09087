/*-------------------------------------------------------------------------
 *
 * fuzz_canary.c
 *		Fuzz target of the canary's search: the answer for a stream in parts
 *		must be that of a plain search through the whole.
 *
 * Input: number of needles, size of parts, the needles, the stream.
 *
 * LINK: src/atrest/canary_search.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/canary.h"
#include "fuzz.h"

#define MAX_NEEDLES	8

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
holds(const uint8_t *stream, size_t len, const unsigned char *needle)
{
	for (size_t at = 0; at + CANARY_NEEDLE_BYTES <= len; at++)
		if (memcmp(stream + at, needle, CANARY_NEEDLE_BYTES) == 0)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CanaryNeedle needles[MAX_NEEDLES] = {0};
	CanarySearch search;
	size_t		part;
	int			nneedles;
	int			found = 0;

	if (size < 2)
		return 0;
	nneedles = data[0] % (MAX_NEEDLES + 1);
	part = data[1] + 1;
	data += 2;
	size -= 2;
	if (size < (size_t) nneedles * CANARY_NEEDLE_BYTES)
		return 0;
	for (int i = 0; i < nneedles; i++)
	{
		memcpy(needles[i].bytes, data, CANARY_NEEDLE_BYTES);
		data += CANARY_NEEDLE_BYTES;
		size -= CANARY_NEEDLE_BYTES;
	}
	canary_search_init(&search, needles, nneedles);
	for (size_t at = 0; at < size; at += part)
	{
		/* of its own size, so that a sanitizer sees every step too far */
		size_t		len = Min(part, size - at);
		unsigned char *copy = malloc(len);

		memcpy(copy, data + at, len);
		canary_search_feed(&search, copy, len);
		free(copy);
	}
	FUZZ_CHECK(search.bytes == size);
	for (int i = 0; i < nneedles; i++)
	{
		FUZZ_CHECK(needles[i].found == holds(data, size, needles[i].bytes));
		found += needles[i].found;
	}
	FUZZ_CHECK(canary_search_found(&search) == found);
	return 0;
}
