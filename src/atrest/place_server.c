/*-------------------------------------------------------------------------
 *
 * place_server.c
 *		Where the server and the machine put data outside of its files.
 *
 * The server log, the archive, swap and core dumps.  Owns the way from the
 * settings and from /proc to a place; the texts are parsed by place_proc.c and
 * place_archive.c.  A destination that cannot be told is a place with
 * unknown evidence; one that does not exist (no swap, no archive) is none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/syslogger.h"
#include "utils/elog.h"
#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/place_parse.h"

#define PROC_FILE_MAX	(64 * 1024)

/* A place of which only the reason is known why nothing is known. */
static Place *
unknown_place(PlaceKind kind, const char *name, const char *why)
{
	Evidence	evidence;

	evidence_set(&evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, "none", "%s", why);
	return place_make(kind, InvalidOid, name, NULL, &evidence);
}

/* A directory, relative to the data directory or not; a file stands for its directory. */
static char *
resolve_directory(const char *path)
{
	char		resolved[PATH_MAX];
	struct stat st;
	char	   *slash;

	if (!is_absolute_path(path))
		path = psprintf("%s/%s", DataDir, path);
	if (realpath(path, resolved) == NULL || stat(resolved, &st) != 0)
		return NULL;
	if (S_ISREG(st.st_mode) && (slash = strrchr(resolved, '/')) != NULL)
		slash[slash == resolved ? 1 : 0] = '\0';
	return pstrdup(resolved);
}

/*
 * A small file below /proc, palloc'd; NULL if it cannot be read whole.  A
 * made tree may hold anything, so it is opened without waiting.
 */
static char *
read_proc(const char *name, size_t *len)
{
	char	   *text = palloc(PROC_FILE_MAX + 1);
	int			fd = open(storage_proc_path(name), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t		got = -1;

	*len = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
	{
		while (*len <= PROC_FILE_MAX)
		{
			got = read(fd, text + *len, PROC_FILE_MAX + 1 - *len);
			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				break;
			*len += (size_t) got;
		}
	}
	close(fd);
	return got == 0 && *len <= PROC_FILE_MAX ? text : NULL;
}

/*
 * places_of_log
 *		What was logged before logging_collector was switched off is there too.
 */
List *
places_of_log(void)
{
	List	   *places = NIL;
	char	   *directory = resolve_directory(Log_directory);

	if (Logging_collector || directory != NULL)
		places = lappend(places, place_make(PLACE_LOG, InvalidOid, "log directory", directory, NULL));
	if ((Log_destination & LOG_DESTINATION_SYSLOG) != 0)
		places = lappend(places,
						 unknown_place(PLACE_LOG, "syslog",
									   "The server log goes to syslog, which keeps it where the server cannot see."));
	if ((Log_destination & LOG_DESTINATION_STDERR) != 0 && !Logging_collector)
		places = lappend(places,
						 unknown_place(PLACE_LOG, "standard error",
									   "The server log goes to standard error, and logging_collector is off: who started the server decides where it is kept."));
	return places;
}

/*
 * places_of_archive
 *		A library goes before a command, as in the archiver.
 */
List *
places_of_archive(void)
{
	const char *library = GetConfigOption("archive_library", true, false);
	const char *directory;
	char		target[PLACE_PARSE_PATH];
	const char *why;

	if (XLogArchiveMode == ARCHIVE_MODE_OFF)
		return NIL;
	if (library != NULL && library[0] != '\0')
	{
		directory = GetConfigOption("basic_archive.archive_directory", true, false);
		if (strcmp(library, "basic_archive") != 0)
			return list_make1(unknown_place(PLACE_ARCHIVE, "archive",
											"The setting archive_library names a library whose destination cannot be told."));
		if (directory == NULL || directory[0] == '\0')
			return NIL;
		return list_make1(place_make(PLACE_ARCHIVE, InvalidOid, "archive",
									 resolve_directory(directory), NULL));
	}
	if (XLogArchiveCommand == NULL)
		return NIL;
	switch (archive_command_target(XLogArchiveCommand, target, sizeof(target), &why))
	{
		case ARCHIVE_NOWHERE:
			break;
		case ARCHIVE_LOCAL:
			return list_make1(place_make(PLACE_ARCHIVE, InvalidOid, "archive",
										 resolve_directory(target), NULL));
		case ARCHIVE_UNKNOWN:
			return list_make1(unknown_place(PLACE_ARCHIVE, "archive",
											psprintf("The destination of archive_command cannot be told. %s",
													 why)));
	}
	return NIL;
}

static Place *
place_of_area(const SwapArea *area)
{
	ProbeContext context = {0};
	Evidence	evidence;
	char	   *name = palloc(strlen(area->name) + 1);

	context.path = area->name;
	context.sysfs_root = guc_sysfs_root;
	context.mountinfo = storage_proc_path("self/mountinfo");
	if (!swap_probe_look(&context, area->name, area->is_file, &evidence))
		return NULL;
	atrest_printable(name, strlen(area->name) + 1, area->name);
	return place_make(PLACE_SWAP, InvalidOid, psprintf("swap (%s)", name), name, &evidence);
}

/*
 * places_of_swap
 */
List *
places_of_swap(void)
{
	List	   *places = NIL;
	size_t		len;
	size_t		pos = 0;
	char	   *text = read_proc("swaps", &len);
	SwapArea   *area = palloc(sizeof(SwapArea));

	while (text != NULL)
	{
		Place	   *place;

		switch (swaps_next(text, len, &pos, area))
		{
			case SWAP_END:
				return places;
			case SWAP_AREA:
				place = place_of_area(area);
				if (place != NULL)
					places = lappend(places, place);
				break;
			case SWAP_MALFORMED:
				text = NULL;
				break;
		}
	}
	return list_make1(unknown_place(PLACE_SWAP, "swap",
									"The table of swap areas cannot be read."));
}

/*
 * places_of_core
 *
 * This process has the limit of the postmaster: no SQL can change it.  It
 * holds for files alone; a program gets its core whatever the limit is.
 */
List *
places_of_core(void)
{
	char		directory[PLACE_PARSE_PATH];
	size_t		len;
	char	   *text = read_proc("sys/kernel/core_pattern", &len);
	struct rlimit limit;
	bool		written;

	if (text == NULL)
		return list_make1(unknown_place(PLACE_CORE, "core dumps",
										"The pattern of core dumps cannot be read."));
	written = getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0;
	switch (core_pattern_target(text, len, directory, sizeof(directory)))
	{
		case CORE_DIRECTORY:
			if (!written)
				return NIL;
			return list_make1(place_make(PLACE_CORE, InvalidOid, "core dumps",
										 resolve_directory(directory[0] ? directory : "."), NULL));
		case CORE_PROGRAM:
			return list_make1(unknown_place(PLACE_CORE, "core dumps",
											"The kernel hands core dumps to a program, which keeps them where the server cannot see."));
		case CORE_UNKNOWN:
			break;
	}
	return list_make1(unknown_place(PLACE_CORE, "core dumps",
									"The directory of core dumps cannot be told from the kernel's pattern."));
}
