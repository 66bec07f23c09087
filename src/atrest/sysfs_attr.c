/*-------------------------------------------------------------------------
 *
 * sysfs_attr.c
 *		Reading a sysfs that may be a made one: paths, links, attributes.
 *
 * The tree is treated as hostile: links must stay below its root, attributes
 * are plain files of limited length in printable bytes.  Pure with respect to
 * PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/sysfs_walk.h"

/*
 * sysfs_join
 *		Join with a check of the length.
 */
bool
sysfs_join(char *out, const char *dir, const char *name)
{
	int			len = snprintf(out, SYSFS_WALK_MAX_PATH, "%s/%s", dir, name);

	return len > 0 && len < SYSFS_WALK_MAX_PATH;
}

/*
 * sysfs_exists
 */
bool
sysfs_exists(const char *dir, const char *name)
{
	char		path[SYSFS_WALK_MAX_PATH];
	struct stat st;

	return sysfs_join(path, dir, name) && lstat(path, &st) == 0;
}

/*
 * sysfs_resolve
 *		Resolve links; false if the result is missing or not below the root.
 */
bool
sysfs_resolve(const char *root, const char *path, char *out)
{
	size_t		len = strlen(root);
	struct stat st;

	return realpath(path, out) != NULL &&
		strncmp(out, root, len) == 0 && out[len] == '/' &&
		stat(out, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * sysfs_text
 *		Take the newline off the bytes of an attribute; false for control
 *		characters.  buf has room for one byte more than len.
 */
bool
sysfs_text(char *buf, size_t len)
{
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) buf[i] < 0x20 || buf[i] == 0x7f)
			return false;
	}
	return true;
}

/*
 * sysfs_read
 *		Read an attribute of at most size - 1 bytes.  A longer one, control
 *		characters, or anything but a file is bad.
 */
SysfsAttr
sysfs_read(const char *dir, const char *name, char *buf, size_t size)
{
	char		path[SYSFS_WALK_MAX_PATH];
	struct stat st;
	size_t		len = 0;
	int			fd;

	if (!sysfs_join(path, dir, name))
		return ATTR_BAD;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return (errno == ENOENT) ? ATTR_ABSENT : ATTR_BAD;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
	{
		close(fd);
		return ATTR_BAD;
	}
	while (len < size)
	{
		ssize_t		got = read(fd, buf + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
		{
			close(fd);
			return ATTR_BAD;
		}
		if (got == 0)
			break;
		len += (size_t) got;
	}
	close(fd);
	if (len == size || !sysfs_text(buf, len))
		return ATTR_BAD;
	return ATTR_OK;
}

/* Up to max digits that make a number of 32 bits. */
static bool
parse_part(const char **text, unsigned int *out)
{
	uint64		value = 0;
	int			digits = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++)
	{
		value = value * 10 + (**text - '0');
		if (++digits > 10)
			return false;
	}
	*out = (unsigned int) value;
	return digits > 0 && value <= PG_UINT32_MAX;
}

/*
 * sysfs_number
 *		"MAJ:MIN", as in the attribute dev.
 */
bool
sysfs_number(const char *text, unsigned int *dev_major, unsigned int *dev_minor)
{
	if (!parse_part(&text, dev_major) || *text++ != ':')
		return false;
	return parse_part(&text, dev_minor) && *text == '\0';
}

/*
 * sysfs_zram
 *		Where does the kernel's compressed memory write to?
 */
SysfsZram
sysfs_zram(const char *sysfs_root, unsigned int dev_major, unsigned int dev_minor,
		   char *backing)
{
	char		root[SYSFS_WALK_MAX_PATH];
	char		path[SYSFS_WALK_MAX_PATH];
	char		dir[SYSFS_WALK_MAX_PATH];
	char		number[32];
	char		text[SYSFS_WALK_MAX_PATH];
	const char *name;

	snprintf(number, sizeof(number), "dev/block/%u:%u", dev_major, dev_minor);
	if (realpath(sysfs_root, root) == NULL || strcmp(root, "/") == 0 ||
		!sysfs_join(path, root, number) || !sysfs_resolve(root, path, dir))
		return ZRAM_NOT;		/* the walk will say what is wrong */
	name = strrchr(dir, '/') + 1;
	if (strncmp(name, "zram", 4) != 0 || !isdigit((unsigned char) name[4]))
		return ZRAM_NOT;

	/* The entry must speak of the device that was asked for. */
	snprintf(number, sizeof(number), "%u:%u", dev_major, dev_minor);
	if (sysfs_read(dir, "dev", text, sizeof(text)) != ATTR_OK || strcmp(text, number) != 0 ||
		sysfs_read(dir, "backing_dev", text, sizeof(text)) != ATTR_OK)
		return ZRAM_UNKNOWN;
	if (strcmp(text, "none") == 0)
		return ZRAM_MEMORY;
	if (text[0] != '/')
		return ZRAM_UNKNOWN;
	strlcpy(backing, text, SYSFS_WALK_MAX_PATH);
	return ZRAM_BACKED;
}
