/*-------------------------------------------------------------------------
 *
 * setting_change.c
 *		Records changes of settings that a session may change itself.
 *
 * Why the assign hooks: SET, SET LOCAL, RESET, set_config(), DISCARD ALL, the
 * SET clause of a function and an UPDATE of pg_settings all end there, and
 * nothing has been done under the new value yet.  What assigns without
 * anybody's doing is told apart and recorded nowhere: the end of a transaction
 * or of a function gives back what the record before says it held, a reload is
 * the launcher's to record, once for all sessions (audit_state.c), and values
 * stored for a role or database are recorded when they are stored
 * (hook_role.c).
 *
 * What a client asks for in its startup packet comes while the session has no
 * catalog to look names up in: it waits for the end of that transaction, which
 * is before the client may send anything.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/guc_tables.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/setting_change.h"

#define MAX_AT_LOGIN	8
#define VALUE_MAX		200		/* bytes of a value that a record shows */

/* Changed by the startup packet; names are constants. */
static const char *at_login[MAX_AT_LOGIN];
static int	nat_login = 0;

/* The SET clause of a function that is called for each row says the same each time. */
static TimestampTz function_statement = 0;
static uint64 function_change = 0;

char *
setting_change_text(const char *name, const char *oldval, const char *newval, const char *scope)
{
	return psprintf("Setting %s changed from '%.*s' to '%.*s' %s.", name,
					VALUE_MAX, oldval ? oldval : "", VALUE_MAX, newval ? newval : "", scope);
}

static void
record(const char *name, const char *oldval, const char *newval, const char *scope)
{
	AuditEvent	event = {0};

	if (!policy_current()->installed)
		return;
	event.kind = EVENT_SETTING_CHANGE;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_ALLOWED;
	event.action = "SET";
	event.object_type = "setting";
	event.object_identity = name;
	event.rule = "setting";
	event.detail = setting_change_text(name, oldval, newval, scope);
	if (!event_record(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the change of setting \"%s\" in the audit trail", name),
				 errdetail("Settings of pg_dataclass are not changed unrecorded."),
				 errhint("See the server log for the state of the audit trail.")));
}

/* True for a second call of a function with the same SET clause within one statement of the client. */
static bool
said_in_this_statement(const char *name, const char *newval)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	uint64		change = hash_bytes_extended((const unsigned char *) newval, (int) strlen(newval),
											 (uint64) (uintptr_t) name);

	if (function_statement == statement && function_change == change)
		return true;
	function_statement = statement;
	function_change = change;
	return false;
}

void
setting_assigned(const char *name, const char *oldval, const char *newval)
{
	const struct config_generic *setting;
	const GucStack *stack;
	const char *scope = "for the session";

	/* while the library is loaded, and in workers, which take over what the leader has */
	if (!IsUnderPostmaster || MyProcPort == NULL || IsParallelWorker() || InitializingParallelWorker)
		return;
	oldval = oldval ? oldval : "";
	newval = newval ? newval : "";
	if (strcmp(oldval, newval) == 0)
		return;
	if (!IsNormalProcessingMode())
	{
		for (int i = 0; i < nat_login; i++)
			if (at_login[i] == name)
				return;
		if (nat_login < MAX_AT_LOGIN)
			at_login[nat_login++] = name;
		return;
	}
	if (!IsTransactionState())
		return;

	setting = compat_setting(name);
	stack = setting ? setting->stack : NULL;
	if (stack != NULL && stack->state == GUC_SAVE)
	{
		/* the function returns: core hands back the very value that it kept */
		if (stack->prior.val.stringval == newval || said_in_this_statement(name, newval))
			return;
		scope = "within a function";
	}
	else if (stack != NULL && (stack->state == GUC_LOCAL || stack->state == GUC_SET_LOCAL))
		scope = "for the transaction";
	record(name, oldval, newval, scope);
}

/* At the end of the transaction in which the session was set up. */
static void
setting_xact_callback(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT || nat_login == 0)
		return;
	for (int i = 0; i < nat_login; i++)
	{
		const struct config_generic *setting = compat_setting(at_login[i]);

		if (setting != NULL && setting->source == PGC_S_CLIENT && OidIsValid(MyDatabaseId))
			record(at_login[i], "", GetConfigOption(at_login[i], false, false), "by the options that the client came in with");
	}
	nat_login = 0;
}

void
setting_change_init(void)
{
	RegisterXactCallback(setting_xact_callback, NULL);
}
