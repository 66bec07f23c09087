/*-------------------------------------------------------------------------
 *
 * atrest.h
 *		Encryption at rest: probes, evidence for a place, gate, posture.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ATREST_H
#define PG_DATACLASS_ATREST_H

#include "pg_dataclass/policy.h"

typedef enum EvidenceVerdict
{
	EVIDENCE_UNKNOWN,			/* never counts as encrypted */
	EVIDENCE_PLAIN,
	EVIDENCE_ENCRYPTED
} EvidenceVerdict;

/* Grades of DESIGN section 7. */
#define EVIDENCE_GRADE_UNKNOWN		0
#define EVIDENCE_GRADE_DECLARED		1
#define EVIDENCE_GRADE_KERNEL		2
#define EVIDENCE_GRADE_KERNEL_KEY	3
#define EVIDENCE_GRADE_ATTESTED		4
#define EVIDENCE_GRADE_CANARY		5

typedef struct Evidence
{
	EvidenceVerdict verdict;
	int			grade;
	char		mechanism[32];	/* "fscrypt", "dm-crypt", "tmpfs", ... */
	char		detail[256];	/* what was seen, one sentence */
} Evidence;

/* Pure with respect to PostgreSQL: no palloc, no ereport; unit-testable. */
typedef struct ProbeContext
{
	const char *path;			/* resolved directory */
	const char *sysfs_root;		/* "/sys", or a made tree in tests */
	const char *mountinfo;		/* "/proc/self/mountinfo", or a file in tests */
} ProbeContext;

typedef struct AtRestProbe
{
	const char *name;
	/* false: this probe has nothing to say about the place */
	bool		(*look) (const ProbeContext *context, Evidence *evidence);
} AtRestProbe;

extern const AtRestProbe atrest_probes[];	/* ends with name == NULL */

/* Run the probes in order; the first that knows decides; none: unknown. */
extern void atrest_probe_path(const ProbeContext *context, Evidence *evidence);

/* storage.c: place of a relation or tablespace (InvalidOid: the database's default). */
extern void storage_evidence(Oid tablespace, Evidence *evidence);
extern char *storage_place_path(Oid tablespace);		/* palloc'd, symlinks resolved */

/* Does the evidence satisfy what the class of label needs?  reason is palloc'd. */
extern bool storage_satisfies(const PolicySnapshot *p, const Label *label,
							  const Evidence *evidence, char **reason);
/* Rank of the highest tier whose at_rest control the evidence satisfies. */
extern int	storage_tier(const PolicySnapshot *p, const Evidence *evidence);

/*
 * gate.c: refuse (and record) placing data of this label into the tablespace;
 * honours dataclass.at_rest_enforcement.  Returns false when a restore lets a
 * violation in (recorded as EVENT_AT_REST_VIOLATION): the caller quarantines.
 */
extern bool gate_check(const Label *label, Oid tablespace, Oid class_id, Oid object_id,
					   const char *object_type, const char *object_identity,
					   const char *action);

/* gate for a relation and its indexes and TOAST, all where they lie now */
extern bool gate_check_relation(const Label *label, Oid relid, const char *action);

#endif							/* PG_DATACLASS_ATREST_H */
