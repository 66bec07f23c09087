/*-------------------------------------------------------------------------
 *
 * audit_state.c
 *		Records changes of the settings that switch protection off.
 *
 * The state file below the data directory holds the values that were in force
 * last, so that a restart with other values is recorded as well as a reload.
 * Without the file the shipped defaults are taken for the former values.
 * Changes go to the journal of every database that has a trail: durable at
 * once, and the launcher, who calls this, need not wait for a writer that it
 * has to start itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/profile.h"

#define STATE_FILE		"state"
#define STATE_VALUE_MAX	16

typedef enum WatchedSetting
{
	WATCH_ENFORCEMENT,
	WATCH_SESSION_TIER,
	WATCH_AT_REST,
	WATCH_OFFICER,
	WATCH_DURABILITY,
	WATCH_FAILURE,
	WATCH_SIGNED_POLICY,
	WATCH_COUNT
} WatchedSetting;

static const char *const setting_name[WATCH_COUNT] = {
	[WATCH_ENFORCEMENT] = "dataclass.enforcement",
	[WATCH_SESSION_TIER] = "dataclass.session_tier_enforcement",
	[WATCH_AT_REST] = "dataclass.at_rest_enforcement",
	[WATCH_OFFICER] = "dataclass.superuser_is_officer",
	[WATCH_DURABILITY] = "dataclass.audit_durability",
	[WATCH_FAILURE] = "dataclass.on_audit_failure",
	[WATCH_SIGNED_POLICY] = "dataclass.require_signed_policy"
};

static const char *const setting_default[WATCH_COUNT] = {
	[WATCH_ENFORCEMENT] = "enforcing",
	[WATCH_SESSION_TIER] = "enforcing",
	[WATCH_AT_REST] = "enforcing",
	[WATCH_OFFICER] = "on",
	[WATCH_DURABILITY] = "sync",
	[WATCH_FAILURE] = "refuse",
	[WATCH_SIGNED_POLICY] = "off"
};

/* What is known to be recorded. */
static char known[WATCH_COUNT][STATE_VALUE_MAX];
static bool known_loaded = false;
static bool known_saved = true;

static const char *
mode_name(int mode)
{
	switch ((EnforcementMode) mode)
	{
		case ENFORCEMENT_OFF:
			return "off";
		case ENFORCEMENT_PERMISSIVE:
			return "permissive";
		case ENFORCEMENT_ENFORCING:
			return "enforcing";
	}
	return "unknown";
}

static const char *
current_value(WatchedSetting setting)
{
	switch (setting)
	{
		case WATCH_ENFORCEMENT:
			return mode_name(guc_enforcement);
		case WATCH_SESSION_TIER:
			return mode_name(guc_session_tier_enforcement);
		case WATCH_AT_REST:
			return mode_name(guc_at_rest_enforcement);
		case WATCH_OFFICER:
			return guc_superuser_is_officer ? "on" : "off";
		case WATCH_DURABILITY:
			return audit_durability_name(guc_audit_durability);
		case WATCH_FAILURE:
			return audit_failure_mode_name(guc_on_audit_failure);
		case WATCH_SIGNED_POLICY:
			return guc_require_signed_policy ? "on" : "off";
		case WATCH_COUNT:
			break;
	}
	return "unknown";
}

/* The settings in force, for the first record of a trail; palloc'd. */
char *
audit_state_text(void)
{
	return psprintf("enforcement %s, session tier %s, at rest %s, superuser_is_officer %s",
					current_value(WATCH_ENFORCEMENT), current_value(WATCH_SESSION_TIER),
					current_value(WATCH_AT_REST), current_value(WATCH_OFFICER));
}

/* Lines "name=value"; what is not there keeps its default. */
static void
load_known(void)
{
	char		buf[1024];
	ssize_t		n = audit_read_file(STATE_FILE, buf, sizeof(buf) - 1);

	for (int i = 0; i < WATCH_COUNT; i++)
		strlcpy(known[i], setting_default[i], STATE_VALUE_MAX);
	known_loaded = true;
	if (n <= 0)
		return;
	buf[n] = '\0';
	for (char *line = strtok(buf, "\n"); line != NULL; line = strtok(NULL, "\n"))
	{
		char	   *value = strchr(line, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		for (int i = 0; i < WATCH_COUNT; i++)
		{
			if (strcmp(line, setting_name[i]) == 0)
				strlcpy(known[i], value, STATE_VALUE_MAX);
		}
	}
}

static bool
save_known(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < WATCH_COUNT; i++)
		appendStringInfo(&buf, "%s=%s\n", setting_name[i], current_value(i));
	return audit_write_file(STATE_FILE, buf.data, buf.len, true);
}

/* Less protection than before, or none to speak of? */
static bool
weakens(WatchedSetting setting)
{
	/* the one that is off by default protects when it is on */
	if (setting == WATCH_SIGNED_POLICY)
		return !guc_require_signed_policy;
	return strcmp(current_value(setting), setting_default[setting]) != 0;
}

static bool
record_change(Oid dbid, const char *database, WatchedSetting setting)
{
	AuditEvent	event = {0};
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;

	event.kind = EVENT_ENFORCEMENT_CHANGE;
	event.severity = SEVERITY_CRITICAL;
	event.outcome = OUTCOME_OBSERVED;
	event.breach = weakens(setting);
	event.action = "SET";
	event.object_type = "setting";
	event.object_identity = setting_name[setting];
	event.detail = psprintf("Setting %s changed from %s to %s.",
							setting_name[setting], known[setting], current_value(setting));
	payload.data = bytes;
	payload.len = audit_event_encode(&event, database, bytes);
	if (payload.len == 0 || !audit_journal_append(dbid, &payload, 1))
		return false;
	audit_queue_request_writer(dbid, true, false);
	return true;
}

static bool
record_in_all_trails(WatchedSetting setting)
{
	struct stat st;
	List	   *names;
	ListCell   *lc;

	/* A directory that is not there does not mean that there is no trail. */
	if (stat(AUDIT_DIRECTORY, &st) != 0 || !S_ISDIR(st.st_mode))
		return false;
	names = audit_files("head-", InvalidOid);
	foreach(lc, names)
	{
		Oid			dbid = audit_file_database(lfirst(lc), "head-");
		MemoryContext old = CurrentMemoryContext;
		char	   *database;

		StartTransactionCommand();
		database = get_database_name(dbid);
		if (database)
			database = MemoryContextStrdup(old, database);
		CommitTransactionCommand();
		MemoryContextSwitchTo(old);
		if (database && !record_change(dbid, database, setting))
			return false;
	}
	return true;
}

void
audit_state_check(void)
{
	MemoryContext work;
	MemoryContext old;
	bool		changed = false;
	bool		recorded = true;

	if (!known_loaded)
		load_known();
	changed = !known_saved;
	for (int i = 0; i < WATCH_COUNT; i++)
		changed = changed || strcmp(known[i], current_value(i)) != 0;
	if (!changed)
		return;

	work = AllocSetContextCreate(TopMemoryContext, "dataclass state", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	for (int i = 0; i < WATCH_COUNT && recorded; i++)
	{
		if (strcmp(known[i], current_value(i)) == 0)
			continue;
		known_saved = false;
		ereport(LOG,
				(errmsg("setting %s changed from %s to %s", setting_name[i], known[i], current_value(i))));
		recorded = record_in_all_trails(i);
		if (recorded)
			strlcpy(known[i], current_value(i), STATE_VALUE_MAX);
	}
	/* Written after the records: a crash in between records a change twice, never not at all. */
	if (recorded)
		known_saved = save_known();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}
