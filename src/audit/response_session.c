/*-------------------------------------------------------------------------
 *
 * response_session.c
 *		Ends sessions: the one behind a breach, or all of a role.
 *
 * A process number may have been given to another session since.  The session
 * of a breach is the one that has its process number and database, began when
 * the record says (session_id holds the second), and began before the breach:
 * a number is given anew only after its former process has ended.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "utils/backend_status.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/response.h"

/* Seconds and process number of "5f3a1b2c.1a2b"; a parallel worker's are its own, the process is its leader. */
static bool
parse_session_id(const char *text, pg_time_t *started, int *pid)
{
	unsigned long seconds;
	unsigned long process;
	char	   *end;

	if (text == NULL)
		return false;
	seconds = strtoul(text, &end, 16);
	if (end == text || *end != '.')
		return false;
	text = end + 1;
	process = strtoul(text, &end, 16);
	if (end == text || *end != '\0' || process > PG_INT32_MAX)
		return false;
	*started = (pg_time_t) seconds;
	*pid = (int) process;
	return true;
}

static bool
is_session_of(const PgBackendStatus *status, const ResponseBreach *breach)
{
	pg_time_t	started;
	int			pid;

	if (status->st_procpid != breach->pid || status->st_databaseid != MyDatabaseId ||
		status->st_backendType != B_BACKEND || status->st_proc_start_timestamp > breach->time ||
		!parse_session_id(breach->session_id, &started, &pid))
		return false;
	return pid != breach->pid || timestamptz_to_time_t(status->st_proc_start_timestamp) == started;
}

/*
 * response_end_session
 */
bool
response_end_session(const ResponseBreach *breach)
{
	int			n;
	bool		ended = false;

	/* of another server, whose processes are none of ours */
	if (breach->node == NULL || strcmp(breach->node, audit_node_name()) != 0)
		return false;
	pgstat_clear_backend_activity_snapshot();
	n = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= n && !ended; i++)
	{
		const LocalPgBackendStatus *local = compat_backend_status(i);

		if (local != NULL && is_session_of(&local->backendStatus, breach))
			ended = kill(breach->pid, SIGTERM) == 0;
	}
	return ended;
}

/*
 * response_end_sessions
 */
int
response_end_sessions(Oid role)
{
	int			n;
	int			ended = 0;

	pgstat_clear_backend_activity_snapshot();
	n = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= n; i++)
	{
		const LocalPgBackendStatus *local = compat_backend_status(i);
		const PgBackendStatus *status = local ? &local->backendStatus : NULL;

		if (status != NULL && status->st_backendType == B_BACKEND && status->st_userid == role &&
			status->st_databaseid == MyDatabaseId && status->st_procpid != MyProcPid)
			ended += kill(status->st_procpid, SIGTERM) == 0;
	}
	return ended;
}
