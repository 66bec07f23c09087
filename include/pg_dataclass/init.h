/*-------------------------------------------------------------------------
 *
 * init.h
 *		Load-time entry points of the modules, called by _PG_init in order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_INIT_H
#define PG_DATACLASS_INIT_H

extern void guc_init(void);
extern void shmem_init(void);
extern void label_provider_init(void);
extern void policy_catalog_init(void);
extern void subject_init(void);
extern void setting_change_init(void);
extern void tier_init(void);
extern void tier_session_init(void);
extern void tier_server_init(void);
extern void hook_executor_init(void);
extern void hook_read_init(void);
extern void hook_rowversion_init(void);
extern void hook_cursor_init(void);
extern void hook_explain_init(void);
extern void hook_error_init(void);
extern void hook_statistics_init(void);
extern void hook_rowsecurity_init(void);
extern void hook_planner_init(void);
extern void hook_spill_init(void);
extern void hook_utility_init(void);
extern void hook_objectaccess_init(void);
extern void hook_function_init(void);
extern void hook_parse_init(void);
extern void hook_auth_init(void);

/* Session facts in shared memory, session_facts.c */
extern Size session_facts_shmem_size(void);
extern void session_facts_shmem_init(void);

#endif							/* PG_DATACLASS_INIT_H */
