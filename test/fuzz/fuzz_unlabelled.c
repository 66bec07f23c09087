/*-------------------------------------------------------------------------
 *
 * fuzz_unlabelled.c
 *		Fuzz target of the formats of personal data: any bytes as a value and
 *		as the name of a column.
 *
 * LINK: src/atrest/unlabelled_format.c src/atrest/unlabelled_name.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/unlabelled.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *exact = malloc(size > 0 ? size : 1);
	char	   *text = malloc(size + 2);
	uint32		weak;
	uint32		weak_again;
	uint32		kinds;

	memcpy(exact, data, size);
	kinds = personal_by_value(exact, size, &weak);
	FUZZ_CHECK((kinds & weak) == 0);
	FUZZ_CHECK(((kinds | weak) >> PERSONAL_KIND_COUNT) == 0);
	/* a value of none of the lengths has none of the formats */
	FUZZ_CHECK(size <= PERSONAL_MAX_VALUE || memchr(data, ' ', size) != NULL || kinds == 0);

	/* blanks behind it, as char(n) has them, change nothing */
	memcpy(text, data, size);
	text[size] = ' ';
	FUZZ_CHECK(personal_by_value(text, size + 1, &weak_again) == kinds && weak_again == weak);

	text[size] = '\0';
	for (int shape = SHAPE_TEXT; shape <= SHAPE_OTHER; shape++)
		FUZZ_CHECK((personal_by_name(text, shape) >> PERSONAL_KIND_COUNT) == 0);
	(void) personal_by_type(text);
	free(exact);
	free(text);
	return 0;
}
