/*-------------------------------------------------------------------------
 *
 * report.h
 *		The only place that turns a decision into an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_H
#define PG_DATACLASS_REPORT_H

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

/* Records durably, then raises ERROR, or returns where the mode lets go on. */
extern void report_refusal(const Refusal *refusal);

#endif							/* PG_DATACLASS_REPORT_H */
