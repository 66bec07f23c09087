/*-------------------------------------------------------------------------
 *
 * profile_shipped.c
 *		The profiles that come with the extension, as files beside its script.
 *
 * Names are checked strictly: no name leads out of that folder.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"

#define SUFFIX		".json"

PG_FUNCTION_INFO_V1(dc_shipped_profile);
PG_FUNCTION_INFO_V1(dc_shipped_profiles);

static char *
profile_folder(void)
{
	char		share[MAXPGPATH];

	get_share_path(my_exec_path, share);
	return psprintf("%s/extension", share);
}

/* Contents, NULL where there is no such file; raises for what cannot be read. */
static char *
read_profile_file(const char *name)
{
	char	   *path = psprintf("%s/%s%s", profile_folder(), name, SUFFIX);
	char	   *text;
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	struct stat st;
	size_t		n;

	if (file == NULL)
	{
		if (errno == ENOENT)
			return NULL;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	}
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > PROFILE_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("file \"%s\" is no policy profile", path)));
	text = palloc(st.st_size + 1);
	n = fread(text, 1, st.st_size, file);
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	FreeFile(file);
	text[n] = '\0';
	if (strlen(text) != n)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is no policy profile", path)));
	return pg_any_to_server(text, n, PG_UTF8);
}

char *
profile_shipped(const char *name)
{
	char	   *text;

	if (!profile_is_word(name, PROFILE_WORD_HOSTING))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name of a shipped profile"),
				 errhint("See the names: SELECT name FROM dataclass.shipped_profiles().")));
	text = read_profile_file(name);
	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no shipped profile \"%s\"", name),
				 errhint("See the names: SELECT name FROM dataclass.shipped_profiles().")));
	return text;
}

Datum
dc_shipped_profile(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(profile_shipped(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Files that are named as profiles are; whether they are is up to who reads them. */
static List *
profile_file_names(void)
{
	char	   *folder = profile_folder();
	DIR		   *dir = AllocateDir(folder);
	struct dirent *entry;
	List	   *names = NIL;

	while ((entry = ReadDir(dir, folder)) != NULL)
	{
		size_t		len = strlen(entry->d_name);
		char	   *name;

		if (len <= strlen(SUFFIX) || strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		name = pnstrdup(entry->d_name, len - strlen(SUFFIX));
		if (profile_is_word(name, PROFILE_WORD_HOSTING))
			names = lappend(names, name);
	}
	FreeDir(dir);
	list_sort(names, compare_names);
	return names;
}

Datum
dc_shipped_profiles(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	foreach(cell, profile_file_names())
	{
		char	   *text = read_profile_file(lfirst(cell));
		Profile    *profile;
		Datum		values[4];
		bool		nulls[4] = {0};

		/* of another extension */
		if (text == NULL || strstr(text, PROFILE_FORMAT) == NULL)
			continue;
		profile = profile_parse(text, strlen(text));
		values[0] = CStringGetTextDatum(lfirst(cell));
		values[1] = CStringGetTextDatum(profile->version);
		values[2] = CStringGetTextDatum(profile->title);
		values[3] = Int32GetDatum(list_length(profile->classes));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
