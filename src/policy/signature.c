/*-------------------------------------------------------------------------
 *
 * signature.c
 *		Who signed this document?  Ed25519 (RFC 8032) through OpenSSL.
 *
 * Trust anchors are worth what their files are worth: a directory or file that
 * the server itself, its group or others can write to could be filled by
 * whoever runs COPY ... TO as a superuser.  Such a directory is not used at
 * all.  So is one with a list of revoked keys that cannot be read or parsed.
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
#define ANCHOR_SUFFIX		".pem"

typedef struct AnchorSearch
{
	const void *document;
	size_t		document_len;
	const unsigned char *signature;
	const char *revoked;		/* text of the list, or NULL */
	SignatureResult *result;
} AnchorSearch;

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

/* Nobody who runs SQL, and no other user of the machine, can have written it. */
static bool
is_out_of_reach(int dirfd, const char *name, const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
		faccessat(dirfd, name, W_OK, AT_EACCESS) != 0;
}

/*
 * Open a directory that can be trusted; -1 and why.  What is checked is what
 * was opened: a name could lead elsewhere by then.
 */
static int
open_trusted_directory(int at, const char *name, const char *shown, SignatureResult *result)
{
	int			fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		conclude(result, SIGNATURE_NO_ANCHORS, "Directory \"%.100s\" of trust anchors cannot be opened: %s.",
				 shown, strerror(errno));
	else if (!is_out_of_reach(fd, ".", &st))
		conclude(result, SIGNATURE_NO_ANCHORS,
				 "Directory \"%.100s\" of trust anchors can be written to by the server, its group or others: nothing in it is trusted.",
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

/* The key in a PEM file, if it is one for Ed25519; its id goes to key_id. */
static EVP_PKEY *
load_anchor(int dirfd, const char *name, char *key_id)
{
	char		pem[MAX_ANCHOR_BYTES];
	ssize_t		len = read_trusted_file(dirfd, name, pem, sizeof(pem));
	BIO		   *bio;
	EVP_PKEY   *key;
	unsigned char *der = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 0;
	int			der_len;

	if (len <= 0 || (bio = BIO_new_mem_buf(pem, (int) len)) == NULL)
		return NULL;
	key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (key == NULL || EVP_PKEY_id(key) != EVP_PKEY_ED25519 ||
		(der_len = i2d_PUBKEY(key, &der)) <= 0 ||
		EVP_Digest(der, der_len, digest, &digest_len, EVP_sha256(), NULL) != 1 || digest_len != 32)
	{
		EVP_PKEY_free(key);
		OPENSSL_free(der);
		ERR_clear_error();
		return NULL;
	}
	OPENSSL_free(der);
	for (unsigned int i = 0; i < digest_len; i++)
		snprintf(key_id + 2 * i, 3, "%02x", digest[i]);
	return key;
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
static bool
try_anchor(int dirfd, const char *name, const AnchorSearch *search)
{
	SignatureResult *result = search->result;
	char		key_id[SIGNATURE_KEY_ID_SIZE];
	EVP_PKEY   *key = load_anchor(dirfd, name, key_id);
	bool		good = key != NULL && signature_is_by(key, search);
	size_t		len = strlen(name) - strlen(ANCHOR_SUFFIX);

	EVP_PKEY_free(key);
	if (!good)
		return false;
	strlcpy(result->key_id, key_id, sizeof(result->key_id));
	for (size_t i = 0; i < len && i < sizeof(result->anchor) - 1; i++)
		result->anchor[i] = isprint((unsigned char) name[i]) ? name[i] : '?';
	if (search->revoked && is_revoked(search->revoked, key_id))
		conclude(result, SIGNATURE_REVOKED, "The signature is by key %s (%s), which was revoked.",
				 key_id, result->anchor);
	else
	{
		result->why[0] = '\0';
		result->verdict = SIGNATURE_GOOD;
	}
	return true;
}

static bool
is_anchor_name(const char *name)
{
	size_t		len = strlen(name);

	return name[0] != '.' && len > strlen(ANCHOR_SUFFIX) &&
		strcmp(name + len - strlen(ANCHOR_SUFFIX), ANCHOR_SUFFIX) == 0;
}

/* A revoked key counts only where no other anchor made the signature. */
static void
search_anchors(int dirfd, const AnchorSearch *search)
{
	DIR		   *dir = fdopendir(dirfd);
	struct dirent *entry;
	int			tried = 0;

	if (dir == NULL)
	{
		close(dirfd);
		conclude(search->result, SIGNATURE_NO_ANCHORS, "The trust anchors cannot be listed.");
		return;
	}
	conclude(search->result, SIGNATURE_BAD, "No trust anchor made this signature over this document.");
	while (tried < MAX_ANCHORS && (entry = readdir(dir)) != NULL)
	{
		if (!is_anchor_name(entry->d_name))
			continue;
		tried++;
		if (try_anchor(dirfd, entry->d_name, search) && search->result->verdict == SIGNATURE_GOOD)
			break;
	}
	if (tried == 0)
		conclude(search->result, SIGNATURE_NO_ANCHORS, "There are no trust anchors for this purpose.");
	closedir(dir);
}

/*
 * signature_verify
 */
SignatureVerdict
signature_verify(const char *directory, const char *purpose, const void *document, size_t document_len,
				 const unsigned char *signature, size_t signature_len, SignatureResult *result)
{
	AnchorSearch search = {document, document_len, signature, NULL, result};
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
