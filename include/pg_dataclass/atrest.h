/*-------------------------------------------------------------------------
 *
 * atrest.h
 *		Encryption at rest: probes, evidence for a place, gate, posture.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ATREST_H
#define PG_DATACLASS_ATREST_H

#include "nodes/pg_list.h"
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
	char		cipher[32];		/* "AES-256-XTS", "" where it cannot be seen */
	int			key_bits;		/* strength of the cipher's key, 0 where it cannot be seen */
	char		hosting_model[32];	/* by attestation only: "government-cloud", ...; "" unknown */
	char		region[8];		/* by attestation only: ISO 3166-1 alpha-2; "" unknown */
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
extern void storage_evidence(Oid tablespace, Evidence *evidence);	/* may be a few seconds old */
extern void storage_evidence_fresh(Oid tablespace, Evidence *evidence); /* for decisions */
/* palloc'd, symlinks resolved; NULL if the place cannot be found */
extern char *storage_place_path(Oid tablespace);
extern char *storage_database_path(Oid database, Oid tablespace);
/*
 * The nearest existing parent of a path relative to the data directory, links
 * resolved; anchor is the part that must exist.  NULL: not found.
 */
extern char *storage_resolve(const char *path, const char *anchor);
extern void storage_probe(const char *resolved, Evidence *evidence);
/* A file below the setting dataclass.proc_root, palloc'd. */
extern char *storage_proc_path(const char *name);
extern void storage_init(void);
/* storage_control.c: registers the controls of domain STORAGE */
extern void storage_controls_init(void);

/* What a label asks of the place of its data. */
typedef enum StorageNeed
{
	STORAGE_NEED_NONE,
	STORAGE_NEED_ENCRYPTED,
	STORAGE_NEED_OTHER,			/* no encryption, but hosting, checksums or the key's length */
	STORAGE_NEED_UNKNOWN		/* class, tier or requirement cannot be interpreted: nothing satisfies it */
} StorageNeed;

/* grade: the least grade of evidence, why: for NEED_UNKNOWN (palloc'd); both may be NULL */
extern StorageNeed storage_need(const PolicySnapshot *p, const Label *label, int *grade, char **why);

/* Does the evidence satisfy what the class of label needs of a tablespace?  reason is palloc'd. */
extern bool storage_satisfies(const PolicySnapshot *p, const Label *label,
							  const Evidence *evidence, char **reason);
/* Rank of the highest tier whose controls of tablespaces the evidence satisfies. */
extern int	storage_tier(const PolicySnapshot *p, const Evidence *evidence);

/*
 * gate.c: refuse (and record) placing data of this label into the tablespace;
 * honours dataclass.at_rest_enforcement.  Returns false when a restore lets a
 * violation in (recorded as EVENT_AT_REST_VIOLATION): the caller quarantines.
 */
extern bool gate_check(const Label *label, Oid tablespace, Oid class_id, Oid object_id,
					   const char *object_type, const char *object_identity,
					   const char *action);

/* Is there any place where data of this label may not be?  Cheap (gate_temp.c). */
extern bool gate_label_needs_place(const PolicySnapshot *p, const Label *label);

/* May the current user create things in the tablespace? */
extern bool gate_may_create_in(Oid tablespace);

/* gate for a relation and its indexes, TOAST and partitions, all where they lie now */
extern bool gate_check_relation(const Label *label, Oid relid, const char *action);

/* Tablespaces in which the relation (without partitions), its TOAST and its indexes lie. */
extern List *gate_relation_tablespaces(Oid relid);

/* Everything a relation holds as one label; indexes and TOAST stand for their table. */
extern bool gate_relation_label(Oid relid, Label *label);

/* The lesser of dataclass.enforcement and dataclass.at_rest_enforcement. */
extern EnforcementMode gate_mode(void);

/*
 * gate_shared.c: refuse (and record) the same while a place that all data pass
 * through, whose control a tier names, does not do; once a statement and
 * label.  about says which object and action.  False: as gate_check(), which
 * asks this too.
 */
extern bool gate_check_shared(const Label *label, const AuditEvent *about);
extern bool gate_shared_wanted(const PolicySnapshot *p, const Label *label);

/* What a restore lets in, recorded as EVENT_AT_REST_VIOLATION; raises where that fails.  Always false. */
extern bool gate_let_in(AuditEvent *event, const char *detail);

/* A refusal by the gate, with the evidence that led to it; evidence may be NULL. */
extern void gate_refuse(const AuditEvent *event, const char *message, const char *detail,
						const char *hint);

/* The same when it has happened already and cannot be undone: recorded as EVENT_AT_REST_VIOLATION, with a warning. */
extern void gate_note(const Label *label, Oid tablespace, Oid class_id, Oid object_id,
					  const char *object_type, const char *object_identity, const char *action);

/*
 * atrest_utility.c: statements that move data, before anything happens, and
 * what could not be known then, after it.  CREATE is not among them: call
 * gate_check_relation() once the relation exists.
 */
typedef struct GateArrivals
{
	Oid			target;			/* tablespace that relations were moved to, InvalidOid: none */
	List	   *before;			/* what was in it */
} GateArrivals;

struct PlannedStmt;
extern void gate_utility(struct PlannedStmt *pstmt, GateArrivals *arrivals);
extern void gate_utility_after(struct PlannedStmt *pstmt, const GateArrivals *arrivals);

/* gate_database.c: databases as a whole */
struct AlterDatabaseStmt;
struct CreatedbStmt;
extern void gate_alter_database(const struct AlterDatabaseStmt *stmt);
extern void gate_create_database(const struct CreatedbStmt *stmt);

#endif							/* PG_DATACLASS_ATREST_H */
