/*-------------------------------------------------------------------------
 *
 * attest_subject.c
 *		Is an attestation about this server, and about this place of it?
 *
 * Every member that the subject names has to match what the server finds
 * itself, now.  Names can be moved: a tablespace by ALTER TABLESPACE or DROP
 * and CREATE, so the one that bore the name at acceptance is remembered.  A
 * standby and a copy of the server have its system identifier: an attestation
 * that names no device holds on the primary and on the timeline it was
 * accepted on, and nowhere else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <sys/stat.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_tablespace.h"
#include "commands/tablespace.h"
#include "utils/builtins.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest_internal.h"

/* Printable and short, for reasons. */
static char *
shown(const char *text)
{
	char	   *out = psprintf("%.80s%s", text, strlen(text) > 80 ? "..." : "");

	for (char *c = out; *c; c++)
		if ((unsigned char) *c < 0x20 || (unsigned char) *c >= 0x7f)
			*c = '?';
	return out;
}

/* Where a tablespace lies, links resolved; NULL: not found. */
static char *
tablespace_location(Oid tablespace)
{
	if (tablespace == DEFAULTTABLESPACE_OID)
		return storage_resolve("base", "base");
	if (tablespace == GLOBALTABLESPACE_OID)
		return storage_resolve("global", "global");
	return storage_resolve(psprintf("pg_tblspc/%u", tablespace), psprintf("pg_tblspc/%u", tablespace));
}

static Oid
tablespace_at(const char *location)
{
	char		resolved[PATH_MAX];
	ListCell   *cell;

	if (realpath(location, resolved) == NULL)
		return InvalidOid;
	foreach(cell, places_of_tablespaces())
	{
		const Place *place = lfirst(cell);
		char	   *at = tablespace_location(place->tablespace);

		if (at && strcmp(at, resolved) == 0)
			return place->tablespace;
	}
	return InvalidOid;
}

/*
 * attest_subject_bind
 */
bool
attest_subject_bind(const AttestSubject *subject, AttestBinding *binding, char **why)
{
	memset(binding, 0, sizeof(*binding));
	binding->location = "";
	binding->timeline = RecoveryInProgress() ? 0 : compat_timeline();
	if (subject->tablespace == NULL)
		return true;
	binding->tablespace = subject->tablespace[0] == '/' ? tablespace_at(subject->tablespace) :
		get_tablespace_oid(subject->tablespace, true);
	if (!OidIsValid(binding->tablespace))
	{
		*why = psprintf("The subject is tablespace \"%s\", which this server does not have.",
						shown(subject->tablespace));
		return false;
	}
	binding->location = tablespace_location(binding->tablespace);
	if (binding->location == NULL)
	{
		*why = psprintf("The directory of tablespace \"%s\" cannot be found.", shown(subject->tablespace));
		return false;
	}
	return true;
}

/*
 * attest_subject_is_here
 */
bool
attest_subject_is_here(const AttestSubject *subject, const AttestBinding *binding, char **why)
{
	char		own[32];
	char	   *location;
	char	   *name;

	snprintf(own, sizeof(own), UINT64_FORMAT, GetSystemIdentifier());
	if (strcmp(subject->system_identifier, own) != 0)
	{
		*why = psprintf("The subject is the server with system identifier %s, this one has %s.",
						subject->system_identifier, own);
		return false;
	}
	if (subject->nserials == 0 && (RecoveryInProgress() || binding->timeline != compat_timeline()))
	{
		*why = psprintf("It names no device and was accepted on timeline %lld of the primary: it does not hold on standbys or other timelines.",
						(long long) binding->timeline);
		return false;
	}
	if (subject->tablespace == NULL)
		return true;
	name = get_tablespace_name(binding->tablespace);
	location = name ? tablespace_location(binding->tablespace) : NULL;
	if (location == NULL || strcmp(location, binding->location) != 0 ||
		(subject->tablespace[0] != '/' && strcmp(name, subject->tablespace) != 0))
	{
		*why = psprintf("The subject is tablespace \"%s\", which is not the one it was at acceptance, or not where it was.",
						shown(subject->tablespace));
		return false;
	}
	return true;
}

/* The place is what path names, or lies below it on the same file system. */
static bool
path_covers(const char *path, const Place *place, char **why)
{
	char		resolved[PATH_MAX];
	size_t		len;
	struct stat of_path;
	struct stat of_place;

	if (realpath(path, resolved) == NULL || stat(resolved, &of_path) != 0)
	{
		*why = psprintf("The subject is path \"%s\", which cannot be found.", shown(path));
		return false;
	}
	len = strlen(resolved);
	while (len > 1 && resolved[len - 1] == '/')
		len--;
	if (place->path == NULL || stat(place->path, &of_place) != 0 ||
		(len > 1 && (strncmp(place->path, resolved, len) != 0 ||
					 (place->path[len] != '\0' && place->path[len] != '/'))))
	{
		*why = psprintf("The subject is path \"%s\", and %s is at \"%s\".", shown(path), place->name,
						place->path ? shown(place->path) : "");
		return false;
	}
	if (of_path.st_dev != of_place.st_dev)
	{
		*why = psprintf("The subject is path \"%s\", and %s below it is another file system.", shown(path), place->name);
		return false;
	}
	return true;
}

static bool
names_serial(const AttestSubject *subject, const char *serial)
{
	for (int i = 0; i < subject->nserials; i++)
		if (strcmp(subject->serials[i], serial) == 0)
			return true;
	return false;
}

static bool
serials_cover(const AttestSubject *subject, const Place *place, char **why)
{
	List	   *serials;
	ListCell   *cell;

	if (!attest_device_serials(place->path, &serials, why))
	{
		*why = psprintf("The subject names serial numbers of devices, and those of %s cannot be found. %s",
						place->name, *why);
		return false;
	}
	foreach(cell, serials)
	{
		if (names_serial(subject, lfirst(cell)))
			continue;
		*why = psprintf("The subject does not name the device with serial number \"%s\", on which %s lies.",
						(char *) lfirst(cell), place->name);
		return false;
	}
	return true;
}

/*
 * attest_subject_covers
 */
bool
attest_subject_covers(const AttestSubject *subject, const AttestBinding *binding, const Place *place, char **why)
{
	if (subject->kinds != 0 && (subject->kinds & (1U << place->kind)) == 0)
	{
		*why = psprintf("The subject does not name %s.", place->name);
		return false;
	}
	if (subject->tablespace != NULL &&
		((place->kind != PLACE_TABLESPACE && place->kind != PLACE_TEMP) ||
		 place->tablespace != binding->tablespace))
	{
		*why = psprintf("The subject is tablespace \"%s\", not %s.", shown(subject->tablespace), place->name);
		return false;
	}
	if (subject->path != NULL && !path_covers(subject->path, place, why))
		return false;
	return subject->nserials == 0 || serials_cover(subject, place, why);
}

/*
 * attest_subject_covers_any
 *		The reason of a refusal is the one of the place that came nearest: what
 *		is compared last is the device.
 */
bool
attest_subject_covers_any(const AttestSubject *subject, const AttestBinding *binding, List *places, char **why)
{
	char	   *of_device = NULL;
	char	   *first = NULL;
	ListCell   *cell;

	foreach(cell, places)
	{
		AttestSubject names = *subject;
		char	   *reason;

		if (attest_subject_covers(subject, binding, lfirst(cell), &reason))
			return true;
		if (first == NULL)
			first = reason;
		names.nserials = 0;
		if (of_device == NULL && subject->nserials > 0)
		{
			char	   *ignored;

			if (attest_subject_covers(&names, binding, lfirst(cell), &ignored))
				of_device = reason;
		}
	}
	*why = psprintf("No place of this server is what the subject names. %s",
					of_device ? of_device : first ? first : "");
	return false;
}

/*
 * attest_places
 */
List *
attest_places(void)
{
	return list_concat(places_of_tablespaces(), places_common());
}
