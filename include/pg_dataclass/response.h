/*-------------------------------------------------------------------------
 *
 * response.h
 *		Response rules: what follows by itself when breaches pile up.
 *
 * The worker that tells goes through the trail record by record
 * (response_pass.c), counts what matches a rule (response_count.c) and applies
 * its measure (response_measure.c), but for one that would lock out the last
 * officer (response_officer.c).  Everything of a batch is one transaction: the
 * place in the trail, the measures, their events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_RESPONSE_H
#define PG_DATACLASS_RESPONSE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "pg_dataclass/audit_internal.h"

#define RESPONSE_TARGET_SIZE	(NAMEDATALEN + 16)

typedef enum ResponseMeasure
{
	RESPONSE_NOTIFY,
	RESPONSE_END_SESSION,
	RESPONSE_SUSPEND,
	RESPONSE_QUARANTINE
} ResponseMeasure;

typedef struct ResponseRule
{
	char	   *name;
	char	   *kind;			/* NULL: any */
	char	   *rule;			/* NULL: any */
	char	   *min_class;		/* NULL: any, also none */
	int			threshold;
	int64		window;			/* microseconds */
	ResponseMeasure measure;
	bool		all_sessions;
} ResponseRule;

/* What rules look at in a record; texts palloc'd, NULL: absent. */
typedef struct ResponseBreach
{
	int64		seq;
	TimestampTz time;
	int64		repeats;
	char	   *kind;
	char	   *rule;
	char	   *class;			/* of the label */
	char	   *label;
	char	   *login;			/* role that logged in */
	char	   *node;
	char	   *session_id;
	int			pid;
	Oid			relation;		/* InvalidOid: about none */
	char	   *object_identity;
} ResponseBreach;

typedef struct ResponseLast
{
	int64		seq;			/* record up to which it counted, 0: there was none; -1: to be looked up */
	TimestampTz at;
} ResponseLast;

/* ---- response_pass.c ---- */

/* One batch of records, in the current transaction; true: there are more. */
extern bool response_pass(void);
/* The transaction of a pass failed: count anew. */
extern void response_forget(void);

/* ---- response_rule.c ---- */

extern const char *response_measure_name(ResponseMeasure measure);
/* Enabled rules of this database, in the current context; ResponseRule *. */
extern List *response_rules_read(void);
extern bool response_rules_equal(List *a, List *b);
extern bool response_matches(const ResponseRule *rule, const ResponseBreach *breach);
/* What is counted: the role that logged in, or the relation; false: nothing for this rule. */
extern bool response_target(const ResponseRule *rule, const ResponseBreach *breach, char *target);

/* ---- response_count.c ---- */

/* Forget all; rules: what they index, kept by the caller. */
extern void response_count_begin(List *rules);
/* Add a breach; returns how many lie in the window of the rule now. */
extern int64 response_count_add(int rule, const char *target, const ResponseBreach *breach);
extern void response_count_clear(int rule, const char *target);
/* The last measure of a rule about a target, for the caller to fill in. */
extern ResponseLast *response_count_last(int rule, const char *target, uint64 generation);

/* ---- response_measure.c ---- */

extern void response_apply(const ResponseRule *rule, const char *target, const ResponseBreach *breach, int64 count);
/* The last record from which on counting began anew, 0: none; at, unless NULL: when that was. */
extern int64 response_measured_to(const char *rule, const char *target, TimestampTz *at);
extern void response_measure_record(const char *rule, const char *target, int64 seq, const char *measure,
									const char *outcome, int64 count, const char *detail);

/* ---- response_officer.c ---- */

/*
 * Can somebody other than that role still log in and reinstate, with nobody's
 * help?  Until the transaction ends that officer cannot be dropped.  suspensions
 * is open and locked.
 */
extern bool response_officer_remains(Oid without, Relation suspensions);

/* ---- response_session.c ---- */

/* Ends the session of a breach; false: it is gone, or cannot be told apart from another. */
extern bool response_end_session(const ResponseBreach *breach);
/* All sessions of the role in this database; returns how many. */
extern int	response_end_sessions(Oid role);

#endif							/* PG_DATACLASS_RESPONSE_H */
