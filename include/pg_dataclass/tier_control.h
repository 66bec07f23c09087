/*-------------------------------------------------------------------------
 *
 * tier_control.h
 *		Controls that tiers require, as a table of operations.
 *
 * dataclass.tier_control names a control and a requirement per tier.  A module
 * that can judge a control registers its operations when the library is
 * loaded.  A control that nobody registered, or a requirement that its owner
 * does not know, is never satisfied.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_TIER_CONTROL_H
#define PG_DATACLASS_TIER_CONTROL_H

#include "pg_dataclass/subject.h"

typedef enum ControlDomain
{
	CONTROL_SESSION,			/* facts of this connection: part of the session tier */
	CONTROL_SERVER,				/* settings of the server: part of every session's tier */
	CONTROL_STORAGE				/* places of data: never an obstacle for a session */
} ControlDomain;

typedef struct ControlFinding
{
	bool		satisfied;
	char		found[128];		/* in the words of requirements, where there are such */
	char		detail[320];	/* one sentence more, or "" */
} ControlFinding;

typedef struct TierControlOps
{
	const char *control;
	ControlDomain domain;
	const char *requirements;	/* what a requirement may say, for people, weakest first */
	bool		(*known) (const char *requirement);
	/* Domain STORAGE may probe and needs a transaction; the others are cheap and raise nothing. */
	void		(*judge) (const char *requirement, const SessionFacts *facts, ControlFinding *finding);
} TierControlOps;

/* At load; ops must live for ever. */
extern void tier_control_register(const TierControlOps *ops);
extern const TierControlOps *tier_control_find(const char *control);	/* NULL: not known */

/* ops: what tier_control_find() says of the control. */
extern bool tier_control_is_storage(const TierControlOps *ops, const char *control);
extern const char *control_domain_name(ControlDomain domain);

/* False, and not satisfied, if nobody knows the control, or its owner the requirement. */
extern bool tier_control_judge(const TierControlOps *ops, const char *requirement, const SessionFacts *facts,
							   ControlFinding *finding);

/* Ranks that limit the session whatever its controls (policy_tier.c). */
#define TIER_UNLIMITED	PG_INT32_MAX
extern int	session_tier_limit(const PolicySnapshot *p, const SessionFacts *facts);	/* dataclass.session_limit */
extern int	session_tier_narrowed(const PolicySnapshot *p, const SessionFacts *facts);	/* dataclass.session_tier */

/* Index of a requirement in an ordered list that ends with NULL; -1 if it is not there. */
extern int	control_step(const char *const *steps, const char *name);

#endif							/* PG_DATACLASS_TIER_CONTROL_H */
