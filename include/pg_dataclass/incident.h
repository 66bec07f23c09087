/*-------------------------------------------------------------------------
 *
 * incident.h
 *		Incidents: what the writer, the worker that tells and SQL share.
 *
 * Only the writer writes incident_record, incident_event, deadline and notice;
 * steps are only ever added, by whoever makes the transition, so that the
 * writer never waits for a row that a session has locked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_INCIDENT_H
#define PG_DATACLASS_INCIDENT_H

/* Order is the order of the life of an incident. */
typedef enum IncidentState
{
	INCIDENT_DISCOVERED,
	INCIDENT_NOTIFIED,
	INCIDENT_ACKNOWLEDGED,
	INCIDENT_REPORT_REQUESTED,
	INCIDENT_REPORT_SUBMITTED,
	INCIDENT_MEASURE_DECIDED,
	INCIDENT_MEASURE_APPLIED,
	INCIDENT_CLOSED
} IncidentState;

#define INCIDENT_STATE_COUNT (INCIDENT_CLOSED + 1)

/* Who does what the extension does by itself: no role can have this name. */
#define INCIDENT_BY_EXTENSION	"pg_dataclass"

extern const char *incident_state_name(IncidentState state);

/*
 * Add a step within the caller's transaction and record it at its commit; the
 * incident is locked against other steps until then.  Raises 22023 for an
 * incident that does not exist, 55000 where its state has no such transition.
 * by: NULL for the role that logged in.
 */
extern void incident_add_step(int64 incident, IncidentState state, const char *by, const char *reason);

/*
 * The lowest record that an incident which is not closed, or the grouping of
 * breaches, still needs; PG_INT64_MAX if there is none.  Archiving stops before
 * it.  Needs a transaction.
 */
extern int64 incident_lowest_open_seq(void);

extern void incident_init(void);	/* settings */

#endif							/* PG_DATACLASS_INCIDENT_H */
