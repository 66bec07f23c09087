/*-------------------------------------------------------------------------
 *
 * plan_assume.c
 *		Plans that rest on their subject, and how they are made anew.
 *
 * A plan for a subject cleared for all that a table can hold needs no filter,
 * and one for a subject cleared for little can use an index on the labels.  But
 * plans live longer than subjects: a cached plan, a statement of an SQL function
 * after another one that changed the role, one of several plans of a rule.  So
 * every such plan carries what it assumed, and the query it was made from, in a
 * range-table entry of its own at the end of its range table: copied with the
 * plan, referred to by nothing, ignored by the executor.
 *
 * Each ExecutorStart asks again.  Where an assumption does not hold, the plan
 * that runs is a new one made from the query; nobody's cached plan is trusted to
 * have been invalidated.  (Core's plan cache is told of role changes and of
 * committed changes of labels, so that it usually comes with a fitting plan.)
 * In the middle of an execution nothing can be made anew: there a plan that no
 * longer fits is an error.
 *
 * Owns the stack of plannings under way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_shseclabel.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rls.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/plan.h"
#include "pg_dataclass/report.h"

#define CARRIER_NAME "dataclass plan assumptions"

static PlanAssumptions *current = NULL;

/* ------------------------------------------------------------------------
 * While planning
 * ------------------------------------------------------------------------
 */

void
plan_assumptions_begin(PlanAssumptions *assumptions, bool permitted)
{
	memset(assumptions, 0, sizeof(*assumptions));
	assumptions->outer = current;
	assumptions->permitted = permitted;
	current = assumptions;
}

void
plan_assumptions_end(PlanAssumptions *assumptions)
{
	current = assumptions->outer;
}

bool
plan_may_assume(void)
{
	return current != NULL && current->permitted;
}

static void
assume(Oid relid, int outcome)
{
	ListCell   *relation;
	ListCell   *known;

	Assert(plan_may_assume());
	forboth(relation, current->relations, known, current->outcomes)
		if (lfirst_oid(relation) == relid && lfirst_int(known) == outcome)
			return;
	current->relations = lappend_oid(current->relations, relid);
	current->outcomes = lappend_int(current->outcomes, outcome);
}

void
plan_assume_rows(Oid relid, RowOutcome outcome)
{
	assume(relid, outcome);
}

void
plan_assume_column(Oid relid, AttrNumber attnum)
{
	assume(relid, -attnum);
}

void
plan_assume_readable_set(void)
{
	Assert(plan_may_assume());
	current->readable_set = true;
}

/* ------------------------------------------------------------------------
 * The carrier
 * ------------------------------------------------------------------------
 */

static List *
uint64_list(uint64 value)
{
	return list_make2_int((int) (uint32) (value >> 32), (int) (uint32) value);
}

static uint64
list_uint64(const List *list)
{
	return (uint64) (uint32) linitial_int(list) << 32 | (uint32) lsecond_int(list);
}

/*
 * The fields of a subquery's entry that hold the assumptions: coltypes the
 * relations, coltypmods what was assumed of each, values_lists the digest of
 * the set of readable labels, ctelevelsup the options of the cursor.
 */
void
plan_assumptions_attach(const PlanAssumptions *assumptions, PlannedStmt *plan, Query *query,
						int cursor_options)
{
	RangeTblEntry *rte;
	const uint64 *ids;
	uint64		digest = 0;

	if (assumptions->relations == NIL && !assumptions->readable_set)
		return;
	rte = makeNode(RangeTblEntry);
	rte->rtekind = RTE_SUBQUERY;
	rte->eref = makeAlias(CARRIER_NAME, NIL);
	rte->subquery = query;
	rte->coltypes = assumptions->relations;
	rte->coltypmods = assumptions->outcomes;
	rte->ctelevelsup = (Index) cursor_options;
	if (assumptions->readable_set && row_labels_readable(&ids, &digest) >= 0)
		rte->values_lists = list_make1(uint64_list(digest));
	else if (assumptions->readable_set)
		rte->values_lists = list_make1(NIL);	/* fits nobody */
	plan->rtable = lappend(plan->rtable, rte);
	/* let the plan cache know what it can know */
	plan->dependsOnRole = true;
	plan->relationOids = lappend_oid(plan->relationOids, SharedSecLabelRelationId);
}

static const RangeTblEntry *
carrier_of(const PlannedStmt *plan)
{
	const RangeTblEntry *rte = plan->rtable ? llast(plan->rtable) : NULL;

	if (rte && rte->rtekind == RTE_SUBQUERY && rte->subquery && rte->eref &&
		rte->eref->colnames == NIL && strcmp(rte->eref->aliasname, CARRIER_NAME) == 0)
		return rte;
	return NULL;
}

/* The relation of the first assumption that fails, InvalidOid if all hold. */
static bool
fits(const RangeTblEntry *carrier, Oid *failed)
{
	ListCell   *relation;
	ListCell   *outcome;

	*failed = InvalidOid;
	forboth(relation, carrier->coltypes, outcome, carrier->coltypmods)
	{
		Oid			relid = lfirst_oid(relation);
		int			assumed = lfirst_int(outcome);

		if (assumed < 0 ? !access_may_read_column(relid, (AttrNumber) -assumed) :
			row_filter_outcome(relid) != (RowOutcome) assumed)
		{
			*failed = relid;
			return false;
		}
	}
	if (carrier->values_lists)
	{
		const List *assumed = linitial(carrier->values_lists);
		const uint64 *ids;
		uint64		digest;

		if (assumed == NIL || row_labels_readable(&ids, &digest) < 0 || digest != list_uint64(assumed))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Before and during execution
 * ------------------------------------------------------------------------
 */

PlannedStmt *
plan_for_subject(PlannedStmt *plan, const char *query_string, ParamListInfo params)
{
	const RangeTblEntry *carrier = carrier_of(plan);
	PlannedStmt *anew;
	Oid			failed;

	/* a worker executes what its leader was entitled to */
	if (carrier == NULL || IsParallelWorker() || fits(carrier, &failed))
		return plan;
	anew = planner(copyObject(carrier->subquery), query_string, (int) carrier->ctelevelsup, params);
	anew->stmt_location = plan->stmt_location;
	anew->stmt_len = plan->stmt_len;
	anew->canSetTag = plan->canSetTag;
	/* planning runs functions, which may have changed the subject once more */
	plan_check_subject(anew);
	/* the next execution shall not have to do this again */
	if (subject_trusted_depth() == 0)
		ResetPlanCache();
	return anew;
}

void
plan_check_subject(const PlannedStmt *plan)
{
	const RangeTblEntry *carrier = carrier_of(plan);
	Oid			failed;

	if (carrier == NULL || IsParallelWorker() || fits(carrier, &failed))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the clearance changed while the query was running"),
			 OidIsValid(failed) ?
			 errdetail("The query was begun by a subject that may read more of table \"%s\".",
					   report_relation_identity(failed)) :
			 errdetail("The query was begun by a subject that may read other row labels."),
			 errhint("Run the query again, or use DECLARE CURSOR, which goes on with what the new clearance shows.")));
}
