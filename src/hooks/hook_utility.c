/*-------------------------------------------------------------------------
 *
 * hook_utility.c
 *		Utility commands: who looks at what, in which order.
 *
 * Why ProcessUtility: COPY, LOCK, GRANT, ALTER SYSTEM and the like never reach
 * the executor's check, and some need their tree changed or their result
 * labeled.  This file only dispatches:
 *
 *		guard_utility		the trail and the extension (audit_guard.c)
 *		gate_utility		moving data to another place (atrest_gate.c)
 *		role_command_check	membership and passwords (hook_role.c)
 *		ddl_check			governed relations (hook_ddl.c)
 *		copy_row_labeled	COPY (hook_copy.c)
 *
 * The previous hook, or core, is called from exactly one place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/seclabel.h"
#include "catalog/namespace.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/lwlock.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest.h"
#include "pg_dataclass/audit.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/provider.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/watch.h"

static ProcessUtility_hook_type prev_utility = NULL;

typedef struct UtilityArgs
{
	PlannedStmt *pstmt;
	const char *query_string;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *query_env;
	DestReceiver *dest;
	QueryCompletion *qc;
} UtilityArgs;

static void
call_core(UtilityArgs *args)
{
	Node	   *outer = denied_utility;
	const char *outer_export = export_begin(args->pstmt->utilityStmt);

	denied_utility = args->pstmt->utilityStmt;
	PG_TRY();
	{
		if (prev_utility)
			prev_utility(args->pstmt, args->query_string, args->read_only_tree, args->context,
						 args->params, args->query_env, args->dest, args->qc);
		else
			standard_ProcessUtility(args->pstmt, args->query_string, args->read_only_tree, args->context,
									args->params, args->query_env, args->dest, args->qc);
	}
	PG_FINALLY();
	{
		denied_utility = outer;
		export_end(outer_export);
	}
	PG_END_TRY();
}

/* A command on governed relations does not fail unseen, whoever catches the error. */
static void
run(UtilityArgs *args)
{
	MemoryContext caller = CurrentMemoryContext;
	FailedCommand *failed = IsTransactionState() ? failed_command(args->pstmt->utilityStmt) : NULL;

	if (failed == NULL)
	{
		call_core(args);
		return;
	}
	PG_TRY();
	{
		call_core(args);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		/* the abort that follows would let go of them: who records may need what they lock */
		LWLockReleaseAll();
		failed_record(failed, error->sqlerrcode);
		ReThrowError(error);
	}
	PG_END_TRY();
}

/* The tree may belong to a cached plan: work on a copy. */
static Node *
own_tree(UtilityArgs *args)
{
	args->pstmt = copyObject(args->pstmt);
	args->read_only_tree = false;
	return args->pstmt->utilityStmt;
}

/* Labels are stored in canonical form, so that equal labels are equal texts. */
static void
canonicalize_label(UtilityArgs *args)
{
	SecLabelStmt *stmt = (SecLabelStmt *) args->pstmt->utilityStmt;
	LabelSpecKind kind;

	/* a database without the extension has no provider to fall back to */
	if (stmt->provider == NULL && !policy_current()->installed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no security label providers have been loaded")));

	if (stmt->label == NULL || (stmt->provider && strcmp(stmt->provider, DC_PROVIDER) != 0))
		return;
	switch (stmt->objtype)
	{
		case OBJECT_ROLE:
			kind = LABEL_SPEC_ROLE;
			break;
		case OBJECT_COLUMN:
			kind = LABEL_SPEC_COLUMN;
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			kind = LABEL_SPEC_FUNCTION;
			break;
		case OBJECT_DATABASE:
		case OBJECT_SCHEMA:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
			kind = LABEL_SPEC_PLAIN;
			break;
		default:
			return;				/* the provider refuses those */
	}
	if (stmt->provider == NULL)
		return;					/* which provider, core decides */
	stmt = (SecLabelStmt *) own_tree(args);
	stmt->label = label_canonical_text(kind, stmt->label);
}

/* Commands that only an officer may run because they could end protection. */
static void
need_officer(EventKind kind, const char *action, const char *what, const char *detail)
{
	AuditEvent	event = {0};
	Refusal		refusal = {0};

	event.severity = SEVERITY_HIGH;
	event.action = action;
	event.object_type = "setting";
	/* a file's name is a literal like any other: not for the trail */
	event.object_identity = strcmp(action, "LOAD") == 0 ? "library" : what;
	event.rule = "officer";
	event.detail = detail;
	if (policy_is_officer())
	{
		/* not transactional: recorded now, whatever becomes of it */
		event.kind = kind;
		event.outcome = OUTCOME_ALLOWED;
		if (!event_record(&event))
			ereport(ERROR,
					(errcode(ERRCODE_IO_ERROR),
					 errmsg("could not record %s in the audit trail", action),
					 errdetail("It is refused while it cannot be recorded."),
					 errhint("See the server log for the state of the audit trail.")));
		return;
	}
	refusal.event = event;
	refusal.event.kind = EVENT_DDL_DENIED;
	refusal.event.breach = true;
	refusal.message = psprintf("permission denied to run %s on \"%s\"", action, what);
	refusal.detail = detail;
	refusal.hint = "Ask a member of dataclass_officer.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

/*
 * Settings that decide what code runs in the server, who is let in, whether
 * labels protect anything, and whether records are written, durable and under
 * the right name.
 */
static bool
setting_needs_officer(const char *name)
{
	static const char *const names[] = {
		"shared_preload_libraries", "local_preload_libraries", "session_preload_libraries",
		"jit_provider", "dynamic_library_path", "archive_library",
		"archive_command", "archive_cleanup_command", "restore_command", "recovery_end_command",
		"ssl_passphrase_command", "hba_file", "ident_file",
		"max_worker_processes", "fsync", "full_page_writes", "wal_sync_method", "data_sync_retry",
		"zero_damaged_pages", "ignore_checksum_failure", "ignore_system_indexes",
		"ssl_ca_file", "ssl_crl_file", "ssl_crl_dir", "krb_server_keyfile",
		"allow_system_table_mods", "cluster_name"
	};

	if (pg_strncasecmp(name, "dataclass.", 10) == 0)
		return true;
	for (int i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void
check_server_command(Node *parsetree)
{
	if (IsA(parsetree, LoadStmt))
		need_officer(EVENT_ENFORCEMENT_CHANGE, "LOAD", ((LoadStmt *) parsetree)->filename,
					 "A library loaded into a session runs native code that can replace the reference monitor.");
	else if (IsA(parsetree, AlterSystemStmt))
	{
		VariableSetStmt *set = ((AlterSystemStmt *) parsetree)->setstmt;

		if (set->name == NULL)
			need_officer(EVENT_ENFORCEMENT_CHANGE, "ALTER SYSTEM", "ALL", "Resetting all settings resets those of pg_dataclass.");
		else if (setting_needs_officer(set->name))
			need_officer(audit_setting_protects(set->name) ? EVENT_ENFORCEMENT_CHANGE : EVENT_SETTING_CHANGE,
						 "ALTER SYSTEM", set->name, "The setting decides whether labels protect anything.");
	}
}

/* Does the database have a trail, or records in a journal that wait for one? */
static bool
holds_records(Oid dbid)
{
	char	   *directory = psprintf("%s/pg_dataclass", DataDir);
	char	   *head = psprintf("head-%u", dbid);
	char	   *journal = psprintf("journal-%u-", dbid);
	bool		found = false;
	DIR		   *dir = AllocateDir(directory);
	struct dirent *entry;

	if (dir == NULL)
		return false;
	while ((entry = ReadDirExtended(dir, directory, LOG)) != NULL)
		if (strcmp(entry->d_name, head) == 0 || strncmp(entry->d_name, journal, strlen(journal)) == 0)
			found = true;
	FreeDir(dir);
	return found;
}

/* A trail goes with its database. */
static void
refuse_drop_with_trail(Oid dbid, const char *name)
{
	Refusal		refusal = {0};

	if (!holds_records(dbid))
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = "DROP DATABASE";
	refusal.event.object_type = "database";
	refusal.event.object_identity = name;
	refusal.event.rule = "trail_guard";
	refusal.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	refusal.message = psprintf("cannot drop database \"%s\" because it holds an audit trail", name);
	refusal.detail = "The trail would be lost with the database.";
	refusal.hint = "Keep a physical backup, then set dataclass.enforcement = off in the configuration file for the drop.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

static const char *
template_of(const CreatedbStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "template") == 0 && option->arg && IsA(option->arg, String))
			return strVal(option->arg);
	}
	return "template1";
}

static void
check_database_command(Node *parsetree)
{
	const char *name = NULL;
	Oid			dbid;

	if (IsA(parsetree, DropdbStmt))
		name = ((DropdbStmt *) parsetree)->dbname;
	else if (IsA(parsetree, RenameStmt) && ((RenameStmt *) parsetree)->renameType == OBJECT_DATABASE)
		name = ((RenameStmt *) parsetree)->subname;
	else if (IsA(parsetree, AlterDatabaseStmt))
		name = ((AlterDatabaseStmt *) parsetree)->dbname;
	else if (IsA(parsetree, CreatedbStmt))
		name = template_of((CreatedbStmt *) parsetree);
	if (name == NULL)
		return;
	dbid = get_database_oid(name, true);
	if (!OidIsValid(dbid))
		return;
	if (IsA(parsetree, DropdbStmt))
		refuse_drop_with_trail(dbid, name);
	audit_release_database(dbid);
	watch_release_database(dbid);
}

/* A copy of a database has its tables' labels in it, but not its own: that is a shared object's. */
static void
copy_database_label(const CreatedbStmt *stmt)
{
	ObjectAddress object;
	char	   *label;

	ObjectAddressSet(object, DatabaseRelationId, get_database_oid(template_of(stmt), true));
	if (!OidIsValid(object.objectId) || (label = GetSecurityLabel(&object, DC_PROVIDER)) == NULL)
		return;
	object.objectId = get_database_oid(stmt->dbname, false);
	SetSecurityLabel(&object, DC_PROVIDER, label);
	policy_invalidate_all();
}

/* Judged before it ran; what else of the relation lies in a wrong place must not keep it from being moved. */
static bool
only_moves(const Node *parsetree)
{
	ListCell   *cell;

	if (!IsA(parsetree, AlterTableStmt))
		return false;
	foreach(cell, ((const AlterTableStmt *) parsetree)->cmds)
		if (lfirst_node(AlterTableCmd, cell)->subtype != AT_SetTableSpace)
			return false;
	return true;
}

/*
 * Label what came out of governed sources, and judge the storage of what was
 * made or moved.  Runs after core, in the same transaction: a refusal undoes
 * the command.
 */
static void
judge_result(Node *parsetree, bool derived, const ResolvedLabel *sources)
{
	Oid			relid = ddl_created_relation(parsetree);
	const RelationLabels *labels;
	ResolvedLabel ceiling;

	if (!OidIsValid(relid))
		return;
	CommandCounterIncrement();
	labels = relation_labels(relid);
	if (derived)
	{
		if (sources->rank == POLICY_RANK_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("no label covers the sources of relation \"%s\"", get_rel_name(relid)),
					 errdetail("The least upper bound of the labels of its sources is unknown or too long."),
					 errhint("Create the table first, label it, and fill it with INSERT.")));
		if (!labels->governed || labels->label.rank == POLICY_RANK_NONE ||
			!label_dominates(&labels->label.label, labels->label.rank, &sources->label, sources->rank))
			label_store_derived(relid, sources, "Label derived from the sources of the relation.");
		labels = relation_labels(relid);
	}
	if (only_moves(parsetree) || !relation_ceiling(labels, &ceiling))
		return;
	if (labels->governed && labels->row_label_attnum != InvalidAttrNumber)
		row_security_switch_on(relid);
	if (!gate_check_relation(&ceiling.label, relid, GetCommandTagName(CreateCommandTag(parsetree))))
		quarantine_relation(relid, "restored onto storage below its tier");
}

static bool
takes_data_from_query(Node *parsetree)
{
	return IsA(parsetree, CreateTableAsStmt) || IsA(parsetree, RefreshMatViewStmt);
}

/* EXPLAIN ANALYZE makes what CREATE TABLE AS makes; EXPLAIN alone makes nothing. */
static Node *
command_of(Node *parsetree)
{
	ExplainStmt *stmt = (ExplainStmt *) parsetree;
	bool		analyze = false;
	ListCell   *cell;

	if (!IsA(parsetree, ExplainStmt) || !IsA(stmt->query, Query) ||
		((Query *) stmt->query)->commandType != CMD_UTILITY ||
		!IsA(((Query *) stmt->query)->utilityStmt, CreateTableAsStmt))
		return parsetree;
	foreach(cell, stmt->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "analyze") == 0)
			analyze = defGetBoolean(lfirst(cell));
	return analyze ? ((Query *) stmt->query)->utilityStmt : parsetree;
}

static void
run_and_judge(UtilityArgs *args)
{
	Node	   *parsetree = command_of(args->pstmt->utilityStmt);
	List	   *kept = keep_labels_before(parsetree);
	ResolvedLabel sources;
	bool		derived = false;

	if (takes_data_from_query(parsetree))
	{
		source_labels_begin();
		PG_TRY();
		{
			run(args);
		}
		PG_FINALLY();
		{
			derived = source_labels_end(&sources);
		}
		PG_END_TRY();
	}
	else
		run(args);
	keep_labels_after(kept);
	judge_result(parsetree, derived, &sources);
}

/* True if the COPY was done here, and not by core. */
static bool
run_copy(UtilityArgs *args)
{
	CopyStmt   *stmt = (CopyStmt *) own_tree(args);
	volatile bool done = false;
	bool		before;

	if (stmt->relation != NULL)
		read_audit_copy_begins();
	before = error_copy_from(stmt->is_from ? RangeVarGetRelid(stmt->relation, NoLock, true) : InvalidOid);
	PG_TRY();
	{
		done = copy_row_labeled(args->pstmt, args->query_string, args->qc);
		if (!done)
			run(args);
	}
	PG_FINALLY();
	{
		error_copy_ends(before);
	}
	PG_END_TRY();
	return done;
}

static void
dataclass_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
						  ProcessUtilityContext context, ParamListInfo params,
						  QueryEnvironment *query_env, DestReceiver *dest, QueryCompletion *qc)
{
	UtilityArgs args = {pstmt, query_string, read_only_tree, context, params, query_env, dest, qc};
	Node	   *parsetree = pstmt->utilityStmt;
	GateArrivals arrivals;
	List	   *grants;

	error_guard();
	/* transaction control and the like must work in an aborted transaction */
	if (IsA(parsetree, TransactionStmt) || !IsTransactionState())
	{
		run(&args);
		return;
	}

	policy_check_clock();
	guard_utility(pstmt);
	check_server_command(parsetree);
	check_database_command(parsetree);
	role_command_check(parsetree);
	listen_check(parsetree);
	if (policy_is_installing())
	{
		run(&args);
		return;
	}
	gate_utility(pstmt, &arrivals);
	if (!policy_current()->installed || IsA(parsetree, CreatedbStmt))
	{
		/* files and programs of the server are the same from every database */
		ddl_check(parsetree);
		if (IsA(parsetree, SecLabelStmt))
			canonicalize_label(&args);
		run(&args);
		if (IsA(parsetree, CreatedbStmt))
			copy_database_label((CreatedbStmt *) parsetree);
		return;
	}
	ddl_check(parsetree);
	grants = grant_targets(parsetree);
	if (IsA(parsetree, SecLabelStmt))
		canonicalize_label(&args);
	if (IsA(parsetree, CopyStmt))
	{
		if (run_copy(&args))
			return;
	}
	else if (IsA(parsetree, AlterObjectSchemaStmt) || OidIsValid(ddl_created_relation(parsetree)) ||
		takes_data_from_query(command_of(parsetree)) ||
		IsA(parsetree, CreateStmt) || IsA(parsetree, CreateForeignTableStmt))
		run_and_judge(&args);
	else
		run(&args);
	grant_record(parsetree, grants);
	gate_utility_after(args.pstmt, &arrivals);
}

void
hook_utility_init(void)
{
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = dataclass_process_utility;
}
