/*-------------------------------------------------------------------------
 *
 * init.c
 *		Loading: refuse, settings, modules, provider and workers, hooks last.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/canary.h"
#include "pg_dataclass/gate_temp.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/profile.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/watch.h"

PG_MODULE_MAGIC;

/* again, with the visibility that fmgr.h leaves out up to 15 */
extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	/*
	 * FATAL, not ERROR: psql and pg_restore go on after an ERROR and would
	 * load data whose labels are lost.
	 */
	if (!process_shared_preload_libraries_in_progress)
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_dataclass must be loaded via shared_preload_libraries"),
				 errdetail("Only a library loaded at server start can mediate every session."),
				 errhint("Add this line to postgresql.conf and restart the server: shared_preload_libraries = 'pg_dataclass'")));

	guc_init();
	profile_init();
	setting_change_init();
	policy_catalog_init();
	label_cache_init();
	subject_init();
	gate_temp_init();
	audit_init();
	tier_init();				/* watches a setting of the audit module */
	storage_init();
	storage_controls_init();
	canary_init();
	watch_init();
	MarkGUCPrefixReserved("dataclass");
	shmem_init();
	label_provider_init();

	/* Hooks last: nothing may fail after the first of them. */
	hook_auth_init();
	hook_parse_init();
	hook_function_init();
	hook_rowsecurity_init();
	hook_planner_init();
	hook_executor_init();
	hook_read_init();			/* records what the checks let through */
	hook_rowversion_init();
	hook_explain_init();
	hook_error_init();
	hook_statistics_init();
	hook_spill_init();			/* after those that deny queries, called by those that deny commands */
	hook_utility_init();
	hook_cursor_init();
	hook_objectaccess_init();
}
