/*-------------------------------------------------------------------------
 *
 * audit_settings.c
 *		Settings of the audit layer, and its start.
 *
 * What weakens recording comes from the configuration file only, and not from
 * ALTER SYSTEM either: whoever can run SQL must not be able to switch it off.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <sys/param.h>
#include <unistd.h>

#include "utils/guc.h"
#include "utils/ps_status.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/archive.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/checkpoint.h"
#include "pg_dataclass/incident.h"
#include "pg_dataclass/notice.h"
#include "pg_dataclass/verify_progress.h"

int			guc_audit_durability = AUDIT_DURABILITY_SYNC;
int			guc_on_audit_failure = AUDIT_FAILURE_REFUSE;
int			guc_audit_timeout = 5000;
int			guc_audit_queue_size = 2048;
int			guc_journal_size_limit = 1024 * 1024;
int			guc_writer_idle_timeout = 60;
int			guc_repeat_window = 10000;
char	   *guc_node_name = NULL;

static const struct config_enum_entry durability_options[] = {
	{"sync", AUDIT_DURABILITY_SYNC, false},
	{"async", AUDIT_DURABILITY_ASYNC, false},
	{NULL, 0, false}
};

static const struct config_enum_entry failure_options[] = {
	{"refuse", AUDIT_FAILURE_REFUSE, false},
	{"continue", AUDIT_FAILURE_CONTINUE, false},
	{NULL, 0, false}
};

void
audit_settings_init(void)
{
	DefineCustomEnumVariable("dataclass.audit_durability",
							 "Sets whether an event is flushed to disk before the client hears of it (sync) or soon after (async).",
							 NULL,
							 &guc_audit_durability, AUDIT_DURABILITY_SYNC, durability_options,
							 PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomEnumVariable("dataclass.on_audit_failure",
							 "Sets what happens to changes that can be recorded nowhere: refuse, or continue.",
							 "Denials are raised in any case.",
							 &guc_on_audit_failure, AUDIT_FAILURE_REFUSE, failure_options,
							 PGC_SIGHUP, GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.audit_timeout",
							"Sets how long a session waits for the audit writer before it uses the journal.",
							NULL,
							&guc_audit_timeout, 5000, 10, 600000,
							PGC_SIGHUP, GUC_UNIT_MS | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.audit_queue_size",
							"Sets how many events can be on their way to the audit writers.",
							"Each takes about 1.1 kB of shared memory, in which an event of usual length finds room; when the queue is full the journal is used.",
							&guc_audit_queue_size, 2048, 1, 262144,
							PGC_POSTMASTER, GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.journal_size_limit",
							"Sets how much room the audit journals of all databases may take together.",
							"0: no limit. Beyond it events cannot be recorded while no writer takes them: see dataclass.on_audit_failure.",
							&guc_journal_size_limit, 1024 * 1024, 0, MAX_KILOBYTES,
							PGC_SIGHUP, GUC_UNIT_KB | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.writer_idle_timeout",
							"Sets after how much idle time an audit writer ends; it is started again on demand.",
							"0 keeps it.",
							&guc_writer_idle_timeout, 60, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("dataclass.repeat_window",
							"Sets for how long repeats of a denial are counted instead of recorded one by one.",
							"The first is recorded at once, the others in one record with their exact number. 0 records each.",
							&guc_repeat_window, 10000, 0, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS | GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomStringVariable("dataclass.node_name",
							   "Sets the name of this server in audit records.",
							   "Empty: cluster_name, or the name of the host if that is empty too.",
							   &guc_node_name, "",
							   PGC_POSTMASTER, GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
}

const char *
audit_node_name(void)
{
	static char host[MAXHOSTNAMELEN];

	if (guc_node_name != NULL && guc_node_name[0] != '\0')
		return guc_node_name;
	if (cluster_name != NULL && cluster_name[0] != '\0')
		return cluster_name;
	if (host[0] == '\0' && gethostname(host, sizeof(host) - 1) != 0)
		strlcpy(host, "unknown", sizeof(host));
	return host;
}

Size
audit_shmem_size(void)
{
	Size		size = add_size(audit_queue_shmem_size(), audit_journal_shmem_size());

	size = add_size(size, verify_progress_shmem_size());
	size = add_size(size, notice_shmem_size());
	size = add_size(size, audit_login_shmem_size());
	return add_size(size, audit_limit_shmem_size());
}

void
audit_shmem_init(void)
{
	audit_queue_shmem_init();
	audit_journal_shmem_init();
	verify_progress_shmem_init();
	notice_shmem_init();
	audit_login_shmem_init();
	audit_limit_shmem_init();
}

void
audit_init(void)
{
	audit_settings_init();
	checkpoint_init();
	audit_login_init();
	audit_sink_init();
	audit_guard_init();
	audit_launcher_init();
	archive_init();
	incident_init();
	notice_init();
}
