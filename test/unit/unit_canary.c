/*-------------------------------------------------------------------------
 *
 * unit_canary.c
 *		The canary's search, however its stream is cut, and its verdicts.
 *		Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "pg_dataclass/canary.h"
#include "tap.h"

#define STREAM	40000

static unsigned char stream[STREAM];
static CanaryNeedle needles[4];
static CanarySearch search;

static void
fresh(void)
{
	RAND_bytes(stream, sizeof(stream));
	memset(needles, 0, sizeof(needles));
	for (int i = 0; i < lengthof(needles); i++)
		RAND_bytes(needles[i].bytes, CANARY_NEEDLE_BYTES);
}

static int
look(size_t part)
{
	canary_search_init(&search, needles, lengthof(needles));
	for (size_t at = 0; at < sizeof(stream); at += part)
		canary_search_feed(&search, stream + at, Min(part, sizeof(stream) - at));
	return canary_search_found(&search);
}

static void
plant(int needle, size_t at)
{
	memcpy(stream + at, needles[needle].bytes, CANARY_NEEDLE_BYTES);
}

static void
test_search(void)
{
	static const size_t parts[] = {1, 2, 3, 7, 14, 15, 16, 17, 31, 32, 33, 8192, 9999, STREAM};
	bool		all = true;

	fresh();
	tap_is_int(look(8192), 0, "nothing in random bytes");
	for (int p = 0; p < lengthof(parts); p++)
		for (size_t at = 8192 - 40; at < 8192 + 40; at++)
		{
			fresh();
			plant(2, at);
			if (look(parts[p]) != 1 || !needles[2].found || needles[0].found || search.bytes != STREAM)
				all = false;
		}
	tap_ok(all, "found wherever it lies and however the stream is cut");

	fresh();
	plant(0, 0);
	plant(1, STREAM - CANARY_NEEDLE_BYTES);
	tap_is_int(look(100), 2, "at the very beginning and end");
	fresh();
	memcpy(stream + 500, needles[0].bytes, CANARY_NEEDLE_BYTES - 1);
	stream[500 + CANARY_NEEDLE_BYTES - 1] = needles[0].bytes[CANARY_NEEDLE_BYTES - 1] ^ 1;
	tap_is_int(look(64), 0, "one bit less is none");
	fresh();
	memcpy(stream + STREAM - 8, needles[0].bytes, 8);
	tap_is_int(look(64), 0, "half of one at the end is none");

	/* halves of a marker in two streams are no marker */
	fresh();
	canary_search_init(&search, needles, 4);
	canary_search_feed(&search, needles[0].bytes, 8);
	canary_search_break(&search);
	canary_search_feed(&search, needles[0].bytes + 8, 8);
	tap_is_int(canary_search_found(&search), 0, "streams are kept apart");
	canary_search_init(&search, needles, 4);
	canary_search_feed(&search, needles[0].bytes, 8);
	canary_search_feed(&search, needles[0].bytes + 8, 8);
	tap_is_int(canary_search_found(&search), 1, "parts of one are not");

	memset(stream, 0, sizeof(stream));
	(void) look(1000);
	tap_ok(search.all_zero, "zeros are told");
	stream[STREAM - 1] = 1;
	(void) look(1000);
	tap_ok(!search.all_zero, "but not where there is anything else");
}

/* The same bytes in the clear, encrypted, compressed away. */
static void
test_encrypted(void)
{
	unsigned char out[STREAM + 64];
	unsigned char key[32];
	unsigned char iv[16];
	int			len = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	fresh();
	memset(stream, 0, sizeof(stream));
	for (int i = 0; i < 4; i++)
		plant(i, 1000 * (i + 1));
	tap_is_int(look(8192), 4, "all markers in the clear");
	RAND_bytes(key, sizeof(key));
	RAND_bytes(iv, sizeof(iv));
	EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, key, iv);
	EVP_EncryptUpdate(ctx, out, &len, stream, STREAM);
	EVP_CIPHER_CTX_free(ctx);
	memcpy(stream, out, STREAM);
	tap_is_int(look(8192), 0, "none in the ciphertext");
	tap_ok(!search.all_zero && search.bytes == STREAM, "which was read");
}

static CanaryPlace
absent(const char *name)
{
	CanaryPlace place = {.name = name, .bytes_due = 100, .bytes_read = 8192, .markers = 4, .applies = true, .readable = true};

	return place;
}

static void
test_verdict(void)
{
	CanaryPlace places[3];

#define RESET() (places[0] = absent("a"), places[1] = absent("b"), places[2] = absent("c"))
#define IS(control, expected, name) tap_is_int(canary_judge(places, 3, control), expected, name)
	RESET();
	IS(true, EVIDENCE_ENCRYPTED, "absent everywhere is a proof");
	IS(false, EVIDENCE_UNKNOWN, "not if the search does not work");
	places[1].found = 1;
	IS(true, EVIDENCE_PLAIN, "found in one place is plain");
	IS(false, EVIDENCE_PLAIN, "even if the search is doubted");
	places[0].readable = false;
	IS(true, EVIDENCE_PLAIN, "even if another could not be read");
	RESET();
	places[2].readable = false;
	IS(true, EVIDENCE_UNKNOWN, "what could not be read proves nothing");
	RESET();
	places[2].bytes_read = 0;
	IS(true, EVIDENCE_UNKNOWN, "nor does an empty file");
	places[2].bytes_read = 99;
	IS(true, EVIDENCE_UNKNOWN, "nor one smaller than what was written");
	places[2].bytes_read = 100;
	IS(true, EVIDENCE_ENCRYPTED, "as large will do");
	RESET();
	places[0].markers = 0;
	IS(true, EVIDENCE_UNKNOWN, "nothing was written");
	RESET();
	places[0].applies = false;
	places[0].readable = false;
	IS(true, EVIDENCE_ENCRYPTED, "a file that such relations do not have counts for nothing");
	places[1].applies = places[2].applies = false;
	IS(true, EVIDENCE_UNKNOWN, "but some must have been looked at");
	tap_is_int(canary_judge(places, 0, true), EVIDENCE_UNKNOWN, "no place at all");
}

int
main(void)
{
	test_search();
	test_encrypted();
	test_verdict();
	return tap_done();
}
