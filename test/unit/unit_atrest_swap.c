/*-------------------------------------------------------------------------
 *
 * unit_atrest_swap.c
 *		Swap areas on made trees.  Prints TAP.
 *
 * Names of devices are ones that no machine has, so that they are found in
 * the made tree alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/sysmacros.h>

#include "pg_dataclass/atrest_probe.h"
#include "tree.h"

static void
expect_swap(const char *name, const char *area, bool is_file, const char *verdict, int grade)
{
	ProbeContext context = {0};
	Evidence	evidence;
	const char *found = "memory";

	memset(&evidence, 0x7f, sizeof(evidence));
	context.sysfs_root = root;
	context.mountinfo = "/proc/self/mountinfo";
	if (swap_probe_look(&context, area, is_file, &evidence))
		found = evidence_verdict_name(evidence.verdict);
	tap_ok(strcmp(found, verdict) == 0 && (grade < 0 || evidence.grade == grade), "%s: %s", name, verdict);
	if (strcmp(found, verdict) != 0)
		tap_note("found %s: %s", found, evidence.detail);
}

/* The kernel's list of names. */
static void
add_name(const char *name)
{
	char		target[256];

	make_dirs(in_root("class/block"));
	snprintf(target, sizeof(target), "../../devices/%s", name);
	add_link(target, in_root("class/block/%s", name));
}

static void
test_devices(void)
{
	new_tree();
	add_device("dcplain9", "8:0");
	add_dm("dm-99999", "253:0", "CRYPT-PLAIN-swap", "dcplain9");
	add_name("dcplain9");
	add_name("dm-99999");
	expect_swap("swap on a crypt device", "/dev/dm-99999", false, "encrypted", 3);
	expect_swap("swap on a plain disk", "/dev/dcplain9", false, "plain", 2);
	expect_swap("swap on a device that is not there", "/dev/dcgone9", false, "unknown", 0);
	expect_swap("swap on a deleted name", "/dev/dm-99999 (deleted)", false, "unknown", 0);
	expect_swap("name that leaves the list", "/dev/../dm-99999", false, "unknown", 0);
	expect_swap("name of the list itself", "/dev/.", false, "unknown", 0);
	expect_swap("name without a device", "/dev/", false, "unknown", 0);
	expect_swap("a file that is called a device", "/etc/passwd", false, "unknown", 0);

	put(in_root("devices/dcplain9/dev"), "253:0\n");
	expect_swap("name with the number of a crypt device", "/dev/dcplain9", false, "encrypted", 3);
	put(in_root("devices/dcplain9/dev"), "253\n");
	expect_swap("number that is none", "/dev/dcplain9", false, "unknown", 0);
}

static void
test_zram(void)
{
	new_tree();
	add_device("zram99999", "252:0");
	add_name("zram99999");
	expect_swap("zram that does not say where it writes", "/dev/zram99999", false, "unknown", 0);
	put(in_root("devices/zram99999/backing_dev"), "none\n");
	expect_swap("zram without a device behind it", "/dev/zram99999", false, "memory", -1);
	put(in_root("devices/zram99999/backing_dev"), "/dev/dcback9\n");
	expect_swap("zram with a device that is not there", "/dev/zram99999", false, "unknown", 0);
	add_device("sda", "8:0");
	add_dm("dcback9", "253:0", LUKS2("a"), "sda");
	add_name("dcback9");
	expect_swap("zram with a crypt device behind it", "/dev/zram99999", false, "encrypted", 3);
	put(in_root("devices/dcback9/dm/uuid"), "LVM-x\n");
	expect_swap("zram with a plain device behind it", "/dev/zram99999", false, "plain", 2);
	put(in_root("devices/zram99999/backing_dev"), "nonesuch\n");
	expect_swap("zram with a relative name behind it", "/dev/zram99999", false, "unknown", 0);
	put(in_root("devices/zram99999/dev"), "252:0\n\n");
	expect_swap("zram with a number of two lines", "/dev/zram99999", false, "unknown", 0);

	new_tree();
	add_device("zramdisk", "252:0");
	add_name("zramdisk");
	expect_swap("a disk that only begins like zram", "/dev/zramdisk", false, "plain", 2);
}

static void
test_files(void)
{
	char		file[700];
	char		number[32];
	struct stat st;

	snprintf(file, sizeof(file), "%s/swapfile", base);
	put(file, "x");
	if (stat(file, &st) != 0)
		give_up(file);
	snprintf(number, sizeof(number), "%u:%u", major(st.st_dev), minor(st.st_dev));

	/* What lies below this machine's directory is made; its file system is real. */
	new_tree();
	add_device("sda", "8:250");
	add_dm("dm-1", number, "CRYPT-INTEGRITY-x", "sda");
	expect_swap("swap file", file, true,
				major(st.st_dev) == 0 ? "unknown" : "plain", -1);
	expect_swap("swap file that is not there", "/nonexistent/swapfile", true, "unknown", 0);
	expect_swap("swap file that is a directory", base, true, "unknown", 0);
	expect_swap("swap file that was deleted", "/swapfile (deleted)", true, "unknown", 0);
	expect_swap("swap file that is a device", "/dev/null", true, "unknown", 0);
}

/* What fscrypt encrypts in a file does not hold for swap in it. */
static void
test_encrypted_directory(void)
{
	const char *dir = getenv("DC_FSCRYPT_DIR");
	ProbeContext context = {0};
	Evidence	evidence;
	char		file[1024];

	if (dir == NULL || *dir == '\0')
	{
		tap_ok(true, "swap file in an encrypted directory # SKIP DC_FSCRYPT_DIR is not set");
		return;
	}
	snprintf(file, sizeof(file), "%s/unit_swapfile", dir);
	put(file, "x");
	context.sysfs_root = "/sys";
	context.mountinfo = "/proc/self/mountinfo";
	tap_ok(swap_probe_look(&context, file, true, &evidence) &&
		   evidence.verdict != EVIDENCE_ENCRYPTED, "swap file in an encrypted directory: %s",
		   evidence.detail);
	unlink(file);
}

int
main(void)
{
	begin_trees("unit_swap");
	test_devices();
	test_zram();
	test_files();
	test_encrypted_directory();
	end_trees();
	return tap_done();
}
