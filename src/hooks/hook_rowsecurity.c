/*-------------------------------------------------------------------------
 *
 * hook_rowsecurity.c
 *		Row label filter for subjects on whom core applies row security.
 *
 * Why these hooks: core merges what they return with the table's own policies
 * before rewriting, applies it to every command kind and marks the query as
 * depending on row security.  Whom core exempts is hook_planner.c's business.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/rowquals.h"

#define POLICY_NAME "dataclass_row_label"

static row_security_policy_hook_type prev_restrictive = NULL;
static row_security_policy_hook_type prev_permissive = NULL;

/* Both kinds apply to every role; clearance is decided when rows are read. */
static RowSecurityPolicy *
make_policy(bool permissive, Expr *qual, Expr *check)
{
	RowSecurityPolicy *policy = palloc0(sizeof(RowSecurityPolicy));
	Datum		everybody = ObjectIdGetDatum(ACL_ID_PUBLIC);

	policy->policy_name = pstrdup(POLICY_NAME);
	policy->polcmd = '*';
	policy->roles = construct_array(&everybody, 1, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	policy->permissive = permissive;
	policy->qual = qual;
	policy->with_check_qual = check;
	policy->hassublinks = false;
	return policy;
}

static List *
restrictive_policies(CmdType cmdtype, Relation relation)
{
	List	   *policies = prev_restrictive ? prev_restrictive(cmdtype, relation) : NIL;
	AttrNumber	attnum = relation_labels(RelationGetRelid(relation))->row_label_attnum;

	if (attnum != InvalidAttrNumber)
		policies = lappend(policies,
						   make_policy(false, row_visible_qual(1, attnum),
									   row_check_qual(1, attnum, RelationGetRelid(relation), ROW_CHECK_NEW)));
	return policies;
}

/*
 * Core denies all where no permissive policy exists.  Labels alone must not
 * have that effect, but a table's own policies keep theirs.
 */
static List *
permissive_policies(CmdType cmdtype, Relation relation)
{
	List	   *policies = prev_permissive ? prev_permissive(cmdtype, relation) : NIL;

	if (relation_labels(RelationGetRelid(relation))->row_label_attnum != InvalidAttrNumber &&
		policies == NIL && (relation->rd_rsdesc == NULL || relation->rd_rsdesc->policies == NIL))
		policies = lappend(policies,
						   make_policy(true, (Expr *) makeBoolConst(true, false),
									   (Expr *) makeBoolConst(true, false)));
	return policies;
}

void
hook_rowsecurity_init(void)
{
	prev_restrictive = row_security_policy_hook_restrictive;
	row_security_policy_hook_restrictive = restrictive_policies;
	prev_permissive = row_security_policy_hook_permissive;
	row_security_policy_hook_permissive = permissive_policies;
}
