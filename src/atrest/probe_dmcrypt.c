/*-------------------------------------------------------------------------
 *
 * probe_dmcrypt.c
 *		Does everything below this file system pass a dm-crypt device?
 *
 * Finds the block devices of a file system; sysfs_walk.c judges each.
 *
 * Only file systems whose data lie on the one device that stat() names are
 * accepted: ext and xfs.  btrfs has an anonymous device number and is asked
 * for its devices.  Others, f2fs and bcachefs among them, may spread over
 * devices that nobody names, and stay unknown even on a crypt device.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/sysfs_walk.h"

#define DMCRYPT_MECHANISM	"dm-crypt"
#define BTRFS_MAX_DEVICES	64

static bool
unknown(Evidence *evidence, const char *why)
{
	return evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN,
						DMCRYPT_MECHANISM, "%s", why);
}

/*
 * Turn the result of a walk into evidence.  A device without any encryption
 * in sight is left to the next probe, which knows the file system's name.
 */
static bool
judge_walk(const SysfsWalk *walk, SysfsWalkResult result, Evidence *evidence)
{
	switch (result)
	{
		case SYSFS_WALK_PLAIN:
			if (!walk->crypt_seen)
				return false;
			return evidence_set(evidence, EVIDENCE_PLAIN, EVIDENCE_GRADE_KERNEL,
								DMCRYPT_MECHANISM, "%s", walk->why);
		case SYSFS_WALK_UNKNOWN:
			return unknown(evidence, walk->why);
		case SYSFS_WALK_SUSPENDED:
			return evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_KERNEL,
								DMCRYPT_MECHANISM, "%s", walk->why);
		case SYSFS_WALK_LIVE:
			return evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_KERNEL_KEY,
								DMCRYPT_MECHANISM, "%s", walk->why);
	}
	return unknown(evidence, "The walk through sysfs had no result.");
}

/*
 * dmcrypt_look_device
 */
bool
dmcrypt_look_device(const char *sysfs_root, unsigned int dev_major, unsigned int dev_minor,
					Evidence *evidence)
{
	SysfsWalk	walk;

	if (!sysfs_walk_begin(&walk, sysfs_root))
		return unknown(evidence, walk.why);
	return judge_walk(&walk, sysfs_walk_number(&walk, dev_major, dev_minor), evidence);
}

/* Device numbers of a btrfs; -1 if they cannot be had in full. */
static int
btrfs_devices(const char *path, dev_t *devices, int max)
{
	struct btrfs_ioctl_fs_info_args info;
	int			count = 0;
	int			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	memset(&info, 0, sizeof(info));
	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) != 0 || info.num_devices == 0 ||
		info.num_devices > (uint64) max || info.max_id > 100000)
	{
		close(fd);
		return -1;
	}

	/* Numbers of removed devices leave holes. */
	for (uint64 id = 1; id <= info.max_id; id++)
	{
		struct btrfs_ioctl_dev_info_args dev;
		struct stat st;

		memset(&dev, 0, sizeof(dev));
		dev.devid = id;
		if (ioctl(fd, BTRFS_IOC_DEV_INFO, &dev) != 0)
		{
			if (errno == ENODEV)
				continue;
			count = -1;
			break;
		}
		dev.path[sizeof(dev.path) - 1] = '\0';
		if (count >= max || stat((const char *) dev.path, &st) != 0 || !S_ISBLK(st.st_mode))
		{
			count = -1;
			break;
		}
		devices[count++] = st.st_rdev;
	}
	close(fd);
	return count == (int) info.num_devices ? count : -1;
}

static bool
look_btrfs(const ProbeContext *context, Evidence *evidence)
{
	dev_t		devices[BTRFS_MAX_DEVICES];
	int			ndevices = btrfs_devices(context->path, devices, BTRFS_MAX_DEVICES);
	SysfsWalk	walk;
	SysfsWalkResult worst = SYSFS_WALK_LIVE;

	if (ndevices < 0)
		return unknown(evidence, "The devices of this btrfs cannot all be found.");
	if (!sysfs_walk_begin(&walk, context->sysfs_root))
		return unknown(evidence, walk.why);
	for (int i = 0; i < ndevices; i++)
		worst = Min(worst, sysfs_walk_number(&walk, major(devices[i]), minor(devices[i])));

	/* btrfs itself encrypts nothing, and the next probe cannot tell its devices. */
	walk.crypt_seen = true;
	return judge_walk(&walk, worst, evidence);
}

/*
 * dmcrypt_probe_look
 */
bool
dmcrypt_probe_look(const ProbeContext *context, Evidence *evidence)
{
	struct stat st;
	uint32		magic;
	MountEntry	mount;

	if (stat(context->path, &st) != 0 || !atrest_fs_magic(context->path, &magic))
		return false;

	/* What a daemon does with its device is the daemon's word. */
	if (magic == ATREST_MAGIC_FUSE)
		return false;
	if (major(st.st_dev) == 0)
		return magic == ATREST_MAGIC_BTRFS && look_btrfs(context, evidence);

	if (!dmcrypt_look_device(context->sysfs_root, major(st.st_dev), minor(st.st_dev), evidence))
		return false;
	if (evidence->verdict != EVIDENCE_ENCRYPTED)
		return true;
	if (magic != ATREST_MAGIC_EXT && magic != ATREST_MAGIC_XFS)
		return unknown(evidence, "The file system lies on a crypt device, but it may use "
					   "further devices that the kernel does not name.");
	if (mountinfo_lookup(context, &mount) != MOUNT_FOUND)
		return unknown(evidence, "The file system lies on a crypt device, but the table of "
					   "mounts cannot be read.");
	if (mount.side_devices)
		return unknown(evidence, "The file system lies on a crypt device, but keeps its log or "
					   "its real-time data on a device of their own.");
	return true;
}
