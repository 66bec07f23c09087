/*-------------------------------------------------------------------------
 *
 * report_incident.h
 *		What the two reports on an incident share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_REPORT_INCIDENT_H
#define PG_DATACLASS_REPORT_INCIDENT_H

#include "pg_dataclass/report_event.h"

typedef struct ReportIncident
{
	int64		id;
	const char *state;
	const char *kind;
	const char *rule;
	const char *subject;
	const char *class;
	const char *severity;
	const char *object_type;
	const char *object_identity;
	const char *breaches;
	int64		discovered_ms;
	int64		first_ms;
	int64		last_ms;
	int64		first_seq;
	int64		last_seq;
} ReportIncident;

/*
 * Reads dataclass_audit.incident as the caller, within SPI; raises 22023 for
 * an incident that does not exist.  Texts live as long as the SPI connection.
 */
extern void report_incident_read(int64 id, ReportIncident *incident);

/* "Access denied: low clearance" */
extern char *report_incident_title(const ReportIncident *incident);

/* Run a query whose only parameter is the incident. */
extern void report_incident_query(const char *query, int64 id);

#endif							/* PG_DATACLASS_REPORT_INCIDENT_H */
