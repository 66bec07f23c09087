/*-------------------------------------------------------------------------
 *
 * subject.h
 *		The subject of this backend, its tier, and label lookups for objects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SUBJECT_H
#define PG_DATACLASS_SUBJECT_H

#include "miscadmin.h"

#include "pg_dataclass/network.h"
#include "pg_dataclass/resolve.h"

#define SESSION_TIER_SIZE	64	/* a tier's name and its end */
#define SESSION_ENTRY_TIERS 6

/* Facts of a connection that the server itself knows (session_facts.c). */
typedef struct SessionFacts
{
	char		transport[16];	/* unix | tcp | tls | tls1.2 | tls1.3 | internal */
	char		authentication[16]; /* trust | password | md5 | scram | gss | cert | peer */
	NetworkAddress client;
	bool		client_cert;	/* verified by the TLS handshake */
	bool		gss_encrypted;
	char		cipher[64];		/* of TLS, "" if there is none */
	int			cipher_bits;	/* 0: none, or not known */
	char		password_encryption[16];	/* of the server, when the client authenticated */
	/* values of dataclass.session_tier that the session came in with; "" ends them early */
	char		entry_tier[SESSION_ENTRY_TIERS][SESSION_TIER_SIZE];
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
	bool		unknown_clearance;	/* some clearance names a class this database does not have */
	Oid			trusted_function;	/* innermost trusted procedure running, or InvalidOid */
} Subject;

/* Valid until anything changes; ask again for each statement.  Needs a transaction. */
extern const Subject *subject_current(void);
extern void subject_of_role(Oid role, Subject *subject, MemoryContext cxt);

/*
 * While a dump is restored, data come before the policy.  True where a write
 * has to be let through because what it would be judged by is not there yet:
 * nobody can read it until then.
 */
extern bool subject_writes_ahead_of_policy(bool label_unknown);

/* Has the session no clearance, because that of one of its roles is suspended?  p must be policy_current(). */
extern bool subject_is_suspended(const PolicySnapshot *p);

/* Forget the cached subject: settings changed, a trusted procedure began or ended. */
extern void subject_invalidate(void);

/* The label in dataclass.row_label, '' if none; policy_sessionlabel.c answers for it. */
extern char *guc_row_label;
extern void session_row_label_changed(void);

/* What the cached subject was built for; policy_subject.c alone writes it. */
typedef struct SubjectState
{
	uint64		epoch;			/* moves with every rebuild and invalidation */
	uint64		generation;		/* policy_generation() */
	Oid			role;			/* outer user */
	bool		valid;
} SubjectState;

extern SubjectState subject_state;

/* Changes whenever subject_current() may answer differently than before. */
static inline uint64
subject_epoch(void)
{
	return subject_state.epoch;
}

/* Cheap test for per-row code: is the subject of that epoch still the current one? */
static inline bool
subject_epoch_is_current(uint64 epoch)
{
	return epoch == subject_state.epoch && subject_state.valid &&
		subject_state.generation == policy_generation() && subject_state.role == GetOuterUserId();
}

/*
 * The same for each row.  The outer user needs no look: its settings move the
 * epoch (policy_subject.c).
 */
static inline bool
subject_epoch_is_current_fast(uint64 epoch, uint64 generation)
{
	return epoch == subject_state.epoch && generation == policy_generation();
}

/*
 * Is target among the roles whose privileges role inherits (itself included)?
 * Unlike has_privs_of_role(), superusers inherit nothing here.
 */
extern bool role_inherits(Oid role, Oid target);
/* May that role, by being a member (also without inheriting), become target? */
extern bool role_may_assume(Oid role, Oid target);

/* Trusted procedures, hook_function.c pushes and pops; depth survives errors by nesting level. */
extern void subject_push_trusted(Oid funcid);
extern void subject_pop_trusted(int depth);
extern int	subject_trusted_depth(void);

/* Facts of the session, session_facts.c */
extern void session_facts(SessionFacts *facts);
struct Port;
extern void session_facts_authenticated(const struct Port *port);
extern void session_facts_entry_tier(const char *tier);

/*
 * Rank of the tier that this session reaches, policy_tier.c.  Kept until policy
 * or a setting changes.  p must be policy_current().
 */
extern int	session_tier(const PolicySnapshot *p);
extern void session_tier_forget(void);
/* What keeps the session from the next tier, "" at the top (static or palloc'd). */
extern const char *session_tier_obstacle(const PolicySnapshot *p);

/* Published for parallel workers. */
extern void session_trusted_publish(Oid funcid);
extern Oid	session_trusted_of_leader(void);
extern void session_break_glass_publish(bool open);
extern bool session_break_glass_of_leader(void);

/*
 * Ask the reference monitor about a relation.  labels must come from
 * relation_labels(), subject from subject_current().
 */
extern void request_init(PolicyRequest *request, const Subject *subject, PolicyAction action);
extern void request_object(PolicyRequest *request, const ResolvedLabel *label);

#endif							/* PG_DATACLASS_SUBJECT_H */
