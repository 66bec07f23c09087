/*-------------------------------------------------------------------------
 *
 * unit_atrest.c
 *		The walk through sysfs, on made trees.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/sysmacros.h>

#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/sysfs_walk.h"
#include "tree.h"

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
	if (truncate(in_root("devices/dm-0/dm/uuid"), 1024L * 1024 * 1024 * 1024) != 0)
		tap_note("no sparse files here: %s", strerror(errno));
	expect("uuid of a terabyte", "unknown", 0);
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

static void
test_names(void)
{
	new_tree();
	add_device("disk \\040\033[31m%s%n\t", "8:0");
	add_dm("dm \n0", "253:0", LUKS2("a b"), "disk \\040\033[31m%s%n\t");
	expect("names with escapes and formats above a crypt device", "encrypted", 3);

	new_tree();
	add_device("disk%s%n\033", "253:0");
	expect("plain disk with such a name", "none", -1);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-1", "253:1", LUKS2("same"), "sda");
	add_dm("dm-2", "253:2", LUKS2("same"), "sda");
	add_dm("dm-0", "253:0", "LVM-x", "dm-1");
	add_slave("dm-0", "dm-2");
	expect("two mappings of one uuid", "encrypted", 3);
	put(in_root("devices/dm-2/dev"), "253:1\n");
	expect("two devices of one number, both crypt", "encrypted", 3);
	put(in_root("devices/dm-2/dm/uuid"), "LVM-x\n");
	expect("two devices of one number, one of them not", "plain", 2);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", LUKS2("a"), "sda");
	put(in_root("devices/dm-0/dev"), "253:0");
	expect("number without a newline", "encrypted", 3);
	put(in_root("devices/dm-0/dev"), "253:0 \n");
	expect("number with a space", "unknown", 0);
	put_bytes(in_root("devices/dm-0/dev"), "253:0\0\n", 7);
	expect("number with a zero byte", "unknown", 0);
	put(in_root("devices/dm-0/dev"), "253:\n");
	expect("number cut short", "unknown", 0);
	put(in_root("devices/dm-0/dev"), "");
	expect("number cut to nothing", "unknown", 0);
}

/* Root reads what is closed to others, so some verdicts need another user. */
static void
test_closed(void)
{
	if (geteuid() == 0)
	{
		tap_ok(true, "parts that may not be read # SKIP root reads all");
		return;
	}
	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-0", "253:0", LUKS2("a"), "sda");
	chmod(in_root("devices/dm-0/dm/uuid"), 0);
	expect("uuid that may not be read", "unknown", 0);
	chmod(in_root("devices/dm-0/dm/uuid"), 0644);
	chmod(in_root("devices/dm-0/slaves"), 0);
	expect("slaves of a crypt device that may not be listed", "unknown", 0);
	chmod(in_root("devices/dm-0/slaves"), 0755);
	put(in_root("devices/dm-0/dm/uuid"), "LVM-x\n");
	chmod(in_root("devices/sda"), 0);
	expect("disk that may not be entered", "unknown", 0);
	chmod(in_root("devices/sda"), 0755);
	chmod(in_root("dev/block"), 0);
	expect("numbers that may not be entered", "unknown", 0);
	chmod(in_root("dev/block"), 0755);
}

/* Layers up to the limit, and the kinds mixed. */
static void
test_nested(void)
{
	new_tree();
	add_device("nvme0n1", "259:0");
	add_partition("nvme0n1/nvme0n1p2", "259:2");
	add_device("nvme1n1", "259:10");
	add_partition("nvme1n1/nvme1n1p2", "259:12");
	add_device("md0", "9:0");
	add_slave("md0", "nvme0n1/nvme0n1p2");
	add_slave("md0", "nvme1n1/nvme1n1p2");
	add_dm("dm-1", "253:1", LUKS2("a"), "md0");
	add_dm("dm-2", "253:2", "LVM-pool_tdata", "dm-1");
	add_dm("dm-3", "253:3", "LVM-pool_tmeta", "dm-1");
	add_dm("dm-4", "253:4", "LVM-pool-tpool", "dm-2");
	add_slave("dm-4", "dm-3");
	add_dm("dm-0", "253:0", "LVM-volume", "dm-4");
	expect("thin volume on LUKS2 on md on partitions", "encrypted", 3);
	add_device("sdz", "65:144");
	add_slave("dm-4", "sdz");
	expect("the same with one plain leg", "plain", 2);

	new_tree();
	add_device("sda", "8:0");
	add_device("sdb", "8:16");
	add_dm("dm-2", "253:2", "mpath-x", "sda");
	add_slave("dm-2", "sdb");
	add_dm("dm-0", "253:0", LUKS2("a"), "dm-2");
	expect("LUKS2 on multipath", "encrypted", 3);

	new_tree();
	add_device("sda", "8:0");
	add_dm("dm-2", "253:2", LUKS2("inner"), "sda");
	add_dm("dm-0", "253:0", LUKS2("outer"), "dm-2");
	expect("LUKS2 on LUKS2", "encrypted", 3);

	new_tree();
	for (int i = 0; i < SYSFS_WALK_MAX_DEPTH; i++)
	{
		char		name[32];
		char		number[32];
		char		above[32];

		snprintf(name, sizeof(name), "dm-%d", i);
		snprintf(number, sizeof(number), "253:%d", i);
		snprintf(above, sizeof(above), "dm-%d", i - 1);
		add_dm(name, number, i == SYSFS_WALK_MAX_DEPTH - 1 ? LUKS2("x") : "LVM-x", NULL);
		if (i > 0)
			add_slave(above, name);
	}
	expect("as deep as is looked at", "encrypted", 3);

	new_tree();
	add_device("cache", "8:0");
	add_device("sda", "8:16");
	add_dm("dm-1", "253:1", LUKS2("a"), "sda");
	add_device("bcache0", "253:0");
	add_slave("bcache0", "dm-1");
	add_slave("bcache0", "cache");
	make_dirs(in_root("devices/bcache0/bcache"));
	expect("bcache with a plain cache device", "plain", 2);
}

int
main(void)
{
	begin_trees("unit_atrest");
	test_plain_trees();
	test_encrypted_trees();
	test_loop_trees();
	test_uuids();
	test_hostile_entries();
	test_hostile_shapes();
	test_hostile_uuids();
	test_missing_parts();
	test_names();
	test_closed();
	test_nested();
	tap_ok(trees >= 30, "%d made trees", trees);
	end_trees();
	return tap_done();
}
