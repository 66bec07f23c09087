/*-------------------------------------------------------------------------
 *
 * audit_state.c
 *		Records changes of the extension's settings in the configuration.
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
#include "utils/guc_tables.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/setting_change.h"

#define STATE_FILE		"state"
#define STATE_FILE_MAX	(64 * 1024)
#define STATE_VALUE_MAX	160		/* longer values are cut and told apart by their hash */
#define SETTING_PREFIX	"dataclass."

/* Settings that decide whether anything is protected or recorded, and the value that protects. */
static const struct
{
	const char *name;
	const char *safe;
}			enforcement[] =
{
	{"dataclass.enforcement", "enforcing"},
	{"dataclass.session_tier_enforcement", "enforcing"},
	{"dataclass.at_rest_enforcement", "enforcing"},
	{"dataclass.superuser_is_officer", "on"},
	{"dataclass.audit_durability", "sync"},
	{"dataclass.on_audit_failure", "refuse"},
	{"dataclass.require_signed_policy", "on"}
};

/* What is known to be recorded, for each setting of the extension. */
typedef struct KnownSetting
{
	struct config_generic *setting;
	char		value[STATE_VALUE_MAX + 32];
} KnownSetting;

static KnownSetting *known = NULL;	/* in TopMemoryContext */
static int	nknown = 0;
static bool known_saved = true;

/* The settings in force, for the first record of a trail; palloc'd. */
char *
audit_state_text(void)
{
	return psprintf("enforcement %s, session tier %s, at rest %s, superuser_is_officer %s",
					GetConfigOption("dataclass.enforcement", false, false),
					GetConfigOption("dataclass.session_tier_enforcement", false, false),
					GetConfigOption("dataclass.at_rest_enforcement", false, false),
					GetConfigOption("dataclass.superuser_is_officer", false, false));
}

/*
 * One line for the file and the record: what only superusers may see, and the
 * end of what is long, as a hash.
 */
static void
describe_value(const struct config_generic *setting, const char *value, char *out, size_t size)
{
	bool		hidden = (setting->flags & GUC_SUPERUSER_ONLY) != 0 && value[0] != '\0';
	size_t		shown = hidden ? 0 : Min(strlen(value), STATE_VALUE_MAX);
	uint8_t		hash[AUDIT_HASH_SIZE];

	Assert(size > STATE_VALUE_MAX + 20);
	for (size_t i = 0; i < shown; i++)
		out[i] = (unsigned char) value[i] < ' ' ? '?' : value[i];
	out[shown] = '\0';
	if ((hidden || value[shown] != '\0') && merkle_sha256((const uint8_t *) value, strlen(value), hash))
		for (int i = 0; i < 8; i++)
			snprintf(out + shown + 2 * i, 3, "%02x", hash[i]);
}

static void
current_value(const struct config_generic *setting, char *out, size_t size)
{
	const char *value = GetConfigOption(setting->name, true, false);

	describe_value(setting, value ? value : "", out, size);
}

/* The value that it has where nobody sets it. */
static void
shipped_value(struct config_generic *setting, char *out, size_t size)
{
	char		number[32];
	const char *value = number;

	switch (setting->vartype)
	{
		case PGC_BOOL:
			value = ((struct config_bool *) setting)->boot_val ? "on" : "off";
			break;
		case PGC_INT:
			snprintf(number, sizeof(number), "%d", ((struct config_int *) setting)->boot_val);
			break;
		case PGC_REAL:
			snprintf(number, sizeof(number), "%g", ((struct config_real *) setting)->boot_val);
			break;
		case PGC_STRING:
			value = ((struct config_string *) setting)->boot_val;
			break;
		case PGC_ENUM:
			value = config_enum_lookup_by_value((struct config_enum *) setting,
												((struct config_enum *) setting)->boot_val);
			break;
	}
	describe_value(setting, value ? value : "", out, size);
}

/* All settings of the extension; they are defined when the library is loaded, no more come later. */
static void
find_settings(void)
{
	struct config_generic **all;
	int			n;

	all = compat_settings(&n);
	known = MemoryContextAllocZero(TopMemoryContext, sizeof(KnownSetting) * n);
	for (int i = 0; i < n; i++)
	{
		if (strncmp(all[i]->name, SETTING_PREFIX, strlen(SETTING_PREFIX)) != 0)
			continue;
		known[nknown].setting = all[i];
		shipped_value(all[i], known[nknown].value, sizeof(known[nknown].value));
		nknown++;
	}
}

/* Lines "name=value"; what is not there keeps its default. */
static void
load_known(void)
{
	char	   *buf = palloc(STATE_FILE_MAX);
	ssize_t		n = audit_read_file(STATE_FILE, buf, STATE_FILE_MAX - 1);

	find_settings();
	if (n <= 0)
		return;
	buf[n] = '\0';
	for (char *line = strtok(buf, "\n"); line != NULL; line = strtok(NULL, "\n"))
	{
		char	   *value = strchr(line, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		for (int i = 0; i < nknown; i++)
			if (strcmp(line, known[i].setting->name) == 0)
				strlcpy(known[i].value, value, sizeof(known[i].value));
	}
}

static bool
save_known(void)
{
	StringInfoData buf;
	char		value[sizeof(known[0].value)];

	initStringInfo(&buf);
	for (int i = 0; i < nknown; i++)
	{
		current_value(known[i].setting, value, sizeof(value));
		appendStringInfo(&buf, "%s=%s\n", known[i].setting->name, value);
	}
	return audit_write_file(STATE_FILE, buf.data, buf.len, true);
}

/* Index in enforcement[], -1 for a setting that protects nothing. */
static int
enforcement_setting(const char *name)
{
	for (int i = 0; i < lengthof(enforcement); i++)
		if (pg_strcasecmp(enforcement[i].name, name) == 0)
			return i;
	return -1;
}

bool
audit_setting_protects(const char *name)
{
	return pg_strncasecmp(name, SETTING_PREFIX, strlen(SETTING_PREFIX)) != 0 || enforcement_setting(name) >= 0;
}

static bool
record_change(Oid dbid, const char *database, const KnownSetting *changed, const char *value)
{
	AuditEvent	event = {0};
	uint8		bytes[AUDIT_PAYLOAD_MAX];
	AuditPayload payload;
	const char *name = changed->setting->name;
	int			protects = enforcement_setting(name);

	event.kind = protects >= 0 ? EVENT_ENFORCEMENT_CHANGE : EVENT_SETTING_CHANGE;
	event.severity = protects >= 0 ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	event.outcome = OUTCOME_OBSERVED;
	/* less protection than before, or none to speak of */
	event.breach = protects >= 0 && strcmp(value, enforcement[protects].safe) != 0;
	event.action = "SET";
	event.object_type = "setting";
	event.object_identity = name;
	event.rule = "setting";
	event.detail = (changed->setting->flags & GUC_SUPERUSER_ONLY) != 0 ?
		psprintf("Setting %s of the server changed; only superusers may see its value.", name) :
		protects >= 0 ? psprintf("Setting %s changed from %s to %s.", name, changed->value, value) :
		setting_change_text(name, changed->value, value, "in the configuration of the server");
	payload.data = bytes;
	payload.len = audit_event_encode(&event, database, bytes);
	if (payload.len == 0 || !audit_journal_append(dbid, &payload, 1))
		return false;
	audit_queue_request_writer(dbid, true, false);
	return true;
}

static bool
record_in_all_trails(const KnownSetting *changed, const char *value)
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
		if (database && !record_change(dbid, database, changed, value))
			return false;
	}
	return true;
}

void
audit_state_check(void)
{
	MemoryContext work = AllocSetContextCreate(TopMemoryContext, "dataclass state", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	char		value[sizeof(known[0].value)];
	bool		changed = !known_saved;
	bool		recorded = true;

	if (known == NULL)
		load_known();
	for (int i = 0; i < nknown && recorded; i++)
	{
		current_value(known[i].setting, value, sizeof(value));
		if (strcmp(known[i].value, value) == 0)
			continue;
		changed = true;
		known_saved = false;
		ereport(LOG,
				(errmsg("setting %s changed from %s to %s", known[i].setting->name, known[i].value, value)));
		recorded = record_in_all_trails(&known[i], value);
		if (recorded)
			strlcpy(known[i].value, value, sizeof(known[i].value));
	}
	/* Written after the records: a crash in between records a change twice, never not at all. */
	if (changed && recorded)
		known_saved = save_known();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}
