/*-------------------------------------------------------------------------
 *
 * checkpoint_key.c
 *		Settings of checkpoints, and the private key that signs them.
 *
 * The key is a file that the server alone can read.  Nothing here raises: a
 * checkpoint that cannot be signed must not stop recording.  The key is read
 * for each signature and wiped afterwards, so that a new file counts at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/checkpoint.h"

#define KEY_FILE_MAX	8192

char	   *guc_checkpoint_name = NULL;
char	   *guc_checkpoint_key_file = NULL;
int			guc_checkpoint_records = 1000;
int			guc_checkpoint_interval = 60;
int			guc_checkpoint_key_evolve = 0;

static bool
check_name(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || (*newval)[0] == '\0' || note_name_valid(*newval))
		return true;
	GUC_check_errdetail("A name has at most %d printable ASCII characters, none of them a space or a plus sign.",
						NOTE_NAME_MAX);
	return false;
}

void
checkpoint_init(void)
{
	DefineCustomStringVariable("dataclass.checkpoint_name",
							   "Sets the origin of checkpoints of the audit trail, and the name of the key that signs them.",
							   "Empty: pg_dataclass/, the system identifier, /, the oid of the database.",
							   &guc_checkpoint_name, "",
							   PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE, check_name, NULL, NULL);
	DefineCustomStringVariable("dataclass.checkpoint_key_file",
							   "Sets the file of the private Ed25519 key (PEM) that signs checkpoints of the audit trail.",
							   "Empty: pg_dataclass/checkpoint-OID.key in the data directory, made on first need.",
							   &guc_checkpoint_key_file, "",
							   PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE | GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.checkpoint_records",
							"Sets after how many records a checkpoint of the audit trail is made.",
							NULL,
							&guc_checkpoint_records, 1000, 1, INT_MAX,
							PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.checkpoint_interval",
							"Sets after how much time a checkpoint covers new records of the audit trail.",
							"0: not by time.",
							&guc_checkpoint_interval, 60, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.checkpoint_key_evolve",
							"Sets after how many checkpoints a new key takes the place of the one that signs them.",
							"The former key signs its successor and is destroyed. 0: the key stays.",
							&guc_checkpoint_key_evolve, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
}

const char *
checkpoint_origin(void)
{
	static char name[NOTE_NAME_MAX + 1];

	if (guc_checkpoint_name != NULL && guc_checkpoint_name[0] != '\0')
		return guc_checkpoint_name;
	snprintf(name, sizeof(name), "pg_dataclass/%llu/%u",
			 (unsigned long long) GetSystemIdentifier(), MyDatabaseId);
	return name;
}

static bool
key_is_default(void)
{
	return guc_checkpoint_key_file == NULL || guc_checkpoint_key_file[0] == '\0';
}

static void
key_path(char *path, const char *suffix)
{
	if (key_is_default())
		snprintf(path, MAXPGPATH, "%s/checkpoint-%u.key%s", AUDIT_DIRECTORY, MyDatabaseId, suffix);
	else
		snprintf(path, MAXPGPATH, "%s%s", guc_checkpoint_key_file, suffix);
}

static bool
explain(char *why, const char *path, const char *what)
{
	snprintf(why, CHECKPOINT_WHY_MAX, "Key file \"%.150s\" %s.", path, what);
	ERR_clear_error();
	return false;
}

static bool
explain_errno(char *why, const char *path, const char *what)
{
	snprintf(why, CHECKPOINT_WHY_MAX, "Key file \"%.150s\" %s: %s.", path, what, strerror(errno));
	return false;
}

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0;
}

/* What is checked is what was opened; a link is followed where nobody else could have made it. */
static int
open_key_file(const char *path, char *why)
{
	struct stat st;
	int			fd;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && !is_ours(&st))
	{
		explain(why, path, "is a link of another user");
		return -1;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
	{
		explain_errno(why, path, "cannot be opened");
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		explain(why, path, "is no regular file");
	else if (!is_ours(&st))
		explain(why, path, "belongs to another user");
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		explain(why, path, "can be read by group or others: its mode must be 0600 or less");
	else
		return fd;
	close(fd);
	return -1;
}

/* No prompt: a key under a password is no key. */
static int
no_password(char *buf, int size, int rwflag, void *arg)
{
	return 0;
}

/*
 * The form of RFC 8410 that everybody writes, 32 bytes after a head that is
 * always the same: the library's decoders for all forms there are cost more
 * than the signature.
 */
static EVP_PKEY *
read_plain_key(BIO *bio)
{
	static const uint8 head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03,
	0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
	EVP_PKEY   *pkey = NULL;
	char	   *name = NULL;
	char	   *header = NULL;
	unsigned char *data = NULL;
	long		len = 0;

	if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
		return NULL;
	if (strcmp(name, PEM_STRING_PKCS8INF) == 0 && header[0] == '\0' &&
		len == sizeof(head) + NOTE_KEY_SIZE && memcmp(data, head, sizeof(head)) == 0)
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, data + sizeof(head), NOTE_KEY_SIZE);
	OPENSSL_cleanse(data, len);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	return pkey;
}

static EVP_PKEY *
read_key(const char *path, char *why)
{
	char		pem[KEY_FILE_MAX];
	EVP_PKEY   *pkey = NULL;
	BIO		   *bio;
	ssize_t		len;
	int			fd = open_key_file(path, why);

	if (fd < 0)
		return NULL;
	len = read(fd, pem, sizeof(pem));
	if (len < 0)
		explain_errno(why, path, "cannot be read");
	close(fd);
	if (len < 0)
		return NULL;
	bio = BIO_new_mem_buf(pem, (int) len);
	if (bio != NULL)
	{
		pkey = read_plain_key(bio);
		if (pkey == NULL && BIO_reset(bio) == 1)
			pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	}
	BIO_free(bio);
	OPENSSL_cleanse(pem, sizeof(pem));
	if (pkey == NULL || EVP_PKEY_id(pkey) != EVP_PKEY_ED25519)
	{
		EVP_PKEY_free(pkey);
		explain(why, path, "holds no private Ed25519 key in PEM");
		return NULL;
	}
	return pkey;
}

static bool
public_part(EVP_PKEY *pkey, NoteKey *key)
{
	uint8		raw[NOTE_KEY_SIZE];
	size_t		len = sizeof(raw);

	return EVP_PKEY_get_raw_public_key(pkey, raw, &len) == 1 && len == sizeof(raw) &&
		note_key_init(key, checkpoint_origin(), raw);
}

/* A new key in a file of that name, flushed; the file must not be there. */
static bool
make_key(const char *path, NoteKey *key, char *why)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	EVP_PKEY   *pkey = NULL;
	BIO		   *bio = BIO_new(BIO_s_secmem() ? BIO_s_secmem() : BIO_s_mem());
	char	   *pem = NULL;
	long		len;
	int			fd = -1;
	bool		ok = false;

	if (ctx == NULL || bio == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &pkey) != 1 ||
		!public_part(pkey, key) ||
		PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1 ||
		(len = BIO_get_mem_data(bio, &pem)) <= 0)
		explain(why, path, "could not be made: the crypto library gives no key");
	else if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)) < 0)
		explain_errno(why, path, "could not be made");
	else if (write(fd, pem, len) != len || pg_fsync(fd) != 0)
		explain_errno(why, path, "could not be written");
	else
		ok = true;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !ok)
		unlink(path);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* One that was left by a crash was never used. */
bool
checkpoint_key_succeed(NoteKey *next, char *why)
{
	char		path[MAXPGPATH];

	key_path(path, ".next");
	if (unlink(path) != 0 && errno != ENOENT)
		return explain_errno(why, path, "could not be removed");
	return make_key(path, next, why);
}

/* By way of another name: half a key would be none for ever. */
static bool
make_first_key(const char *path, char *why)
{
	char		next[MAXPGPATH];
	NoteKey		key;

	key_path(next, ".next");
	if (!audit_make_directory())
		return explain_errno(why, path, "could not be made");
	if (!checkpoint_key_succeed(&key, why))
		return false;
	if (rename(next, path) != 0 || !audit_sync_directory())
		return explain_errno(why, path, "could not be put in place");
	return true;
}

/*
 * checkpoint_key_load
 */
bool
checkpoint_key_load(bool create, CheckpointKey *key, char *why)
{
	char		path[MAXPGPATH];

	memset(key, 0, sizeof(*key));
	key_path(path, "");
	if (create && key_is_default() && access(path, F_OK) != 0 && errno == ENOENT &&
		!make_first_key(path, why))
		return false;
	key->pkey = read_key(path, why);
	if (key->pkey == NULL)
		return false;
	if (!public_part(key->pkey, &key->note))
	{
		checkpoint_key_free(key);
		return explain(why, path, "holds a key that the crypto library cannot use");
	}
	return true;
}

void
checkpoint_key_free(CheckpointKey *key)
{
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

bool
checkpoint_key_sign(const CheckpointKey *key, const char *text, size_t len, uint8 *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t		signature_len = NOTE_SIGNATURE_SIZE;
	bool		ok = ctx != NULL &&
		EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
		EVP_DigestSign(ctx, signature, &signature_len, (const unsigned char *) text, len) == 1 &&
		signature_len == NOTE_SIGNATURE_SIZE;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* Overwritten where it lies, as far as the file system does that, before its name is gone. */
static void
wipe(const char *path)
{
	char		zeros[KEY_FILE_MAX] = {0};
	struct stat st;
	int			fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
		write(fd, zeros, Min(st.st_size, (off_t) sizeof(zeros))) < 0 || pg_fsync(fd) != 0)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not overwrite file \"%s\": %m", path)));
	close(fd);
}

/*
 * The former key keeps a name until it was overwritten: at no moment is there
 * no key, and after a crash the rest is wiped with the next successor.
 */
bool
checkpoint_key_switch(char *why)
{
	char		path[MAXPGPATH];
	char		next[MAXPGPATH];
	char		former[MAXPGPATH];
	char		directory[MAXPGPATH];
	int			fd;

	key_path(path, "");
	key_path(next, ".next");
	key_path(former, ".former");
	wipe(former);
	(void) unlink(former);
	if (link(path, former) != 0)
		return explain_errno(why, path, "could not be put aside");
	if (rename(next, path) != 0)
		return explain_errno(why, next, "could not be put in place");
	strlcpy(directory, path, sizeof(directory));
	get_parent_directory(directory);
	fd = open(directory[0] ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
	{
		(void) pg_fsync(fd);
		close(fd);
	}
	wipe(former);
	(void) unlink(former);
	return true;
}

char *
checkpoint_key_pem(const CheckpointKey *key)
{
	BIO		   *bio = BIO_new(BIO_s_mem());
	char	   *data = NULL;
	char	   *pem = NULL;
	long		len;

	if (bio != NULL && PEM_write_bio_PUBKEY(bio, key->pkey) == 1 &&
		(len = BIO_get_mem_data(bio, &data)) > 0)
		pem = pnstrdup(data, len);
	BIO_free(bio);
	ERR_clear_error();
	return pem;
}
