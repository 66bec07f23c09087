/*-------------------------------------------------------------------------
 *
 * network_list.c
 *		Addresses, networks and lists of networks, as policy writes them.
 *
 * Pure: no allocation, no errors, no server.  Addresses are parsed by libc's
 * inet_pton(); what is added is the length of the prefix and the comparison
 * (core's pg_range_sockaddr() cannot be had outside of the server).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "pg_dataclass/network.h"

static const uint8 mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Do the first bits of a and b agree? */
static bool
same_prefix(const uint8 *a, const uint8 *b, int bits)
{
	int			whole = bits / 8;
	int			rest = bits % 8;
	uint8		mask = (uint8) (0xff << (8 - rest));

	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

/* "0" to "128": digits only, no leading zero. */
static bool
parse_bits(const char *text, size_t len, int most, int *bits)
{
	int			value = 0;

	if (len < 1 || len > 3 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*bits = value;
	return value <= most;
}

/*
 * network_range_parse
 *		ADDRESS or ADDRESS/BITS.  Bits behind the prefix must be zero, as in type
 *		cidr: who writes 10.1.2.3/8 means something else than what it would match.
 */
bool
network_range_parse(const char *text, size_t len, NetworkRange *range)
{
	const char *slash = len > 0 ? memchr(text, '/', len) : NULL;
	size_t		address_len = slash ? (size_t) (slash - text) : len;
	char		address[NETWORK_TEXT_SIZE];
	static const uint8 zero[16] = {0};
	int			most;

	memset(range, 0, sizeof(*range));
	if (address_len == 0 || address_len >= sizeof(address) || memchr(text, '\0', len))
		return false;
	memcpy(address, text, address_len);
	address[address_len] = '\0';
	if (inet_pton(AF_INET, address, range->bytes) == 1)
		range->family = NETWORK_FAMILY_V4;
	else if (inet_pton(AF_INET6, address, range->bytes) == 1)
		range->family = NETWORK_FAMILY_V6;
	else
		return false;
	most = range->family == NETWORK_FAMILY_V4 ? 32 : 128;
	range->bits = most;
	if (slash && !parse_bits(slash + 1, len - address_len - 1, most, &range->bits))
		return false;
	for (int bit = range->bits; bit < most; bit++)
		if (range->bytes[bit / 8] & (0x80 >> (bit % 8)))
			return false;

	/* Clients with such addresses count as IPv4. */
	if (range->family == NETWORK_FAMILY_V6 && range->bits >= 96 &&
		memcmp(range->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
	{
		memmove(range->bytes, range->bytes + 12, 4);
		memcpy(range->bytes + 4, zero, 12);
		range->family = NETWORK_FAMILY_V4;
		range->bits -= 96;
	}
	return true;
}

bool
network_contains(const NetworkRange *range, const NetworkAddress *address)
{
	return (range->family == NETWORK_FAMILY_V4 || range->family == NETWORK_FAMILY_V6) &&
		range->family == address->family && same_prefix(range->bytes, address->bytes, range->bits);
}

bool
network_is_loopback(const NetworkAddress *address)
{
	static const uint8 one[16] = {[15] = 1};

	return (address->family == NETWORK_FAMILY_V4 && address->bytes[0] == 127) ||
		(address->family == NETWORK_FAMILY_V6 && memcmp(address->bytes, one, sizeof(one)) == 0);
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

static NetworkMatch
match_element(const char *text, size_t len, const NetworkAddress *address)
{
	NetworkRange range;
	bool		inside;

	if (is_word(text, len, "any"))
		inside = true;
	else if (is_word(text, len, "unix"))
		inside = address->family == NETWORK_FAMILY_UNIX;
	else if (is_word(text, len, "loopback"))
		inside = network_is_loopback(address);
	else if (network_range_parse(text, len, &range))
		inside = network_contains(&range, address);
	else
		return NETWORK_MALFORMED;
	return inside ? NETWORK_INSIDE : NETWORK_OUTSIDE;
}

NetworkMatch
network_list_match(const char *list, const NetworkAddress *address)
{
	NetworkMatch result = NETWORK_OUTSIDE;

	for (const char *element = list;;)
	{
		const char *next = strchr(element, ',');
		const char *end = next ? next : element + strlen(element);

		while (element < end && is_blank(*element))
			element++;
		while (end > element && is_blank(end[-1]))
			end--;
		switch (match_element(element, end - element, address))
		{
			case NETWORK_MALFORMED:
				return NETWORK_MALFORMED;
			case NETWORK_INSIDE:
				result = NETWORK_INSIDE;
				break;
			case NETWORK_OUTSIDE:
				break;
		}
		if (next == NULL)
			return result;
		element = next + 1;
	}
}

void
network_normalise(NetworkAddress *address)
{
	if (address->family != NETWORK_FAMILY_V6 ||
		memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return;
	memmove(address->bytes, address->bytes + 12, 4);
	memset(address->bytes + 4, 0, 12);
	address->family = NETWORK_FAMILY_V4;
}

void
network_text(const NetworkAddress *address, char *text, size_t size)
{
	const char *fixed = NULL;

	switch (address->family)
	{
		case NETWORK_FAMILY_V4:
			fixed = inet_ntop(AF_INET, address->bytes, text, size) ? NULL : "unknown";
			break;
		case NETWORK_FAMILY_V6:
			fixed = inet_ntop(AF_INET6, address->bytes, text, size) ? NULL : "unknown";
			break;
		case NETWORK_FAMILY_UNIX:
			fixed = "unix";
			break;
		case NETWORK_FAMILY_NONE:
			fixed = "none";
			break;
	}
	if (fixed)
		strlcpy(text, fixed, size);
}
