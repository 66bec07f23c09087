/*-------------------------------------------------------------------------
 *
 * unit_audit_merkle.c
 *		Tree hashes against known vectors and against the recursive definition
 *		of RFC 9162, section 2.1.1.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_merkle.h"
#include "tap.h"

#define LEAVES 260

/* The inputs and roots that the reference implementation of RFC 6962 tests with. */
static const struct
{
	const char *data;
	size_t		len;
	const char *root;
}			vector[] =
{
	{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static uint8_t leaves[LEAVES][AUDIT_HASH_SIZE];

static void
hex(const uint8_t *hash, char *out)
{
	for (int i = 0; i < AUDIT_HASH_SIZE; i++)
		sprintf(out + 2 * i, "%02x", hash[i]);
}

/* MTH of the leaves from..from+n-1, by its definition. */
static void
definition(int from, int n, uint8_t *hash)
{
	uint8_t		left[AUDIT_HASH_SIZE];
	uint8_t		right[AUDIT_HASH_SIZE];
	int			k = 1;

	if (n == 0)
	{
		merkle_sha256((const uint8_t *) "", 0, hash);
		return;
	}
	if (n == 1)
	{
		memcpy(hash, leaves[from], AUDIT_HASH_SIZE);
		return;
	}
	while (2 * k < n)
		k *= 2;
	definition(from, k, left);
	definition(from + k, n - k, right);
	merkle_node(left, right, hash);
}

int
main(void)
{
	MerkleFrontier frontier;
	uint8_t		root[AUDIT_HASH_SIZE];
	uint8_t		expected[AUDIT_HASH_SIZE];
	uint8_t		leaf[AUDIT_HASH_SIZE];
	char		text[2 * AUDIT_HASH_SIZE + 1];
	int			wrong = 0;

	merkle_init(&frontier);
	tap_ok(merkle_root(&frontier, root), "root of the empty tree");
	hex(root, text);
	tap_is_string(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "it is SHA-256 of nothing");
	for (int i = 0; i < (int) lengthof(vector); i++)
	{
		merkle_leaf((const uint8_t *) vector[i].data, vector[i].len, leaf);
		merkle_append(&frontier, leaf);
		merkle_root(&frontier, root);
		hex(root, text);
		tap_is_string(text, vector[i].root, "known root");
		tap_is_int(frontier.nroots, merkle_nroots(i + 1), "number of subtree roots");
	}

	merkle_init(&frontier);
	for (int n = 0; n < LEAVES; n++)
	{
		merkle_root(&frontier, root);
		definition(0, n, expected);
		wrong += memcmp(root, expected, AUDIT_HASH_SIZE) != 0;
		merkle_leaf((const uint8_t *) &n, sizeof(n), leaves[n]);
		wrong += !merkle_append(&frontier, leaves[n]);
	}
	tap_is_int(wrong, 0, "roots of 0 to 259 leaves are those of the definition");
	return tap_done();
}
