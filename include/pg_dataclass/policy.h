/*-------------------------------------------------------------------------
 *
 * policy.h
 *		The policy of this database as a backend sees it, and its subject.
 *
 * policy_catalog.c reads the tables of schema dataclass into one immutable
 * PolicySnapshot per backend and rebuilds it after any committed change (or a
 * change of the own transaction).  Pointers into a snapshot are valid until
 * the next policy_current(); do not keep them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_POLICY_H
#define PG_DATACLASS_POLICY_H

#include "datatype/timestamp.h"

#include "pg_dataclass/decide.h"
#include "pg_dataclass/event.h"
#include "pg_dataclass/network.h"

#define DC_PROVIDER			"dataclass"
#define DC_EXTENSION		"pg_dataclass"
#define DC_SCHEMA			"dataclass"
#define DC_AUDIT_SCHEMA		"dataclass_audit"
#define DC_OFFICER_ROLE		"dataclass_officer"
#define DC_AUDITOR_ROLE		"dataclass_auditor"

typedef struct PolicyTierControl
{
	const char *control;		/* "transport", "authentication", "at_rest", ... */
	const char *requirement;
} PolicyTierControl;

typedef struct PolicyTier
{
	const char *name;
	int			rank;
	int			ncontrols;
	PolicyTierControl *controls;	/* of this tier alone; lower tiers' controls hold too */
} PolicyTier;

typedef enum PolicyReadAudit
{
	READ_AUDIT_NONE,
	READ_AUDIT_SESSION,			/* the first read of a relation by a session, per role */
	READ_AUDIT_STATEMENT		/* each */
} PolicyReadAudit;

typedef struct PolicyClass
{
	const char *name;
	int			rank;
	int			required_tier;	/* rank of the tier; POLICY_RANK_NONE if it does not exist */
	int			min_evidence;	/* grade 0..5 that storage evidence must have */
	PolicyReadAudit read_audit;
	bool		read_audit_acknowledged;	/* durable before the first row leaves */
	bool		superuser_audit;	/* accesses of roles that core exempts are recorded */
	int			nhosting_models;
	const char **hosting_models;	/* where the class may live; none: anywhere */
	int			nregions;
	const char **regions;		/* ISO 3166 codes of the countries it may live in; none: anywhere */
	bool		quarantines;	/* data found below their tier are denied until healed */
} PolicyClass;

/* The highest tier of sessions that authenticated as a role, from a network. */
typedef struct PolicySessionLimit
{
	Oid			role;
	bool		any_network;
	NetworkRange network;		/* unless any */
	int			tier;			/* POLICY_RANK_NONE if it does not exist */
} PolicySessionLimit;
/* A violation at rest that an officer accepts for a time. */
typedef struct PolicyRisk
{
	Oid			relid;
	TimestampTz until;
} PolicyRisk;

typedef struct PolicyRowLabel
{
	uint64		id;
	const char *text;			/* canonical */
} PolicyRowLabel;

typedef struct PolicyRowLabelCache PolicyRowLabelCache;

typedef struct PolicySnapshot
{
	bool		installed;		/* extension exists in this database; else all below is empty */
	bool		audits_access;	/* some class asks for records of reads, or of superusers */
	bool		has_default_clearance;
	bool		deny_unlabelled;	/* unlabelled relations: denied instead of ungoverned */
	bool		session_limits_unknown; /* the table could not be read: nobody reaches any tier */
	bool		check_at_start; /* storage is checked before the first governed access */
	Oid			schema_oid;		/* dataclass */
	Oid			audit_schema_oid;	/* dataclass_audit */
	int			ntiers;
	int			nclasses;
	int			ncompartments;
	LabelSpec	default_clearance;	/* of roles without any label */
	int			nquarantined;
	int			nsession_limits;
	int			nheld;			/* while loading: what response rules hold; part of quarantined, too */
	int			nsuspended;
	int			nrisks;
	int			max_risk_days;	/* for how long a risk may be accepted */
	int			retention_days; /* how long records of the trail stay in the database at least; -1: for ever */
	int			break_glass_minutes;	/* for how long emergency access may be opened */
	PolicyTier *tiers;			/* by rank, ascending */
	PolicyClass *classes;		/* by rank, ascending */
	const char **compartments;	/* sorted by strcmp */
	const char *era;			/* token that changes when what was dominated may no longer be; NULL: none */
	PolicyRowLabelCache *row_labels;	/* see policy_row_label_by_id() */
	PolicySessionLimit *session_limits;
	Oid		   *quarantined;	/* relations, ascending; without those whose risk is accepted */
	Oid		   *held;
	Oid		   *suspended;		/* roles whose clearance is suspended, ascending */
	PolicyRisk *risks;			/* by relation, ascending; those that ended, too */
} PolicySnapshot;

/* Needs a transaction.  Never NULL. */
extern const PolicySnapshot *policy_current(void);

/* policy_load.c, for policy_catalog.c: fill a snapshot of zeros, in its memory.  May raise. */
extern void policy_load(PolicySnapshot *p, MemoryContext cxt);
extern int	policy_compare_risks(const void *a, const void *b); /* the order of its risks */

/* Bumped whenever anything a decision rests on may have changed. */
extern uint64 policy_generation_counter;	/* policy_catalog.c alone writes it */

static inline uint64
policy_generation(void)
{
	return policy_generation_counter;
}

extern const PolicyClass *policy_class_of(const PolicySnapshot *p, const Label *label);
extern PolicyReadAudit policy_read_audit(const char *name);
extern const PolicyTier *policy_tier_by_name(const PolicySnapshot *p, const char *name);
extern const PolicyTier *policy_tier_by_rank(const PolicySnapshot *p, int rank);
extern const char *policy_tier_name(const PolicySnapshot *p, int rank);	/* "none" if unknown */
extern bool policy_compartment_known(const PolicySnapshot *p, const char *name, size_t len);

/* Row labels are read one by one, or all when somebody asks for all (policy_rowlabel.c). */
extern const PolicyRowLabel *policy_row_label_by_id(const PolicySnapshot *p, uint64 id);
extern int	policy_row_labels(const PolicySnapshot *p, const PolicyRowLabel **all);
extern int	policy_row_labels_up_to(const PolicySnapshot *p, int limit, const PolicyRowLabel **all);
/* Memory that lives as long as the snapshot; NULL for one that is not current. */
extern MemoryContext policy_snapshot_context(const PolicySnapshot *p);

extern bool policy_label_known(const PolicySnapshot *p, const Label *label, const char **what, char *name, size_t size);

/* Is the clearance of that role suspended?  Needs policy_current(). */
extern bool policy_is_suspended(const PolicySnapshot *p, Oid role);

extern bool policy_is_quarantined(const PolicySnapshot *p, Oid relid);

/*
 * The strictest requirement that tiers up to and including rank put on a
 * control, or NULL: the one of the highest tier that mentions it.
 */
extern const char *policy_requirement(const PolicySnapshot *p, int tier_rank, const char *control);

/* Is the violation of that relation accepted now? */
extern bool policy_risk_accepted(const PolicySnapshot *p, Oid relid);

/*
 * The end of an accepted risk brings a quarantine back without anybody's
 * doing.  Called before each statement's checks; a comparison with zero unless
 * such a risk stands.
 */
extern TimestampTz policy_risk_ends;	/* policy_catalog.c alone writes it; 0: none */
extern void policy_look_at_clock(void);

/* The same for emergency access of this session (break_glass.c); 0: none is open. */
extern TimestampTz break_glass_until;
extern void break_glass_look_at_clock(void);

static inline void
policy_check_clock(void)
{
	if (policy_risk_ends != 0)
		policy_look_at_clock();
	if (break_glass_until != 0)
		break_glass_look_at_clock();
}

/* Tell every backend, at commit, that labels or policy changed; and ourselves now. */
extern void policy_invalidate_all(void);

/*
 * Called in the backend after a commit that invalidated the policy.  hasten:
 * what places have to satisfy may have changed (policy_hasten()), not labels
 * alone.  Set by the storage watch; must not raise.
 */
typedef void (*policy_committed_type) (bool hasten);
extern policy_committed_type policy_committed_hook;
extern void policy_hasten(void);

/* Rights of the person behind the session (outer user). */
extern bool policy_is_officer(void);
extern bool policy_is_officer_role(Oid role);
/* Member of dataclass_auditor; a superuser is none unless somebody made him one. */
extern bool policy_is_auditor(void);
extern bool policy_is_installing(void);	/* inside CREATE or ALTER EXTENSION pg_dataclass */
extern bool policy_is_restoring(void);	/* officer, and check_function_bodies is off as pg_dump sets it */

/* Settings, guc.c */
extern int	guc_enforcement;			/* EnforcementMode */
extern int	guc_session_tier_enforcement;
extern int	guc_at_rest_enforcement;
extern bool guc_superuser_is_officer;
extern char *guc_session_ceiling;
extern char *guc_session_tier;		/* dataclass.session_tier, policy_tier.c */
extern char *guc_trust_anchors;		/* dataclass.trust_anchors, see signature.h */
extern char *guc_sysfs_root;			/* dataclass.sysfs_root, PGC_POSTMASTER, default "/sys" */

#endif							/* PG_DATACLASS_POLICY_H */
