/*-------------------------------------------------------------------------
 *
 * replay_main.c
 *		Runs a fuzz target over files, without libFuzzer.  Prints TAP.
 *
 *		fuzz_NAME DIRECTORY-OR-FILE ...
 *
 * Each file is run in a child, so that a crash is one failed assertion and the
 * rest still runs.
 *
 *-------------------------------------------------------------------------
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int	count = 0;
static int	failed = 0;

/* The whole file, in a block of exactly its size. */
static uint8_t *
read_file(const char *path, size_t *size)
{
	FILE	   *file = fopen(path, "rb");
	struct stat st;
	uint8_t    *data;

	if (file == NULL || fstat(fileno(file), &st) != 0)
	{
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	*size = (size_t) st.st_size;
	data = malloc(*size > 0 ? *size : 1);
	if (data == NULL || fread(data, 1, *size, file) != *size)
	{
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	fclose(file);
	return data;
}

static void
replay_file(const char *path)
{
	int			status = 0;
	pid_t		child;

	fflush(stdout);
	child = fork();
	if (child < 0)
	{
		printf("Bail out! cannot fork\n");
		exit(1);
	}
	if (child == 0)
	{
		size_t		size;
		uint8_t    *data = read_file(path, &size);

		LLVMFuzzerTestOneInput(data, size);
		free(data);
		/* exit, not _exit: the leak check runs there */
		exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		failed++;
	printf("%sok %d - %s\n", status == 0 ? "" : "not ", ++count, path);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
replay(const char *path)
{
	struct stat st;
	struct dirent **entries;
	int			n;

	if (stat(path, &st) != 0)
	{
		printf("Bail out! no %s\n", path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode))
	{
		replay_file(path);
		return;
	}
	n = scandir(path, &entries, is_visible, alphasort);
	for (int i = 0; i < n; i++)
	{
		char		file[4096];

		if ((size_t) snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) < sizeof(file))
			replay(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (count == 0)
	{
		printf("Bail out! no file to replay\n");
		return 1;
	}
	printf("1..%d\n", count);
	return failed == 0 ? 0 : 1;
}
