/*-------------------------------------------------------------------------
 *
 * unit_signature.c
 *		Signatures against trust anchors: keys are made here, by OpenSSL.
 *
 * What would need another user of the machine or root is left to reviews: the
 * tests run as one user, who owns what he makes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "pg_dataclass/signature.h"
#include "tap.h"

#define DOCUMENT		"{\"id\": 1}"
#define PURPOSE			SIGNATURE_PURPOSE_ATTESTATION

static char base[512];			/* temporary directory of this run */
static char anchors[600];
static EVP_PKEY *key;
static unsigned char signature[SIGNATURE_SIZE];
static SignatureResult result;

static void pg_attribute_noreturn()
give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *
in_anchors(const char *name)
{
	static char path[4][1024];
	static int	next = 0;
	char	   *out = path[next = (next + 1) % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", anchors, name);
	return out;
}

static void
set_mode(const char *name, mode_t mode)
{
	if (chmod(in_anchors(name), mode) != 0)
		give_up(name);
}

/* Between these two, files may be made. */
static void
open_up(void)
{
	set_mode(".", 0755);
	set_mode(PURPOSE, 0755);
}

static void
shut(void)
{
	set_mode(PURPOSE, 0555);
	set_mode(".", 0555);
}

static void
put_file(const char *name, const char *content, size_t len)
{
	int			fd;

	open_up();
	unlink(in_anchors(name));
	fd = open(in_anchors(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, content, len) != (ssize_t) len || fchmod(fd, 0444) != 0)
		give_up(name);
	close(fd);
	shut();
}

static void
drop_file(const char *name)
{
	open_up();
	if (unlink(in_anchors(name)) != 0)
		give_up(name);
	shut();
}

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY   *made = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (made == NULL)
		give_up("EVP_PKEY_Q_keygen");
	return made;
}

/* PEM of the public half; returns its length. */
static size_t
public_pem(EVP_PKEY *of, char *out, size_t size)
{
	BIO		   *bio = BIO_new(BIO_s_mem());
	int			len;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, of) != 1 || (len = BIO_read(bio, out, (int) size - 1)) <= 0)
		give_up("PEM_write_bio_PUBKEY");
	BIO_free(bio);
	out[len] = '\0';
	return len;
}

static void
put_key(const char *name, EVP_PKEY *of)
{
	char		pem[2048];

	put_file(name, pem, public_pem(of, pem, sizeof(pem)));
}

/* A public key of these bytes, which nobody made. */
static EVP_PKEY *
raw_key(const unsigned char *raw)
{
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, 32);
}

static void
sign(EVP_PKEY *with, const char *document, unsigned char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t		len = SIGNATURE_SIZE;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, with) != 1 ||
		EVP_DigestSign(ctx, out, &len, (const unsigned char *) document, strlen(document)) != 1)
		give_up("EVP_DigestSign");
	EVP_MD_CTX_free(ctx);
}

static SignatureVerdict
verify(const unsigned char *with)
{
	return signature_verify(anchors, PURPOSE, DOCUMENT, strlen(DOCUMENT), with, SIGNATURE_SIZE, &result);
}

static void
expect(const unsigned char *with, SignatureVerdict verdict, const char *name)
{
	static const char *const names[] = {"good", "bad", "revoked", "no anchors"};
	SignatureVerdict got = verify(with);

	if (!tap_ok(got == verdict && (got == SIGNATURE_GOOD) == (result.why[0] == '\0') &&
				(got == SIGNATURE_GOOD || got == SIGNATURE_REVOKED) == (result.key_id[0] != '\0'), "%s", name))
		tap_note("got %s: %s", names[got], result.why);
}

/* ---------------- tests ---------------- */

static void
test_plain(void)
{
	EVP_PKEY   *other = make_key();
	unsigned char foreign[SIGNATURE_SIZE];
	unsigned char changed[SIGNATURE_SIZE];
	int			accepted = 0;

	expect(signature, SIGNATURE_GOOD, "a signature by an anchor");
	tap_is_string(result.anchor, "issuer", "the anchor has a name");
	tap_is_int(strspn(result.key_id, "0123456789abcdef"), 64, "and an id");
	sign(other, DOCUMENT, foreign);
	expect(foreign, SIGNATURE_BAD, "a signature by another key");
	for (int bit = 0; bit < SIGNATURE_SIZE * 8; bit++)
	{
		memcpy(changed, signature, sizeof(changed));
		changed[bit / 8] ^= 1 << (bit % 8);
		accepted += verify(changed) == SIGNATURE_GOOD;
	}
	tap_is_int(accepted, 0, "no bit of the signature may change");
	for (size_t bit = 0; bit < strlen(DOCUMENT) * 8; bit++)
	{
		char		document[] = DOCUMENT;

		document[bit / 8] ^= 1 << (bit % 8);
		accepted += signature_verify(anchors, PURPOSE, document, strlen(DOCUMENT), signature,
									 SIGNATURE_SIZE, &result) == SIGNATURE_GOOD;
	}
	tap_is_int(accepted, 0, "no bit of the document may change");
	for (size_t len = 0; len < strlen(DOCUMENT); len++)
		accepted += signature_verify(anchors, PURPOSE, DOCUMENT, len, signature, SIGNATURE_SIZE, &result) == SIGNATURE_GOOD;
	tap_is_int(accepted, 0, "no part of the document will do");
	for (size_t len = 0; len < SIGNATURE_SIZE; len++)
		accepted += signature_verify(anchors, PURPOSE, DOCUMENT, strlen(DOCUMENT), signature, len, &result) == SIGNATURE_GOOD;
	tap_is_int(accepted, 0, "no part of the signature will do");
	tap_ok(signature_verify(NULL, PURPOSE, DOCUMENT, strlen(DOCUMENT), signature, SIGNATURE_SIZE, &result) == SIGNATURE_NO_ANCHORS &&
		   signature_verify("", PURPOSE, DOCUMENT, strlen(DOCUMENT), signature, SIGNATURE_SIZE, &result) == SIGNATURE_NO_ANCHORS,
		   "no directory");
	tap_ok(signature_verify(anchors, SIGNATURE_PURPOSE_PROFILE, DOCUMENT, strlen(DOCUMENT), signature, SIGNATURE_SIZE, &result) ==
		   SIGNATURE_NO_ANCHORS, "no anchors for another purpose");
	EVP_PKEY_free(other);
}

/* S + L is another encoding of the same number: only the smaller one counts. */
static void
test_malleable(void)
{
	static const unsigned char order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
	};
	unsigned char changed[SIGNATURE_SIZE];
	int			carry = 0;

	memcpy(changed, signature, sizeof(changed));
	for (int i = 0; i < 32; i++)
	{
		int			sum = changed[32 + i] + order[i] + carry;

		changed[32 + i] = (unsigned char) sum;
		carry = sum >> 8;
	}
	tap_is_int(carry, 0, "S + L fits");
	expect(changed, SIGNATURE_BAD, "a signature with S + L");
}

/* Whatever such a key is said to have signed. */
static void
test_weak_keys(void)
{
	static const unsigned char weak[][32] = {
		{0}, {1},
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	};
	unsigned char forged[SIGNATURE_SIZE] = {1}; /* R: the neutral point, S: 0 */
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY   *neutral = raw_key(weak[1]);
	int			usable = 0;

	/* Why it matters: OpenSSL takes it for a signature over anything. */
	tap_ok(ctx && neutral && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, neutral) == 1 &&
		   EVP_DigestVerify(ctx, forged, SIGNATURE_SIZE, (const unsigned char *) DOCUMENT, strlen(DOCUMENT)) == 1,
		   "under a key of small order anybody signs");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(neutral);

	for (size_t i = 0; i < lengthof(weak) * 2; i++)
	{
		unsigned char raw[32];
		EVP_PKEY   *made;
		char		name[64];

		memcpy(raw, weak[i / 2], sizeof(raw));
		raw[31] |= (i & 1) << 7;
		made = raw_key(raw);
		if (made == NULL)
			continue;
		put_key("attestation/weak.pem", made);
		snprintf(name, sizeof(name), "weak key %zu is no anchor", i);
		expect(forged, SIGNATURE_BAD, name);
		usable += strstr(result.why, "1 of 2 files could not be used, among them \"weak.pem\"") == NULL;
		EVP_PKEY_free(made);
		drop_file("attestation/weak.pem");
	}
	tap_is_int(usable, 0, "each is told of");
	expect(signature, SIGNATURE_GOOD, "the sound key counts as before");
}

static void
expect_unusable(const char *content, size_t len, const char *name)
{
	open_up();
	unlink(in_anchors("attestation/issuer.pem"));
	put_file("attestation/issuer.pem", content, len);
	expect(signature, SIGNATURE_NO_ANCHORS, name);
}

static void
test_files(void)
{
	char		pem[2048];
	char		other_pem[2048];
	char		made[8192];
	EVP_PKEY   *other = make_key();
	size_t		len = public_pem(key, pem, sizeof(pem));

	public_pem(other, other_pem, sizeof(other_pem));
	expect_unusable(pem, len - 30, "a key cut short");
	expect_unusable("", 0, "an empty file");
	expect_unusable("-----BEGIN PUBLIC KEY-----\n", 27, "a first line alone");
	snprintf(made, sizeof(made), "%s%s", pem, other_pem);
	expect_unusable(made, strlen(made), "two keys in a file");
	snprintf(made, sizeof(made), "%sand more", pem);
	expect_unusable(made, strlen(made), "text behind the key");
	snprintf(made, sizeof(made), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n%s", pem);
	expect_unusable(made, strlen(made), "something else before the key");
	memcpy(made, pem, len + 1);
	made[len] = '\0';
	expect_unusable(made, len + 1, "a NUL behind the key");
	memset(made, '\n', sizeof(made));
	memcpy(made, pem, len);
	expect_unusable(made, sizeof(made), "a file that is too long");
	snprintf(made, sizeof(made), "%s\n \n", pem);
	put_file("attestation/issuer.pem", made, strlen(made));
	expect(signature, SIGNATURE_GOOD, "blanks behind the key");

	put_key("attestation/issuer.txt", other);
	put_key("attestation/.hidden.pem", other);
	put_key("attestation/.pem", other);
	sign(other, DOCUMENT, (unsigned char *) made);
	expect((unsigned char *) made, SIGNATURE_BAD, "files of other names are no anchors");
	drop_file("attestation/issuer.txt");
	drop_file("attestation/.hidden.pem");
	drop_file("attestation/.pem");
	EVP_PKEY_free(other);
}

static void
test_other_algorithms(void)
{
	EVP_PKEY   *curve = EVP_EC_gen("P-256");
	EVP_PKEY   *rsa = EVP_RSA_gen(2048);
	BIO		   *bio = BIO_new(BIO_s_mem());
	char		pem[8192];
	int			len;

	put_key("attestation/issuer.pem", curve);
	expect(signature, SIGNATURE_NO_ANCHORS, "a key of another curve");
	put_key("attestation/issuer.pem", rsa);
	expect(signature, SIGNATURE_NO_ANCHORS, "a key for RSA");
	put_key("attestation/issuer.pem", key);
	expect(signature, SIGNATURE_GOOD, "and the right one again");

	PEM_write_bio_PrivateKey(bio, curve, NULL, NULL, 0, NULL, NULL);
	len = BIO_read(bio, pem, sizeof(pem));
	put_file("attestation/zzz.pem", pem, len);
	expect(signature, SIGNATURE_NO_ANCHORS, "a private key that can be read spoils all");
	tap_ok(strstr(result.why, "zzz.pem") != NULL, "and its file is named");
	drop_file("attestation/zzz.pem");
	BIO_free(bio);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(rsa);
}

static void
test_reach(void)
{
	char		elsewhere[700];

	set_mode(".", 0755);
	expect(signature, SIGNATURE_NO_ANCHORS, "a directory that can be written to");
	set_mode(".", 0575);
	expect(signature, SIGNATURE_NO_ANCHORS, "by the group");
	set_mode(".", 0557);
	expect(signature, SIGNATURE_NO_ANCHORS, "by others");
	set_mode(".", 0555);
	set_mode(PURPOSE, 0755);
	expect(signature, SIGNATURE_NO_ANCHORS, "a folder that can be written to");
	set_mode(PURPOSE, 0555);
	set_mode("attestation/issuer.pem", 0644);
	expect(signature, SIGNATURE_NO_ANCHORS, "a file that can be written to");
	set_mode("attestation/issuer.pem", 0464);
	expect(signature, SIGNATURE_NO_ANCHORS, "by the group");
	set_mode("attestation/issuer.pem", 0444);
	expect(signature, SIGNATURE_GOOD, "as it should be");

	snprintf(elsewhere, sizeof(elsewhere), "%s/link", base);
	if (symlink(anchors, elsewhere) != 0)
		give_up("symlink");
	tap_is_int(signature_verify(elsewhere, PURPOSE, DOCUMENT, strlen(DOCUMENT), signature, SIGNATURE_SIZE, &result),
			   SIGNATURE_NO_ANCHORS, "a link to the directory");
	open_up();
	snprintf(elsewhere, sizeof(elsewhere), "%s/moved.pem", base);
	if (rename(in_anchors("attestation/issuer.pem"), elsewhere) != 0 ||
		symlink(elsewhere, in_anchors("attestation/issuer.pem")) != 0)
		give_up("symlink");
	shut();
	expect(signature, SIGNATURE_NO_ANCHORS, "a link to the key");
	drop_file("attestation/issuer.pem");
	open_up();
	if (mkfifo(in_anchors("attestation/issuer.pem"), 0444) != 0)
		give_up("mkfifo");
	shut();
	expect(signature, SIGNATURE_NO_ANCHORS, "a pipe");
	open_up();
	unlink(in_anchors("attestation/issuer.pem"));
	if (mkdir(in_anchors("attestation/issuer.pem"), 0555) != 0)
		give_up("mkdir");
	shut();
	expect(signature, SIGNATURE_NO_ANCHORS, "a directory with the name of a key");
	open_up();
	rmdir(in_anchors("attestation/issuer.pem"));
	if (rename(elsewhere, in_anchors("attestation/issuer.pem")) != 0)
		give_up("rename");
	shut();
	expect(signature, SIGNATURE_GOOD, "the key is back");
}

static void
test_revoked(void)
{
	char		id[SIGNATURE_KEY_ID_SIZE];
	char		list[4096];
	uint64		before;

	verify(signature);
	strcpy(id, result.key_id);
	before = signature_fingerprint(anchors, PURPOSE);
	tap_ok(before == signature_fingerprint(anchors, PURPOSE), "the fingerprint is steady");
	tap_ok(before != signature_fingerprint(anchors, SIGNATURE_PURPOSE_PROFILE), "and of its purpose");
	snprintf(list, sizeof(list), "# none\n\n  \n%0*d # another\n", 64, 7);
	put_file("revoked", list, strlen(list));
	expect(signature, SIGNATURE_GOOD, "a list without the key");
	tap_ok(before != signature_fingerprint(anchors, PURPOSE), "a list changes the fingerprint");
	snprintf(list, sizeof(list), "%0*d\r\n%s", 64, 7, id);
	put_file("revoked", list, strlen(list));
	expect(signature, SIGNATURE_REVOKED, "a key on the list, last line without its end");
	for (char *c = id; *c; c++)
		*c = toupper((unsigned char) *c);
	snprintf(list, sizeof(list), "%s\t# lost\n", id);
	put_file("revoked", list, strlen(list));
	expect(signature, SIGNATURE_REVOKED, "in capital letters");
	snprintf(list, sizeof(list), " %s\n", id);
	put_file("revoked", list, strlen(list));
	expect(signature, SIGNATURE_NO_ANCHORS, "a blank before the id");
	snprintf(list, sizeof(list), "%.63s\n", id);
	put_file("revoked", list, strlen(list));
	expect(signature, SIGNATURE_NO_ANCHORS, "an id cut short");
	snprintf(list, sizeof(list), "%s0\n", id);
	put_file("revoked", list, strlen(list));
	expect(signature, SIGNATURE_NO_ANCHORS, "an id too long");
	put_file("revoked", "#\0\n", 3);
	expect(signature, SIGNATURE_NO_ANCHORS, "a NUL in the list");
	put_file("revoked", "", 0);
	expect(signature, SIGNATURE_GOOD, "an empty list");
	set_mode("revoked", 0644);
	expect(signature, SIGNATURE_NO_ANCHORS, "a list that can be written to");
	set_mode("revoked", 0000);
	expect(signature, SIGNATURE_NO_ANCHORS, "a list that cannot be read");
	drop_file("revoked");
	open_up();
	if (symlink("/nowhere", in_anchors("revoked")) != 0)
		give_up("symlink");
	shut();
	expect(signature, SIGNATURE_NO_ANCHORS, "a link that leads nowhere as a list");
	drop_file("revoked");
	expect(signature, SIGNATURE_GOOD, "no list");
}

static void
test_many(void)
{
	char		name[64];
	EVP_PKEY   *other = make_key();

	for (int i = 0; i < 256; i++)
	{
		snprintf(name, sizeof(name), "attestation/many%d.pem", i);
		put_key(name, other);
	}
	expect(signature, SIGNATURE_NO_ANCHORS, "more keys than are looked at");
	drop_file("attestation/many0.pem");
	expect(signature, SIGNATURE_GOOD, "as many as are looked at");
	for (int i = 1; i < 256; i++)
	{
		snprintf(name, sizeof(name), "attestation/many%d.pem", i);
		drop_file(name);
	}
	EVP_PKEY_free(other);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	return remove(path);
}

static int
unlock_one(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	return flag == FTW_D ? chmod(path, 0700) : 0;
}

static void
clean_up(void)
{
	nftw(base, unlock_one, 16, FTW_PHYS);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const char *tmp = getenv("TMPDIR");

	if (geteuid() == 0)
	{
		printf("1..0 # SKIP root can write to everything\n");
		return 0;
	}
	snprintf(base, sizeof(base), "%s/unit_signature.XXXXXX", tmp ? tmp : "/tmp");
	if (mkdtemp(base) == NULL)
		give_up("mkdtemp");
	atexit(clean_up);
	snprintf(anchors, sizeof(anchors), "%s/anchors", base);
	if (mkdir(anchors, 0755) != 0 || mkdir(in_anchors(PURPOSE), 0755) != 0)
		give_up("mkdir");
	if (mkdir(in_anchors(SIGNATURE_PURPOSE_PROFILE), 0555) != 0)
		give_up("mkdir");
	key = make_key();
	put_key("attestation/issuer.pem", key);
	sign(key, DOCUMENT, signature);

	test_plain();
	test_malleable();
	test_weak_keys();
	test_files();
	test_other_algorithms();
	test_reach();
	test_revoked();
	test_many();
	EVP_PKEY_free(key);
	return tap_done();
}
