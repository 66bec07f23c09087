/*-------------------------------------------------------------------------
 *
 * hook_quarantine.c
 *		Relations under quarantine, before the planner looks at their files.
 *
 * The executor's check of permissions is what denies; but where storage is
 * gone the planner, which asks for the size of the file, fails before it: an
 * error without a reason and without a record.  So the same question is asked
 * here, of the relations that the query names and of their children.  So is
 * the one of watch_start.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/watch.h"

static const char *
command_name(CmdType command)
{
	switch (command)
	{
		case CMD_INSERT:
			return "INSERT";
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		default:
			return "SELECT";
	}
}

static void
check_relation(Oid relid, bool children, const char *command)
{
	ListCell   *cell;

	if (!children || !has_subclass(relid))
	{
		if (policy_is_quarantined(policy_current(), relid))
			access_check_relation(relid, ACTION_READ, command);
		else if (!watch_passed)
			(void) watch_check_access(relid, command, true);
		return;
	}
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		check_relation(lfirst_oid(cell), false, command);
}

static bool
check_query(Node *node, void *context)
{
	const char *command = context;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, check_query, context);
	foreach(cell, ((Query *) node)->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_RELATION)
			check_relation(rte->relid, rte->inh, command);
	}
	return query_tree_walker((Query *) node, check_query, context, 0);
}

/*
 * quarantine_check_query
 */
void
quarantine_check_query(const Query *query)
{
	const PolicySnapshot *p = policy_current();

	/* what permissive mode lets go on is recorded once, by the executor; so are a restore's own needs */
	if ((p->nquarantined == 0 && (watch_passed || !p->check_at_start)) || guc_enforcement != ENFORCEMENT_ENFORCING ||
		policy_is_restoring() || InNoForceRLSOperation())
		return;
	(void) check_query((Node *) query, unconstify(char *, command_name(query->commandType)));
}
