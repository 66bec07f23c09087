/*-------------------------------------------------------------------------
 *
 * protect_alter.c
 *		ALTER TABLE on behalf of an officer who does not own the table.
 *
 * An officer need not own what he protects, and partitions may have several
 * owners, so core's functions are called as a superuser: directly, not through
 * SPI, so that nobody's event trigger or utility hook runs with those rights.
 * Nothing that is run like this evaluates an expression of anybody else, but
 * for labels given to rows that have none, which rewrites the table and is run
 * as its owner.  The operation is security-restricted and the search path
 * pinned.  The subject does not change by it: what our own hooks ask about is
 * the officer.
 *
 * The caller holds AccessExclusiveLock on all relations concerned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/report.h"

/* An abort undoes both by itself: no PG_TRY needed. */
void
protect_act_begin(ProtectActing *acting, Oid userid)
{
	acting->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&acting->userid, &acting->sec_context);
	SetUserIdAndSecContext(userid, acting->sec_context | SECURITY_RESTRICTED_OPERATION);
}

void
protect_act_end(const ProtectActing *acting)
{
	SetUserIdAndSecContext(acting->userid, acting->sec_context);
	AtEOXact_GUC(false, acting->guc_level);
}

/*
 * What is formatted into the text is quoted by the caller; the one thing that
 * is not his is a stored default expression, which must not turn out to be
 * more than that.
 */
static AlterTableStmt *
parse_alter(const char *text)
{
	List	   *parsed = raw_parser(text, RAW_PARSE_DEFAULT);
	AlterTableStmt *stmt = NULL;

	if (list_length(parsed) == 1)
		stmt = (AlterTableStmt *) linitial_node(RawStmt, parsed)->stmt;
	if (stmt == NULL || !IsA(stmt, AlterTableStmt) || list_length(stmt->cmds) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("stored definition is not a single expression"),
				 errdetail("A row of dataclass.protected holds something else than the default of a column.")));
	return stmt;
}

static void
run_alter(Oid relid, AlterTableStmt *stmt, const char *text)
{
	PlannedStmt *planned = makeNode(PlannedStmt);
	AlterTableUtilityContext context = {0};

	planned->commandType = CMD_UTILITY;
	planned->utilityStmt = (Node *) stmt;
	planned->stmt_location = -1;
	context.pstmt = planned;
	context.queryString = text;
	context.relid = relid;

	/* core collects subcommands while anybody's event trigger waits for the outer command */
	EventTriggerAlterTableStart((Node *) stmt);
	EventTriggerAlterTableRelid(relid);
	AlterTable(stmt, AccessExclusiveLock, &context);
	EventTriggerAlterTableEnd();
	CommandCounterIncrement();
}

void
protect_alter(Oid relid, const char *fmt,...)
{
	StringInfoData text;
	size_t		prefix;

	initStringInfo(&text);
	appendStringInfo(&text, "ALTER TABLE %s ", report_relation_identity(relid));
	prefix = text.len;
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		text.len = prefix;
		enlargeStringInfo(&text, needed);
	}
	run_alter(relid, parse_alter(text.data), text.data);
}

/*
 * The rows were looked at, under the lock that is still held: core is told, as
 * by CREATE TABLE, that they need no second look.
 */
void
protect_add_ceiling(Oid relid, const char *constraint, bool no_inherit, const char *column,
					const char *ceiling, const char *era)
{
	char	   *text = psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (" DC_SCHEMA ".row_within(%s, %s, %s))%s",
								report_relation_identity(relid), quote_identifier(constraint),
								quote_identifier(column), quote_literal_cstr(ceiling), quote_literal_cstr(era),
								no_inherit ? " NO INHERIT" : "");
	AlterTableStmt *stmt = parse_alter(text);
	Constraint *check = castNode(Constraint, linitial_node(AlterTableCmd, stmt->cmds)->def);

	check->skip_validation = true;
	check->initially_valid = true;
	run_alter(relid, stmt, text);
}

/* An index whose first column is the label column and that covers all rows. */
static char *
index_on(Oid relid, const char *column)
{
	Relation	rel = table_open(relid, NoLock);
	AttrNumber	attnum = get_attnum(relid, column);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;
	char	   *name = NULL;

	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		if (name == NULL && form->indisvalid && form->indkey.values[0] == attnum &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
			name = get_rel_name(lfirst_oid(cell));
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	table_close(rel, NoLock);
	return name;
}

char *
protect_add_index(Oid relid, const char *column, bool *made)
{
	char	   *name = index_on(relid, column);
	char	   *text;
	List	   *parsed;
	IndexStmt  *stmt;

	*made = name == NULL;
	if (name)
		return name;
	text = psprintf("CREATE INDEX ON %s (%s)", report_relation_identity(relid), quote_identifier(column));
	parsed = raw_parser(text, RAW_PARSE_DEFAULT);
	stmt = castNode(IndexStmt, linitial_node(RawStmt, parsed)->stmt);
	stmt->transformed = true;
	name = get_rel_name(compat_define_index(relid, stmt));
	CommandCounterIncrement();
	return name;
}

void
protect_set_row_security(Oid relid, bool enabled, bool forced)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (HeapTupleIsValid(tuple))
	{
		form = (Form_pg_class) GETSTRUCT(tuple);
		if ((form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) &&
			(form->relrowsecurity != enabled || form->relforcerowsecurity != forced))
		{
			form->relrowsecurity = enabled;
			form->relforcerowsecurity = forced;
			CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
		}
		heap_freetuple(tuple);
	}
	table_close(pg_class, RowExclusiveLock);
	CommandCounterIncrement();
}
