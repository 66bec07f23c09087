/*-------------------------------------------------------------------------
 *
 * audit_lost.c
 *		How many events a database has recorded nowhere but in the server log.
 *
 * The number is kept until it is itself a record: in the queue's table of
 * databases, where the writer finds it, and in a file, so that a server that
 * stops meanwhile does not forget it.  The file is made with all its bytes when
 * a writer starts, since it is needed when the disk is full; its two images
 * take turns, so that a torn write leaves the other one.
 *
 * A crash after the number was recorded and before the file says so has it
 * recorded twice, and so has one that a base backup took along and a promotion
 * brought to life; never is it left out.  Nothing here raises.
 *
 * Lock: an LWLock, held over one write of the file, and taken before the
 * queue's lock, so that file and table change together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "storage/fd.h"
#include "storage/lwlock.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_journal_format.h"
#include "pg_dataclass/audit_queue.h"

#define LOST_FILE_MAGIC		0x44434c54	/* "DCLT" */
#define LOST_FILE_VERSION	1
#define LOST_IMAGES			2
#define LOST_IMAGE_SIZE		512		/* a sector each */

typedef struct LostImage
{
	uint32		magic;
	uint32		version;
	int64		turn;			/* the higher one counts */
	AuditLost	lost;
	uint32		crc;
	uint32		padding;
} LostImage;

static void
lost_path(char *path, Oid dbid)
{
	snprintf(path, MAXPGPATH, "%s/%s%u", AUDIT_DIRECTORY, AUDIT_LOST_PREFIX, dbid);
}

static bool
is_sound(const LostImage *image)
{
	return image->magic == LOST_FILE_MAGIC && image->version == LOST_FILE_VERSION &&
		image->crc == journal_crc32c((const uint8_t *) image, offsetof(LostImage, crc));
}

/* The last image, or one of nothing. */
static void
read_image(int fd, LostImage *last)
{
	memset(last, 0, sizeof(*last));
	for (int i = 0; i < LOST_IMAGES; i++)
	{
		LostImage	image;

		if (pg_pread(fd, &image, sizeof(image), (off_t) i * LOST_IMAGE_SIZE) == (ssize_t) sizeof(image) &&
			is_sound(&image) && image.turn > last->turn)
			*last = image;
	}
}

static bool
write_image(int fd, LostImage *image)
{
	image->magic = LOST_FILE_MAGIC;
	image->version = LOST_FILE_VERSION;
	image->turn++;
	image->padding = 0;
	image->crc = journal_crc32c((const uint8_t *) image, offsetof(LostImage, crc));
	return pg_pwrite(fd, image, sizeof(*image), (off_t) (image->turn % LOST_IMAGES) * LOST_IMAGE_SIZE) ==
		(ssize_t) sizeof(*image) && pg_fsync(fd) == 0;
}

/* -1: it cannot be had.  Both images are written where the file is new. */
static int
open_file(Oid dbid, LostImage *last)
{
	char		path[MAXPGPATH];
	int			fd;

	lost_path(path, dbid);
	fd = BasicOpenFile(path, O_RDWR | O_CREAT | PG_BINARY);
	if (fd < 0)
		return -1;
	read_image(fd, last);
	if (last->turn == 0)
	{
		bool		ok = true;

		for (int i = 0; i < LOST_IMAGES; i++)
			ok = ok && write_image(fd, last);
		if (!ok || !audit_sync_directory())
		{
			close(fd);
			return -1;
		}
	}
	return fd;
}

static void
could_not_keep(Oid dbid)
{
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not keep the number of unrecorded audit events of database %u: %m", dbid),
			 errdetail("Until it is recorded it is known to this server process alone.")));
}

void
audit_lost_prepare(Oid dbid)
{
	LostImage	image;
	int			fd;

	LWLockAcquire(&audit_queue->lost_lock, LW_EXCLUSIVE);
	fd = audit_make_directory() ? open_file(dbid, &image) : -1;
	if (fd >= 0)
		close(fd);
	LWLockRelease(&audit_queue->lost_lock);
	if (fd < 0)
		could_not_keep(dbid);
}

static void
add(AuditLost *lost, int64 n, TimestampTz now)
{
	if (n < 0)
	{
		lost->number = Max(lost->number + n, 0);
		lost->from = lost->to;
		return;
	}
	if (lost->number == 0)
		lost->from = now;
	lost->number += n;
	lost->to = now;
}

void
audit_lost_add(Oid dbid, int64 n)
{
	TimestampTz now = GetCurrentTimestamp();
	LostImage	image;
	bool		kept = false;
	int			fd;

	if (!OidIsValid(dbid))
		return;
	LWLockAcquire(&audit_queue->lost_lock, LW_EXCLUSIVE);
	fd = open_file(dbid, &image);
	if (fd >= 0)
	{
		add(&image.lost, n, now);
		kept = write_image(fd, &image);
		close(fd);
	}
	LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
	{
		AuditDatabase *db = audit_queue_database(dbid, true);

		if (db != NULL)
			add(&db->lost, n, now);
	}
	LWLockRelease(&audit_queue->lock);
	LWLockRelease(&audit_queue->lost_lock);
	if (!kept)
		could_not_keep(dbid);
}

int64
audit_lost_restore(Oid dbid)
{
	LostImage	image;
	char		path[MAXPGPATH];
	int			fd;

	lost_path(path, dbid);
	LWLockAcquire(&audit_queue->lost_lock, LW_EXCLUSIVE);
	fd = BasicOpenFile(path, O_RDONLY | PG_BINARY);
	memset(&image, 0, sizeof(image));
	if (fd >= 0)
	{
		read_image(fd, &image);
		close(fd);
	}
	if (image.lost.number > 0)
	{
		AuditDatabase *db;

		LWLockAcquire(&audit_queue->lock, LW_EXCLUSIVE);
		db = audit_queue_database(dbid, true);
		/* after a restart of the launcher alone the table knows what the file could not be told */
		if (db != NULL && db->lost.number < image.lost.number)
			db->lost = image.lost;
		LWLockRelease(&audit_queue->lock);
	}
	LWLockRelease(&audit_queue->lost_lock);
	return image.lost.number;
}

void
audit_lost_retire(Oid dbid)
{
	char		path[MAXPGPATH];

	lost_path(path, dbid);
	if (unlink(path) != 0)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", path)));
}
