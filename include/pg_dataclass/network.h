/*-------------------------------------------------------------------------
 *
 * network.h
 *		Addresses of clients and the networks that policy names.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_NETWORK_H
#define PG_DATACLASS_NETWORK_H

typedef enum NetworkFamily
{
	NETWORK_FAMILY_NONE,		/* no client, or an address of another kind */
	NETWORK_FAMILY_UNIX,
	NETWORK_FAMILY_V4,
	NETWORK_FAMILY_V6
} NetworkFamily;

typedef struct NetworkAddress
{
	NetworkFamily family;
	uint8		bytes[16];		/* network order; the first 4 for V4, none for UNIX */
} NetworkAddress;

typedef struct NetworkRange
{
	NetworkFamily family;		/* V4 or V6 */
	int			bits;
	uint8		bytes[16];
} NetworkRange;

typedef enum NetworkMatch
{
	NETWORK_OUTSIDE,
	NETWORK_INSIDE,
	NETWORK_MALFORMED			/* some element is none of the words, address or network */
} NetworkMatch;

/* Long enough for every text of an address. */
#define NETWORK_TEXT_SIZE	64

extern bool network_range_parse(const char *text, size_t len, NetworkRange *range);
extern bool network_contains(const NetworkRange *range, const NetworkAddress *address);
extern bool network_is_loopback(const NetworkAddress *address);

/*
 * Is the address in a list "unix, loopback, 10.0.0.0/8, fd00::/8", or "any"?
 * One malformed element makes the whole list malformed.
 */
extern NetworkMatch network_list_match(const char *list, const NetworkAddress *address);

/* An IPv4 address inside IPv6 becomes what it is. */
extern void network_normalise(NetworkAddress *address);
extern void network_text(const NetworkAddress *address, char *text, size_t size);

#endif							/* PG_DATACLASS_NETWORK_H */
