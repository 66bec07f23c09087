/*-------------------------------------------------------------------------
 *
 * audit_file.c
 *		Files of the audit layer below the data directory, and the head files.
 *
 * Nothing here raises: what cannot be done is logged and reported by value,
 * because the callers record on behalf of statements that fail anyway.
 *
 * A head file holds the last record of a trail that was certainly committed:
 * written after the commit, it can lag behind the table but never be ahead of
 * it.  A table that ends before its head file was rewound below SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/file_perm.h"
#include "nodes/pg_list.h"
#include "storage/fd.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/audit_journal_format.h"

#define HEAD_FILE_MAGIC		0x44434844	/* "DCHD" */
#define HEAD_FILE_VERSION	1
#define HEAD_FILE_SLOTS		2
#define HEAD_FILE_SLOT_SIZE 512	/* a sector each */

typedef struct HeadFileImage
{
	uint32		magic;
	uint32		version;
	uint64		system_identifier;
	int64		seq;
	uint8		hash[AUDIT_HASH_SIZE];
	uint32		crc;
	uint32		padding;
} HeadFileImage;

bool
audit_make_directory(void)
{
	if (MakePGDirectory(AUDIT_DIRECTORY) == 0)
		return true;
	if (errno == EEXIST)
		return true;
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not create directory \"%s\": %m", AUDIT_DIRECTORY)));
	return false;
}

bool
audit_sync_directory(void)
{
	int			fd = BasicOpenFile(AUDIT_DIRECTORY, O_RDONLY | PG_BINARY);
	bool		ok;

	if (fd < 0)
		return false;
	ok = pg_fsync(fd) == 0;
	close(fd);
	return ok;
}

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t		n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (n == 0)
				errno = ENOSPC;
			return false;
		}
		data += n;
		len -= n;
	}
	return true;
}

bool
audit_write_file(const char *name, const void *data, size_t len, bool sync)
{
	char		path[MAXPGPATH];
	char		temp[MAXPGPATH];
	int			fd;

	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, name);
	snprintf(temp, sizeof(temp), "%s/tmp-%s", AUDIT_DIRECTORY, name);
	fd = BasicOpenFile(temp, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	if (fd < 0 && errno == ENOENT && audit_make_directory())
		fd = BasicOpenFile(temp, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	if (fd >= 0)
	{
		if (write_all(fd, data, len) && (!sync || pg_fsync(fd) == 0))
		{
			close(fd);
			if (rename(temp, path) == 0 && (!sync || audit_sync_directory()))
				return true;
		}
		else
		{
			int			save_errno = errno;

			close(fd);
			errno = save_errno;
		}
	}
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not write file \"%s\": %m", path)));
	unlink(temp);
	return false;
}

ssize_t
audit_read_file(const char *name, void *data, size_t size)
{
	char		path[MAXPGPATH];
	ssize_t		n;
	int			fd;

	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, name);
	fd = BasicOpenFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return -1;
	n = read(fd, data, size);
	close(fd);
	return n;
}

static void
head_file_path(char *path, const char *prefix, Oid dbid)
{
	snprintf(path, MAXPGPATH, "%s/%s-%u", AUDIT_DIRECTORY, prefix, dbid);
}

static bool
head_image_sound(const HeadFileImage *image)
{
	return image->magic == HEAD_FILE_MAGIC && image->version == HEAD_FILE_VERSION &&
		image->crc == journal_crc32c((const uint8_t *) image, offsetof(HeadFileImage, crc));
}

/* The later one of the two images that is sound. */
bool
audit_head_read(const char *prefix, Oid dbid, AuditHeadFile *head)
{
	char		path[MAXPGPATH];
	HeadFileImage image[HEAD_FILE_SLOTS];
	const HeadFileImage *best = NULL;
	int			fd;

	memset(image, 0, sizeof(image));
	head_file_path(path, prefix, dbid);
	fd = BasicOpenFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return false;
	for (int i = 0; i < HEAD_FILE_SLOTS; i++)
	{
		if (pg_pread(fd, &image[i], sizeof(HeadFileImage), (off_t) i * HEAD_FILE_SLOT_SIZE) ==
			(ssize_t) sizeof(HeadFileImage) && head_image_sound(&image[i]) &&
			(best == NULL || image[i].seq > best->seq))
			best = &image[i];
	}
	close(fd);
	if (best == NULL)
		return false;
	head->system_identifier = best->system_identifier;
	head->seq = best->seq;
	memcpy(head->hash, best->hash, AUDIT_HASH_SIZE);
	return true;
}

/*
 * Called by the writer of the database alone, after each commit: the file
 * stays open, and the two images take turns so that a torn write leaves the
 * other one.  Without sync the file may lag behind after a crash of the
 * machine, which is allowed.
 */
void
audit_head_write(Oid dbid, const AuditHeadFile *head, bool sync)
{
	static int	fd = -1;
	static int	slot = 0;
	char		path[MAXPGPATH];
	HeadFileImage image;

	memset(&image, 0, sizeof(image));
	image.magic = HEAD_FILE_MAGIC;
	image.version = HEAD_FILE_VERSION;
	image.system_identifier = head->system_identifier;
	image.seq = head->seq;
	memcpy(image.hash, head->hash, AUDIT_HASH_SIZE);
	image.crc = journal_crc32c((const uint8_t *) &image, offsetof(HeadFileImage, crc));

	head_file_path(path, "head", dbid);
	if (fd < 0)
	{
		if (!audit_make_directory())
			return;
		fd = BasicOpenFile(path, O_WRONLY | O_CREAT | PG_BINARY);
		sync = true;
	}
	slot = (slot + 1) % HEAD_FILE_SLOTS;
	if (fd < 0 ||
		pg_pwrite(fd, &image, sizeof(image), (off_t) slot * HEAD_FILE_SLOT_SIZE) != (ssize_t) sizeof(image) ||
		(sync && (pg_fsync(fd) != 0 || !audit_sync_directory())))
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", path)));
}

/* The trail of this database is gone: keep what its head file said under another name. */
void
audit_head_retire(Oid dbid, const char *prefix)
{
	char		path[MAXPGPATH];
	char		kept[MAXPGPATH];

	head_file_path(path, "head", dbid);
	head_file_path(kept, prefix, dbid);
	if (rename(path, kept) == 0)
		(void) audit_sync_directory();
	else if (errno != ENOENT)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not rename file \"%s\" to \"%s\": %m", path, kept)));
}

/* "<prefix><oid>" or "<prefix><oid>-...": the oid; InvalidOid if the name is another. */
Oid
audit_file_database(const char *name, const char *prefix)
{
	size_t		prefix_len = strlen(prefix);
	unsigned long oid;
	char	   *end;

	if (strncmp(name, prefix, prefix_len) != 0 ||
		name[prefix_len] < '0' || name[prefix_len] > '9')
		return InvalidOid;
	errno = 0;
	oid = strtoul(name + prefix_len, &end, 10);
	if (errno != 0 || oid > PG_UINT32_MAX || (*end != '\0' && *end != '-'))
		return InvalidOid;
	return (Oid) oid;
}

static int
compare_paths(const ListCell *a, const ListCell *b)
{
	return strcmp((const char *) lfirst(a), (const char *) lfirst(b));
}

/* Names of the directory that start with prefix and belong to the database; sorted. */
List *
audit_files(const char *prefix, Oid dbid)
{
	DIR		   *dir = opendir(AUDIT_DIRECTORY);
	struct dirent *entry;
	List	   *names = NIL;

	if (dir == NULL)
		return NIL;
	while ((entry = readdir(dir)) != NULL)
	{
		Oid			owner = audit_file_database(entry->d_name, prefix);

		if (OidIsValid(owner) && (!OidIsValid(dbid) || owner == dbid))
			names = lappend(names, pstrdup(entry->d_name));
	}
	closedir(dir);
	list_sort(names, compare_paths);
	return names;
}

List *
audit_databases(void)
{
	List	   *oids = NIL;
	ListCell   *lc;

	foreach(lc, audit_files("head-", InvalidOid))
		oids = list_append_unique_oid(oids, audit_file_database(lfirst(lc), "head-"));
	return oids;
}
