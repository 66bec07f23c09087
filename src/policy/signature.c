/*-------------------------------------------------------------------------
 *
 * signature.c
 *		Who signed this document?  Ed25519 (RFC 8032) through OpenSSL.
 *
 * Trust anchors are worth what their files are worth: a directory or file that
 * the server itself, its group or others can write to could be filled by
 * whoever runs COPY ... TO as a superuser.  Such a directory is not used at
 * all.  Neither is one with a list of revoked keys that cannot be read or
 * parsed, with more keys than are looked at, or with a private key that the
 * server can read: so could that superuser, and sign with it.
 *
 * No link is followed from the directory on; what was opened is what is
 * checked.  Keys of small order and keys not in canonical form are no anchors:
 * under the former anybody can make signatures, under the latter one key has
 * two ids.  That S is below the order of the group, and R canonical, OpenSSL
 * checks (1.1.1 and later), and test/unit/unit_signature.c that it does.
 *
 * SQL cannot change modes or owners of files, so a directory that the server's
 * user owns but cannot write to is out of its reach.  Who may rename the
 * parents of the directory is the administrator's business.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/signature.h"

#define MAX_ANCHOR_BYTES	8192
#define MAX_REVOKED_BYTES	(1024 * 1024)
#define MAX_ANCHORS			256
#define MAX_ENTRIES			4096	/* of a directory, whatever their names */
#define ANCHOR_SUFFIX		".pem"
#define PUBLIC_KEY_SIZE		32

typedef struct AnchorSearch
{
	const void *document;
	size_t		document_len;
	const unsigned char *signature;
	const char *revoked;		/* text of the list, or NULL */
	SignatureResult *result;
	int			unusable;		/* files with the name of an anchor that are none */
	char		unusable_name[64];
} AnchorSearch;

typedef enum AnchorFile
{
	ANCHOR_USABLE,
	ANCHOR_UNUSABLE,			/* as good as not there */
	ANCHOR_PRIVATE				/* a private key that the server can read */
} AnchorFile;

static SignatureVerdict conclude(SignatureResult *result, SignatureVerdict verdict, const char *fmt,...)
			__attribute__((format(printf, 3, 4)));

static SignatureVerdict
conclude(SignatureResult *result, SignatureVerdict verdict, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(result->why, sizeof(result->why), fmt, args);
	va_end(args);
	result->verdict = verdict;
	return verdict;
}

/* Nothing counts: what was found before is forgotten. */
static void distrust(SignatureResult *result, const char *fmt,...) __attribute__((format(printf, 2, 3)));

static void
distrust(SignatureResult *result, const char *fmt,...)
{
	va_list		args;

	memset(result, 0, sizeof(*result));
	va_start(args, fmt);
	vsnprintf(result->why, sizeof(result->why), fmt, args);
	va_end(args);
	result->verdict = SIGNATURE_NO_ANCHORS;
}

/* Nobody who runs SQL, and no other user of the machine, can have written it. */
static bool
is_out_of_reach(int dirfd, const char *name, const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
		(st->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
		faccessat(dirfd, name, W_OK, AT_EACCESS) != 0 &&
		(errno == EACCES || errno == EPERM || errno == EROFS);
}

/* For messages: names may be anything but long. */
static void
copy_printable(char *dst, size_t size, const char *src, size_t len)
{
	size_t		i;

	for (i = 0; i < len && i + 1 < size; i++)
		dst[i] = (src[i] >= 0x20 && src[i] < 0x7f) ? src[i] : '?';
	dst[i] = '\0';
}

/*
 * Open a directory that can be trusted; -1 and why.  What is checked is what
 * was opened: a name could lead elsewhere by then.
 */
static int
open_trusted_directory(int at, const char *name, const char *shown, SignatureResult *result)
{
	int			fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		conclude(result, SIGNATURE_NO_ANCHORS, "Directory \"%.100s\" of trust anchors cannot be opened: %s.",
				 shown, strerror(errno));
	else if (!is_out_of_reach(fd, ".", &st))
		conclude(result, SIGNATURE_NO_ANCHORS,
				 "Directory \"%.100s\" of trust anchors can be written to by the server, its group or others, or belongs to another user: nothing in it is trusted.",
				 shown);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * Read a small file that nobody here can write to.  Returns its length, -1 if
 * there is none of that name, -2 if it cannot be used.  Always terminates.
 */
static ssize_t
read_trusted_file(int dirfd, const char *name, char *buf, size_t size)
{
	int			fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t		len = 0;

	buf[0] = '\0';
	if (fd < 0)
		return errno == ENOENT ? -1 : -2;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (size_t) st.st_size >= size ||
		!is_out_of_reach(dirfd, name, &st))
	{
		close(fd);
		return -2;
	}
	for (;;)
	{
		ssize_t		n = read(fd, buf + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
		{
			close(fd);
			return -2;
		}
		if (n == 0)
			break;
		len += n;

		/* It grew meanwhile: the end would be missing. */
		if (len == size - 1)
		{
			close(fd);
			return -2;
		}
	}
	close(fd);
	buf[len] = '\0';
	return (ssize_t) len;
}

/* Each line is a key id, a comment, or blank. */
static bool
revoked_list_is_sound(const char *text, size_t len)
{
	const char *line = text;

	if (strlen(text) != len)
		return false;
	while (*line)
	{
		size_t		hex = strspn(line, "0123456789abcdefABCDEF");
		const char *rest = line + hex + strspn(line + hex, " \t\r");

		if ((hex != 0 && hex != SIGNATURE_KEY_ID_SIZE - 1) ||
			(*rest != '#' && *rest != '\n' && *rest != '\0'))
			return false;
		line = strchr(rest, '\n');
		if (line == NULL)
			break;
		line++;
	}
	return true;
}

static bool
is_revoked(const char *list, const char *key_id)
{
	const char *line = list;

	while (line && *line)
	{
		if (strncasecmp(line, key_id, SIGNATURE_KEY_ID_SIZE - 1) == 0)
			return true;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return false;
}

/* y of a point, without the sign of x, as the number that it is. */
static bool
is_canonical(const unsigned char *point)
{
	if ((point[31] & 0x7f) != 0x7f || point[0] < 0xed)
		return true;
	for (int i = 1; i < 31; i++)
	{
		if (point[i] != 0xff)
			return true;
	}
	return false;
}

/* Points of order 1, 2, 4 and 8: nothing secret is behind them. */
static bool
has_small_order(const unsigned char *point)
{
	static const unsigned char small[][PUBLIC_KEY_SIZE] = {
		{0},
		{1},
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	};

	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
	{
		if (memcmp(point, small[i], PUBLIC_KEY_SIZE - 1) == 0 &&
			(point[PUBLIC_KEY_SIZE - 1] & 0x7f) == small[i][PUBLIC_KEY_SIZE - 1])
			return true;
	}
	return false;
}

/* One block of PEM, nothing after it, with a sound key for Ed25519. */
static EVP_PKEY *
parse_anchor(const char *pem, size_t len)
{
	BIO		   *bio = BIO_new_mem_buf(pem, (int) len);
	EVP_PKEY   *key = NULL;
	char	   *name = NULL;
	char	   *header = NULL;
	unsigned char *der = NULL;
	unsigned char raw[PUBLIC_KEY_SIZE];
	size_t		raw_len = sizeof(raw);
	long		der_len = 0;

	if (bio != NULL && PEM_read_bio(bio, &name, &header, &der, &der_len) == 1 &&
		strcmp(name, PEM_STRING_PUBLIC) == 0 && header[0] == '\0')
	{
		const unsigned char *end = der;
		char		rest[64];
		int			n;

		key = d2i_PUBKEY(NULL, &end, der_len);
		if (key != NULL &&
			(end != der + der_len || EVP_PKEY_id(key) != EVP_PKEY_ED25519 ||
			 EVP_PKEY_get_raw_public_key(key, raw, &raw_len) != 1 || raw_len != sizeof(raw) ||
			 !is_canonical(raw) || has_small_order(raw)))
		{
			EVP_PKEY_free(key);
			key = NULL;
		}
		while (key != NULL && (n = BIO_read(bio, rest, sizeof(rest))) > 0)
		{
			for (int i = 0; i < n && key != NULL; i++)
			{
				if (isspace((unsigned char) rest[i]))
					continue;
				EVP_PKEY_free(key);
				key = NULL;
			}
		}
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

/* The key in a file; its id goes to key_id. */
static AnchorFile
load_anchor(int dirfd, const char *name, EVP_PKEY **key, char *key_id)
{
	char		pem[MAX_ANCHOR_BYTES];
	ssize_t		len = read_trusted_file(dirfd, name, pem, sizeof(pem));
	unsigned char *der = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 0;
	int			der_len;

	*key = NULL;
	if (len <= 0 || strlen(pem) != (size_t) len)
		return ANCHOR_UNUSABLE;
	if (strstr(pem, "PRIVATE KEY") != NULL)
	{
		OPENSSL_cleanse(pem, sizeof(pem));
		return ANCHOR_PRIVATE;
	}
	*key = parse_anchor(pem, len);
	if (*key == NULL)
		return ANCHOR_UNUSABLE;
	if ((der_len = i2d_PUBKEY(*key, &der)) <= 0 ||
		EVP_Digest(der, der_len, digest, &digest_len, EVP_sha256(), NULL) != 1 || digest_len != 32)
	{
		EVP_PKEY_free(*key);
		*key = NULL;
		OPENSSL_free(der);
		ERR_clear_error();
		return ANCHOR_UNUSABLE;
	}
	OPENSSL_free(der);
	for (unsigned int i = 0; i < digest_len; i++)
		snprintf(key_id + 2 * i, 3, "%02x", digest[i]);
	return ANCHOR_USABLE;
}

static bool
signature_is_by(EVP_PKEY *key, const AnchorSearch *search)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		good = ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestVerify(ctx, search->signature, SIGNATURE_SIZE, search->document, search->document_len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

/* Did this anchor make the signature?  Fills the result then. */
static AnchorFile
try_anchor(int dirfd, const char *name, AnchorSearch *search)
{
	SignatureResult *result = search->result;
	char		key_id[SIGNATURE_KEY_ID_SIZE];
	EVP_PKEY   *key;
	AnchorFile	file = load_anchor(dirfd, name, &key, key_id);
	size_t		len = strlen(name) - strlen(ANCHOR_SUFFIX);
	bool		good;

	if (file != ANCHOR_USABLE)
	{
		if (search->unusable++ == 0 || file == ANCHOR_PRIVATE)
			copy_printable(search->unusable_name, sizeof(search->unusable_name), name, strlen(name));
		return file;
	}
	good = result->verdict != SIGNATURE_GOOD && signature_is_by(key, search);
	EVP_PKEY_free(key);
	if (!good)
		return file;
	strlcpy(result->key_id, key_id, sizeof(result->key_id));
	copy_printable(result->anchor, sizeof(result->anchor), name, len);
	if (search->revoked && is_revoked(search->revoked, key_id))
		conclude(result, SIGNATURE_REVOKED, "The signature is by key %s (%s), which was revoked.",
				 key_id, result->anchor);
	else
	{
		result->why[0] = '\0';
		result->verdict = SIGNATURE_GOOD;
	}
	return file;
}

static bool
is_anchor_name(const char *name)
{
	size_t		len = strlen(name);

	return name[0] != '.' && len > strlen(ANCHOR_SUFFIX) &&
		strcmp(name + len - strlen(ANCHOR_SUFFIX), ANCHOR_SUFFIX) == 0;
}

/* A key counts as revoked only where no other anchor made the signature.  Closes dirfd. */
static void
search_anchors(int dirfd, AnchorSearch *search)
{
	SignatureResult *result = search->result;
	DIR		   *dir = fdopendir(dirfd);
	struct dirent *entry;
	int			tried = 0;
	int			entries = 0;

	if (dir == NULL)
	{
		close(dirfd);
		conclude(result, SIGNATURE_NO_ANCHORS, "The trust anchors cannot be listed.");
		return;
	}
	conclude(result, SIGNATURE_BAD, "No trust anchor made this signature over this document.");

	/* All are looked at: a private key anywhere spoils them. */
	while ((entry = readdir(dir)) != NULL)
	{
		bool		is_anchor = is_anchor_name(entry->d_name);

		if (++entries > MAX_ENTRIES || (is_anchor && ++tried > MAX_ANCHORS))
		{
			distrust(result, "There are too many files among the trust anchors: nothing there is trusted.");
			break;
		}
		if (is_anchor && try_anchor(dirfd, entry->d_name, search) == ANCHOR_PRIVATE)
		{
			distrust(result, "The server can read a private key among the trust anchors, in file \"%s\": nothing there is trusted.",
					 search->unusable_name);
			break;
		}
	}
	closedir(dir);
	if (result->verdict == SIGNATURE_BAD && tried == 0)
		conclude(result, SIGNATURE_NO_ANCHORS, "There are no trust anchors for this purpose.");
	else if (result->verdict == SIGNATURE_BAD && search->unusable > 0)
		conclude(result, tried == search->unusable ? SIGNATURE_NO_ANCHORS : SIGNATURE_BAD,
				 "No trust anchor made this signature over this document; %d of %d files could not be used, among them \"%s\".",
				 search->unusable, tried, search->unusable_name);
}

/*
 * signature_verify
 */
SignatureVerdict
signature_verify(const char *directory, const char *purpose, const void *document, size_t document_len,
				 const unsigned char *signature, size_t signature_len, SignatureResult *result)
{
	AnchorSearch search = {document, document_len, signature, NULL, result, 0, ""};
	char	   *revoked;
	ssize_t		revoked_len;
	int			root;
	int			anchors;

	memset(result, 0, sizeof(*result));
	if (signature_len != SIGNATURE_SIZE)
		return conclude(result, SIGNATURE_BAD, "A signature has %d bytes, this one has %zu.",
						SIGNATURE_SIZE, signature_len);
	if (directory == NULL || directory[0] == '\0')
		return conclude(result, SIGNATURE_NO_ANCHORS, "No directory of trust anchors is set.");
	root = open_trusted_directory(AT_FDCWD, directory, directory, result);
	if (root < 0)
		return result->verdict;

	revoked = malloc(MAX_REVOKED_BYTES);
	revoked_len = revoked ? read_trusted_file(root, "revoked", revoked, MAX_REVOKED_BYTES) : -2;
	if (revoked_len == -2 || (revoked_len >= 0 && !revoked_list_is_sound(revoked, revoked_len)))
		conclude(result, SIGNATURE_NO_ANCHORS,
				 "The list of revoked keys is malformed, cannot be read, or can be written to by the server.");
	else if ((anchors = open_trusted_directory(root, purpose, purpose, result)) >= 0)
	{
		search.revoked = revoked_len >= 0 ? revoked : NULL;
		search_anchors(anchors, &search);
	}
	free(revoked);
	close(root);
	return result->verdict;
}

static void
mix_bytes(uint64 *hash, const void *bytes, size_t len)
{
	/* FNV-1a: a fingerprint of what only the administrator can write */
	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ ((const unsigned char *) bytes)[i]) * UINT64CONST(1099511628211);
}

static void
mix_stat(uint64 *hash, int at, const char *name)
{
	struct stat st;
	int64		facts[9] = {0};

	mix_bytes(hash, name, strlen(name) + 1);
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		facts[0] = errno;
	else
	{
		facts[1] = st.st_dev;
		facts[2] = st.st_ino;
		facts[3] = ((int64) st.st_uid << 32) | st.st_mode;
		facts[4] = st.st_size;
		facts[5] = st.st_mtim.tv_sec;
		facts[6] = st.st_mtim.tv_nsec;
		facts[7] = st.st_ctim.tv_sec;
		facts[8] = st.st_ctim.tv_nsec;
	}
	mix_bytes(hash, facts, sizeof(facts));
}

/*
 * signature_fingerprint
 */
uint64_t
signature_fingerprint(const char *directory, const char *purpose)
{
	uint64		hash = UINT64CONST(14695981039346656037);
	int			root;
	int			fd = -1;
	DIR		   *dir = NULL;
	struct dirent *entry;
	int			entries = 0;

	if (directory == NULL || directory[0] == '\0')
		return 0;
	mix_bytes(&hash, directory, strlen(directory) + 1);
	mix_stat(&hash, AT_FDCWD, directory);
	root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0)
	{
		mix_stat(&hash, root, "revoked");
		mix_stat(&hash, root, purpose);
		fd = openat(root, purpose, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(root);
	}
	if (fd >= 0 && (dir = fdopendir(fd)) == NULL)
		close(fd);
	while (dir != NULL && ++entries <= MAX_ENTRIES && (entry = readdir(dir)) != NULL)
	{
		if (is_anchor_name(entry->d_name))
			mix_stat(&hash, fd, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return hash;
}
