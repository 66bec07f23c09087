/*-------------------------------------------------------------------------
 *
 * report.h
 *		The only place that turns a decision into an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_H
#define PG_DATACLASS_REPORT_H

#include "access/attnum.h"

#include "pg_dataclass/policy.h"

/*
 * What a refusal says to the client.  message, detail and hint are finished
 * texts (palloc'd or static); sqlstate 0 means 42501.
 */
typedef struct Refusal
{
	AuditEvent	event;			/* kind, object, rule, ...; outcome is set here */
	int			sqlstate;
	const char *message;
	const char *detail;
	const char *hint;
	EnforcementMode mode;		/* ENFORCING: record, raise.  PERMISSIVE: record, go on.  OFF: nothing */
} Refusal;

/* Number of refusals, and of commands that failed, that this session recorded. */
extern uint64 report_refusals;

/* Records durably, then raises ERROR, or returns where the mode lets go on. */
extern void report_refusal(const Refusal *refusal);

/* Refuses, in every mode of enforcement, who is no officer; function: of schema dataclass. */
extern void report_unless_officer(const char *function, const char *message, const char *detail);

/* Schema-qualified, quoted name of a relation for records; palloc'd, never NULL. */
extern char *report_relation_identity(Oid relid);

/*
 * Record a change that was allowed (label, clearance, policy): delivered when
 * the transaction commits, or the transaction fails.
 */
extern void report_change(const AuditEvent *event);

/*
 * Raise for a relation or column that policy_decide() denied; records first.
 * attnum 0: the relation.  Returns where the mode lets go on.
 */
extern void report_decision(const PolicyDecision *decision, Oid relid, AttrNumber attnum,
							const char *action, const Label *label);

#endif							/* PG_DATACLASS_REPORT_H */
