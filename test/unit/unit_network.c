/*-------------------------------------------------------------------------
 *
 * unit_network.c
 *		Addresses, networks and lists of networks.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "pg_dataclass/network.h"
#include "tap.h"

/* "unix", "none" or an address. */
static NetworkAddress
address_of(const char *text)
{
	NetworkAddress address = {NETWORK_FAMILY_NONE};

	if (strcmp(text, "unix") == 0)
		address.family = NETWORK_FAMILY_UNIX;
	else if (inet_pton(AF_INET, text, address.bytes) == 1)
		address.family = NETWORK_FAMILY_V4;
	else if (inet_pton(AF_INET6, text, address.bytes) == 1)
		address.family = NETWORK_FAMILY_V6;
	network_normalise(&address);
	return address;
}

typedef struct ListCase
{
	const char *list;
	const char *address;
	NetworkMatch expected;
} ListCase;

static const ListCase list_cases[] = {
	{"any", "10.1.2.3", NETWORK_INSIDE},
	{"any", "unix", NETWORK_INSIDE},
	{"any", "none", NETWORK_INSIDE},
	{"unix", "unix", NETWORK_INSIDE},
	{"unix", "127.0.0.1", NETWORK_OUTSIDE},
	{"unix", "none", NETWORK_OUTSIDE},
	{"loopback", "127.0.0.1", NETWORK_INSIDE},
	{"loopback", "127.255.255.255", NETWORK_INSIDE},
	{"loopback", "128.0.0.1", NETWORK_OUTSIDE},
	{"loopback", "::1", NETWORK_INSIDE},
	{"loopback", "::2", NETWORK_OUTSIDE},
	{"loopback", "unix", NETWORK_OUTSIDE},
	{"loopback", "::ffff:127.0.0.1", NETWORK_INSIDE},
	{"10.0.0.0/8", "10.255.0.1", NETWORK_INSIDE},
	{"10.0.0.0/8", "11.0.0.1", NETWORK_OUTSIDE},
	{"10.0.0.0/8", "unix", NETWORK_OUTSIDE},
	{"10.0.0.0/8", "none", NETWORK_OUTSIDE},
	{"10.0.0.0/8", "::ffff:10.1.2.3", NETWORK_INSIDE},
	{"::ffff:10.0.0.0/104", "10.1.2.3", NETWORK_INSIDE},
	{"10.32.0.0/11", "10.63.255.255", NETWORK_INSIDE},
	{"10.32.0.0/11", "10.64.0.0", NETWORK_OUTSIDE},
	{"10.0.0.1", "10.0.0.1", NETWORK_INSIDE},
	{"10.0.0.1", "10.0.0.2", NETWORK_OUTSIDE},
	{"10.0.0.1/32", "10.0.0.1", NETWORK_INSIDE},
	{"0.0.0.0/0", "203.0.113.9", NETWORK_INSIDE},
	{"0.0.0.0/0", "2001:db8::1", NETWORK_OUTSIDE},
	{"0.0.0.0/0", "unix", NETWORK_OUTSIDE},
	{"::/0", "2001:db8::1", NETWORK_INSIDE},
	{"::/0", "10.0.0.1", NETWORK_OUTSIDE},
	{"2001:db8::/33", "2001:db8:7fff::1", NETWORK_INSIDE},
	{"2001:db8::/33", "2001:db8:8000::1", NETWORK_OUTSIDE},
	{"fd00::1", "fd00::1", NETWORK_INSIDE},
	{"fd00::1/128", "fd00::2", NETWORK_OUTSIDE},
	{" 10.0.0.0/8 ,\tunix , ::1 ", "unix", NETWORK_INSIDE},
	{" 10.0.0.0/8 ,\tunix , ::1 ", "::1", NETWORK_INSIDE},
	{"10.0.0.0/8,192.168.0.0/16", "192.168.3.4", NETWORK_INSIDE},
	{"10.0.0.0/8,192.168.0.0/16", "192.169.3.4", NETWORK_OUTSIDE},
	/* nothing of a malformed list counts, wherever the fault is */
	{"", "10.0.0.1", NETWORK_MALFORMED},
	{" ", "unix", NETWORK_MALFORMED},
	{",", "unix", NETWORK_MALFORMED},
	{"any,", "unix", NETWORK_MALFORMED},
	{",any", "unix", NETWORK_MALFORMED},
	{"any,,unix", "unix", NETWORK_MALFORMED},
	{"any;unix", "unix", NETWORK_MALFORMED},
	{"ANY", "unix", NETWORK_MALFORMED},
	{"unix loopback", "unix", NETWORK_MALFORMED},
	{"10.0.0.0/8,nonsense", "10.0.0.1", NETWORK_MALFORMED},
	{"nonsense,10.0.0.0/8", "10.0.0.1", NETWORK_MALFORMED},
	{"10.0.0.1/8", "10.0.0.1", NETWORK_MALFORMED},
	{"10.0.0.0/33", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/08", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/+8", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/ 8", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/8/8", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/255.0.0.0", "10.0.0.0", NETWORK_MALFORMED},
	{"10.0.0.0/4294967304", "10.0.0.0", NETWORK_MALFORMED},
	{"10/8", "10.0.0.0", NETWORK_MALFORMED},
	{"010.0.0.1", "10.0.0.1", NETWORK_MALFORMED},
	{"0x0a.0.0.1", "10.0.0.1", NETWORK_MALFORMED},
	{"/8", "10.0.0.1", NETWORK_MALFORMED},
	{"fd00::/129", "fd00::", NETWORK_MALFORMED},
	{"fd00::1/64", "fd00::1", NETWORK_MALFORMED},
	{"fe80::1%eth0", "fe80::1", NETWORK_MALFORMED},
	{"[::1]", "::1", NETWORK_MALFORMED},
	{"example.org", "10.0.0.1", NETWORK_MALFORMED},
	{"10.0.0.1.example.org.with.a.name.that.is.much.longer.than.any.address.is", "10.0.0.1", NETWORK_MALFORMED},
};

/* Every prefix length against every bit that may differ. */
static void
check_prefixes(void)
{
	int			wrong = 0;

	for (int bits = 0; bits <= 128; bits++)
		for (int bit = 0; bit < 128; bit++)
		{
			NetworkRange range = {NETWORK_FAMILY_V6, bits, {0}};
			NetworkAddress address = {NETWORK_FAMILY_V6, {0}};

			address.bytes[bit / 8] = 0x80 >> (bit % 8);
			if (network_contains(&range, &address) != (bit >= bits))
				wrong++;
		}
	tap_is_int(wrong, 0, "each bit inside a prefix counts, and none behind it");
}

int
main(void)
{
	NetworkRange range;
	NetworkAddress address;
	char		text[NETWORK_TEXT_SIZE];

	for (int i = 0; i < lengthof(list_cases); i++)
	{
		address = address_of(list_cases[i].address);
		tap_ok(network_list_match(list_cases[i].list, &address) == list_cases[i].expected,
			   "\"%s\" and %s", list_cases[i].list, list_cases[i].address);
	}
	check_prefixes();
	tap_ok(!network_range_parse("10.0.0.0\0/8", 11, &range), "a zero byte inside");
	tap_ok(!network_range_parse("", 0, &range), "an empty range");
	tap_ok(network_range_parse("10.0.0.0/8,rest", 10, &range) && range.bits == 8, "no more than its length is read");

	address = address_of("::ffff:192.0.2.7");
	tap_is_int(address.family, NETWORK_FAMILY_V4, "IPv4 inside IPv6 is IPv4");
	network_text(&address, text, sizeof(text));
	tap_is_string(text, "192.0.2.7", "its text");
	address = address_of("2001:db8::1");
	network_text(&address, text, sizeof(text));
	tap_is_string(text, "2001:db8::1", "text of IPv6");
	address = address_of("unix");
	network_text(&address, text, sizeof(text));
	tap_is_string(text, "unix", "text of a socket");
	address = address_of("none");
	network_text(&address, text, sizeof(text));
	tap_is_string(text, "none", "text of no client");
	return tap_done();
}
