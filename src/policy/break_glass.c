/*-------------------------------------------------------------------------
 *
 * break_glass.c
 *		Emergency access: dataclass.break_glass(), its uses and its end.
 *
 * A role whose clearance carries the privilege break_glass may, for a time and
 * with a reason, read and write beyond its compartments and class.  The tier
 * of the session, quarantine, the session's own ceiling, floors and every
 * privilege stay as they are (policy_decide.c).
 *
 * Opening, each use and the end are events.  The opening is durable before it
 * takes effect, a use before a row is read.  It belongs to one session and one
 * outer user, is no part of a transaction, and ends for good when time is
 * over, when the outer user changes, when it is given up and with the session.
 *
 * Assign hooks may not record: they only mark it as ended, which counts at
 * once; the record follows with the next statement.  A statement that began in
 * time is finished.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/break_glass.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

#define REASON_MAX	512
#define MAX_USES	64

PG_FUNCTION_INFO_V1(dc_break_glass);
PG_FUNCTION_INFO_V1(dc_end_break_glass);

TimestampTz break_glass_until = 0;

static Oid	opened_by = InvalidOid; /* outer user */
static bool role_changed = false;

/* What the current statement has recorded. */
typedef struct GlassUse
{
	Oid			relid;
	const char *action;
} GlassUse;

static TimestampTz use_statement = 0;
static GlassUse uses[MAX_USES];
static int	nuses = 0;

bool
break_glass_is_open(void)
{
	if (IsParallelWorker())
		return session_break_glass_of_leader();
	return break_glass_until != 0 && !role_changed && opened_by == GetOuterUserId();
}

void
break_glass_role_changes(void)
{
	if (break_glass_until != 0)
		role_changed = true;
}

static bool
record_end(const char *action, const char *detail)
{
	AuditEvent	event = {0};

	event.kind = EVENT_BREAK_GLASS;
	event.severity = SEVERITY_HIGH;
	event.outcome = OUTCOME_OBSERVED;
	event.action = action;
	event.class_id = AuthIdRelationId;
	event.object_id = opened_by;
	event.object_type = "role";
	event.object_identity = GetUserNameFromId(opened_by, true);
	event.subject = event.object_identity;
	event.rule = "break_glass";
	event.detail = detail;
	return event_record(&event);
}

/* Closed first: recording may fail, the end does not. */
static void
close_glass(const char *action, const char *detail)
{
	break_glass_until = 0;
	role_changed = false;
	session_break_glass_publish(false);
	subject_invalidate();
	if (!record_end(action, detail))
		ereport(WARNING,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("the end of emergency access could not be recorded in the audit trail"),
				 errhint("See the server log for the state of the audit trail.")));
}

void
break_glass_look_at_clock(void)
{
	if (!IsTransactionState() || IsParallelWorker())
		return;
	if (role_changed || opened_by != GetOuterUserId())
		close_glass("BREAK GLASS END", "Emergency access ended because the role of the session changed.");
	else if (GetCurrentTimestamp() >= break_glass_until)
		close_glass("BREAK GLASS EXPIRED", "Emergency access ended because its time was over.");
}

/*
 * As the clean-up of temporary tables at session end: whatever transaction is
 * left gives way to one in which names can be looked up.
 */
static void
close_at_exit(int code, Datum arg)
{
	if (break_glass_until == 0)
		return;
	AbortOutOfAnyTransaction();
	StartTransactionCommand();
	close_glass("BREAK GLASS END", "Emergency access ended with the session.");
	CommitTransactionCommand();
}

void
break_glass_use(Oid relid, AttrNumber attnum, const char *action, const char *label)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	AuditEvent	event = {0};

	if (IsParallelWorker())
		return;					/* the leader has recorded it */
	if (use_statement != statement)
	{
		use_statement = statement;
		nuses = 0;
	}
	for (int i = 0; i < nuses; i++)
		if (uses[i].relid == relid && strcmp(uses[i].action, action) == 0)
			return;
	event.kind = EVENT_BREAK_GLASS;
	event.severity = SEVERITY_CRITICAL;
	event.outcome = OUTCOME_ALLOWED;
	event.action = action;
	event.class_id = RelationRelationId;
	event.object_id = relid;
	event.object_subid = attnum;
	event.object_type = attnum ? "column" : "table";
	event.object_identity = report_relation_identity(relid);
	if (attnum)
		event.object_identity = psprintf("%s.%s", event.object_identity,
										 quote_identifier(get_attname(relid, attnum, false)));
	event.label = label;
	event.rule = "break_glass";
	event.detail = "Allowed by emergency access; the clearance of the role does not dominate the label.";
	if (!event_record(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the use of emergency access in the audit trail"),
				 errdetail("Emergency access is not used unrecorded."),
				 errhint("See the server log for the state of the audit trail.")));
	/* action: a constant of the caller */
	if (nuses < MAX_USES)
	{
		uses[nuses].relid = relid;
		uses[nuses++].action = action;
	}
}

/* ------------------------------------------------------------------------
 * SQL functions
 * ------------------------------------------------------------------------
 */

static void
refuse(const char *rule, const char *detail, const char *hint)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_BREAK_GLASS;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = "BREAK GLASS";
	refusal.event.class_id = AuthIdRelationId;
	refusal.event.object_id = GetOuterUserId();
	refusal.event.object_type = "role";
	refusal.event.object_identity = GetUserNameFromId(GetOuterUserId(), true);
	refusal.event.rule = rule;
	refusal.event.detail = detail;
	refusal.message = "permission denied to open emergency access";
	refusal.detail = detail;
	refusal.hint = hint;
	/* no mode of enforcement confers the privilege */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static void
check_caller(void)
{
	/* before the call is asked whether it is direct: these reasons say more */
	if (GetUserId() != GetOuterUserId() || InSecurityRestrictedOperation() || subject_trusted_depth() > 0)
		refuse("security_definer", "Emergency access is opened by the role itself, not inside a function that runs as another one.",
			   "Call dataclass.break_glass() directly.");
	if ((subject_current()->privileges & LABEL_PRIVILEGE_BREAK_GLASS) == 0)
		refuse("privilege", "The clearance of the role lacks the privilege break_glass.",
			   "An officer can grant it: SECURITY LABEL FOR dataclass ON ROLE ... IS '... with (break_glass)'.");
}

static char *
given_reason(FunctionCallInfo fcinfo)
{
	char	   *reason = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reason is required"),
				 errdetail("It is kept in the audit trail."),
				 errhint("Run SELECT dataclass.break_glass('why'); for 15 minutes, or give a duration besides.")));
	if (strlen(reason) > REASON_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the reason is too long"),
				 errdetail("It may have %d bytes at most.", REASON_MAX)));
	return reason;
}

static TimestampTz
given_end(FunctionCallInfo fcinfo)
{
	int			minutes = policy_current()->break_glass_minutes;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz until;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("duration must not be null")));
	until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now),
													PG_GETARG_DATUM(1)));
	if (until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration must be longer than nothing")));
	if (TIMESTAMP_IS_NOEND(until) || until > TimestampTzPlusMilliseconds(now, minutes * INT64CONST(60000)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("emergency access may be opened for %d minutes at most", minutes),
				 errhint("Open it again when the time is over; an officer can change break_glass_minutes in dataclass.policy_setting.")));
	return until;
}

/* break_glass(reason, duration): until when. */
Datum
dc_break_glass(PG_FUNCTION_ARGS)
{
	static bool exit_registered = false;
	AuditEvent	event = {0};
	char	   *reason;
	TimestampTz until;

	policy_check_clock();
	check_caller();
	direct_call_only(fcinfo, "dataclass.break_glass", "SELECT dataclass.break_glass('why');");
	reason = given_reason(fcinfo);
	until = given_end(fcinfo);

	event.kind = EVENT_BREAK_GLASS;
	event.severity = SEVERITY_CRITICAL;
	event.outcome = OUTCOME_ALLOWED;
	event.action = "BREAK GLASS";
	event.class_id = AuthIdRelationId;
	event.object_id = GetOuterUserId();
	event.object_type = "role";
	event.object_identity = GetUserNameFromId(GetOuterUserId(), true);
	event.rule = "break_glass";
	event.detail = psprintf("Emergency access opened until %s, reason: %s",
							timestamptz_to_str(until), reason);
	if (!event_record(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the opening of emergency access in the audit trail"),
				 errdetail("Emergency access is not opened unrecorded."),
				 errhint("See the server log for the state of the audit trail.")));
	if (!exit_registered)
		before_shmem_exit(close_at_exit, (Datum) 0);
	exit_registered = true;
	opened_by = GetOuterUserId();
	role_changed = false;
	use_statement = 0;
	break_glass_until = until;
	session_break_glass_publish(true);
	subject_invalidate();
	PG_RETURN_TIMESTAMPTZ(until);
}

/* Was any open? */
Datum
dc_end_break_glass(PG_FUNCTION_ARGS)
{
	policy_check_clock();
	if (break_glass_until == 0)
		PG_RETURN_BOOL(false);
	close_glass("BREAK GLASS END", "Emergency access was given up.");
	PG_RETURN_BOOL(true);
}
