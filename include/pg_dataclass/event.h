/*-------------------------------------------------------------------------
 *
 * event.h
 *		What can be said to the audit trail, and how lower layers say it.
 *
 * The struct names the facts that only the caller knows.  Who, when, from
 * where and with which statement is added by the audit layer.  Lower layers
 * call event_record(); the audit layer installs the sink at load.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_EVENT_H
#define PG_DATACLASS_EVENT_H

/* Order is part of the record format: append only. */
typedef enum EventKind
{
	EVENT_TRAIL_BEGIN,			/* trail_begin: first record of a trail */
	EVENT_ACCESS_DENIED,		/* access_denied: table or column */
	EVENT_ROW_DENIED,			/* row_denied: a row written or demanded against its label */
	EVENT_LABEL_CHANGE,			/* label_change: object labels */
	EVENT_CLEARANCE_CHANGE,		/* clearance_change: role labels, membership */
	EVENT_LABEL_REFUSED,		/* label_refused */
	EVENT_POLICY_CHANGE,		/* policy_change */
	EVENT_AT_REST_REFUSED,		/* at_rest_refused: gate */
	EVENT_AT_REST_VIOLATION,	/* at_rest_violation: data lies where it must not */
	EVENT_DDL_DENIED,			/* ddl_denied: utility command on governed objects */
	EVENT_DDL,					/* ddl: change of a governed object */
	EVENT_TRAIL_GUARD,			/* trail_guard: attempt on the trail or the extension */
	EVENT_TRAIL_TAMPERED,		/* trail_tampered: verify() found it */
	EVENT_ENFORCEMENT_CHANGE,	/* enforcement_change: settings */
	EVENT_TRUSTED_ENTRY,		/* trusted_entry: trusted procedure called */
	EVENT_AUDIT_IMPAIRED,		/* audit_impaired: a window in which recording was not normal */
	EVENT_AT_REST_HEALED,		/* at_rest_healed: a place or relation satisfies its labels again */
	EVENT_QUARANTINE,			/* quarantine: a relation was put under it or released from it */
	EVENT_RISK_ACCEPTED,		/* risk_accepted: an officer accepts a violation for a time, or that time is over */
	EVENT_ATTESTATION,			/* attestation: accepted, refused, expired or revoked */
	EVENT_PROFILE,				/* profile: a policy profile was loaded or refused */
	EVENT_SETTING_CHANGE,		/* setting_change: a setting of the extension, by whatever route */
	EVENT_BREAK_GLASS,			/* break_glass: emergency access was opened, used or closed */
	EVENT_EXPORT,				/* export: labeled data left the server as a whole */
	EVENT_PRIVILEGE_DENIED,		/* privilege_denied: core refused access to a governed object */
	EVENT_LOGIN_FAILED,			/* login_failed: of a role with a clearance */
	EVENT_READ,					/* read: a class whose reads are audited */
	EVENT_SUPERUSER_ACCESS,		/* superuser_access: by a role that core exempts, where policy audits it */
	EVENT_GRANT,				/* grant: privileges on a governed object */
	EVENT_INCIDENT,				/* incident: opened, or a step of its life */
	EVENT_DISCLOSURE,			/* disclosure: a notice was handed over, or could not be */
	EVENT_MEASURE,				/* measure: a response rule acted */
	EVENT_CHECKPOINT,			/* checkpoint: about keys and checkpoints of the trail */
	EVENT_ARCHIVE				/* archive: a range of the trail was moved to a file */
} EventKind;

#define EVENT_KIND_COUNT (EVENT_ARCHIVE + 1)

typedef enum EventSeverity
{
	SEVERITY_INFO,				/* info */
	SEVERITY_NOTICE,			/* notice */
	SEVERITY_WARNING,			/* warning */
	SEVERITY_HIGH,				/* high */
	SEVERITY_CRITICAL			/* critical */
} EventSeverity;

typedef enum EventOutcome
{
	OUTCOME_ALLOWED,			/* allowed */
	OUTCOME_DENIED,				/* denied */
	OUTCOME_PERMITTED,			/* permitted: would be denied, mode is permissive */
	OUTCOME_OBSERVED			/* observed: a fact found, nobody asked */
} EventOutcome;

/* All strings may be NULL; they are copied.  Never a row value or a parameter. */
typedef struct AuditEvent
{
	EventKind	kind;
	EventSeverity severity;
	EventOutcome outcome;
	bool		breach;			/* a failure of an obligation: shown in view breach */
	const char *action;			/* "SELECT", "SECURITY LABEL", ... */
	Oid			class_id;		/* object, as in pg_depend; InvalidOid if none */
	Oid			object_id;
	int32		object_subid;
	const char *object_type;	/* "table", "column", "role", ... */
	const char *object_identity;	/* schema-qualified, quoted */
	const char *label;			/* label concerned, canonical */
	const char *rule;			/* rule that failed: DECISION_* name */
	const char *required_tier;
	const char *found_tier;
	const char *detail;			/* one sentence */
	const char *subject;		/* role; NULL: the outer user of this session */
	int64		repeats;		/* events like this that the record stands for; 0: only itself */
} AuditEvent;

/*
 * Returns true when the event is durable or journalled, or when all ways
 * failed and dataclass.on_audit_failure = continue lets go on (the event is in
 * the server log then, and the window is recorded later).  False: it is
 * recorded nowhere and the caller must refuse what it was about to allow
 * (SQLSTATE 58030); a denial is raised anyway.  Never raises ERROR, waits for
 * the acknowledgement.  at_commit: delivered, durably, just before the
 * transaction commits, dropped when it aborts; for changes.
 */
typedef bool (*event_sink_type) (const AuditEvent *event);

/*
 * Several at once, in one delivery.  acknowledged: as event_record().
 * Otherwise they are handed over without waiting, and journalled where nobody
 * takes them; what false means is the same.
 */
typedef bool (*event_sink_list_type) (const AuditEvent *events, int n, bool acknowledged);

extern event_sink_list_type event_sink_list;
extern bool event_record_list(const AuditEvent *events, int n, bool acknowledged);

extern event_sink_type event_sink_now;
extern event_sink_type event_sink_at_commit;

extern bool event_record(const AuditEvent *event);
extern bool event_record_at_commit(const AuditEvent *event);

/* A process in which nobody stands behind what is recorded: no role is named. */
extern bool event_from_system;

/*
 * Databases that have a trail, as a palloc'd list of oids, without connecting
 * to them.  Installed by the audit layer; NULL where there is none.
 */
struct List;
typedef struct List *(*event_databases_type) (void);
extern event_databases_type event_databases;

extern const char *event_kind_name(EventKind kind);
extern const char *event_severity_name(EventSeverity severity);
extern const char *event_outcome_name(EventOutcome outcome);

#endif							/* PG_DATACLASS_EVENT_H */
