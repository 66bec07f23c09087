/*-------------------------------------------------------------------------
 *
 * decide.h
 *		The reference monitor's one decision function.  Pure.
 *
 * policy_decide() takes everything it needs by argument and touches nothing
 * else.  A decision is a value with reasons; nobody turns it into a bare
 * boolean before it was reported.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_DECIDE_H
#define PG_DATACLASS_DECIDE_H

#include "pg_dataclass/label.h"

typedef enum EnforcementMode
{
	ENFORCEMENT_OFF,
	ENFORCEMENT_PERMISSIVE,		/* record and allow */
	ENFORCEMENT_ENFORCING
} EnforcementMode;

typedef enum PolicyAction
{
	ACTION_READ,				/* see data */
	ACTION_WRITE,				/* add, change or remove data */
	ACTION_DEFINE,				/* commands that run code over the data or change what protects it */
	ACTION_EXPORT				/* hand data to another system: publications */
} PolicyAction;

/*
 * Rules in the order in which they are checked; all are evaluated, the first
 * that fails is the one recorded.  DOMINANCE is also for a session ceiling that
 * does not dominate.  FLOOR and PRIVILEGE ask about the clearances that
 * dominate: without one they are not evaluated.  Under an unknown label neither
 * is DOMINANCE.
 */
#define DECISION_UNKNOWN_LABEL	0x01	/* label cannot be interpreted under this policy */
#define DECISION_QUARANTINE		0x02	/* relation is quarantined */
#define DECISION_NO_CLEARANCE	0x04	/* subject has no clearance at all */
#define DECISION_DOMINANCE		0x08	/* no clearance dominates the label */
#define DECISION_FLOOR			0x10	/* write below the floor of the clearance */
#define DECISION_PRIVILEGE		0x20	/* privilege missing (export) */
#define DECISION_SESSION_TIER	0x40	/* session tier below the class's tier */

#define POLICY_RANK_NONE		(-1)		/* a rank that is not known */

/* One label that a subject holds; rank fields are resolved against the policy. */
typedef struct Clearance
{
	int			rank;			/* class rank of ceiling; POLICY_RANK_NONE: unknown class, no clearance */
	int			floor_rank;		/* POLICY_RANK_NONE if no floor */
	uint32		privileges;		/* LABEL_PRIVILEGE_* */
	bool		has_floor;
	bool		emergency;		/* break-glass: reads and writes every label up to rank; comes last */
	Label		ceiling;
	Label		floor;
} Clearance;

typedef struct PolicyRequest
{
	PolicyAction action;
	/* subject */
	const Clearance *clearances;	/* any one of them is enough */
	int			nclearances;
	const Label *ceiling;		/* dataclass.session_ceiling or a limit of the same kind, or NULL */
	int			ceiling_rank;
	int			session_tier;	/* rank reached */
	/* object */
	bool		governed;		/* false: allowed, nothing else is looked at */
	bool		quarantined;
	const Label *label;			/* NULL while governed: unknown label, denied */
	int			label_rank;		/* POLICY_RANK_NONE: unknown class, denied */
	int			required_tier;	/* rank; POLICY_RANK_NONE: nothing can satisfy it */
	/* modes */
	EnforcementMode enforcement;
	EnforcementMode session_tier_enforcement;
} PolicyRequest;

typedef enum DecisionVerdict
{
	DECISION_ALLOW,
	DECISION_PERMIT,			/* violated, but only parts whose mode is permissive: record, allow */
	DECISION_DENY
} DecisionVerdict;

typedef struct PolicyDecision
{
	DecisionVerdict verdict;
	uint32		failed;			/* DECISION_* bits, all that failed */
	uint32		first;			/* the first of them in order, 0 if none */
	int			clearance;		/* index of the clearance that served; -1 if none did, or denied */
	int			required_tier;
	int			found_tier;
} PolicyDecision;

extern PolicyDecision policy_decide(const PolicyRequest *request);

/* Name of one DECISION_* bit for records: "dominance", "session_tier", ... */
extern const char *decision_rule_name(uint32 bit);

#endif							/* PG_DATACLASS_DECIDE_H */
