/*-------------------------------------------------------------------------
 *
 * direct_call.c
 *		Is a function called by the very statement that the client sent?
 *
 * A view, rule, trigger, policy, default, cast or function of somebody else
 * must not use the power of whoever happens to run it: emergency access,
 * suspensions, steps of incidents, quarantine, the archive.  A call of those
 * functions counts if all of this holds:
 *
 *	- Parse analysis found it in a plain SELECT that is, word for word, in the
 *	  text that the client sent.  Such calls are marked in their location, the
 *	  only field of a FuncExpr that the planner copies and nothing compares.
 *	  Expressions that were stored (views, rules, policies, defaults, SQL
 *	  bodies) come without a location, and those of a function's text with that
 *	  of their text: no SQL makes the mark.
 *	- The portal that runs is the unnamed one, which only the protocol makes:
 *	  no cursor, no EXECUTE of a prepared statement, no statement in a function.
 *	- The innermost query that the executor runs is that portal's.
 *
 * Whatever else calls the C function (operator, cast, aggregate, fast path,
 * PL/pgSQL's own expressions) shows no marked FuncExpr, and is refused.
 *
 * No state but the pointer to the running query, which is compared and never
 * followed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/execdesc.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/report.h"

/* -1 is "unknown", others are offsets. */
#define DIRECT_CALL_MARK	(-0xDC)

QueryDesc  *direct_call_running = NULL;

typedef struct MarkContext
{
	const char *text;
	int			stmt_location;
	bool		judged;			/* is the text's statement a plain SELECT: was it asked? */
	bool		plain;
} MarkContext;

/* Cheap: most statements name no schema of ours. */
static bool
mentions_schema(const char *text)
{
	for (const char *p = text; (p = strpbrk(p, "dD")) != NULL; p++)
		if (pg_strncasecmp(p, DC_SCHEMA, strlen(DC_SCHEMA)) == 0)
			return true;
	return false;
}

/*
 * The text of a prepared statement is all of PREPARE, that of a cursor all of
 * DECLARE, whoever made it: only what begins as SELECT is one.
 */
static bool
is_plain_select(const char *text, int stmt_location)
{
	ListCell   *cell;

	foreach(cell, raw_parser(text, RAW_PARSE_DEFAULT))
	{
		RawStmt    *raw = lfirst_node(RawStmt, cell);

		if (raw->stmt_location == stmt_location)
			return IsA(raw->stmt, SelectStmt);
	}
	return false;
}

static bool
is_ours(Oid funcid)
{
	char	   *schema = get_namespace_name(get_func_namespace(funcid));

	return schema && (strcmp(schema, DC_SCHEMA) == 0 || strcmp(schema, DC_AUDIT_SCHEMA) == 0);
}

static bool
mark_walker(Node *node, void *arg)
{
	MarkContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mark_walker, arg, 0);
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = (FuncExpr *) node;

		if (call->funcformat == COERCE_EXPLICIT_CALL && is_ours(call->funcid))
		{
			if (!context->judged)
				context->plain = is_plain_select(context->text, context->stmt_location);
			context->judged = true;
			if (!context->plain)
				return true;
			call->location = DIRECT_CALL_MARK;
		}
	}
	return expression_tree_walker(node, mark_walker, arg);
}

void
direct_call_mark(const ParseState *pstate, Query *query)
{
	MarkContext context = {0};

	/* the same pointer: functions, views and triggers bring texts of their own */
	if (query->commandType != CMD_SELECT || pstate->p_sourcetext == NULL ||
		pstate->p_sourcetext != debug_query_string ||
		!mentions_schema(pstate->p_sourcetext) || !policy_current()->installed)
		return;
	context.text = pstate->p_sourcetext;
	context.stmt_location = query->stmt_location;
	(void) query_tree_walker(query, mark_walker, &context, 0);
}

static bool
is_direct(FunctionCallInfo fcinfo)
{
	Node	   *expr = fcinfo->flinfo ? fcinfo->flinfo->fn_expr : NULL;

	return expr != NULL && IsA(expr, FuncExpr) && !IsParallelWorker() &&
		((FuncExpr *) expr)->funcid == fcinfo->flinfo->fn_oid &&
		((FuncExpr *) expr)->location == DIRECT_CALL_MARK &&
		ActivePortal != NULL && ActivePortal->name[0] == '\0' &&
		ActivePortal->queryDesc != NULL && ActivePortal->queryDesc == direct_call_running;
}

void
direct_call_only(FunctionCallInfo fcinfo, const char *function, const char *example)
{
	Refusal		refusal = {0};

	if (is_direct(fcinfo))
		return;
	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = "EXECUTE";
	refusal.event.object_type = "function";
	refusal.event.object_identity = function;
	refusal.event.rule = "direct_call";
	refusal.detail = "Only a SELECT that the client itself sends may call it: no view, rule, trigger, function, DO block, cursor or prepared SQL statement.";
	refusal.event.detail = refusal.detail;
	refusal.message = psprintf("permission denied to call function %s indirectly", function);
	refusal.hint = psprintf("Send it as a statement of its own, with its schema: %s", example);
	/* what is decided here outlives the mode */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}
