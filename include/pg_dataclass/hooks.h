/*-------------------------------------------------------------------------
 *
 * hooks.h
 *		What the hook files share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_HOOKS_H
#define PG_DATACLASS_HOOKS_H

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/cmdtag.h"
#include "utils/relcache.h"

#include "pg_dataclass/resolve.h"

/* Referential-integrity queries, recognised by context and shape (hook_ri.c). */
extern bool ri_is_check_query(const Query *query);
extern bool ri_is_action_query(const Query *query);
extern bool ri_is_check_plan(const PlannedStmt *plan);

/* Errors of the statement that begins tell no hidden values (hook_error.c). */
extern void error_guard(void);
/* Lines of COPY FROM into that table stay out of the server log; returns what error_copy_ends() puts back. */
extern bool error_copy_from(Oid relid);
extern void error_copy_ends(bool before);

/* Core's refusals about governed objects (hook_denied.c); denied_utility: the command that runs, or NULL. */
extern Node *denied_utility;
extern void denied_by_core(void);
#define DENIED_MAX_ARGUMENTS	3
/* The texts that a message of a translated format was made of; returns their number, 0: it is of another form. */
extern int	denied_message_arguments(const char *format, const char *message, char **arguments);
/* Mentions (RangeVars) of a relation of that name in a command, NULL: of any. */
extern List *denied_named_in_command(Node *parsetree, const char *name);
/* ... about roles and labels (denied_role.c); false: not governed. */
struct AuditEvent;
extern bool denied_fill_role(const ErrorData *error, struct AuditEvent *event);
extern void denied_reset(void);
/* Plan being started or checked again (hook_executor.c), or NULL. */
extern const PlannedStmt *plan_under_check;

/* Raises where the query names a relation under quarantine, before it is planned (hook_quarantine.c). */
extern void quarantine_check_query(const Query *query);

/* While set, SQL functions in FROM are not inlined (hook_function.c). */
extern bool function_hold_back_inlining;

/* Any use of a relation by a command other than a query; raises (hook_executor.c). */
extern void access_check_relation(Oid relid, PolicyAction action, const char *command);
extern void access_check_policy_write(Oid relid, const char *command);
/* The same for a row that is routed to a partition. */
extern void access_check_partition(Oid relid);

/* What the access asks for, as a command's name. */
struct CompatAccess;
extern const char *access_command(const struct CompatAccess *access);

/*
 * Records of what classes want to have recorded (hook_read.c), for accesses
 * that were allowed and of which the executor knows nothing.  Raise 58030 where
 * an acknowledged record cannot be had.
 */
extern void read_audit_command(Oid relid, PolicyAction action, const char *command);
extern void read_audit_copy_begins(void);
extern void read_audit_server(const char *command, const char *what);

extern bool access_may_read(Oid relid, AttrNumber attnum);
extern bool access_may_read_column(Oid relid, AttrNumber attnum);

/* Catalogs that hold values of columns (hook_statistics.c). */
typedef enum StatisticsKind
{
	STATISTICS_NONE,
	STATISTICS_COLUMNS,			/* pg_statistic */
	STATISTICS_EXTENDED,		/* pg_statistic_ext_data */
	STATISTICS_TOAST			/* long values of either */
} StatisticsKind;
extern StatisticsKind statistics_kind_of(Oid relid);

/*
 * A column of a partitioned table whose values an UPDATE could move from a
 * partition that labels it to where the subject reads it (hook_move.c); 0: none.
 */
extern AttrNumber move_uncovers_column(const struct CompatAccess *access, ResolvedLabel *label);
/* LISTEN on the channel of notices; raises (hook_listen.c). */
extern void listen_check(const Node *parsetree);
/* What reads files or WAL of the server, where labels do not reach. */
extern void access_check_server(const char *command, const char *what);

/* Exports (hook_export.c). */
extern const char *export_begin(const Node *parsetree);
extern void export_end(const char *outer);
extern void export_note(List *range_table, List *perminfos);
extern void export_published(Oid relid, const char *command);

/* What the policy governs, in the eyes of the trail (governed.c). */
extern bool governed_relation(Oid relid);
extern bool governed_schema(Oid nspid);
extern bool governed_function(Oid funcid);
extern bool governed_database(Oid dbid);
extern List *governed_relations_in(Oid nspid, const char *kinds);
extern List *governed_functions_in(Oid nspid);

/* Commands on governed relations that fail (hook_failed.c). */
typedef struct FailedCommand
{
	Oid			relid;
	const char *identity;
	const char *label;
	const char *action;
	uint64		refusals;		/* recorded by this session when the command began */
} FailedCommand;

extern FailedCommand *failed_command(Node *parsetree);
extern void failed_record(const FailedCommand *failed, int sqlstate);

/* GRANT, REVOKE, DROP OWNED and new owners of governed objects (hook_grant.c, grant_target.c). */
typedef struct GrantState
{
	uint64		privileges;		/* a digest */
	Oid			owner;
} GrantState;

typedef struct GrantTarget
{
	ObjectAddress object;
	const char *label;			/* NULL: none of its own */
	GrantState	before;
} GrantTarget;

extern List *grant_targets(Node *parsetree);
extern bool grant_target_state(const ObjectAddress *object, GrantState *state);
extern void grant_record(Node *parsetree, List *targets);

/* Least upper bound of what the current utility command has read (CREATE TABLE AS). */
extern void source_labels_begin(void);
extern bool source_labels_end(ResolvedLabel *label);

/* COPY on row-labelled tables (hook_copy.c); false: let core do it. */
extern bool copy_row_labeled(PlannedStmt *pstmt, const char *query_string, QueryCompletion *qc);

/*
 * COPY FROM by way of an INSERT (hook_copyinsert.c): what the executor's row
 * check sees is what the triggers made of the row.  pstate holds the table as
 * its only range-table entry, with the permissions checked.
 */
struct ParseState;
extern uint64 copy_as_insert(struct ParseState *pstate, Relation rel, const CopyStmt *stmt, List *where);

/* GRANT and role commands that hand out clearance (hook_role.c). */
extern void role_command_check(Node *parsetree);
/* Does being a member of role confer clearance or office, directly or further up? */
extern bool role_confers_clearance(Oid role);

/* An error ends the session while it is set up (hook_auth.c). */
extern void login_refused(void);

/* Commands on governed relations (hook_ddl.c). */
extern void ddl_check(Node *parsetree);
extern List *ddl_user_tables(Oid nspid);
/* ... REINDEX, CLUSTER, VACUUM, ANALYZE, LOCK (hook_maintenance.c). */
extern void maintenance_check(Node *parsetree);
/* Code over rows of governed relations: who may define or change it; raise (hook_define.c). */
extern void define_check_tree(Oid relid, const char *command);
extern void define_check_default_partition(Oid parent, const char *command);
extern void define_check_dependents(Oid class_id, Oid object_id, const char *command);
extern Oid	define_table_of(Oid class_id, Oid object_id);
extern bool define_trigger_is_internal(Oid trigger);
extern bool define_is_empty(Oid relid);
extern bool define_is_fresh(Oid relid);
/* Labels that a command would lose, kept (hook_keep.c). */
typedef struct KeptLabel
{
	Oid			relid;
	bool		governed;
	ResolvedLabel label;		/* if governed */
	int			ncolumns;
	ColumnLabel *columns;
	char	  **column_texts;	/* what to store for each */
} KeptLabel;
extern List *keep_labels_before(Node *parsetree);
extern void keep_labels_after(List *kept);
extern Oid	ddl_created_relation(Node *parsetree);

/* Labeled columns that a query names but does not touch (column_use.c): pairs of relation and column. */
typedef struct ColumnUse
{
	List	   *relations;		/* oids */
	List	   *columns;		/* ints: attribute numbers, in parallel */
} ColumnUse;

extern void column_use_find(Query *parse, ColumnUse *untouched);
extern void column_use_mark_plan(PlannedStmt *plan, const ColumnUse *untouched);
extern bool column_use_plan_leaves(const PlannedStmt *plan, Oid relid, AttrNumber attnum);

/* server_file.c: does COPY ... TO that file write into what the server itself rests on? */
extern bool server_file_is_own(const char *filename);

#endif							/* PG_DATACLASS_HOOKS_H */
