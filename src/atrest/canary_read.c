/*-------------------------------------------------------------------------
 *
 * canary_read.c
 *		The bytes of files as the file system has them, and the files that a
 *		canary proof makes for itself.
 *
 * Paths come from the server's own bookkeeping, never from a caller.  Files
 * are opened by plain system calls, below whatever encrypts in the server.
 * What cannot be read is no error but a proof that fails: the reason is
 * handed back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_tablespace.h"
#include "commands/tablespace.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "storage/fd.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/canary.h"

#define READ_BYTES			(64 * 1024)
#define MAX_TEMP_TABLESPACES	64

/* A spill file is written in blocks: as many bytes stay behind in memory at most. */
#define SPILL_PASSES		8

static const char *
why_not(const char *what)
{
	return psprintf("The file could not be %s: %s.", what, strerror(errno));
}

/* Still the file of that name?  Segments of the log are renamed when they are used again. */
static bool
is_same_file(int fd, const char *path)
{
	struct stat opened;
	struct stat named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
		opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool
canary_read(CanarySearch *search, const char *path, uint64 offset, uint64 length, const char **detail)
{
	unsigned char *buffer;
	uint64		done = 0;
	bool		whole = false;
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);

	if (fd < 0)
	{
		*detail = why_not("opened");
		return false;
	}
	buffer = palloc(READ_BYTES);
	canary_search_break(search);
	for (;;)
	{
		size_t		want = length == 0 ? READ_BYTES : Min((uint64) READ_BYTES, length - done);
		ssize_t		got = want == 0 ? 0 : pg_pread(fd, buffer, want, (off_t) (offset + done));

		CHECK_FOR_INTERRUPTS();
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			*detail = why_not("read");
		if (got <= 0)
		{
			whole = got == 0;
			break;
		}
		canary_search_feed(search, buffer, got);
		done += got;
	}
	if (whole && (done == 0 || done < length))
	{
		*detail = "The file is shorter than it has to be.";
		whole = false;
	}
	if (whole && !is_same_file(fd, path))
	{
		*detail = "The file was replaced while it was read.";
		whole = false;
	}
	pfree(buffer);
	CloseTransientFile(fd);
	return whole;
}

static bool
write_file(const char *path, const unsigned char *bytes, size_t len, const char **detail)
{
	int			fd = OpenTransientFile(path, O_WRONLY | O_CREAT | O_EXCL | PG_BINARY);
	bool		written;

	if (fd < 0)
	{
		*detail = why_not("made");
		return false;
	}
	errno = 0;
	written = write(fd, bytes, len) == (ssize_t) len;
	if (!written && errno == 0)
		errno = ENOSPC;
	if (!written)
		*detail = why_not("written");
	CloseTransientFile(fd);
	return written;
}

/*
 * The name makes it one of the temporary files that the server removes when
 * it starts, should we not come to it.
 */
bool
canary_control(Oid tablespace, CanaryPlace *place)
{
	/* odd, so that the marker lies across the parts in which files are read */
	static const size_t lead = READ_BYTES - CANARY_NEEDLE_BYTES / 2;
	char		directory[MAXPGPATH];
	const char *path;
	unsigned char *bytes = palloc0(lead + CANARY_NEEDLE_BYTES);
	CanaryNeedle needles[2] = {0};
	CanarySearch *search = palloc(sizeof(CanarySearch));
	bool		works = false;

	if (!pg_strong_random(needles, sizeof(needles)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random marker")));
	memcpy(bytes + lead, needles[0].bytes, CANARY_NEEDLE_BYTES);
	canary_search_init(search, needles, 2);
	TempTablespacePath(directory, tablespace);
	path = psprintf("%s/%s%d.canary", directory, PG_TEMP_FILE_PREFIX, MyProcPid);
	place->path = path;
	place->markers = 1;
	place->bytes_due = CANARY_NEEDLE_BYTES;

	/* made on demand, as core does */
	(void) MakePGDirectory(directory);
	(void) unlink(path);
	if (write_file(path, bytes, lead + CANARY_NEEDLE_BYTES, &place->detail))
	{
		PG_TRY();
		{
			place->readable = canary_read(search, path, 0, 0, &place->detail);
		}
		PG_FINALLY();
		{
			(void) unlink(path);
		}
		PG_END_TRY();
	}
	place->bytes_read = search->bytes;
	place->found = needles[0].found;
	works = place->readable && needles[0].found && !needles[1].found;
	if (works)
		place->detail = "A marker in a plain file was found, one that is nowhere was not: the search works.";
	else if (place->readable)
		place->detail = "The search does not work: nothing that follows proves anything.";
	pfree(bytes);
	pfree(search);
	return works;
}

/* Temporary files of this process, full paths. */
static List *
own_temporary_files(void)
{
	char		prefix[64];
	char		directory[MAXPGPATH];
	Oid			spaces[MAX_TEMP_TABLESPACES + 2];
	int			nspaces = GetTempTablespaces(spaces, MAX_TEMP_TABLESPACES);
	List	   *files = NIL;

	snprintf(prefix, sizeof(prefix), "%s%d.", PG_TEMP_FILE_PREFIX, MyProcPid);
	spaces[nspaces++] = DEFAULTTABLESPACE_OID;
	spaces[nspaces++] = MyDatabaseTableSpace;
	for (int i = 0; i < nspaces; i++)
	{
		DIR		   *dir;
		struct dirent *entry;

		TempTablespacePath(directory, OidIsValid(spaces[i]) ? spaces[i] : MyDatabaseTableSpace);
		dir = AllocateDir(directory);
		if (dir == NULL)
			continue;
		while ((entry = ReadDirExtended(dir, directory, LOG)) != NULL)
			if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
				files = lappend(files, psprintf("%s/%s", directory, entry->d_name));
		FreeDir(dir);
	}
	return files;
}

static bool
names_file(List *files, const char *path)
{
	ListCell   *cell;

	foreach(cell, files)
		if (strcmp((const char *) lfirst(cell), path) == 0)
			return true;
	return false;
}

void
canary_spill(CanarySearch *search, const unsigned char *marker, size_t len, CanaryPlace *place)
{
	List	   *before;
	BufFile    *file;
	ListCell   *cell;

	PrepareTempTablespaces();
	before = own_temporary_files();
	file = BufFileCreateTemp(false);
	for (int i = 0; i < SPILL_PASSES; i++)
		BufFileWrite(file, (void *) marker, len);
	place->markers = 1;
	place->bytes_due = (SPILL_PASSES - 1) * (uint64) len;
	place->detail = "No file of this process was found where temporary files belong.";
	foreach(cell, own_temporary_files())
	{
		const char *path = (const char *) lfirst(cell);

		if (names_file(before, path))
			continue;
		place->path = path;
		place->detail = NULL;
		place->readable = canary_read(search, path, 0, 0, &place->detail);
		break;
	}
	place->bytes_read = search->bytes;
	BufFileClose(file);
}
