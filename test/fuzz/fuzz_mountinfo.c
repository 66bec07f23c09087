/*-------------------------------------------------------------------------
 *
 * fuzz_mountinfo.c
 *		Fuzz target of the parser of mountinfo: any bytes as a table of mounts.
 *
 * The first line is the path that is looked for, the rest is the table.
 *
 * LINK: src/atrest/atrest_mountinfo.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/atrest_probe.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Look in a copy without anything behind it, so that a sanitizer sees every step too far. */
static MountLookup
find_exact(const char *table, size_t len, const char *path, uint64 id, MountEntry *entry)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	MountLookup result;

	memcpy(copy, table, len);
	result = mountinfo_find(copy, len, path, id, entry);
	free(copy);
	return result;
}

static void
check_entry(const MountEntry *entry, const char *path)
{
	size_t		len = strnlen(entry->mount_point, sizeof(entry->mount_point));

	FUZZ_CHECK(len > 0 && len < sizeof(entry->mount_point) && entry->mount_point[0] == '/');
	FUZZ_CHECK(strnlen(entry->fstype, sizeof(entry->fstype)) < sizeof(entry->fstype));
	FUZZ_CHECK(entry->fstype[0] != '\0');
	FUZZ_CHECK(strnlen(entry->source, sizeof(entry->source)) < sizeof(entry->source));

	/* The path lies on it: nothing but a boundary follows the common part. */
	while (len > 1 && entry->mount_point[len - 1] == '/')
		len--;
	FUZZ_CHECK(len == 1 || strncmp(path, entry->mount_point, len) == 0);
	FUZZ_CHECK(len == 1 || path[len] == '\0' || path[len] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
	const char *table;
	size_t		len;
	char		path[256];
	MountEntry	entry;
	MountEntry	again;
	MountLookup result;
	char	   *longer;

	if (newline == NULL || (size_t) (newline - text) >= sizeof(path))
		return 0;
	memcpy(path, text, newline - text);
	path[newline - text] = '\0';
	table = newline + 1;
	len = size - (table - text);

	result = find_exact(table, len, path, 0, &entry);
	if (result == MOUNT_FOUND)
	{
		check_entry(&entry, path);

		/* Its own id finds it or one that stands above it with the same id. */
		FUZZ_CHECK(find_exact(table, len, path, entry.id, &again) == MOUNT_FOUND);
		check_entry(&again, path);
		FUZZ_CHECK(entry.id == 0 || again.id == entry.id);
	}

	/* Nothing is concluded from a table with one bad line, and one more mount wins. */
	longer = malloc(len + 64);
	memcpy(longer, table, len);
	memcpy(longer + len, "\nbad\n", 5);
	FUZZ_CHECK(find_exact(longer, len + 5, path, 0, &again) == MOUNT_MALFORMED);
	if (result != MOUNT_MALFORMED && path[0] == '/')
	{
		static const char line[] = "7 1 0:99 / / rw - zzz src rw\n";

		memcpy(longer + len, line, sizeof(line) - 1);
		FUZZ_CHECK(find_exact(longer, len + sizeof(line) - 1, path, 0, &again) == MOUNT_FOUND);
		if (result == MOUNT_NONE)
			FUZZ_CHECK(strcmp(again.fstype, "zzz") == 0 && again.dev_minor == 99);
	}
	free(longer);
	return 0;
}
