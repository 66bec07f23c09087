/*-------------------------------------------------------------------------
 *
 * attest_device.c
 *		Serial numbers of the disks below a file system.
 *
 * The kernel's word, through sysfs.  sysfs_walk.c finds the disks, also below
 * crypt devices; all of them must be found, and each must have a serial
 * number, or nothing is known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/attest_internal.h"
#include "pg_dataclass/sysfs_walk.h"

typedef struct SerialSearch
{
	List	   *serials;		/* char * */
	bool		failed;
	char		why[160];
} SerialSearch;

/* Bytes of a small attribute; -1 if there is none. */
static ssize_t
read_attribute(const char *dir, const char *name, unsigned char *buf, size_t size)
{
	char	   *path = psprintf("%s/%s", dir, name);
	int			fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t		len = -1;

	pfree(path);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
	{
		do
			len = read(fd, buf, size);
		while (len < 0 && errno == EINTR);
	}
	close(fd);
	return len;
}

/*
 * virtio, NVMe and MMC say it in a text, SCSI in a page of binary data.  A
 * longer one than there is room for is none.
 */
static bool
read_serial(const char *disk, char *serial, size_t size)
{
	static const char *const texts[] = {"serial", "device/serial", NULL};
	unsigned char raw[1024];
	ssize_t		len;

	for (int i = 0; texts[i] != NULL; i++)
	{
		len = read_attribute(disk, texts[i], raw, sizeof(raw));
		if (len > 0 && attest_scan_serial((const char *) raw, len, serial, size))
			return true;
	}
	len = read_attribute(disk, "device/vpd_pg80", raw, sizeof(raw));
	return len > 0 && attest_scan_vpd80(raw, len, serial, size);
}

static void
found_disk(const char *dir, void *arg)
{
	SerialSearch *search = arg;
	const char *name = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	char		serial[ATTEST_MAX_SERIAL];
	char		printable[64];

	if (!read_serial(dir, serial, sizeof(serial)))
	{
		atrest_printable(printable, sizeof(printable), name);
		snprintf(search->why, sizeof(search->why), "Disk %s shows no serial number.", printable);
		search->failed = true;
		return;
	}
	search->serials = lappend(search->serials, pstrdup(serial));
}

/*
 * attest_device_serials
 */
bool
attest_device_serials(const char *path, List **serials, char **why)
{
	SerialSearch search = {NIL, false, ""};
	SysfsWalk	walk;
	struct stat st;
	dev_t		dev;

	*serials = NIL;
	if (path == NULL || stat(path, &st) != 0)
	{
		*why = pstrdup("The place cannot be looked at.");
		return false;
	}
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (major(dev) == 0)
	{
		*why = pstrdup("The file system has no block device of its own.");
		return false;
	}
	if (!sysfs_walk_begin(&walk, guc_sysfs_root))
	{
		*why = pstrdup(walk.why);
		return false;
	}
	walk.leaf = found_disk;
	walk.leaf_arg = &search;
	(void) sysfs_walk_number(&walk, major(dev), minor(dev));
	if (walk.unknown_seen || search.failed || search.serials == NIL)
	{
		*why = search.failed ? pstrdup(search.why) :
			psprintf("The disks of the place cannot all be found. %s", walk.unknown_seen ? walk.why : "");
		return false;
	}
	*serials = search.serials;
	return true;
}
