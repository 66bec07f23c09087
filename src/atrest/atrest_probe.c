/*-------------------------------------------------------------------------
 *
 * atrest_probe.c
 *		The table of probes, their order, and what they share.
 *
 * The order matters.  fscrypt speaks for the directory itself and comes
 * first; where it has nothing to say, dm-crypt below the file system may;
 * the file system's type is the last word, and that is never more than a
 * declaration.  A probe that cannot see says nothing or "unknown"; none says
 * yes because something is missing.
 *
 * Nothing in here or in the probes uses memory contexts, ereport, settings or
 * catalogs: they run in unit tests and fuzz targets as they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/vfs.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"

const AtRestProbe atrest_probes[] = {
	{"fscrypt", fscrypt_probe_look},
	{"dm-crypt", dmcrypt_probe_look},
	{"fstype", fstype_probe_look},
	{NULL, NULL}
};

/*
 * atrest_probe_path
 *		Ask the probes in order; the first that knows decides.
 */
void
atrest_probe_path(const ProbeContext *context, Evidence *evidence)
{
	for (const AtRestProbe *probe = atrest_probes; probe->name != NULL; probe++)
	{
		if (probe->look(context, evidence))
		{
			/* Unknown never carries a grade that could be compared. */
			if (evidence->verdict == EVIDENCE_UNKNOWN)
				evidence->grade = EVIDENCE_GRADE_UNKNOWN;
			return;
		}
	}
	evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, "none",
				 "No probe knows this place.");
}

bool
evidence_set(Evidence *evidence, EvidenceVerdict verdict, int grade,
			 const char *mechanism, const char *fmt,...)
{
	va_list		args;

	memset(evidence, 0, sizeof(*evidence));
	evidence->verdict = verdict;
	evidence->grade = grade;
	atrest_printable(evidence->mechanism, sizeof(evidence->mechanism), mechanism);
	va_start(args, fmt);
	vsnprintf(evidence->detail, sizeof(evidence->detail), fmt, args);
	va_end(args);
	return true;
}

const char *
evidence_verdict_name(EvidenceVerdict verdict)
{
	switch (verdict)
	{
		case EVIDENCE_UNKNOWN:
			return "unknown";
		case EVIDENCE_PLAIN:
			return "plain";
		case EVIDENCE_ENCRYPTED:
			return "encrypted";
	}
	return "unknown";
}

void
atrest_printable(char *dst, size_t size, const char *src)
{
	size_t		i;

	for (i = 0; i + 1 < size && src[i] != '\0'; i++)
		dst[i] = (src[i] >= 0x20 && src[i] < 0x7f) ? src[i] : '?';
	dst[i] = '\0';
}

bool
atrest_fs_magic(const char *path, uint32 *magic)
{
	struct statfs fs;

	if (statfs(path, &fs) != 0)
		return false;
	*magic = (uint32) fs.f_type;
	return true;
}
