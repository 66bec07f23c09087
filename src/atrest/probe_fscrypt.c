/*-------------------------------------------------------------------------
 *
 * probe_fscrypt.c
 *		Does the kernel encrypt what is written below this directory?
 *
 * The statx attribute is asked first, because below overlayfs the ioctl fails
 * while the attribute is passed on.  Both count only on file systems whose
 * type the kernel itself vouches for: a network server can set the attribute
 * as it likes, and a FUSE daemon can answer the ioctl.
 *
 * Overlayfs passes on the attribute of the layer in which the directory was
 * found.  That may be a lower one, while new files go to the upper one, so
 * that it is no more than a declaration.
 *
 * A directory that is not encrypted is no news: dm-crypt may lie below.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"

#define FSCRYPT_MECHANISM	"fscrypt"

/* Contents modes of the kernel's interface that are ciphers; others are not accepted. */
static const struct
{
	const char *name;
	int			mode;
	int			key_bits;		/* of the cipher that encrypts blocks: XTS has a second key for its tweak */
}			contents_ciphers[] = {
	{"AES-256-XTS", 1, 256},
	{"AES-128-CBC", 5, 128},
	{"SM4-XTS", 7, 128},
	{"Adiantum", 9, 256},
	{NULL, 0, 0}
};

/* Index of a contents mode, -1 if it is none. */
static int
contents_cipher(int mode)
{
	for (int i = 0; contents_ciphers[i].name != NULL; i++)
	{
		if (contents_ciphers[i].mode == mode)
			return i;
	}
	return -1;
}

static bool
magic_supports_fscrypt(uint32 magic)
{
	return magic == ATREST_MAGIC_EXT || magic == ATREST_MAGIC_F2FS ||
		magic == ATREST_MAGIC_UBIFS || magic == ATREST_MAGIC_CEPH;
}

static const char *
key_status_text(const FscryptAnswer *answer)
{
	if (answer->key_errno != 0)
		return "the state of its key cannot be asked";
	switch (answer->key_status)
	{
		case FSCRYPT_KEY_STATUS_ABSENT:
			return "its key is absent";
		case FSCRYPT_KEY_STATUS_PRESENT:
			return "its key is present";
		case FSCRYPT_KEY_STATUS_INCOMPLETELY_REMOVED:
			return "its key is being removed";
		default:
			return "the state of its key is not known";
	}
}

/*
 * fscrypt_judge
 *		Evidence from what the kernel said of a directory with the attribute set.
 *		False: nothing to say.
 */
bool
fscrypt_judge(const FscryptAnswer *answer, Evidence *evidence)
{
	int			cipher;
	bool		present;

	if (answer->magic == ATREST_MAGIC_OVERLAY)
		return evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_DECLARED,
							FSCRYPT_MECHANISM,
							"The directory is shown as encrypted by a layer of overlayfs, "
							"which need not be the layer that new files go to.");
	if (!magic_supports_fscrypt(answer->magic))
		return false;
	if (answer->policy_errno != 0)
		return evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN,
							FSCRYPT_MECHANISM,
							"The directory is shown as encrypted, but its policy cannot be read "
							"(errno %d).", answer->policy_errno);

	cipher = contents_cipher(answer->contents_mode);
	if (cipher < 0 || (answer->policy_version != FSCRYPT_POLICY_V1 &&
						   answer->policy_version != FSCRYPT_POLICY_V2))
		return evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN,
							FSCRYPT_MECHANISM,
							"The directory has an encryption policy of unknown version %d or "
							"contents mode %d.", answer->policy_version, answer->contents_mode);

	present = answer->key_errno == 0 && answer->key_status == FSCRYPT_KEY_STATUS_PRESENT;
	evidence_set(evidence, EVIDENCE_ENCRYPTED,
				 present ? EVIDENCE_GRADE_KERNEL_KEY : EVIDENCE_GRADE_KERNEL,
				 FSCRYPT_MECHANISM,
				 "The directory has an fscrypt policy of version %d with %s, and %s.",
				 answer->policy_version == FSCRYPT_POLICY_V1 ? 1 : 2,
				 contents_ciphers[cipher].name, key_status_text(answer));
	strlcpy(evidence->cipher, contents_ciphers[cipher].name, sizeof(evidence->cipher));
	evidence->key_bits = contents_ciphers[cipher].key_bits;
	return true;
}

/* Ask for the policy and the state of its key. */
static void
fscrypt_ask(int fd, FscryptAnswer *answer)
{
	struct fscrypt_get_policy_ex_arg policy;
	struct fscrypt_get_key_status_arg key;

	memset(&policy, 0, sizeof(policy));
	policy.policy_size = sizeof(policy.policy);
	if (ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &policy) != 0)
	{
		answer->policy_errno = errno;
		return;
	}

	memset(&key, 0, sizeof(key));
	answer->policy_version = policy.policy.version;
	switch (policy.policy.version)
	{
		case FSCRYPT_POLICY_V1:
			answer->contents_mode = policy.policy.v1.contents_encryption_mode;
			key.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_DESCRIPTOR;
			memcpy(key.key_spec.u.descriptor, policy.policy.v1.master_key_descriptor,
				   FSCRYPT_KEY_DESCRIPTOR_SIZE);
			break;
		case FSCRYPT_POLICY_V2:
			answer->contents_mode = policy.policy.v2.contents_encryption_mode;
			key.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
			memcpy(key.key_spec.u.identifier, policy.policy.v2.master_key_identifier,
				   FSCRYPT_KEY_IDENTIFIER_SIZE);
			break;
		default:
			answer->key_errno = EINVAL;
			return;
	}
	if (ioctl(fd, FS_IOC_GET_ENCRYPTION_KEY_STATUS, &key) != 0)
		answer->key_errno = errno;
	else
		answer->key_status = (int) key.status;
}

/*
 * fscrypt_probe_look
 */
bool
fscrypt_probe_look(const ProbeContext *context, Evidence *evidence)
{
	struct statx stx;
	struct statfs fs;
	FscryptAnswer answer;
	int			fd;

	memset(&answer, 0, sizeof(answer));
	fd = open(context->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

	/*
	 * A directory that cannot be opened can still be asked by name.  If it
	 * shows the attribute, nothing else may speak for it.
	 */
	if (fd < 0)
	{
		int			open_errno = errno;

		if (statx(AT_FDCWD, context->path, 0, STATX_TYPE, &stx) != 0 ||
			(stx.stx_attributes_mask & STATX_ATTR_ENCRYPTED) == 0 ||
			(stx.stx_attributes & STATX_ATTR_ENCRYPTED) == 0)
			return false;
		return evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN,
							FSCRYPT_MECHANISM,
							"The directory is shown as encrypted, but it cannot be opened "
							"(errno %d).", open_errno);
	}

	/* A bit outside the mask means nothing. */
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) != 0 || fstatfs(fd, &fs) != 0 ||
		(stx.stx_attributes_mask & STATX_ATTR_ENCRYPTED) == 0 ||
		(stx.stx_attributes & STATX_ATTR_ENCRYPTED) == 0)
	{
		close(fd);
		return false;
	}

	answer.magic = (uint32) fs.f_type;
	fscrypt_ask(fd, &answer);
	close(fd);
	return fscrypt_judge(&answer, evidence);
}
