/*-------------------------------------------------------------------------
 *
 * audit_journal.c
 *		Where events go when no writer takes them: files below the data
 *		directory, flushed before the client hears of the denial.
 *
 * A journal file is only ever appended to by the server that created it, since
 * its start: the current file of each database is known in shared memory
 * alone.  After a restart, and after anything that went wrong, appends go to a
 * new file, so that a torn tail never ends up inside of a file.  Files have
 * names that sort by age and are removed by the import (audit_import.c), which
 * seals the current one first.
 *
 * The journal lock is held over one append and its flush.
 *
 * Journals, damaged and orphaned ones too, may take
 * dataclass.journal_size_limit together; what would go beyond is not written,
 * which counts as failing.  Their size is counted from time to time, and what
 * is appended is added in between.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/stat.h"

#define JOURNAL_MAX_DATABASES	64
#define JOURNAL_SEAL_SIZE		(16 * 1024 * 1024)
#define JOURNAL_COUNT_AGE		10000	/* ms that a count is believed */

typedef struct CurrentJournal
{
	Oid			dbid;			/* InvalidOid: unused */
	off_t		offset;
	uint8		link[AUDIT_HASH_SIZE];
	char		name[64];
} CurrentJournal;

typedef struct JournalShared
{
	int			tranche;
	LWLock		lock;
	int			next_victim;
	int64		bytes;			/* of all journals */
	TimestampTz counted_at;		/* 0: count again */
	CurrentJournal current[JOURNAL_MAX_DATABASES];
} JournalShared;

static JournalShared *journal = NULL;

/* Frames are built here: no allocation on the way to the disk. */
static uint8 *frame_buffer = NULL;
#define FRAME_BUFFER_SIZE	(64 * 1024)

Size
audit_journal_shmem_size(void)
{
	return MAXALIGN(sizeof(JournalShared));
}

void
audit_journal_shmem_init(void)
{
	bool		found;

	journal = ShmemInitStruct("pg_dataclass audit journal", audit_journal_shmem_size(), &found);
	if (!found)
	{
		memset(journal, 0, sizeof(JournalShared));
		journal->tranche = LWLockNewTrancheId();
		LWLockInitialize(&journal->lock, journal->tranche);
	}
	LWLockRegisterTranche(journal->tranche, "pg_dataclass_audit_journal");
	/* Inherited by every backend. */
	if (frame_buffer == NULL)
		frame_buffer = malloc(FRAME_BUFFER_SIZE);
	if (frame_buffer == NULL)
		ereport(FATAL,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
}

/* The lock is held. */
static CurrentJournal *
current_of(Oid dbid)
{
	for (int i = 0; i < JOURNAL_MAX_DATABASES; i++)
	{
		if (journal->current[i].dbid == dbid)
			return &journal->current[i];
	}
	return NULL;
}

/* Create a file and write its header; the lock is held.  Returns an open file or -1. */
static int
create_journal(Oid dbid, CurrentJournal **current)
{
	JournalHeader header;
	uint8		bytes[JOURNAL_HEADER_SIZE];
	char		path[MAXPGPATH];
	CurrentJournal *fresh = current_of(InvalidOid);
	int			fd;

	header.database = dbid;
	header.created = audit_unix_time(GetCurrentTimestamp());
	header.system_identifier = GetSystemIdentifier();
	if (!pg_strong_random(header.id, sizeof(header.id)))
		return -1;

	/* Forgetting one seals it, nothing more. */
	if (fresh == NULL)
	{
		fresh = &journal->current[journal->next_victim];
		journal->next_victim = (journal->next_victim + 1) % JOURNAL_MAX_DATABASES;
	}
	fresh->dbid = InvalidOid;
	if (!journal_header_encode(&header, bytes, fresh->link))
		return -1;
	snprintf(fresh->name, sizeof(fresh->name), "journal-%u-" "%016llx" "-%02x%02x%02x%02x",
			 dbid, (unsigned long long) header.created,
			 header.id[0], header.id[1], header.id[2], header.id[3]);
	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, fresh->name);
	fd = BasicOpenFile(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | PG_BINARY);
	if (fd < 0 && errno == ENOENT && audit_make_directory())
		fd = BasicOpenFile(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | PG_BINARY);
	if (fd < 0)
		return -1;
	errno = 0;
	if (write(fd, bytes, sizeof(bytes)) != (ssize_t) sizeof(bytes) || !audit_sync_directory())
	{
		int			save_errno = errno ? errno : ENOSPC;

		close(fd);
		unlink(path);
		errno = save_errno;
		return -1;
	}
	fresh->dbid = dbid;
	fresh->offset = sizeof(bytes);
	*current = fresh;
	return fd;
}

static int
open_journal(CurrentJournal *current)
{
	char		path[MAXPGPATH];
	struct stat st;
	int			fd;

	snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, current->name);
	fd = BasicOpenFile(path, O_WRONLY | O_APPEND | PG_BINARY);
	if (fd < 0)
		return -1;
	/* Somebody else touched it: leave it alone. */
	if (fstat(fd, &st) != 0 || st.st_size != current->offset)
	{
		close(fd);
		return -1;
	}
	return fd;
}

/* Write frames for all payloads; the lock is held. */
static bool
append_frames(int fd, CurrentJournal *current, const AuditPayload *payloads, const JournalReason *reasons, int n)
{
	int			at = 0;

	while (at < n)
	{
		size_t		len = 0;
		ssize_t		written;

		for (; at < n && FRAME_BUFFER_SIZE - len >= JOURNAL_FRAME_MAX; at++)
		{
			size_t		frame = journal_frame_encode(payloads[at].data, payloads[at].len, reasons[at], current->link,
													 frame_buffer + len, FRAME_BUFFER_SIZE - len);

			if (frame == 0)
			{
				errno = EINVAL;
				return false;
			}
			len += frame;
		}
		errno = 0;
		written = write(fd, frame_buffer, len);
		if (written != (ssize_t) len)
		{
			if (errno == 0)
				errno = ENOSPC;
			return false;
		}
		current->offset += len;
	}
	return true;
}

/* Bytes of all journals in the directory; -1 if it cannot be read.  No lock is held. */
static int64
count_bytes(void)
{
	DIR		   *dir = opendir(AUDIT_DIRECTORY);
	struct dirent *entry;
	int64		bytes = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((entry = readdir(dir)) != NULL)
	{
		char		path[MAXPGPATH];
		struct stat st;

		if (strstr(entry->d_name, "journal-") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", AUDIT_DIRECTORY, entry->d_name);
		if (lstat(path, &st) == 0)
			bytes += st.st_size;
	}
	closedir(dir);
	return bytes;
}

/* See that the count is fresh; a directory that cannot be read leaves the old one. */
static void
freshen_count(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz counted_at;
	int64		bytes;

	LWLockAcquire(&journal->lock, LW_EXCLUSIVE);
	counted_at = journal->counted_at;
	if (counted_at == 0 || TimestampDifferenceExceeds(counted_at, now, JOURNAL_COUNT_AGE))
		journal->counted_at = now;	/* others need not do the same */
	else
		counted_at = -1;
	LWLockRelease(&journal->lock);
	if (counted_at == -1)
		return;

	bytes = count_bytes();
	LWLockAcquire(&journal->lock, LW_EXCLUSIVE);
	if (bytes >= 0)
		journal->bytes = bytes;
	LWLockRelease(&journal->lock);
}

void
audit_journal_recount(void)
{
	LWLockAcquire(&journal->lock, LW_EXCLUSIVE);
	journal->counted_at = 0;
	LWLockRelease(&journal->lock);
}

int64
audit_journal_bytes(void)
{
	int64		bytes;

	freshen_count();
	LWLockAcquire(&journal->lock, LW_SHARED);
	bytes = journal->bytes;
	LWLockRelease(&journal->lock);
	return bytes;
}

static bool
within_limit(const AuditPayload *payloads, int n, int64 *bytes)
{
	int64		limit = guc_journal_size_limit * INT64CONST(1024);

	*bytes = 0;
	for (int i = 0; i < n; i++)
		*bytes += JOURNAL_FRAME_OVERHEAD + payloads[i].len;
	if (limit == 0)
		return true;
	audit_limit_note(LIMIT_JOURNAL, (int) Min(100, 100 * (journal->bytes + *bytes) / limit));
	return journal->bytes + *bytes <= limit;
}

bool
audit_journal_append(Oid dbid, const AuditPayload *payloads, int n)
{
	JournalReason direct[AUDIT_BATCH_MAX] = {JOURNAL_DIRECT};

	Assert(n <= AUDIT_BATCH_MAX);
	return audit_journal_keep(dbid, payloads, direct, n);
}

bool
audit_journal_keep(Oid dbid, const AuditPayload *payloads, const JournalReason *reasons, int n)
{
	CurrentJournal *current;
	int			fd;
	int			save_errno = 0;
	off_t		written = 0;
	int64		bytes;
	bool		ok = false;

	if (n == 0)
		return true;
	freshen_count();
	LWLockAcquire(&journal->lock, LW_EXCLUSIVE);
	if (!within_limit(payloads, n, &bytes))
	{
		LWLockRelease(&journal->lock);
		ereport(LOG,
				(errcode(ERRCODE_DISK_FULL),
				 errmsg("audit journals have reached dataclass.journal_size_limit"),
				 errdetail("No event is added to the journal of database %u.", dbid),
				 errhint("See what keeps the writer from importing them, or increase dataclass.journal_size_limit.")));
		return false;
	}
	current = current_of(dbid);
	fd = current ? open_journal(current) : -1;
	if (fd < 0)
	{
		if (current)
			current->dbid = InvalidOid;
		fd = create_journal(dbid, &current);
		save_errno = errno;
	}
	if (fd >= 0)
	{
		off_t		start = current->offset;

		ok = append_frames(fd, current, payloads, reasons, n);
		if (!ok)
		{
			/* What was partly written must not look like a record of something. */
			save_errno = errno;
			if (ftruncate(fd, start) != 0)
				save_errno = errno;
		}
		else if (pg_fdatasync(fd) != 0)
		{
			save_errno = errno;
			ok = false;
		}
		written = current->offset - start;
		close(fd);
		if (ok)
			journal->bytes += bytes;
		if (!ok || current->offset > JOURNAL_SEAL_SIZE)
			current->dbid = InvalidOid;
	}
	LWLockRelease(&journal->lock);

	if (ok)
	{
		stat_add(STAT_JOURNALED, n);
		stat_add(STAT_JOURNAL_BYTES, written);
	}
	else
	{
		errno = save_errno;
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write the audit journal of database %u: %m", dbid)));
	}
	return ok;
}

void
audit_journal_seal(Oid dbid)
{
	CurrentJournal *current;

	LWLockAcquire(&journal->lock, LW_EXCLUSIVE);
	current = current_of(dbid);
	if (current)
		current->dbid = InvalidOid;
	LWLockRelease(&journal->lock);
}
