/*-------------------------------------------------------------------------
 *
 * fuzz_sysfs.c
 *		Fuzz target of the walk through sysfs: bytes make a tree, which is walked.
 *
 * The tree has DEVICES devices.  Each takes a byte of shape, a byte of what
 * lies below it, and a line for its one text: dm/uuid, dev or backing_file.
 *
 * LINK: src/atrest/sysfs_walk.c src/atrest/sysfs_attr.c src/atrest/atrest_probe.c src/atrest/probe_dmcrypt.c src/atrest/probe_fscrypt.c src/atrest/probe_fstype.c src/atrest/atrest_mountinfo.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/sysfs_walk.h"
#include "fuzz.h"

#define DEVICES		5

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[256];

/* What the bytes mean; bits of a device's first byte. */
#define SHAPE_DM		0x01
#define SHAPE_PARTITION 0x02
#define SHAPE_LOOP		0x04
#define SHAPE_NO_SLAVES 0x08
#define SHAPE_SUSPENDED 0x10
#define SHAPE_OWN_DEV	0x20	/* the text is the number */
#define SHAPE_MD		0x40

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void
remove_root(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
make_dir(const char *fmt, int device)
{
	char		path[512];
	int			len = snprintf(path, sizeof(path), "%s/", root);

	snprintf(path + len, sizeof(path) - len, fmt, device);
	FUZZ_CHECK(mkdir(path, 0755) == 0);
}

static void
write_file(const char *fmt, int device, const char *text, size_t len)
{
	char		path[512];
	int			at = snprintf(path, sizeof(path), "%s/", root);
	int			fd;

	snprintf(path + at, sizeof(path) - at, fmt, device);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	FUZZ_CHECK(fd >= 0 && write(fd, text, len) == (ssize_t) len);
	close(fd);
}

static void
make_link(const char *target, const char *fmt, int device, int other)
{
	char		path[512];
	int			at = snprintf(path, sizeof(path), "%s/", root);

	snprintf(path + at, sizeof(path) - at, fmt, device, other);
	FUZZ_CHECK(symlink(target, path) == 0);
}

static void
make_device(int device, uint8_t shape, uint8_t below, const char *text, size_t len)
{
	char		number[32];
	char		target[64];

	make_dir("devices/d%d", device);
	snprintf(number, sizeof(number), "253:%d\n", device);
	if (shape & SHAPE_OWN_DEV)
		write_file("devices/d%d/dev", device, text, len);
	else
		write_file("devices/d%d/dev", device, number, strlen(number));
	snprintf(target, sizeof(target), "../../devices/d%d", device);
	make_link(target, "dev/block/253:%d", device, 0);
	if (shape & SHAPE_DM)
	{
		make_dir("devices/d%d/dm", device);
		write_file("devices/d%d/dm/uuid", device, text, len);
		write_file("devices/d%d/dm/suspended", device, shape & SHAPE_SUSPENDED ? "1\n" : "0\n", 2);
	}
	if (shape & SHAPE_PARTITION)
		write_file("devices/d%d/partition", device, "1\n", 2);
	if (shape & SHAPE_LOOP)
	{
		make_dir("devices/d%d/loop", device);
		write_file("devices/d%d/loop/backing_file", device, text, len);
	}
	if (shape & SHAPE_MD)
		make_dir("devices/d%d/md", device);
	if (shape & SHAPE_NO_SLAVES)
		return;
	make_dir("devices/d%d/slaves", device);
	for (int other = 0; other < DEVICES; other++)
	{
		if ((below & (1 << other)) == 0)
			continue;
		snprintf(target, sizeof(target), "../../d%d", other);
		make_link(target, "devices/d%d/slaves/d%d", device, other);
	}
	if (below & 0x80)
		make_link("/etc", "devices/d%d/slaves/out", device, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Evidence	evidence;
	bool		any_crypt = false;
	char		text[64];
	unsigned int dev_major;
	unsigned int dev_minor;

	if (root[0] == '\0')
	{
		const char *tmp = getenv("TMPDIR");

		snprintf(root, sizeof(root), "%s/fuzz_sysfs.XXXXXX",
				 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : tmp && *tmp ? tmp : "/tmp");
		FUZZ_CHECK(mkdtemp(root) != NULL);
		atexit(remove_root);
	}

	/* Texts by themselves, with nothing behind them. */
	memset(text, 0, sizeof(text));
	memcpy(text, data, Min(size, sizeof(text) - 1));
	if (sysfs_number(text, &dev_major, &dev_minor))
	{
		char		again[64];
		unsigned int again_major;
		unsigned int again_minor;

		snprintf(again, sizeof(again), "%u:%u", dev_major, dev_minor);
		FUZZ_CHECK(sysfs_number(again, &again_major, &again_minor) &&
				   again_major == dev_major && again_minor == dev_minor);
	}
	FUZZ_CHECK(!sysfs_uuid_encrypts(text) || strncmp(text, "CRYPT-", 6) == 0);

	make_dir("devices", 0);
	make_dir("dev", 0);
	make_dir("dev/block", 0);
	for (int device = 0; device < DEVICES; device++)
	{
		const uint8_t *end;
		size_t		len;

		if (size < 2)
			break;
		end = memchr(data + 2, '\n', size - 2);
		len = Min((end ? (size_t) (end - data) + 1 : size) - 2, 300);
		make_device(device, data[0], data[1], (const char *) data + 2, len);
		if ((data[0] & SHAPE_DM) && len > 13 && memcmp(data + 2, "CRYPT-", 6) == 0)
			any_crypt = true;
		if (end == NULL)
			break;
		size -= (size_t) (end - data) + 1;
		data = end + 1;
	}

	memset(&evidence, 0x7f, sizeof(evidence));
	if (dmcrypt_look_device(root, 253, 0, &evidence))
	{
		FUZZ_CHECK(strnlen(evidence.detail, sizeof(evidence.detail)) < sizeof(evidence.detail));
		FUZZ_CHECK(evidence.verdict == EVIDENCE_UNKNOWN || evidence.verdict == EVIDENCE_PLAIN ||
				   evidence.verdict == EVIDENCE_ENCRYPTED);

		/* Nothing is encrypted where no mapping says so. */
		FUZZ_CHECK(evidence.verdict != EVIDENCE_ENCRYPTED || any_crypt);
	}
	{
		char		path[300];

		snprintf(path, sizeof(path), "%s/devices", root);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		snprintf(path, sizeof(path), "%s/dev", root);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	return 0;
}
