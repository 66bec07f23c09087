/*-------------------------------------------------------------------------
 *
 * storage.c
 *		Where the files of a tablespace lie, and the evidence for that place.
 *
 * The directory that counts is the one in which relation files are or will
 * be made: that of the database below the tablespace.  Where it does not
 * exist yet, files will inherit from its nearest parent inside the
 * tablespace; a tablespace that is not there at all has no place.
 *
 * Evidence is kept per backend for a few seconds, for views that ask often.
 * Decisions always probe afresh.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "catalog/pg_tablespace.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"
#include "pg_dataclass/place.h"

#define STORAGE_CACHE_SIZE	16
#define STORAGE_CACHE_MS	5000

typedef struct StorageCacheEntry
{
	TimestampTz probed;
	Oid			tablespace;		/* InvalidOid: free */
	Evidence	evidence;
} StorageCacheEntry;

static char *guc_proc_root = NULL;

static StorageCacheEntry storage_cache[STORAGE_CACHE_SIZE];
static int	storage_cache_next = 0;

/*
 * storage_resolve
 */
char *
storage_resolve(const char *path, const char *anchor)
{
	char	   *work = psprintf("%s/%s", DataDir, path);
	size_t		least = strlen(DataDir) + 1 + strlen(anchor);
	char		resolved[PATH_MAX];

	for (;;)
	{
		char	   *slash;
		struct stat st;

		if (realpath(work, resolved) != NULL)
			return pstrdup(resolved);

		/* A dangling link leads elsewhere than its parent. */
		if (errno != ENOENT || lstat(work, &st) == 0)
			return NULL;
		slash = strrchr(work, '/');
		if (slash == NULL || (size_t) (slash - work) < least)
			return NULL;
		*slash = '\0';
	}
}

/*
 * storage_database_path
 */
char *
storage_database_path(Oid database, Oid tablespace)
{
	char	   *path;
	char	   *anchor;

	if (tablespace == GLOBALTABLESPACE_OID)
		return storage_resolve("global", "global");
	path = GetDatabasePath(database, tablespace);
	if (tablespace == DEFAULTTABLESPACE_OID)
		return storage_resolve(path, "base");
	anchor = psprintf("pg_tblspc/%u", tablespace);
	return storage_resolve(path, anchor);
}

static Oid
real_tablespace(Oid tablespace)
{
	return OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace;
}

char *
storage_place_path(Oid tablespace)
{
	return storage_database_path(MyDatabaseId, real_tablespace(tablespace));
}

char *
storage_proc_path(const char *name)
{
	return psprintf("%s/%s", guc_proc_root, name);
}

/*
 * storage_init
 */
void
storage_init(void)
{
	DefineCustomStringVariable("dataclass.proc_root",
							   "Directory where the kernel's proc is mounted, read for mounts, swap and core dumps.",
							   NULL,
							   &guc_proc_root, "/proc",
							   PGC_POSTMASTER, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

/*
 * storage_probe
 *		Probe a resolved directory; NULL is a place that was not found.
 */
void
storage_probe(const char *resolved, Evidence *evidence)
{
	ProbeContext context = {0};

	if (resolved == NULL)
	{
		evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, "none",
					 "The directory cannot be found.");
		return;
	}
	context.path = resolved;
	context.sysfs_root = guc_sysfs_root;
	context.mountinfo = storage_proc_path("self/mountinfo");
	atrest_probe_path(&context, evidence);
}

static StorageCacheEntry *
cache_find(Oid tablespace)
{
	for (int i = 0; i < STORAGE_CACHE_SIZE; i++)
	{
		if (storage_cache[i].tablespace == tablespace)
			return &storage_cache[i];
	}
	return NULL;
}

/*
 * storage_evidence_fresh
 */
void
storage_evidence_fresh(Oid tablespace, Evidence *evidence)
{
	StorageCacheEntry *entry;

	tablespace = real_tablespace(tablespace);
	*evidence = place_of_tablespace(tablespace)->evidence;

	entry = cache_find(tablespace);
	if (entry == NULL)
	{
		entry = &storage_cache[storage_cache_next];
		storage_cache_next = (storage_cache_next + 1) % STORAGE_CACHE_SIZE;
	}
	entry->tablespace = tablespace;
	entry->probed = GetCurrentTimestamp();
	entry->evidence = *evidence;
}

/*
 * storage_evidence
 */
void
storage_evidence(Oid tablespace, Evidence *evidence)
{
	StorageCacheEntry *entry = cache_find(real_tablespace(tablespace));

	if (entry == NULL ||
		TimestampDifferenceExceeds(entry->probed, GetCurrentTimestamp(), STORAGE_CACHE_MS))
	{
		storage_evidence_fresh(tablespace, evidence);
		return;
	}
	*evidence = entry->evidence;
}
