/*-------------------------------------------------------------------------
 *
 * fuzz_archive_command.c
 *		Fuzz target of the reader of archive commands: any text as a command.
 *
 * LINK: src/atrest/place_archive.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/place_parse.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ArchiveTarget
target_of(const char *command, char *dir, size_t size)
{
	const char *why = NULL;
	ArchiveTarget target = archive_command_target(command, dir, size, &why);

	FUZZ_CHECK(why != NULL && strnlen(dir, size) < size);
	FUZZ_CHECK((target == ARCHIVE_LOCAL) == (dir[0] != '\0'));
	FUZZ_CHECK(target != ARCHIVE_UNKNOWN || strlen(why) > 10);
	return target;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *command = malloc(size + 64);
	char		dir[PLACE_PARSE_PATH];
	char		again[PLACE_PARSE_PATH];
	ArchiveTarget target;

	memcpy(command, data, size);
	command[size] = '\0';
	target = target_of(command, dir, sizeof(dir));

	/* Whatever the shell expands is not understood. */
	if (target == ARCHIVE_LOCAL)
	{
		FUZZ_CHECK(strchr(command, '`') == NULL || strchr(command, '\'') != NULL || strchr(command, '\\') != NULL);
		FUZZ_CHECK(strstr(command, "||") == NULL || strpbrk(command, "'\"\\") != NULL);
	}

	/* A harmless part behind changes nothing, a second copy all. */
	if (strlen(command) < 1500)
	{
		size_t		len = strlen(command);

		strcpy(command + len, " && true");
		if (target == ARCHIVE_LOCAL)
			FUZZ_CHECK(target_of(command, again, sizeof(again)) == ARCHIVE_LOCAL && strcmp(dir, again) == 0);
		strcpy(command + len, " && cp %p /elsewhere/%f");
		if (target == ARCHIVE_LOCAL)
			FUZZ_CHECK(target_of(command, again, sizeof(again)) == ARCHIVE_UNKNOWN);
		strcpy(command + len, " ; cp %p /elsewhere/%f");
		FUZZ_CHECK(target_of(command, again, sizeof(again)) != ARCHIVE_LOCAL ||
				   strpbrk(command, "'\"") != NULL);
	}
	free(command);
	return 0;
}
