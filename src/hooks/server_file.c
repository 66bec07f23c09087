/*-------------------------------------------------------------------------
 *
 * server_file.c
 *		Is a file one of the server's own: data, configuration, who is let in?
 *
 * Whoever can write there can switch enforcement off, plant trust anchors, or
 * overwrite what labels protect.  Links are followed; what cannot be resolved
 * counts as the server's, unless it is not there at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <limits.h>

#include "common/relpath.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/policy.h"

static bool
lies_below(const char *resolved, const char *directory)
{
	char		root[PATH_MAX];

	return directory != NULL && directory[0] != '\0' && realpath(directory, root) != NULL &&
		path_is_prefix_of_path(root, resolved);
}

/* The directory of a configuration file that may lie elsewhere. */
static bool
lies_beside(const char *resolved, const char *file)
{
	char		directory[MAXPGPATH];

	if (file == NULL)
		return false;
	strlcpy(directory, file, sizeof(directory));
	get_parent_directory(directory);
	return lies_below(resolved, directory);
}

/*
 * server_file_is_own
 */
bool
server_file_is_own(const char *filename)
{
	char		resolved[PATH_MAX];
	char		directory[MAXPGPATH];

	if (!is_absolute_path(filename))
		return true;
	if (realpath(filename, resolved) == NULL)
	{
		if (errno != ENOENT)
			return true;
		strlcpy(directory, filename, sizeof(directory));
		get_parent_directory(directory);
		if (realpath(directory, resolved) == NULL)
			return errno != ENOENT;
	}
	return lies_below(resolved, DataDir) || lies_below(resolved, "pg_wal") ||
		strstr(resolved, "/" TABLESPACE_VERSION_DIRECTORY) != NULL ||
		lies_beside(resolved, ConfigFileName) || lies_beside(resolved, HbaFileName) ||
		lies_beside(resolved, IdentFileName) || lies_below(resolved, guc_trust_anchors);
}
