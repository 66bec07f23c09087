/*-------------------------------------------------------------------------
 *
 * hook_parse.c
 *		After parse analysis: which calls the client itself wrote.
 *
 * Why this hook: the tree has nothing in it yet that views, rules or inlined
 * functions bring, and the text that it came from is at hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "parser/analyze.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/direct_call.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"

static post_parse_analyze_hook_type prev_post_parse_analyze = NULL;

static void
dataclass_post_parse_analyze(ParseState *pstate, Query *query, JumbleState *jstate)
{
	if (prev_post_parse_analyze)
		prev_post_parse_analyze(pstate, query, jstate);
	if (IsTransactionState() && OidIsValid(MyDatabaseId))
		direct_call_mark(pstate, query);
}

void
hook_parse_init(void)
{
	prev_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = dataclass_post_parse_analyze;
}
