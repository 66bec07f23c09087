/*-------------------------------------------------------------------------
 *
 * sysfs_walk.c
 *		From a block device through dm, md, loop and partitions to the disks.
 *
 * A device is encrypted when every path from it to a leaf passes a dm-crypt
 * mapping.  A mapping is known by its dm/uuid, which cryptsetup builds from
 * its type; the list of types is strict, since CRYPT-VERITY and
 * CRYPT-INTEGRITY hold plaintext.  What sysfs cannot show stays unseen: the
 * cipher (cipher_null is one) and the external journal of an ext4.
 *
 * The tree is treated as hostile.  Links must stay below the root, files are
 * read up to a limit, depth and number of visits are bounded, a cycle or
 * anything missing is unknown.  The file behind a loop device is the one
 * exception to the root: sysfs names it by its path in the file system.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/sysfs_walk.h"

#define DM_NAME_MAX		129		/* DM_UUID_LEN of the kernel, with its NUL */

static SysfsWalkResult walk_device(SysfsWalk *walk, const char *dir);

/* Remember why, if it is worse than what is known, and hand the result on. */
static SysfsWalkResult __attribute__((format(printf, 3, 4)))
result_because(SysfsWalk *walk, SysfsWalkResult result, const char *fmt,...)
{
	if (result == SYSFS_WALK_UNKNOWN)
		walk->unknown_seen = true;
	if (!walk->has_why || result < walk->why_result)
	{
		va_list		args;

		va_start(args, fmt);
		vsnprintf(walk->why, sizeof(walk->why), fmt, args);
		va_end(args);
		walk->why_result = result;
		walk->has_why = true;
	}
	return result;
}

/* Name of a device directory, fit for a sentence. */
static const char *
device_name(const char *dir, char *buf, size_t size)
{
	const char *slash = strrchr(dir, '/');

	atrest_printable(buf, size, slash ? slash + 1 : dir);
	return buf;
}

/*
 * sysfs_uuid_encrypts
 */
bool
sysfs_uuid_encrypts(const char *uuid)
{
	static const struct
	{
		const char *prefix;
		bool		header_uuid;	/* 32 hexadecimal digits and a hyphen follow */
	}			types[] = {
		{"CRYPT-LUKS1-", true},
		{"CRYPT-LUKS2-", true},
		{"CRYPT-PLAIN-", false},
		{"CRYPT-BITLK-", false},
		{"CRYPT-TCRYPT-", false},
		{"CRYPT-LOOPAES-", false},
		{"CRYPT-FVAULT2-", false},
		{NULL, false}
	};

	for (int i = 0; types[i].prefix != NULL; i++)
	{
		const char *rest = uuid + strlen(types[i].prefix);

		if (strncmp(uuid, types[i].prefix, strlen(types[i].prefix)) != 0)
			continue;
		if (types[i].header_uuid)
		{
			for (int digit = 0; digit < 32; digit++, rest++)
			{
				if (!isxdigit((unsigned char) *rest))
					return false;
			}
			if (*rest++ != '-')
				return false;
		}
		return *rest != '\0';
	}
	return false;
}

/* All devices below this one: the least of them.  *count is how many there were. */
static SysfsWalkResult
walk_slaves(SysfsWalk *walk, const char *dir, int *count)
{
	char		name[64];
	char		slaves[SYSFS_WALK_MAX_PATH];
	SysfsWalkResult worst = SYSFS_WALK_LIVE;
	struct dirent *entry;
	DIR		   *handle;

	*count = 0;
	if (!sysfs_join(slaves, dir, "slaves") || (handle = opendir(slaves)) == NULL)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The devices below %s cannot be listed.",
							  device_name(dir, name, sizeof(name)));
	errno = 0;
	while ((entry = readdir(handle)) != NULL)
	{
		char		link[SYSFS_WALK_MAX_PATH];
		char		target[SYSFS_WALK_MAX_PATH];
		SysfsWalkResult result;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(*count)++;
		if (!sysfs_join(link, slaves, entry->d_name) || !sysfs_resolve(walk->root, link, target))
			result = result_because(walk, SYSFS_WALK_UNKNOWN,
									"A device below %s cannot be found.",
									device_name(dir, name, sizeof(name)));
		else
			result = walk_device(walk, target);
		worst = Min(worst, result);

		/* Go on after a plain leg: the others tell whether encryption was meant. */
		if (walk->visits > SYSFS_WALK_MAX_VISITS)
			break;
		errno = 0;
	}
	if (errno != 0)
		worst = Min(worst, result_because(walk, SYSFS_WALK_UNKNOWN,
										  "The devices below %s cannot be listed.",
										  device_name(dir, name, sizeof(name))));
	closedir(handle);
	return worst;
}

/*
 * While LUKS2 is encrypted or re-encrypted in place, part of the device may
 * be plaintext; helper mappings of type SUBDEV lie below it then.  So do
 * they, with a name in _dif, below one with authenticated encryption.
 */
static bool
is_reencrypting(const SysfsWalk *walk, const char *dir)
{
	char		slaves[SYSFS_WALK_MAX_PATH];
	struct dirent *entry;
	DIR		   *handle;
	bool		found = false;

	if (!sysfs_join(slaves, dir, "slaves") || (handle = opendir(slaves)) == NULL)
		return true;
	while (!found && (entry = readdir(handle)) != NULL)
	{
		char		link[SYSFS_WALK_MAX_PATH];
		char		target[SYSFS_WALK_MAX_PATH];
		char		text[DM_NAME_MAX + 1];
		size_t		len;

		if (entry->d_name[0] == '.')
			continue;
		if (!sysfs_join(link, slaves, entry->d_name) || !sysfs_resolve(walk->root, link, target))
			continue;
		if (sysfs_read(target, "dm/uuid", text, sizeof(text)) != ATTR_OK ||
			strncmp(text, "CRYPT-SUBDEV-", 13) != 0)
			continue;
		found = true;
		if (sysfs_read(target, "dm/name", text, sizeof(text)) == ATTR_OK &&
			(len = strlen(text)) > 4 && strcmp(text + len - 4, "_dif") == 0)
			found = false;
	}
	closedir(handle);
	return found;
}

/* A device-mapper device. */
static SysfsWalkResult
walk_mapping(SysfsWalk *walk, const char *dir)
{
	char		name[64];
	char		text[DM_NAME_MAX + 1];
	int			count;
	SysfsWalkResult result;

	device_name(dir, name, sizeof(name));
	if (sysfs_read(dir, "dm/uuid", text, sizeof(text)) != ATTR_OK)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The type of the mapping %s cannot be read.", name);
	if (strncmp(text, "CRYPT-", 6) == 0)
		walk->crypt_seen = true;
	if (sysfs_uuid_encrypts(text) && walk->leaf == NULL)
	{
		char		type[16];
		char	   *hyphen = strchr(text + 6, '-');

		strlcpy(type, text + 6, Min(sizeof(type), (size_t) (hyphen - text - 5)));
		if (is_reencrypting(walk, dir))
			return result_because(walk, SYSFS_WALK_UNKNOWN,
								  "The crypt device %s is being re-encrypted, or its parts "
								  "cannot be seen.", name);
		if (sysfs_read(dir, "dm/suspended", text, sizeof(text)) != ATTR_OK ||
			strcmp(text, "0") != 0)
			return result_because(walk, SYSFS_WALK_SUSPENDED,
								  "All data pass crypt devices, of which %s (%s) is suspended.",
								  name, type);
		return result_because(walk, SYSFS_WALK_LIVE,
							  "All data pass crypt devices in use: %s (%s).", name, type);
	}

	result = walk_slaves(walk, dir, &count);
	if (count == 0)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The mapping %s shows no device below it.", name);
	return result;
}

/* A loop device: go on with the device of its file. */
static SysfsWalkResult
walk_loop(SysfsWalk *walk, const char *dir)
{
	char		name[64];
	char		file[SYSFS_WALK_MAX_PATH];
	struct statx stx;

	device_name(dir, name, sizeof(name));

	/* "(deleted)" after the path makes the stat fail, as it should. */
	if (sysfs_read(dir, "loop/backing_file", file, sizeof(file)) != ATTR_OK ||
		file[0] != '/' ||
		statx(AT_FDCWD, file, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx) != 0)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The file behind %s cannot be found.", name);
	if (S_ISBLK(stx.stx_mode))
		return sysfs_walk_number(walk, stx.stx_rdev_major, stx.stx_rdev_minor);
	if (!S_ISREG(stx.stx_mode))
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "Behind %s is neither a file nor a device.", name);
	if ((stx.stx_attributes_mask & stx.stx_attributes & STATX_ATTR_ENCRYPTED) != 0)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The file behind %s is shown as encrypted by its own file system.",
							  name);
	return sysfs_walk_number(walk, stx.stx_dev_major, stx.stx_dev_minor);
}

/* A device without devices below it. */
static SysfsWalkResult
judge_leaf(SysfsWalk *walk, const char *dir)
{
	/* Devices whose data go on to somewhere that sysfs does not show. */
	static const char *const opaque[] = {"drbd", "nbd", "rbd", "zd", "zram", "ublkb", NULL};
	char		name[64];

	device_name(dir, name, sizeof(name));
	for (int i = 0; opaque[i] != NULL; i++)
	{
		size_t		len = strlen(opaque[i]);

		if (strncmp(name, opaque[i], len) == 0 && isdigit((unsigned char) name[len]))
			return result_because(walk, SYSFS_WALK_UNKNOWN,
								  "What lies behind %s cannot be seen.", name);
	}
	if (walk->leaf)
		walk->leaf(dir, walk->leaf_arg);
	return result_because(walk, SYSFS_WALK_PLAIN,
						  "Data reach %s without passing a crypt device.", name);
}

/* What kind of device is it?  dir is a device directory below the root. */
static SysfsWalkResult
walk_kind(SysfsWalk *walk, const char *dir)
{
	char		name[64];
	char		number[32];
	int			count;
	SysfsWalkResult result;

	if (sysfs_read(dir, "dev", number, sizeof(number)) != ATTR_OK)
		return result_because(walk, SYSFS_WALK_UNKNOWN, "%s is not the entry of a block device.",
							  device_name(dir, name, sizeof(name)));
	if (sysfs_exists(dir, "partition"))
	{
		char		parent[SYSFS_WALK_MAX_PATH];
		char		link[SYSFS_WALK_MAX_PATH];

		if (!sysfs_join(link, dir, "..") || !sysfs_resolve(walk->root, link, parent))
			return result_because(walk, SYSFS_WALK_UNKNOWN, "The disk of partition %s cannot be found.",
								  device_name(dir, name, sizeof(name)));
		return walk_device(walk, parent);
	}
	if (sysfs_exists(dir, "dm"))
		return walk_mapping(walk, dir);
	if (strncmp(device_name(dir, name, sizeof(name)), "dm-", 3) == 0)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The type of the mapping %s cannot be read.", name);
	if (sysfs_exists(dir, "loop"))
		return walk_loop(walk, dir);
	if (strncmp(name, "loop", 4) == 0 && isdigit((unsigned char) name[4]))
		return result_because(walk, SYSFS_WALK_UNKNOWN, "The file behind %s cannot be found.", name);

	result = walk_slaves(walk, dir, &count);
	if (count > 0 || result == SYSFS_WALK_UNKNOWN)
		return result;

	/* An array that is not assembled shows no members. */
	if (sysfs_exists(dir, "md") || sysfs_exists(dir, "bcache"))
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The array %s shows no device below it.", name);
	return judge_leaf(walk, dir);
}

/* Guard against cycles, depth and width, then look at the device. */
static SysfsWalkResult
walk_device(SysfsWalk *walk, const char *dir)
{
	struct stat st;
	SysfsWalkResult result;

	if (++walk->visits > SYSFS_WALK_MAX_VISITS || walk->depth >= SYSFS_WALK_MAX_DEPTH)
		return result_because(walk, SYSFS_WALK_UNKNOWN, "The devices are stacked too deep.");
	if (stat(dir, &st) != 0)
		return result_because(walk, SYSFS_WALK_UNKNOWN, "A device vanished.");
	for (int i = 0; i < walk->depth; i++)
	{
		if (walk->chain[i].dev == st.st_dev && walk->chain[i].ino == st.st_ino)
			return result_because(walk, SYSFS_WALK_UNKNOWN, "The devices are stacked in a cycle.");
	}
	walk->chain[walk->depth].dev = st.st_dev;
	walk->chain[walk->depth].ino = st.st_ino;
	walk->depth++;
	result = walk_kind(walk, dir);
	walk->depth--;
	return result;
}

/*
 * sysfs_walk_begin
 */
bool
sysfs_walk_begin(SysfsWalk *walk, const char *sysfs_root)
{
	memset(walk, 0, sizeof(*walk));
	if (realpath(sysfs_root, walk->root) == NULL || strcmp(walk->root, "/") == 0)
	{
		result_because(walk, SYSFS_WALK_UNKNOWN, "The root of sysfs cannot be read.");
		return false;
	}
	return true;
}

/*
 * sysfs_walk_number
 *		Walk the device with this number.
 */
SysfsWalkResult
sysfs_walk_number(SysfsWalk *walk, unsigned int dev_major, unsigned int dev_minor)
{
	char		link[SYSFS_WALK_MAX_PATH];
	char		dir[SYSFS_WALK_MAX_PATH];
	char		name[32];
	char		number[32];

	snprintf(name, sizeof(name), "%u:%u", dev_major, dev_minor);
	snprintf(number, sizeof(number), "dev/block/%s", name);
	if (!sysfs_join(link, walk->root, number) || !sysfs_resolve(walk->root, link, dir))
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The block device %s has no entry in sysfs.", name);

	/* The entry must speak of the device that was asked for. */
	if (sysfs_read(dir, "dev", number, sizeof(number)) != ATTR_OK ||
		strcmp(number, name) != 0)
		return result_because(walk, SYSFS_WALK_UNKNOWN,
							  "The entry of block device %s in sysfs is not its own.", name);
	return walk_device(walk, dir);
}
