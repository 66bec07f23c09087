/*-------------------------------------------------------------------------
 *
 * unit_atrest.c
 *		Probes for encryption at rest on made trees.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/sysfs_walk.h"
#include "tap.h"

#define UUID32		"0123456789abcdef0123456789abcdef"
#define LUKS2(name)	"CRYPT-LUKS2-" UUID32 "-" name

static char base[512];			/* temporary directory of this run */
static char root[600];			/* root of the present tree */
static int	trees = 0;

static void pg_attribute_noreturn()
give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---------------- made trees ---------------- */

static const char *in_root(const char *fmt,...) __attribute__((format(printf, 1, 2)));

static const char *
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

static const char *
below(const char *dir, const char *path)
{
	static char out[2048];

	snprintf(out, sizeof(out), "%s/%s", dir, path);
	return out;
}

static void
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

static void
put_bytes(const char *path, const char *bytes, size_t len)
{
	FILE	   *file = fopen(path, "w");

	if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		give_up(path);
}

static void
put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void
new_tree(void)
{
	snprintf(root, sizeof(root), "%s/sys%d", base, trees++);
	make_dirs(in_root("dev/block"));
}

static void
add_link(const char *target, const char *path)
{
	if (symlink(target, path) != 0)
		give_up(path);
}

/* A block device; path is relative to devices/. */
static void
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

static void
add_partition(const char *path, const char *number)
{
	add_device(path, number);
	rmdir(in_root("devices/%s/slaves", path));
	put(in_root("devices/%s/partition", path), "1\n");
}

static void
add_slave(const char *path, const char *slave)
{
	const char *name = strrchr(slave, '/');

	add_link(in_root("devices/%s", slave),
			 in_root("devices/%s/slaves/%s", path, name ? name + 1 : slave));
}

static void
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

static void
add_loop(const char *path, const char *number, const char *file)
{
	char		text[1024];

	add_device(path, number);
	make_dirs(in_root("devices/%s/loop", path));
	snprintf(text, sizeof(text), "%s\n", file);
	put(in_root("devices/%s/loop/backing_file", path), text);
}

/* Expect a verdict on 253:0; "none" is a probe with nothing to say. */
static void
expect(const char *name, const char *verdict, int grade)
{
	Evidence	evidence;
	const char *found = "none";
	int			found_grade = -1;

	memset(&evidence, 0x7f, sizeof(evidence));
	if (dmcrypt_look_device(root, 253, 0, &evidence))
	{
		found = evidence_verdict_name(evidence.verdict);
		found_grade = evidence.grade;
	}
	tap_ok(strcmp(found, verdict) == 0 && (grade < 0 || found_grade == grade) &&
	   (strcmp(found, "none") == 0 || strlen(evidence.detail) > 10),
	   "%s: %s", name, verdict);
	if (strcmp(found, verdict) != 0)
		tap_note("found %s, grade %d: %s", found, found_grade,
			   strcmp(found, "none") == 0 ? "" : evidence.detail);
}

static void
test_plain_trees(void)
{
	new_tree();
	add_device("sda", "253:0");
	expect("plain disk", "none", -1);

	new_tree();
	add_device("sda", "8:0");
	add_partition("sda/sda1", "253:0");
	expect("partition of a plain disk", "none", -1);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", "LVM-abcdef", "sda");
	expect("LVM on a plain disk", "none", -1);

	new_tree();
	add_device("sda", "8:0");
	add_device("sdb", "8:16");
	add_device("md0", "253:0");
	add_slave("md0", "sda");
	add_slave("md0", "sdb");
	expect("md on plain disks", "none", -1);

	new_tree();
	add_device("sda", "8:0");
	add_device("sdb", "8:16");
	add_dm("dm-1", "253:1", LUKS2("a"), "sda");
	add_device("md0", "253:0");
	add_slave("md0", "dm-1");
	add_slave("md0", "sdb");
	expect("md with one plain leg", "plain", 2);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", "CRYPT-INTEGRITY-abc-name", "sda");
	expect("CRYPT-INTEGRITY", "plain", 2);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", "CRYPT-VERITY-" UUID32 "-name", "sda");
	expect("CRYPT-VERITY", "plain", 2);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", "CRYPT-TEMP-name", "sda");
	expect("CRYPT-TEMP", "plain", 2);
}

static void
test_encrypted_trees(void)
{
	new_tree();
	add_device("sda", "8:0");
	add_partition("sda/sda1", "8:1");
	add_dm("dm-0", "253:0", LUKS2("data"), "sda/sda1");
	expect("LUKS2 on a partition", "encrypted", 3);

	put(in_root("devices/dm-0/dm/suspended"), "1\n");
	expect("LUKS2 suspended", "encrypted", 2);
	unlink(in_root("devices/dm-0/dm/suspended"));
	expect("LUKS2 without a state", "encrypted", 2);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", "CRYPT-LUKS1-" UUID32 "-pv", "sda");
	add_dm("dm-0", "253:0", "LVM-volume", "dm-1");
	expect("LVM on LUKS1", "encrypted", 3);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", "LVM-volume", "sda");
	add_dm("dm-0", "253:0", LUKS2("data"), "dm-1");
	expect("LUKS2 on LVM", "encrypted", 3);

	new_tree();
	add_device("sda", "8:0");
	add_device("sdb", "8:16");
	add_dm("dm-1", "253:1", LUKS2("a"), "sda");
	add_dm("dm-2", "253:2", LUKS2("b"), "sdb");
	add_device("md0", "253:0");
	add_slave("md0", "dm-1");
	add_slave("md0", "dm-2");
	expect("md on two crypt devices", "encrypted", 3);
	put(in_root("devices/dm-2/dm/suspended"), "1\n");
	expect("md on two crypt devices, one suspended", "encrypted", 2);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", LUKS2("a"), "sda");
	add_device("md0", "9:0");
	add_slave("md0", "dm-1");
	add_partition("md0/md0p1", "253:0");
	expect("partition of md on LUKS2", "encrypted", 3);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", LUKS2("a"), "sda");
	add_dm("dm-0", "253:0", "CRYPT-INTEGRITY-abc-name", "dm-1");
	expect("CRYPT-INTEGRITY on LUKS2", "encrypted", 3);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", "CRYPT-SUBDEV-" UUID32 "-data_dif", "sda");
	put(in_root("devices/dm-1/dm/name"), "data_dif\n");
	add_dm("dm-0", "253:0", LUKS2("data"), "dm-1");
	expect("LUKS2 with authenticated encryption", "encrypted", 3);
	put(in_root("devices/dm-1/dm/name"), "data-hotzone-forward\n");
	expect("LUKS2 being re-encrypted", "unknown", 0);
}

static void
test_loop_trees(void)
{
	char		file[700];
	char		number[32];
	struct stat st;

	snprintf(file, sizeof(file), "%s/image", base);
	put(file, "x");
	if (stat(file, &st) != 0)
		give_up(file);
	snprintf(number, sizeof(number), "%u:%u", major(st.st_dev), minor(st.st_dev));

	new_tree();
	add_device("sda", "8:200");
	add_dm("dm-1", number, LUKS2("a"), "sda");
	add_loop("loop0", "253:0", file);
	expect("loop over an encrypted file system", "encrypted", 3);

	new_tree();
	add_device("sda", number);
	add_loop("loop0", "253:0", file);
	expect("loop over a plain file system", "none", -1);

	new_tree();
	add_device("sda", number);
	add_loop("loop0", "7:0", file);
	add_dm("dm-0", "253:0", LUKS2("a"), "loop0");
	expect("LUKS2 on a loop device", "encrypted", 3);

	new_tree();
	add_loop("loop0", "253:0", "/nonexistent/image (deleted)");
	expect("loop over a deleted file", "unknown", 0);

	new_tree();
	add_loop("loop0", "253:0", "image");
	expect("loop over a relative path", "unknown", 0);

	new_tree();
	add_loop("loop0", "253:0", base);
	expect("loop over a directory", "unknown", 0);

	new_tree();
	add_device("loop0", "253:0");
	expect("loop without a file", "unknown", 0);

	new_tree();
	add_loop("loop0", number, file);
	add_loop("loop1", "253:0", file);
	expect("loop below its own file system", "unknown", 0);
}

static void
test_uuids(void)
{
	static const struct
	{
		const char *uuid;
		bool		encrypts;
	}			cases[] = {
		{LUKS2("x"), true},
		{"CRYPT-LUKS1-" UUID32 "-x", true},
		{"CRYPT-PLAIN-x", true},
		{"CRYPT-BITLK-x", true},
		{"CRYPT-TCRYPT-x", true},
		{"CRYPT-LOOPAES-x", true},
		{"CRYPT-FVAULT2-x", true},
		{"", false},
		{"CRYPT-", false},
		{"CRYPT-LUKS2", false},
		{"CRYPT-LUKS2-", false},
		{"CRYPT-LUKS2-" UUID32, false},
		{"CRYPT-LUKS2-" UUID32 "-", false},
		{"CRYPT-LUKS2-0123-x", false},
		{"CRYPT-LUKS3-" UUID32 "-x", false},
		{"CRYPT-PLAIN-", false},
		{"crypt-luks2-" UUID32 "-x", false},
		{" CRYPT-PLAIN-x", false},
		{"LVM-CRYPT-PLAIN-x", false},
		{"CRYPT-INTEGRITY-x", false},
		{"CRYPT-VERITY-x", false},
		{"CRYPT-SUBDEV-" UUID32 "-x", false},
		{"CRYPT-PLAINTEXT-x", false},
	};

	for (size_t i = 0; i < lengthof(cases); i++)
		tap_ok(sysfs_uuid_encrypts(cases[i].uuid) == cases[i].encrypts,
		   "uuid \"%s\" %s", cases[i].uuid, cases[i].encrypts ? "encrypts" : "does not count");
}

static void
test_hostile_entries(void)
{
	char		outside[700];

	snprintf(root, sizeof(root), "%s/nothing", base);
	expect("no sysfs", "unknown", 0);
	snprintf(root, sizeof(root), "/");
	expect("root of sysfs is the root", "unknown", 0);
	new_tree();
	expect("no entry for the device", "unknown", 0);

	new_tree();
	add_link("../../devices/gone", in_root("dev/block/253:0"));
	expect("dangling entry", "unknown", 0);
	new_tree();
	add_link("253:0", in_root("dev/block/253:0"));
	expect("entry that links to itself", "unknown", 0);
	new_tree();
	put(in_root("dev/block/253:0"), "CRYPT-PLAIN-x\n");
	expect("entry that is a file", "unknown", 0);

	/* A good tree elsewhere, reached by links that leave the root. */
	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", LUKS2("a"), "sda");
	strlcpy(outside, root, sizeof(outside));
	new_tree();
	add_link(below(outside, "devices/dm-0"), in_root("dev/block/253:0"));
	expect("entry that leaves the root", "unknown", 0);
	add_dm("dm-1", "253:1", "LVM-x", NULL);
	add_link(below(outside, "devices/dm-0"), in_root("devices/dm-1/slaves/dm-0"));
	unlink(in_root("dev/block/253:0"));
	put(in_root("devices/dm-1/dev"), "253:0\n");
	add_link("../../devices/dm-1", in_root("dev/block/253:0"));
	expect("slave that leaves the root", "unknown", 0);
	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", "LVM-x", "sda");
	unlink(in_root("devices/dm-0/dm/uuid"));
	add_link(below(outside, "devices/dm-0/dm/uuid"), in_root("devices/dm-0/dm/uuid"));
	expect("uuid that is a link", "unknown", 0);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", LUKS2("a"), "sda");
	put(in_root("devices/dm-0/dev"), "253:7\n");
	expect("entry of another device", "unknown", 0);
	unlink(in_root("devices/dm-0/dev"));
	expect("entry without a number", "unknown", 0);

}

static void
test_hostile_shapes(void)
{
	new_tree();
	add_dm("dm-0", "253:0", "LVM-a", NULL);
	add_dm("dm-1", "253:1", "LVM-b", "dm-0");
	add_slave("dm-0", "dm-1");
	expect("cycle of slaves", "unknown", 0);
	new_tree();
	add_dm("dm-0", "253:0", "LVM-a", NULL);
	add_slave("dm-0", "dm-0");
	expect("slave of itself", "unknown", 0);

	new_tree();
	for (int i = 0; i < 40; i++)
	{
		char		name[32];
		char		number[32];
		char		above[32];

		snprintf(name, sizeof(name), "dm-%d", i);
		snprintf(number, sizeof(number), "253:%d", i);
		snprintf(above, sizeof(above), "dm-%d", i - 1);
		add_dm(name, number, i == 39 ? LUKS2("x") : "LVM-x", NULL);
		if (i > 0)
			add_slave(above, name);
	}
	expect("40 devices deep", "unknown", 0);

	new_tree();
	add_dm("dm-0", "253:0", "LVM-x", NULL);
	for (int i = 1; i < 700; i++)
	{
		char		name[32];
		char		number[32];

		snprintf(name, sizeof(name), "dm-%d", i);
		snprintf(number, sizeof(number), "253:%d", i);
		add_dm(name, number, LUKS2("x"), NULL);
		add_slave("dm-0", name);
	}
	expect("700 devices wide", "unknown", 0);

}

static void
test_hostile_uuids(void)
{
	char		huge[8192];

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", "CRYPT-LUKS2-0123", "sda");
	expect("truncated uuid", "plain", 2);
	memset(huge, 'a', sizeof(huge));
	memcpy(huge, LUKS2(""), strlen(LUKS2("")));
	put_bytes(in_root("devices/dm-0/dm/uuid"), huge, sizeof(huge));
	expect("huge uuid", "unknown", 0);
	put_bytes(in_root("devices/dm-0/dm/uuid"), "CRYPT-PLAIN-\0x\n", 15);
	expect("uuid with a zero byte", "unknown", 0);
	put(in_root("devices/dm-0/dm/uuid"), "LVM-x\nCRYPT-PLAIN-x\n");
	expect("uuid of two lines", "unknown", 0);
	put(in_root("devices/dm-0/dm/uuid"), "");
	expect("empty uuid on a plain disk", "none", -1);
	unlink(in_root("devices/dm-0/dm/uuid"));
	expect("mapping without a uuid", "unknown", 0);
	make_dirs(in_root("devices/dm-0/dm/uuid"));
	expect("uuid that is a directory", "unknown", 0);
	rmdir(in_root("devices/dm-0/dm/uuid"));
	if (mkfifo(in_root("devices/dm-0/dm/uuid"), 0644) != 0)
		give_up("mkfifo");
	expect("uuid that is a pipe", "unknown", 0);
}

static void
test_missing_parts(void)
{
	new_tree();
	add_dm("dm-0", "253:0", "LVM-x", NULL);
	expect("mapping without devices", "unknown", 0);
	rmdir(in_root("devices/dm-0/slaves"));
	expect("mapping whose devices are not listed", "unknown", 0);
	new_tree();
	add_device("dm-0", "253:0");
	expect("mapping without its details", "unknown", 0);
	new_tree();
	add_device("sda", "253:0");
	rmdir(in_root("devices/sda/slaves"));
	expect("disk without the list of slaves", "unknown", 0);
	new_tree();
	add_device("md0", "253:0");
	make_dirs(in_root("devices/md0/md"));
	expect("md without members", "unknown", 0);
	new_tree();
	add_device("nbd0", "253:0");
	expect("network block device", "unknown", 0);
	new_tree();
	make_dirs(in_root("devices/sda"));
	add_partition("sda/sda1", "253:0");
	expect("partition whose disk is no device", "unknown", 0);
	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", LUKS2("a"), "sda");
	add_dm("dm-0", "253:0", "LVM-x", "dm-1");
	add_link(in_root("devices/gone"), in_root("devices/dm-0/slaves/gone"));
	expect("one slave that is missing", "unknown", 0);
}

/* ---------------- mountinfo ---------------- */

static MountLookup
look(const char *text, const char *path, uint64 id, MountEntry *entry)
{
	return mountinfo_find(text, strlen(text), path, id, entry);
}

static void
test_mountinfo(void)
{
	static const char *const table =
		"20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"21 20 0:5 / /data rw - xfs /dev/mapper/data rw,attr2\n"
		"22 21 0:6 / /data/a\\040b rw master:1 propagate_from:2 - tmpfs  rw\n"
		"23 21 0:7 / /data rw - fuse.gocryptfs /a\\134b rw\n"
		"24 20 8:9 / /x rw - xfs /dev/x rw,logdev=/dev/y,noquota\n"
		"25 20 8:9 / /y rw - xfs /dev/logdev=x rw,nologdev=/dev/y\n";
	static const struct
	{
		const char *text;
		const char *name;
	}			malformed[] = {
		{"20 1 8:1 / / rw - ext4 /dev/sda1 rw", "no newline"},
		{"\n", "empty line"},
		{"20\n", "one field"},
		{"x 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "id that is no number"},
		{"20 1 8 / / rw - ext4 /dev/sda1 rw\n", "device without a minor"},
		{"20 1 8:99999999999 / / rw - ext4 a rw\n", "minor too large"},
		{"20 1 :1 / / rw - ext4 a rw\n", "empty major"},
		{"20 1 -8:1 / / rw - ext4 a rw\n", "negative major"},
		{"99999999999999999999 1 8:1 / / rw - ext4 a rw\n", "id too large"},
		{"20 1 8:1 / data rw - ext4 a rw\n", "relative mount point"},
		{"20 1 8:1 / / rw shared:1 ext4 a rw\n", "no separator"},
		{"20 1 8:1 / / rw -\n", "nothing after the separator"},
		{"20 1 8:1 / / rw - ext4\n", "no source"},
		{"20 1 8:1 / / rw - ext4 a\n", "no options"},
		{"20 1 8:1 / /a\\04 rw - ext4 a rw\n", "short escape"},
		{"20 1 8:1 / /a\\9 rw - ext4 a rw\n", "bad escape"},
		{"20 1 8:1 / /a\\000 rw - ext4 a rw\n", "escaped zero byte"},
		{"20 1 8:1 / /a\\777 rw - ext4 a rw\n", "escape too large"},
		{"20 1 8:1 / / rw -  a rw\n", "empty type"},
		{"20  1 8:1 / / rw - ext4 a rw\n", "two spaces"},
	};
	MountEntry	entry;
	char		text[16384];
	size_t		len;

	tap_ok(look(table, "/etc", 0, &entry) == MOUNT_FOUND && strcmp(entry.fstype, "ext4") == 0 &&
	   entry.dev_major == 8 && entry.dev_minor == 1, "mount of the root");
	tap_ok(look(table, "/data/x", 0, &entry) == MOUNT_FOUND &&
	   strcmp(entry.fstype, "fuse.gocryptfs") == 0 && strcmp(entry.source, "/a\\b") == 0,
	   "the later of two mounts in one place");
	tap_ok(look(table, "/data/x", 21, &entry) == MOUNT_FOUND && strcmp(entry.fstype, "xfs") == 0,
	   "the id tells which of two mounts");
	tap_ok(look(table, "/data/x", 24, &entry) == MOUNT_FOUND && strcmp(entry.fstype, "fuse.gocryptfs") == 0,
	   "an id of a mount elsewhere is not followed");
	tap_ok(look(table, "/data/a b", 0, &entry) == MOUNT_FOUND && strcmp(entry.fstype, "tmpfs") == 0 &&
	   entry.source[0] == '\0', "escaped space, empty source");
	tap_ok(look(table, "/database", 0, &entry) == MOUNT_FOUND && strcmp(entry.fstype, "ext4") == 0,
	   "a name that only begins like a mount point");
	tap_ok(look(table, "/x", 0, &entry) == MOUNT_FOUND && entry.side_devices, "log device is seen");
	tap_ok(look(table, "/y", 0, &entry) == MOUNT_FOUND && !entry.side_devices,
	   "options that only look like a log device");
	tap_ok(look("", "/x", 0, &entry) == MOUNT_NONE, "empty table");
	tap_ok(look(table + strlen("20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"), "/etc", 0,
			&entry) == MOUNT_NONE, "no mount above the path");

	for (size_t i = 0; i < lengthof(malformed); i++)
	{
		tap_ok(look(malformed[i].text, "/data", 0, &entry) == MOUNT_MALFORMED, "malformed: %s",
		   malformed[i].name);
		snprintf(text, sizeof(text), "%s%s", table, malformed[i].text);
		if (look(text, "/etc", 0, &entry) != MOUNT_MALFORMED)
			tap_ok(false, "malformed line after good ones: %s", malformed[i].name);
	}

	len = snprintf(text, sizeof(text), "20 1 8:1 / / rw - ext4 a rw\n");
	text[4] = '\0';
	tap_ok(mountinfo_find(text, len, "/", 0, &entry) == MOUNT_MALFORMED, "zero byte in a line");

	memset(text, 'a', sizeof(text));
	memcpy(text, "20 1 8:1 / /", 12);
	memcpy(text + 9000, " rw - ext4 a rw\n", 16);
	tap_ok(mountinfo_find(text, 9016, "/", 0, &entry) == MOUNT_MALFORMED, "mount point too long");

	len = snprintf(text, sizeof(text), "20 1 0:8 / / rw - ext4 ");
	memset(text + len, '\\', 9000);
	memcpy(text + 9000, " rw\n", 4);
	tap_ok(mountinfo_find(text, 9004, "/", 0, &entry) == MOUNT_MALFORMED, "source of backslashes");
	memset(text + len, 's', 9000 - len);
	tap_ok(mountinfo_find(text, 9004, "/", 0, &entry) == MOUNT_FOUND &&
	   strlen(entry.source) == sizeof(entry.source) - 1, "long source is cut");
}

/* ---------------- fscrypt and file systems ---------------- */

static void
expect_fscrypt(const char *name, FscryptAnswer answer, const char *verdict, int grade)
{
	Evidence	evidence;
	const char *found = "none";

	if (fscrypt_judge(&answer, &evidence))
		found = evidence_verdict_name(evidence.verdict);
	tap_ok(strcmp(found, verdict) == 0 && (grade < 0 || evidence.grade == grade), "fscrypt, %s: %s",
	   name, verdict);
}

static void
test_fscrypt(void)
{
	FscryptAnswer good = {.magic = ATREST_MAGIC_EXT,.policy_version = 2,.contents_mode = 1,.key_status = 2};
	FscryptAnswer answer;

	expect_fscrypt("key present", good, "encrypted", 3);
	answer = good;
	answer.key_status = 1;
	expect_fscrypt("key absent", answer, "encrypted", 2);
	answer.key_status = 3;
	expect_fscrypt("key being removed", answer, "encrypted", 2);
	answer.key_status = 99;
	expect_fscrypt("key in a state that is not known", answer, "encrypted", 2);
	answer = good;
	answer.key_errno = EACCES;
	expect_fscrypt("key cannot be asked", answer, "encrypted", 2);
	answer = good;
	answer.policy_version = 0;
	expect_fscrypt("first version", answer, "encrypted", 3);
	answer.policy_version = 1;
	expect_fscrypt("version that does not exist", answer, "unknown", 0);
	for (int mode = 0; mode < 256; mode++)
	{
		bool		cipher = (mode == 1 || mode == 5 || mode == 7 || mode == 9);

		answer = good;
		answer.contents_mode = mode;
		if (mode < 12 || mode == 255)
			expect_fscrypt(cipher ? "contents cipher" : "mode that is no contents cipher", answer,
						   cipher ? "encrypted" : "unknown", cipher ? 3 : 0);
	}
	answer = good;
	answer.policy_errno = ENODATA;
	expect_fscrypt("attribute without a policy", answer, "unknown", 0);
	answer.policy_errno = ENOTTY;
	expect_fscrypt("attribute without the ioctl", answer, "unknown", 0);
	answer.magic = ATREST_MAGIC_OVERLAY;
	expect_fscrypt("below overlayfs", answer, "encrypted", 1);
	answer = good;
	answer.magic = ATREST_MAGIC_FUSE;
	expect_fscrypt("FUSE daemon that answers", answer, "none", -1);
	answer.magic = 0xff534d42;
	expect_fscrypt("network server that sets the attribute", answer, "none", -1);
}

/* A path with a made table of mounts. */
static void
expect_fstype(const char *name, const char *mount, EvidenceVerdict least, int most_grade)
{
	char		table[700];
	char		line[2048];
	ProbeContext context = {0};
	Evidence	evidence;

	snprintf(table, sizeof(table), "%s/mountinfo", base);
	snprintf(line, sizeof(line), "%s\n", mount);
	put(table, line);
	context.path = base;
	context.sysfs_root = root;
	context.mountinfo = table;
	tap_ok(fstype_probe_look(&context, &evidence) && evidence.verdict == least &&
	   evidence.grade <= most_grade && strlen(evidence.detail) > 10,
	   "file system, %s: %s", name, evidence.detail);
}

static void
test_fstype(void)
{
	ProbeContext context = {0};
	Evidence	evidence;

	expect_fstype("fuse.gocryptfs that is not FUSE", "900001 1 0:9 / / rw - fuse.gocryptfs x rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("ecryptfs that is not", "900001 1 0:9 / / rw - ecryptfs x rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("tmpfs", "900001 1 0:9 / / rw - tmpfs tmpfs rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("nfs4", "900001 1 0:9 / / rw - nfs4 server:/x rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("cifs", "900001 1 0:9 / / rw - cifs //server/x rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("9p", "900001 1 0:9 / / rw - 9p host rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("overlay", "900001 1 0:9 / / rw - overlay overlay rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("zfs", "900001 1 0:9 / / rw - zfs pool/crypt rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("other fuse", "900001 1 0:9 / / rw - fuse.CRYPT-LUKS2 x rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("control characters", "900001 1 0:9 / / rw - fuse.\\012x \\033[31m rw", EVIDENCE_UNKNOWN, 0);
	expect_fstype("malformed table", "900001 1 0:9 / /", EVIDENCE_UNKNOWN, 0);

	context.path = "/nonexistent/place";
	context.sysfs_root = "/sys";
	context.mountinfo = "/proc/self/mountinfo";
	atrest_probe_path(&context, &evidence);
	tap_ok(evidence.verdict == EVIDENCE_UNKNOWN && evidence.grade == 0, "a place that does not exist");
	context.path = base;
	context.mountinfo = "/nonexistent/mountinfo";
	tap_ok(fstype_probe_look(&context, &evidence) && evidence.verdict == EVIDENCE_UNKNOWN,
	   "no table of mounts");
	context.path = "/proc";
	context.mountinfo = "/proc/self/mountinfo";
	atrest_probe_path(&context, &evidence);
	tap_ok(evidence.verdict == EVIDENCE_UNKNOWN, "a real file system of another kind");
	context.path = "/proc/self/cmdline";
	atrest_probe_path(&context, &evidence);
	tap_ok(evidence.verdict == EVIDENCE_UNKNOWN, "a file instead of a directory");
}

/* On a directory with a real policy, where the fixture made one. */
static void
test_real_fscrypt(void)
{
	const char *dir = getenv("DC_FSCRYPT_DIR");
	ProbeContext context = {0};
	Evidence	evidence;

	if (dir == NULL || *dir == '\0')
	{
		tap_ok(true, "a real policy # SKIP DC_FSCRYPT_DIR is not set");
		return;
	}
	context.path = dir;
	context.sysfs_root = "/sys";
	context.mountinfo = "/proc/self/mountinfo";
	atrest_probe_path(&context, &evidence);
	tap_ok(evidence.verdict == EVIDENCE_ENCRYPTED && evidence.grade == EVIDENCE_GRADE_KERNEL_KEY &&
	   strcmp(evidence.mechanism, "fscrypt") == 0, "a real policy: %s", evidence.detail);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

int
main(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(base, sizeof(base), "%s/unit_atrest.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (mkdtemp(base) == NULL)
		give_up(base);
	test_plain_trees();
	test_encrypted_trees();
	test_loop_trees();
	test_uuids();
	test_hostile_entries();
	test_hostile_shapes();
	test_hostile_uuids();
	test_missing_parts();
	test_mountinfo();
	test_fscrypt();
	test_fstype();
	test_real_fscrypt();
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
