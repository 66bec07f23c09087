/*-------------------------------------------------------------------------
 *
 * probe_swap.c
 *		Is what goes to a swap area encrypted?
 *
 * The kernel writes to a swap file past its file system, straight to the
 * blocks: what the file system encrypts (fscrypt) does not count there, only
 * what lies below it.  zram is memory; it counts for the device behind it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/sysfs_walk.h"

#define SWAP_MECHANISM	"swap"

static bool
unknown(Evidence *evidence, const char *why)
{
	return evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, SWAP_MECHANISM,
						"%s", why);
}

/*
 * Number of a block device by its name.  In a container the name may have no
 * file; the kernel's own name for it is then looked up in sysfs.
 */
static bool
device_number(const char *sysfs_root, const char *name, unsigned int *dev_major,
			  unsigned int *dev_minor)
{
	char		path[SYSFS_WALK_MAX_PATH];
	char		number[32];
	struct stat st;

	if (stat(name, &st) == 0)
	{
		*dev_major = major(st.st_rdev);
		*dev_minor = minor(st.st_rdev);
		return S_ISBLK(st.st_mode);
	}
	if (errno != ENOENT || strncmp(name, "/dev/", 5) != 0 || name[5] == '\0' ||
		name[5] == '.' || strchr(name + 5, '/') != NULL)
		return false;
	return sysfs_join(path, sysfs_root, "class/block") &&
		strlen(path) + strlen(name + 5) + 2 < sizeof(path) &&
		strlcat(path, name + 4, sizeof(path)) < sizeof(path) &&
		sysfs_read(path, "dev", number, sizeof(number)) == ATTR_OK &&
		sysfs_number(number, dev_major, dev_minor);
}

static bool
look_number(const char *sysfs_root, unsigned int dev_major, unsigned int dev_minor,
			Evidence *evidence)
{
	if (dmcrypt_look_device(sysfs_root, dev_major, dev_minor, evidence))
		return true;
	return evidence_set(evidence, EVIDENCE_PLAIN, EVIDENCE_GRADE_KERNEL, SWAP_MECHANISM,
						"The device %u:%u does not lie on a crypt device.", dev_major, dev_minor);
}

static bool
look_device(const ProbeContext *context, const char *name, Evidence *evidence)
{
	unsigned int dev_major;
	unsigned int dev_minor;
	char		backing[SYSFS_WALK_MAX_PATH];

	if (!device_number(context->sysfs_root, name, &dev_major, &dev_minor))
		return unknown(evidence, "The swap device cannot be found.");
	switch (sysfs_zram(context->sysfs_root, dev_major, dev_minor, backing))
	{
		case ZRAM_NOT:
			break;
		case ZRAM_MEMORY:
			return false;
		case ZRAM_UNKNOWN:
			return unknown(evidence, "It cannot be told whether compressed memory is written to a device.");
		case ZRAM_BACKED:
			if (!device_number(context->sysfs_root, backing, &dev_major, &dev_minor))
				return unknown(evidence, "The device behind compressed memory cannot be found.");
			break;
	}
	return look_number(context->sysfs_root, dev_major, dev_minor, evidence);
}

static bool
look_file(const ProbeContext *context, const char *name, Evidence *evidence)
{
	ProbeContext place = *context;
	char		directory[SYSFS_WALK_MAX_PATH];
	char	   *slash;
	struct stat file;
	struct stat dir;

	if (strlcpy(directory, name, sizeof(directory)) >= sizeof(directory) ||
		(slash = strrchr(directory, '/')) == NULL)
		return unknown(evidence, "The swap file cannot be found.");
	slash[slash == directory ? 1 : 0] = '\0';

	/* A file that is a mount of its own lies elsewhere than its directory. */
	if (stat(name, &file) != 0 || !S_ISREG(file.st_mode) || stat(directory, &dir) != 0 ||
		dir.st_dev != file.st_dev)
		return unknown(evidence, "The swap file cannot be found, or lies elsewhere than its directory.");
	place.path = directory;
	if (dmcrypt_probe_look(&place, evidence))
		return true;
	fstype_probe_look(&place, evidence);
	if (evidence->verdict == EVIDENCE_ENCRYPTED)
		return unknown(evidence, "The kernel writes to a swap file past the file system that encrypts.");
	return true;
}

/*
 * swap_probe_look
 *		False: the area is memory and is written nowhere.
 */
bool
swap_probe_look(const ProbeContext *context, const char *name, bool is_file, Evidence *evidence)
{
	return is_file ? look_file(context, name, evidence) : look_device(context, name, evidence);
}
