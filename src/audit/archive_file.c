/*-------------------------------------------------------------------------
 *
 * archive_file.c
 *		Files that ranges of the trail are moved to.
 *
 * Owns dataclass.archive_directory and how a file comes to stand there: under
 * a temporary name that must be new, mode 0600, flushed, read back, then under
 * its own name, and the directory flushed.  A name holds one content for ever:
 * a file that is there already with other bytes is another history of the same
 * trail, and evidence.
 *
 * A crash leaves at most a temporary file, which the next attempt removes, or
 * a whole one that no row names, which the next attempt finds to be the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cryptohash.h"
#include "common/file_perm.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/archive.h"

#define READ_SIZE	65536

char	   *guc_archive_directory;

/* Empty, it would be the root of the file system. */
static bool
check_directory(char **newval, void **extra, GucSource source)
{
	return *newval != NULL && (*newval)[0] != '\0';
}

void
archive_init(void)
{
	DefineCustomStringVariable("dataclass.archive_directory",
							   "Sets the directory for ranges of the audit trail that are archived.",
							   "Relative to the data directory.",
							   &guc_archive_directory, AUDIT_DIRECTORY "/archive",
							   PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE, check_directory, NULL, NULL);
}

static void
make_path(char *path, const char *prefix, const char *name)
{
	if (snprintf(path, MAXPGPATH, "%s/%s%s", guc_archive_directory, prefix, name) >= MAXPGPATH)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("dataclass.archive_directory is too long")));
}

static void
file_error(const char *path, const char *what)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", what, path),
			 errhint("See the setting dataclass.archive_directory.")));
}

static struct pg_cryptohash_ctx *
sha256_begin(void)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL || pg_cryptohash_init(context) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of an archive")));
	return context;
}

static void
sha256_add(pg_cryptohash_ctx *context, const char *data, size_t len)
{
	if (pg_cryptohash_update(context, (const uint8 *) data, len) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of an archive")));
}

static void
sha256_end(pg_cryptohash_ctx *context, uint8 *hash)
{
	if (pg_cryptohash_final(context, hash, AUDIT_HASH_SIZE) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the hash of an archive")));
	pg_cryptohash_free(context);
}

/* Whoever can write a directory can take evidence out of it. */
static void
check_mode(void)
{
	struct stat st;

	if (stat(guc_archive_directory, &st) != 0)
		file_error(guc_archive_directory, "look at");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("directory \"%s\" can be written by group or others", guc_archive_directory),
				 errhint("Remove these permissions with chmod go-w, or set dataclass.archive_directory to another directory.")));
}

void
archive_write_open(ArchiveWriter *writer, const char *name)
{
	if (strcmp(guc_archive_directory, AUDIT_DIRECTORY "/archive") == 0)
		(void) audit_make_directory();
	if (MakePGDirectory(guc_archive_directory) != 0 && errno != EEXIST)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create directory \"%s\": %m", guc_archive_directory),
				 errhint("See the setting dataclass.archive_directory.")));
	check_mode();
	make_path(writer->path, "tmp-", name);
	if (unlink(writer->path) != 0 && errno != ENOENT)
		file_error(writer->path, "remove");
	writer->fd = OpenTransientFilePerm(writer->path, O_WRONLY | O_CREAT | O_EXCL | PG_BINARY, S_IRUSR | S_IWUSR);
	if (writer->fd < 0)
		file_error(writer->path, "create");
	writer->bytes = 0;
	writer->sha256 = sha256_begin();
}

void
archive_write(ArchiveWriter *writer, const char *data, size_t len)
{
	sha256_add(writer->sha256, data, len);
	writer->bytes += len;
	while (len > 0)
	{
		ssize_t		n;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		n = write(writer->fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			file_error(writer->path, "write");
		}
		data += n;
		len -= n;
	}
}

void
archive_write_line(ArchiveWriter *writer, const char *line, size_t len)
{
	archive_write(writer, line, len);
	archive_write(writer, "\n", 1);
}

/* Hash of a file as it is read now; false: there is none. */
static bool
hash_file(const char *path, int64 *bytes, uint8 *sha256)
{
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	char	   *buffer;
	pg_cryptohash_ctx *context;
	ssize_t		n;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		file_error(path, "open");
	buffer = palloc(READ_SIZE);
	context = sha256_begin();
	*bytes = 0;
	while ((n = read(fd, buffer, READ_SIZE)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		sha256_add(context, buffer, n);
		*bytes += n;
	}
	if (n < 0)
		file_error(path, "read");
	sha256_end(context, sha256);
	CloseTransientFile(fd);
	pfree(buffer);
	return true;
}

static void
check_written(const ArchiveWriter *writer, const uint8 *sha256)
{
	uint8		found[AUDIT_HASH_SIZE];
	int64		bytes;

	if (!hash_file(writer->path, &bytes, found) || bytes != writer->bytes ||
		memcmp(found, sha256, AUDIT_HASH_SIZE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("file \"%s\" does not hold what was written to it", writer->path)));
}

void
archive_write_close(ArchiveWriter *writer, const char *name, bool replace, uint8 *sha256)
{
	char		path[MAXPGPATH];
	uint8		found[AUDIT_HASH_SIZE];
	int64		bytes;

	make_path(path, "", name);
	sha256_end(writer->sha256, sha256);
	if (pg_fsync(writer->fd) != 0)
		file_error(writer->path, "flush");
	if (CloseTransientFile(writer->fd) != 0)
		file_error(writer->path, "close");
	check_written(writer, sha256);
	if (!replace && hash_file(path, &bytes, found) && memcmp(found, sha256, AUDIT_HASH_SIZE) != 0)
	{
		unlink(writer->path);
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FILE),
				 errmsg("file \"%s\" is there already and holds something else", path),
				 errdetail("The trail has had other records of these numbers, or somebody changed the file."),
				 errhint("Keep the file for the inquiry: move it to another directory, then archive again.")));
	}
	(void) durable_rename(writer->path, path, ERROR);
}

void
archive_write_abandon(ArchiveWriter *writer)
{
	pg_cryptohash_free(writer->sha256);
	CloseTransientFile(writer->fd);
	unlink(writer->path);
}

/* Lines of what is in the buffer; *have: bytes of a line that goes on. */
static const char *
take_lines(char *buffer, size_t *have, archive_line_type work, void *arg)
{
	size_t		at = 0;
	char	   *newline;

	while ((newline = memchr(buffer + at, '\n', *have - at)) != NULL)
	{
		if (!work(buffer + at, newline - (buffer + at), arg))
			return "";
		at = newline + 1 - buffer;
	}
	*have -= at;
	memmove(buffer, buffer + at, *have);
	return *have > TRAIL_LINE_MAX ? "a line is too long" : NULL;
}

/* What work said no to is for the caller to tell: the result is empty then. */
const char *
archive_read(const char *name, int64 *bytes, uint8 *sha256, archive_line_type work, void *arg)
{
	char		path[MAXPGPATH];
	char	   *buffer = palloc(READ_SIZE + TRAIL_LINE_MAX);
	const char *error = NULL;
	size_t		have = 0;
	ssize_t		n = 0;
	pg_cryptohash_ctx *context;
	int			fd;

	/* a row may say anything once enforcement was off */
	if (strncmp(name, "trail-", 6) != 0 || strchr(name, '/') != NULL)
		return "the name is not that of an archive";
	make_path(path, "", name);
	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return psprintf("the file cannot be opened: %s", strerror(errno));
	context = sha256_begin();
	*bytes = 0;
	while (error == NULL && (n = read(fd, buffer + have, READ_SIZE)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		sha256_add(context, buffer + have, n);
		*bytes += n;
		have += n;
		error = take_lines(buffer, &have, work, arg);
	}
	if (error == NULL && n < 0)
		error = psprintf("the file cannot be read: %s", strerror(errno));
	if (error == NULL && have > 0)
		error = "the last line breaks off";
	sha256_end(context, sha256);
	CloseTransientFile(fd);
	pfree(buffer);
	return error;
}
