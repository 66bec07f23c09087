/*-------------------------------------------------------------------------
 *
 * fuzz_network.c
 *		Fuzz target of lists of networks: any bytes as a requirement.
 *
 * The first 17 bytes are a client, the rest is the list.
 *
 * LINK: src/policy/network_list.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/network.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	NetworkAddress address = {NETWORK_FAMILY_NONE};
	NetworkAddress nowhere = {NETWORK_FAMILY_NONE};
	NetworkRange range;
	NetworkMatch result;
	char	   *list;
	char	   *longer;
	size_t		len;

	if (size < 17)
		return 0;
	address.family = (NetworkFamily) (data[0] % 4);
	if (address.family == NETWORK_FAMILY_V4)
		memcpy(address.bytes, data + 1, 4);
	else if (address.family == NETWORK_FAMILY_V6)
		memcpy(address.bytes, data + 1, 16);
	network_normalise(&address);
	len = size - 17;
	list = malloc(len + 1);
	memcpy(list, data + 17, len);
	list[len] = '\0';

	/* a range that parses contains its own first address, and parses only as written */
	if (network_range_parse(list, len, &range))
	{
		NetworkAddress first = {range.family};

		memcpy(first.bytes, range.bytes, sizeof(first.bytes));
		FUZZ_CHECK(range.family == NETWORK_FAMILY_V4 || range.family == NETWORK_FAMILY_V6);
		FUZZ_CHECK(range.bits >= 0 && range.bits <= (range.family == NETWORK_FAMILY_V4 ? 32 : 128));
		FUZZ_CHECK(network_contains(&range, &first));
		FUZZ_CHECK(memchr(list, '\0', len) == NULL);
	}

	/* malformed is malformed for every client, and stays so with more behind it */
	result = network_list_match(list, &address);
	FUZZ_CHECK((result == NETWORK_MALFORMED) == (network_list_match(list, &nowhere) == NETWORK_MALFORMED));
	len = strlen(list);
	longer = malloc(len + sizeof(",any"));
	memcpy(longer, list, len);
	memcpy(longer + len, ",any", sizeof(",any"));
	FUZZ_CHECK(network_list_match(longer, &address) ==
			   (result == NETWORK_MALFORMED ? NETWORK_MALFORMED : NETWORK_INSIDE));
	free(longer);
	free(list);
	return 0;
}
