/*-------------------------------------------------------------------------
 *
 * tree.h
 *		Made trees of sysfs for unit tests: a temporary directory, devices in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TREE_H
#define TREE_H

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define UUID32		"0123456789abcdef0123456789abcdef"
#define LUKS2(name)	"CRYPT-LUKS2-" UUID32 "-" name

static char base[512];			/* temporary directory of this run */
static char root[600];			/* root of the present tree */
static int	trees = 0;

static inline void pg_attribute_noreturn()
give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline const char *in_root(const char *fmt,...) __attribute__((format(printf, 1, 2)));

static inline const char *
in_root(const char *fmt,...)
{
	static char path[4][2048];
	static int	next = 0;
	char	   *out = path[next = (next + 1) % 4];
	int			len = snprintf(out, sizeof(path[0]), "%s/", root);
	va_list		args;

	va_start(args, fmt);
	vsnprintf(out + len, sizeof(path[0]) - len, fmt, args);
	va_end(args);
	return out;
}

static inline const char *
below(const char *dir, const char *path)
{
	static char out[2048];

	snprintf(out, sizeof(out), "%s/%s", dir, path);
	return out;
}

static inline void
make_dirs(const char *path)
{
	char		copy[2048];

	strlcpy(copy, path, sizeof(copy));
	for (char *slash = copy + 1; (slash = strchr(slash, '/')) != NULL; slash++)
	{
		*slash = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST)
			give_up(copy);
		*slash = '/';
	}
	if (mkdir(copy, 0755) != 0 && errno != EEXIST)
		give_up(copy);
}

static inline void
put_bytes(const char *path, const char *bytes, size_t len)
{
	FILE	   *file = fopen(path, "w");

	if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		give_up(path);
}

static inline void
put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static inline void
new_tree(void)
{
	snprintf(root, sizeof(root), "%s/sys%d", base, trees++);
	make_dirs(in_root("dev/block"));
}

static inline void
add_link(const char *target, const char *path)
{
	if (symlink(target, path) != 0)
		give_up(path);
}

/* A block device; path is relative to devices/. */
static inline void
add_device(const char *path, const char *number)
{
	char		target[1024];
	char		text[64];

	make_dirs(in_root("devices/%s/slaves", path));
	snprintf(text, sizeof(text), "%s\n", number);
	put(in_root("devices/%s/dev", path), text);
	snprintf(target, sizeof(target), "../../devices/%s", path);
	add_link(target, in_root("dev/block/%s", number));
}

static inline void
add_partition(const char *path, const char *number)
{
	add_device(path, number);
	rmdir(in_root("devices/%s/slaves", path));
	put(in_root("devices/%s/partition", path), "1\n");
}

static inline void
add_slave(const char *path, const char *slave)
{
	const char *name = strrchr(slave, '/');

	add_link(in_root("devices/%s", slave),
			 in_root("devices/%s/slaves/%s", path, name ? name + 1 : slave));
}

static inline void
add_dm(const char *path, const char *number, const char *uuid, const char *slave)
{
	char		text[1024];

	add_device(path, number);
	make_dirs(in_root("devices/%s/dm", path));
	snprintf(text, sizeof(text), "%s\n", uuid);
	put(in_root("devices/%s/dm/uuid", path), text);
	put(in_root("devices/%s/dm/suspended", path), "0\n");
	if (slave)
		add_slave(path, slave);
}

static inline void
add_loop(const char *path, const char *number, const char *file)
{
	char		text[1024];

	add_device(path, number);
	make_dirs(in_root("devices/%s/loop", path));
	snprintf(text, sizeof(text), "%s\n", file);
	put(in_root("devices/%s/loop/backing_file", path), text);
}

static inline int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	/* A directory that a test closed. */
	if (flag == FTW_DNR && chmod(path, 0700) == 0)
		return 0;
	return remove(path);
}

static inline void
begin_trees(const char *name)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(base, sizeof(base), "%s/%s.XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
	if (mkdtemp(base) == NULL)
		give_up(base);
}

static inline void
end_trees(void)
{
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif							/* TREE_H */
