/*-------------------------------------------------------------------------
 *
 * unit_atrest_mounts.c
 *		Tables of mounts, fscrypt and file system types.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/atrest_probe.h"
#include "tree.h"

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

/* Tables of whole machines: bind mounts, over-mounts, duplicate ids, odd names. */
static void
test_tables(void)
{
	static const struct
	{
		const char *name;
		const char *table;
		const char *path;
		uint64		id;
		MountLookup result;
		const char *fstype;
	}			cases[] = {
		{"bind mount of a directory", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 /pg /var/lib/pg rw - xfs b rw\n",
		"/var/lib/pg/base", 0, MOUNT_FOUND, "xfs"},
		{"bind mount of a directory on itself", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /d /d rw - ext4 a rw\n3 2 0:9 / /d rw - tmpfs t rw\n",
		"/d/x", 0, MOUNT_FOUND, "tmpfs"},
		{"mount over a mount over a mount", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /d rw - xfs b rw\n3 2 0:3 / /d rw - tmpfs t rw\n4 3 0:4 / /d rw - nfs4 n rw\n",
		"/d", 0, MOUNT_FOUND, "nfs4"},
		{"a mount above that hides one below", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /d/e rw - xfs b rw\n3 1 0:3 / /d rw - tmpfs t rw\n",
		"/d/e/f", 3, MOUNT_FOUND, "tmpfs"},
		{"root mounted over", "1 0 8:1 / / rw - ext4 a rw\n2 1 0:2 / / rw - overlay o rw\n",
		"/x", 0, MOUNT_FOUND, "overlay"},
		{"one id twice", "5 0 8:1 / / rw - ext4 a rw\n5 0 8:2 / /d rw - xfs b rw\n",
		"/d/x", 5, MOUNT_FOUND, "ext4"},
		{"octal escapes of all kinds", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /a\\011b\\012c\\134d\\040e rw - xfs b rw\n",
		"/a\tb\nc\\d e/f", 0, MOUNT_FOUND, "xfs"},
		{"escaped letters are letters", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /\\144 rw - xfs b rw\n",
		"/d/f", 0, MOUNT_FOUND, "xfs"},
		{"escaped slash", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / \\057d rw - xfs b rw\n",
		"/d/f", 0, MOUNT_FOUND, "xfs"},
		{"bytes above ASCII", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /\303\244 rw - xfs b rw\n",
		"/\303\244/f", 0, MOUNT_FOUND, "xfs"},
		{"mount point with a slash at its end", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /d/ rw - xfs b rw\n",
		"/d/f", 0, MOUNT_FOUND, "xfs"},
		{"deleted mount point", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /d//deleted rw - xfs b rw\n",
		"/d/f", 0, MOUNT_FOUND, "ext4"},
		{"hyphen as a source", "1 0 8:1 / / rw - ext4 - rw\n", "/d", 0, MOUNT_FOUND, "ext4"},
		{"hyphen as a type", "1 0 8:1 / / rw - - - -\n", "/d", 0, MOUNT_FOUND, "-"},
		{"carriage returns", "1 0 8:1 / / rw - ext4 a rw\r\n", "/d", 0, MOUNT_FOUND, "ext4"},
		{"cut in the second line", "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /d rw - xf",
		"/x", 0, MOUNT_MALFORMED, NULL},
		{"cut in an escape", "1 0 8:1 / /a\\04", "/a", 0, MOUNT_MALFORMED, NULL},
		{"nothing but a newline at its end", "1 0 8:1 / / rw - ext4 a rw\n\n", "/d", 0, MOUNT_MALFORMED, NULL},
		{"tabs instead of spaces", "1\t0\t8:1\t/\t/\trw\t-\text4\ta\trw\n", "/d", 0, MOUNT_MALFORMED, NULL},
		{"root of a container that is not shown", "7 1 8:2 / /data rw - xfs b rw\n", "/etc", 0, MOUNT_NONE, NULL},
	};
	MountEntry	entry;

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		MountLookup result = look(cases[i].table, cases[i].path, cases[i].id, &entry);

		tap_ok(result == cases[i].result &&
			   (cases[i].fstype == NULL || strcmp(entry.fstype, cases[i].fstype) == 0),
			   "table of mounts, %s", cases[i].name);
		trees++;
	}
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

/* Cipher and key, which count only where there is a policy to read them from. */
static void
test_fscrypt_ciphers(void)
{
	static const struct
	{
		int			mode;
		const char *cipher;
		int			bits;
	}			cases[] = {
		{1, "AES-256-XTS", 256}, {5, "AES-128-CBC", 128}, {7, "SM4-XTS", 128}, {9, "Adiantum", 256},
		{4, "", 0}, {10, "", 0}, {200, "", 0}
	};

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		FscryptAnswer answer = {.magic = ATREST_MAGIC_EXT,.policy_version = 2,.key_status = 2};
		Evidence	evidence;

		answer.contents_mode = cases[i].mode;
		tap_ok(fscrypt_judge(&answer, &evidence) &&
			   strcmp(evidence.cipher, cases[i].cipher) == 0 && evidence.key_bits == cases[i].bits,
			   "contents mode %d: cipher \"%s\", %d bits", cases[i].mode, cases[i].cipher, cases[i].bits);
	}
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

/* What each kind of file system is worth where its magic number agrees. */
static void
test_fstype_verdicts(void)
{
	static const struct
	{
		const char *fstype;
		uint32		magic;
		unsigned int dev_major;
		EvidenceVerdict verdict;
		int			grade;
	}			cases[] = {
		{"ext4", ATREST_MAGIC_EXT, 8, EVIDENCE_PLAIN, 2},
		{"xfs", ATREST_MAGIC_XFS, 8, EVIDENCE_PLAIN, 2},
		{"f2fs", ATREST_MAGIC_F2FS, 8, EVIDENCE_PLAIN, 2},
		{"ext4", ATREST_MAGIC_XFS, 8, EVIDENCE_UNKNOWN, 0},
		{"ext4", ATREST_MAGIC_EXT, 0, EVIDENCE_UNKNOWN, 0},
		{"fuse.gocryptfs", ATREST_MAGIC_FUSE, 0, EVIDENCE_ENCRYPTED, 1},
		{"fuse.encfs", ATREST_MAGIC_FUSE, 0, EVIDENCE_ENCRYPTED, 1},
		{"fuse.gocryptfs", ATREST_MAGIC_EXT, 8, EVIDENCE_UNKNOWN, 0},
		{"fuse.gocryptfs2", ATREST_MAGIC_FUSE, 0, EVIDENCE_UNKNOWN, 0},
		{"fuse.sshfs", ATREST_MAGIC_FUSE, 0, EVIDENCE_UNKNOWN, 0},
		{"fuse", ATREST_MAGIC_FUSE, 0, EVIDENCE_UNKNOWN, 0},
		{"fuseblk", ATREST_MAGIC_FUSE, 8, EVIDENCE_UNKNOWN, 0},
		{"ecryptfs", ATREST_MAGIC_ECRYPTFS, 0, EVIDENCE_ENCRYPTED, 1},
		{"btrfs", ATREST_MAGIC_BTRFS, 0, EVIDENCE_UNKNOWN, 0},
		{"zfs", 0x2fc12fc1, 0, EVIDENCE_UNKNOWN, 0},
		{"overlay", ATREST_MAGIC_OVERLAY, 0, EVIDENCE_UNKNOWN, 0},
		{"tmpfs", 0x01021994, 0, EVIDENCE_UNKNOWN, 0},
		{"nfs", 0x6969, 0, EVIDENCE_UNKNOWN, 0},
		{"smb3", 0xfe534d42, 0, EVIDENCE_UNKNOWN, 0},
		{"ceph", ATREST_MAGIC_CEPH, 0, EVIDENCE_UNKNOWN, 0},
		{"virtiofs", ATREST_MAGIC_FUSE, 0, EVIDENCE_UNKNOWN, 0},
		{"bcachefs", 0xca451a4e, 0, EVIDENCE_UNKNOWN, 0},
	};

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		MountEntry	mount = {0};
		Evidence	evidence;

		strlcpy(mount.fstype, cases[i].fstype, sizeof(mount.fstype));
		fstype_judge(&mount, cases[i].magic, cases[i].dev_major, 1, &evidence);
		tap_ok(evidence.verdict == cases[i].verdict && evidence.grade == cases[i].grade &&
			   evidence.key_bits == 0, "%s with magic number 0x%x: %s", cases[i].fstype, cases[i].magic,
			   evidence_verdict_name(evidence.verdict));
	}
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
	   strcmp(evidence.mechanism, "fscrypt") == 0 && strcmp(evidence.cipher, "AES-256-XTS") == 0 &&
	   evidence.key_bits == 256, "a real policy: %s", evidence.detail);
}

int
main(void)
{
	begin_trees("unit_mounts");
	new_tree();
	test_mountinfo();
	test_tables();
	test_fscrypt();
	test_fscrypt_ciphers();
	test_fstype();
	test_fstype_verdicts();
	test_real_fscrypt();
	end_trees();
	return tap_done();
}
