/*-------------------------------------------------------------------------
 *
 * subject.h
 *		The subject of this backend, its tier, and label lookups for objects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SUBJECT_H
#define PG_DATACLASS_SUBJECT_H

#include "pg_dataclass/policy.h"

/* Facts of a connection that the server itself knows (policy_tier.c). */
typedef struct SessionFacts
{
	char		transport[16];	/* unix | tcp | tls | tls1.2 | tls1.3 | internal */
	char		authentication[16]; /* trust | password | md5 | scram | gss | cert | peer | ... */
	bool		client_cert;
} SessionFacts;

typedef struct Subject
{
	Oid			role;			/* outer user */
	int			nclearances;
	Clearance  *clearances;
	bool		has_ceiling;	/* session_ceiling */
	Label		ceiling;
	int			ceiling_rank;
	int			session_tier;	/* rank */
	uint32		privileges;		/* union over clearances */
	Oid			trusted_function;	/* innermost trusted procedure running, or InvalidOid */
} Subject;

/* Valid until anything changes; ask again for each statement.  Needs a transaction. */
extern const Subject *subject_current(void);
extern void subject_of_role(Oid role, Subject *subject, MemoryContext cxt);

#endif							/* PG_DATACLASS_SUBJECT_H */
