/*-------------------------------------------------------------------------
 *
 * incident_internal.h
 *		What the files of the incidents share; nobody else includes it.
 *
 * incident_stage.c decides when breaches are grouped, and keeps what goes
 * wrong away from the trail; incident_group.c groups them; incident_due.c
 * watches deadlines; incident_step.c adds steps; incident_table.c is the only
 * file that knows the tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_INCIDENT_INTERNAL_H
#define PG_DATACLASS_INCIDENT_INTERNAL_H

#include "access/genam.h"
#include "catalog/indexing.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

#include "pg_dataclass/audit_writer.h"
#include "pg_dataclass/incident.h"

/* ---- settings, incident_stage.c ---- */

extern int	guc_incident_window;	/* s */
extern int	guc_incident_notice_interval;	/* s */
extern int	guc_disclosure_grace;	/* s */

/* ---- incident_table.c: the tables ---- */

typedef enum IncidentRecordColumn
{
	INCIDENT_ID = 1,
	INCIDENT_DISCOVERED_AT,
	INCIDENT_FIRST_SEQ,
	INCIDENT_LAST_SEQ,
	INCIDENT_FIRST_TIME,
	INCIDENT_LAST_TIME,
	INCIDENT_BREACHES,
	INCIDENT_KIND,
	INCIDENT_RULE,
	INCIDENT_SUBJECT,
	INCIDENT_CLASS,
	INCIDENT_SEVERITY,
	INCIDENT_OBJECT_TYPE,
	INCIDENT_OBJECT_IDENTITY,
	INCIDENT_NOTICED_AT,
	INCIDENT_NOTICED_BREACHES,
	INCIDENT_COLUMN_COUNT = INCIDENT_NOTICED_BREACHES
} IncidentRecordColumn;

/* A row of incident_record; texts may be NULL where the column may. */
typedef struct Incident
{
	int64		id;
	TimestampTz discovered_at;
	int64		first_seq;
	int64		last_seq;
	TimestampTz first_time;
	TimestampTz last_time;
	int64		breaches;
	char	   *kind;
	char	   *rule;
	char	   *subject;
	char	   *class_name;
	int			severity;		/* EventSeverity */
	char	   *object_type;
	char	   *object_identity;
	TimestampTz noticed_at;
	int64		noticed_breaches;
} Incident;

typedef struct IncidentStep
{
	int			step;
	int			state;			/* IncidentState, -1: not a name of one */
	TimestampTz at;
	char	   *by;
	Oid			by_role;		/* InvalidOid: the extension */
} IncidentStep;

/* A table and its indexes. */
typedef struct IncidentTable
{
	Relation	rel;
	CatalogIndexState indexes;
} IncidentTable;

/* All of these raise.  Opening never waits for a lock: 55P03. */
extern void incident_table_open(IncidentTable *table, const char *name, int natts);
extern void incident_table_close(IncidentTable *table);
extern Relation incident_relation_open(const char *name, int natts, LOCKMODE lockmode);

/* Highest value of a bigint column by an index that begins with it; 0 if there is none. */
extern int64 incident_highest(Relation rel, const char *index, int attnum);

extern void incident_record_insert(IncidentTable *table, const Incident *incident);
/* False: the row is gone. */
extern bool incident_record_update(IncidentTable *table, const Incident *incident);
extern bool incident_record_read(HeapTuple tuple, TupleDesc desc, Incident *incident);
extern bool incident_record_find(Relation rel, int64 id, Incident *incident);

extern void incident_event_insert(IncidentTable *table, int64 incident, int64 seq);
extern void incident_step_insert(IncidentTable *table, int64 incident, const IncidentStep *step, const char *reason);
/* The last step, or the last one in a state; texts in the current context. */
extern bool incident_step_last(Relation rel, int64 incident, IncidentStep *step);
extern bool incident_step_last_in(Relation rel, int64 incident, IncidentState state, IncidentStep *step);
/* Set the deadline for a recipient, or bring it forward. */
extern void incident_deadline_put(IncidentTable *table, int64 incident, const char *recipient,
								  const char *class_name, TimestampTz due);
extern void incident_notice_insert(IncidentTable *table, int64 id, TimestampTz now, int64 incident,
								   int64 seq, const char *subject, Datum body);

#define INCIDENT_EVENT_NATTS	2
#define INCIDENT_STEP_NATTS		7
#define INCIDENT_DEADLINE_NATTS	5
#define INCIDENT_NOTICE_NATTS	6
#define INCIDENT_POSITION_NATTS	1

/* ---- incident_policy.c: classes and windows ---- */

#define INCIDENT_RANK_NONE		(-1)	/* no class is known */
#define INCIDENT_RANK_UNKNOWN	PG_INT32_MAX	/* a class that the policy does not have: above all */

/* Class of the label of a record, palloc'd; NULL if it names none. */
extern char *incident_class_of(const AuditText *label);
/* Read the policy if it changed; never waits for a lock: raises 55P03 where nothing is known yet. */
extern void incident_policy_refresh(void);
extern int	incident_class_rank(const char *class_name);
/* Deadlines for an incident of a class, from since on. */
extern void incident_policy_deadlines(IncidentTable *table, int64 incident, const char *class_name,
									  TimestampTz since);

/* ---- incident_notice.c: what the outbox says ---- */

typedef struct IncidentNotice
{
	const char *subject;		/* breach or overdue */
	const char *reason;			/* opened, raised, summary, overdue */
	int64		seq;
	const TrailInserted *record;	/* the breach; NULL for a summary of the tick */
	const char *recipient;		/* overdue */
	TimestampTz due;			/* overdue */
} IncidentNotice;

/* Id of the next notice: the writer alone makes them. */
extern void incident_notice_put(IncidentTable *table, const Incident *incident, const IncidentNotice *notice,
								TimestampTz now);

/* ---- incident_group.c ---- */

/* Forget what is known of open incidents: a transaction did not commit. */
extern void incident_group_reset(void);
/* Load open incidents where that was not done; returns the last record that was looked through. */
extern int64 incident_group_load(void);
/* Group records (TrailInserted, in order) up to a place in the trail. */
extern void incident_group_records(List *records, int64 up_to);
/* The same for records that are in the trail already, at most max; returns the place reached. */
extern int64 incident_group_catch_up(int64 before_seq, int max);
extern int64 incident_group_position(void);
/* The same as the tables tell it: at least up to here. */
extern int64 incident_looked_through(void);
/* Records without a breach follow the position. */
extern void incident_group_skip(int64 up_to);
extern bool incident_group_position_lags(void);
/* When a summary has to be made, 0: never; makes those that have to be now. */
extern TimestampTz incident_group_next_summary(void);
extern void incident_group_summaries(TimestampTz now);
/* Insert the events of incidents that were opened since: after the subtransaction. */
extern void incident_group_note(TrailBatch *batch);

/* ---- incident_due.c ---- */

/* Settle deadlines that are over; the next one's time, 0: none. */
extern TimestampTz incident_due_settle(int64 next_seq, TimestampTz now);
extern void incident_due_note(TrailBatch *batch);

/* ---- incident_stage.c ---- */

extern const WriterStage incident_stage;

/* Insert an event of the writer. */
extern void incident_stage_insert(TrailBatch *batch, const AuditEvent *event);
/* Place in the trail that the next record of the batch gets. */
extern int64 incident_stage_next_seq(TrailBatch *batch);

#endif							/* PG_DATACLASS_INCIDENT_INTERNAL_H */
