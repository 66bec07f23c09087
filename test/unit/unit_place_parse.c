/*-------------------------------------------------------------------------
 *
 * unit_place_parse.c
 *		Parsers of swap tables, core patterns and archive commands.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/place_parse.h"
#include "tap.h"

#define SWAP_HEADER "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* Names of all areas, one after another with a comma; "!" for a table that is none. */
static const char *
swap_names(const char *text, size_t len)
{
	static char out[8192];
	static SwapArea area;
	size_t		pos = 0;

	out[0] = '\0';
	for (;;)
	{
		switch (swaps_next(text, len, &pos, &area))
		{
			case SWAP_END:
				return out;
			case SWAP_MALFORMED:
				return "!";
			case SWAP_AREA:
				snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s%s",
						 out[0] ? "," : "", area.is_file ? "file:" : "", area.name);
				break;
		}
	}
}

static void
test_swaps(void)
{
	static const struct
	{
		const char *text;
		const char *names;
	}			cases[] = {
		{SWAP_HEADER, ""},
		{SWAP_HEADER "/dev/dm-1                               partition\t8388604\t\t0\t\t-2\n", "/dev/dm-1"},
		{SWAP_HEADER "/swap\\040file file 1 0 5\n/dev/sda2 partition 1 0 -3\n", "file:/swap file,/dev/sda2"},
		{SWAP_HEADER "/a\\040(deleted) file 1 0 5\n", "file:/a (deleted)"},
		{SWAP_HEADER "/a\\134b file 1 0 5\n", "file:/a\\b"},
		{"", "!"},
		{"Filename Type Size Used\n", "!"},
		{"Filename Type Size Used Priority More\n", "!"},
		{"/dev/sda2 partition 1 0 -3\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition 1 0 -3", "!"},
		{SWAP_HEADER "\n", "!"},
		{SWAP_HEADER "/dev/sda2\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition 1 0\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition 1 0 -3 x\n", "!"},
		{SWAP_HEADER "/dev/sda2 disk 1 0 -3\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition -1 0 -3\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition 1 0 --3\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition 1 0 -\n", "!"},
		{SWAP_HEADER "/dev/sda2 partition 111111111111111111111 0 1\n", "!"},
		{SWAP_HEADER "dev/sda2 partition 1 0 -3\n", "!"},
		{SWAP_HEADER "/a\\04 file 1 0 5\n", "!"},
		{SWAP_HEADER "/a\\000 file 1 0 5\n", "!"},
		{SWAP_HEADER "/a\\777 file 1 0 5\n", "!"},
		{SWAP_HEADER "/a\\49x file 1 0 5\n", "!"},
		{SWAP_HEADER "/ok file 1 0 5\nbad\n", "!"},
	};
	static char text[16384];
	size_t		len;

	for (size_t i = 0; i < lengthof(cases); i++)
		tap_ok(strcmp(swap_names(cases[i].text, strlen(cases[i].text)), cases[i].names) == 0,
			   "swaps %d: %s", (int) i, cases[i].names);

	len = snprintf(text, sizeof(text), "%s/a file 1 0 5\n", SWAP_HEADER);
	text[len - 4] = '\0';
	tap_ok(strcmp(swap_names(text, len), "!") == 0, "swaps: zero byte");
	len = snprintf(text, sizeof(text), "%s/", SWAP_HEADER);
	memset(text + len, 'a', 9000);
	memcpy(text + len + 9000, " file 1 0 5\n", 12);
	tap_ok(strcmp(swap_names(text, len + 9012), "!") == 0, "swaps: name too long");
}

static void
test_core(void)
{
	static const struct
	{
		const char *text;
		CoreTarget	target;
		const char *dir;
	}			cases[] = {
		{"core\n", CORE_DIRECTORY, ""},
		{"core.%p", CORE_DIRECTORY, ""},
		{"\n", CORE_DIRECTORY, ""},
		{"", CORE_DIRECTORY, ""},
		{"/var/crash/core.%e.%p\n", CORE_DIRECTORY, "/var/crash"},
		{"/core\n", CORE_DIRECTORY, "/"},
		{"dumps/core.%p\n", CORE_DIRECTORY, "dumps"},
		{"/var/crash/\n", CORE_DIRECTORY, "/var/crash"},
		{"|/usr/lib/systemd/systemd-coredump %P %u\n", CORE_PROGRAM, ""},
		{"|\n", CORE_PROGRAM, ""},
		{"@/run/coredump.socket\n", CORE_PROGRAM, ""},
		{"@@/run/coredump.socket\n", CORE_PROGRAM, ""},
		{"/var/crash/%u/core\n", CORE_UNKNOWN, ""},
		{"%h/core\n", CORE_UNKNOWN, ""},
		{" |/bin/x\n", CORE_UNKNOWN, NULL},
		{"core\nmore\n", CORE_UNKNOWN, ""},
		{"core\033\n", CORE_UNKNOWN, ""},
	};
	char		dir[PLACE_PARSE_PATH];
	char		small[8];
	char		text[300];

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		CoreTarget	target = core_pattern_target(cases[i].text, strlen(cases[i].text), dir, sizeof(dir));

		/* A bar that is not the first byte is part of a relative name, as for the kernel. */
		if (cases[i].dir == NULL)
			tap_ok(target == CORE_DIRECTORY && strcmp(dir, " |/bin") == 0, "core pattern: a bar further on");
		else
			tap_ok(target == cases[i].target && strcmp(dir, cases[i].dir) == 0,
				   "core pattern %d: \"%s\"", (int) i, cases[i].dir);
	}
	tap_ok(core_pattern_target("a\0b", 3, dir, sizeof(dir)) == CORE_UNKNOWN, "core pattern: zero byte");
	memset(text, 'a', sizeof(text));
	tap_ok(core_pattern_target(text, sizeof(text), dir, sizeof(dir)) == CORE_UNKNOWN, "core pattern: too long");
	tap_ok(core_pattern_target("/12345678/core", 14, small, sizeof(small)) == CORE_UNKNOWN, "core pattern: no room");
}

static void
test_archive(void)
{
	static const struct
	{
		const char *command;
		const char *dir;		/* "?" unknown, "" nowhere */
	}			cases[] = {
		{"", ""},
		{"  ", ""},
		{"/bin/true", ""},
		{"true", ""},
		{"cp %p /mnt/arch/%f", "/mnt/arch"},
		{"/bin/cp %p /mnt/arch/%f", "/mnt/arch"},
		{"cp \"%p\" \"/mnt/arch dir/%f\"", "/mnt/arch dir"},
		{"cp '%p' '/mnt/arch/'%f", "/mnt/arch"},
		{"cp %p /mnt/a\\ b/%f", "/mnt/a b"},
		{"test ! -f /mnt/server/archivedir/%f && cp %p /mnt/server/archivedir/%f", "/mnt/server/archivedir"},
		{"[ ! -f /mnt/arch/%f ] && cp %p /mnt/arch/%f", "/mnt/arch"},
		{"! test -f /mnt/arch/%f && cp %p /mnt/arch/%f", "/mnt/arch"},
		{"mkdir -p /mnt/arch && cp -p %p /mnt/arch/%f && sync /mnt/arch/%f", "/mnt/arch"},
		{"cp -i %p /mnt/arch/%f < /dev/null", "/mnt/arch"},
		{"cp --no-clobber %p /mnt/arch/%f", "/mnt/arch"},
		{"cp %p /mnt/arch/", "/mnt/arch"},
		{"cp %p /mnt/arch", "/mnt/arch"},
		{"cp %p /%f", "/"},
		{"cp %p ../archive/%f", "../archive"},
		{"cp %p %f", "."},
		{"cp %p /mnt/100%%/%f", "/mnt/100%"},
		{"gzip < %p > /mnt/arch/%f.gz", "/mnt/arch"},
		{"gzip -c %p > '/mnt/arch/%f.gz'", "/mnt/arch"},
		{"dd if=%p of=/mnt/arch/%f bs=1M", "/mnt/arch"},
		{"rsync -a %p /mnt/arch/%f", "/mnt/arch"},
		{"rsync -a %p standby:/mnt/arch/%f", "?"},
		{"scp %p standby:/mnt/arch/%f", "?"},
		{"ssh standby 'cat > /x' < %p", "?"},
		{"wal-g wal-push %p", "?"},
		{"pgbackrest --stanza=main archive-push %p", "?"},
		{"envdir /etc/wal-e.d/env wal-e wal-push %p", "?"},
		{"/usr/local/sbin/archive.sh %p %f", "?"},
		{"/home/x/cp %p /mnt/arch/%f", "?"},
		{"cp %p /mnt/a/%f && cp %p /mnt/b/%f", "?"},
		{"cp %p /mnt/a/%f && wal-g wal-push %p", "?"},
		{"cp %p /mnt/a/%f || true", "?"},
		{"cp %p /mnt/a/%f ; true", "?"},
		{"cp %p /mnt/a/%f & true", "?"},
		{"cp %p /mnt/a/%f | tee x", "?"},
		{"cp %p $ARCHIVE/%f", "?"},
		{"cp %p \"$ARCHIVE/%f\"", "?"},
		{"cp %p `cat x`/%f", "?"},
		{"cp %p ~/arch/%f", "?"},
		{"cp %p /mnt/*/%f", "?"},
		{"cp %p /mnt/[ab]/%f", "?"},
		{"cp %p /mnt/{a,b}/%f", "?"},
		{"cp %p /mnt/a/%f\ncp %p /mnt/b/%f", "?"},
		{"cp %p /mnt/a/%f # comment", "?"},
		{"cp %p /mnt/%f/%f", "?"},
		{"cp %p /mnt/%p", "?"},
		{"cp %p /mnt/arch/%x", "?"},
		{"cp %p /mnt/arch/%", "?"},
		{"cp -t /mnt/arch %p", "?"},
		{"cp --target-directory=/mnt/arch %p", "?"},
		{"cp -s %p /mnt/arch/%f", "?"},
		{"cp /etc/passwd /mnt/arch/%f", "?"},
		{"cp %p", "?"},
		{"cp %p ''", "?"},
		{"cp %p /a/%f /b", "?"},
		{"cp %p /mnt/arch/%f > /x", "?"},
		{"cp %p /mnt/arch/%f >> /x", "?"},
		{"cp %p '/mnt/arch/%f", "?"},
		{"cp %p \"/mnt/arch/%f", "?"},
		{"cp %p \"/mnt/a\\b/%f\"", "?"},
		{"cp %p /mnt/arch/%f\\", "?"},
		{"cp %p /mnt/arch/%f <", "?"},
		{"cp %p /mnt/arch/%f &&", "?"},
		{"&& cp %p /mnt/arch/%f", "?"},
		{"(cp %p /mnt/arch/%f)", "?"},
		{"X=1 cp %p /mnt/arch/%f", "?"},
		{"cd /mnt && cp %p %f", "?"},
		{"gzip %p", "?"},
		{"zstd -o /mnt/%f %p > /x/%f", "?"},
		{"dd if=%p of=/a/%f of=/b/%f", "?"},
		{"! cp %p /mnt/arch/%f", "?"},
		{"!", "?"},
	};
	char		dir[PLACE_PARSE_PATH];
	static char command[5000];

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		const char *why = NULL;
		const char *found = "?";

		switch (archive_command_target(cases[i].command, dir, sizeof(dir), &why))
		{
			case ARCHIVE_NOWHERE:
				found = "";
				break;
			case ARCHIVE_LOCAL:
				found = dir;
				break;
			case ARCHIVE_UNKNOWN:
				tap_ok(dir[0] == '\0' && why != NULL && strlen(why) > 10, "a reason is given");
				break;
		}
		tap_ok(strcmp(found, cases[i].dir) == 0, "archive command %d: \"%s\"", (int) i, cases[i].dir);
		if (strcmp(found, cases[i].dir) != 0)
			tap_note("%s: found \"%s\"", cases[i].command, found);
	}
	memset(command, 'a', sizeof(command) - 1);
	memcpy(command, "cp %p /", 7);
	{
		const char *why;

		tap_ok(archive_command_target(command, dir, sizeof(dir), &why) == ARCHIVE_UNKNOWN, "archive command: too long");
		tap_ok(archive_command_target("cp %p /12345678/%f", dir, 8, &why) == ARCHIVE_UNKNOWN, "archive command: no room");
	}
}

int
main(void)
{
	test_swaps();
	test_core();
	test_archive();
	return tap_done();
}
