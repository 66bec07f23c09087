/*-------------------------------------------------------------------------
 *
 * hook_spill.c
 *		Which statements may write labeled data into temporary files.
 *
 * Why ExecutorStart: every query comes through it, with its relations known
 * and before a row is read.  Why ProcessUtility: building an index, CLUSTER,
 * ALTER TABLE and COPY read and sort without a plan.  Both ask gate_temp.c to
 * pin the transaction's temporary files.
 *
 * Why ExecutorRun: rows that a portal stores (RETURNING, FETCH, EXECUTE, a
 * cursor WITH HOLD at commit) go to files that outlive the transaction, and
 * core makes those in the database's default tablespace, whatever its list
 * says.  There a receiver stands before the store's own and names another
 * tablespace while the store takes a row.
 *
 * Nothing is done where the policy asks nothing of places, nor for a plan that
 * keeps no rows and sends them straight to the client.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/gate_temp.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"

static ExecutorStart_hook_type prev_start = NULL;
static ExecutorRun_hook_type prev_run = NULL;
static ProcessUtility_hook_type prev_utility = NULL;

static int	run_depth = 0;

/* The query that was looked at when it started: the run right after it need not look again. */
static const QueryDesc *looked_at = NULL;

/* ------------------------------------------------------------------------
 * Which plans spill
 * ------------------------------------------------------------------------
 */

/* DISTINCT, ORDER BY and WITHIN GROUP sort the rows of an aggregate. */
static bool
sorts_in_aggregate(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref) &&
		(((Aggref *) node)->aggorder != NIL || ((Aggref *) node)->aggdistinct != NIL ||
		 ((Aggref *) node)->aggkind != AGGKIND_NORMAL))
		return true;
	return expression_tree_walker(node, sorts_in_aggregate, context);
}

static bool node_spills(const Plan *plan);

static bool
any_spills(const List *plans)
{
	ListCell   *cell;

	foreach(cell, plans)
		if (node_spills(lfirst(cell)))
			return true;
	return false;
}

/* What is not known here is taken to spill. */
static bool
node_spills(const Plan *plan)
{
	if (plan == NULL)
		return false;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapIndexScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ValuesScan:
		case T_Result:
		case T_NestLoop:
		case T_MergeJoin:
		case T_Unique:
		case T_Group:
		case T_Limit:
		case T_LockRows:
		case T_Gather:
		case T_GatherMerge:
		case T_ModifyTable:
			return node_spills(outerPlan(plan)) || node_spills(innerPlan(plan));
		case T_SubqueryScan:
			return node_spills(((const SubqueryScan *) plan)->subplan);
		case T_Append:
			return any_spills(((const Append *) plan)->appendplans);
		case T_MergeAppend:
			return any_spills(((const MergeAppend *) plan)->mergeplans);
		case T_BitmapAnd:
			return any_spills(((const BitmapAnd *) plan)->bitmapplans);
		case T_BitmapOr:
			return any_spills(((const BitmapOr *) plan)->bitmapplans);
		case T_Agg:
			return (((const Agg *) plan)->aggstrategy != AGG_PLAIN && ((const Agg *) plan)->aggstrategy != AGG_SORTED) ||
				((const Agg *) plan)->groupingSets != NIL ||
				sorts_in_aggregate((Node *) plan->targetlist, NULL) ||
				sorts_in_aggregate((Node *) plan->qual, NULL) || node_spills(outerPlan(plan));
		default:
			return true;
	}
}

/* Transition tables of triggers are tuple stores; which triggers partitions have is not known yet. */
static bool
triggers_may_spill(const QueryDesc *query_desc)
{
	ListCell   *cell;

	foreach(cell, query_desc->estate->es_opened_result_relations)
	{
		const ResultRelInfo *info = lfirst(cell);

		if (info->ri_TrigDesc != NULL || info->ri_RelationDesc->rd_rel->relkind != RELKIND_RELATION)
			return true;
	}
	return false;
}

static bool
statement_spills(const QueryDesc *query_desc)
{
	return node_spills(query_desc->plannedstmt->planTree) ||
		any_spills(query_desc->plannedstmt->subplans) || triggers_may_spill(query_desc);
}

/* Rows go nowhere else: neither into a store nor into a variable. */
static bool
goes_to_client(const QueryDesc *query_desc)
{
	switch (query_desc->dest->mydest)
	{
		case DestNone:
		case DestRemote:
		case DestRemoteExecute:
		case DestRemoteSimple:
			return true;
		default:
			return IsParallelWorker();	/* what the rows are for, the leader knows */
	}
}

/* ------------------------------------------------------------------------
 * Queries
 * ------------------------------------------------------------------------
 */

static bool
holds_rows(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_MATVIEW || relkind == RELKIND_FOREIGN_TABLE;
}

static void
pin_for_query(const QueryDesc *query_desc)
{
	GateTempUse use = {0};
	ListCell   *cell;

	use.can_spill = statement_spills(query_desc);
	if (!use.can_spill && run_depth == 0 && goes_to_client(query_desc))
		return;
	use.action = CreateCommandName((Node *) query_desc->plannedstmt);
	use.nested = run_depth > 0;
	if (gate_temp_kept())
		gate_temp_pin_kept(&use);
	foreach(cell, query_desc->plannedstmt->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);
		Label		label;

		if (rte->rtekind == RTE_RELATION && holds_rows(rte->relkind) &&
			gate_temp_relation(rte->relid, &label))
			gate_temp_pin(&label, rte->relid, &use);
	}
}

static void
dataclass_executor_start(QueryDesc *query_desc, int eflags)
{
	if (prev_start)
		prev_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
	looked_at = NULL;
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY) && gate_temp_wanted())
	{
		pin_for_query(query_desc);
		if (query_desc->dest->mydest != DestNone)
			looked_at = query_desc;
	}
}

/* ------------------------------------------------------------------------
 * Stores of portals
 * ------------------------------------------------------------------------
 */

typedef struct HoldReceiver
{
	DestReceiver pub;
	DestReceiver *inner;
	Oid			tablespace;
	TupleTableSlot *plain;		/* rows without pointers to TOAST tables; made when first needed */
	MemoryContext row_cxt;
} HoldReceiver;

static bool
has_external(const TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;

	for (int i = 0; i < desc->natts; i++)
		if (!slot->tts_isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			VARATT_IS_EXTERNAL(DatumGetPointer(slot->tts_values[i])))
			return true;
	return false;
}

/* Nothing may be looked up in catalogs while the other tablespace is named. */
static TupleTableSlot *
without_external(HoldReceiver *self, TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	MemoryContext old_cxt;

	if (self->plain == NULL)
	{
		self->row_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_dataclass held row",
											  ALLOCSET_DEFAULT_SIZES);
		self->plain = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsVirtual);
	}
	ExecClearTuple(self->plain);
	MemoryContextReset(self->row_cxt);
	old_cxt = MemoryContextSwitchTo(self->row_cxt);
	for (int i = 0; i < desc->natts; i++)
	{
		Datum		value = slot->tts_values[i];

		if (!slot->tts_isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			VARATT_IS_EXTERNAL(DatumGetPointer(value)))
			value = PointerGetDatum(detoast_external_attr((struct varlena *) DatumGetPointer(value)));
		self->plain->tts_values[i] = value;
		self->plain->tts_isnull[i] = slot->tts_isnull[i];
	}
	MemoryContextSwitchTo(old_cxt);
	return ExecStoreVirtualTuple(self->plain);
}

/*
 * Files that outlive a transaction are made in MyDatabaseTableSpace and nowhere
 * else (fd.c, OpenTemporaryFile).  A store makes one when it takes a row, and
 * does nothing else then that looks at the variable.
 */
static bool
hold_receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	HoldReceiver *self = (HoldReceiver *) receiver;
	Oid			saved = MyDatabaseTableSpace;
	bool		more = false;

	slot_getallattrs(slot);
	if (has_external(slot))
		slot = without_external(self, slot);
	MyDatabaseTableSpace = self->tablespace;
	PG_TRY();
	{
		more = self->inner->receiveSlot(slot, self->inner);
	}
	PG_FINALLY();
	{
		MyDatabaseTableSpace = saved;
	}
	PG_END_TRY();
	return more;
}

static void
hold_startup(DestReceiver *receiver, int operation, TupleDesc desc)
{
	DestReceiver *inner = ((HoldReceiver *) receiver)->inner;

	inner->rStartup(inner, operation, desc);
}

static void
hold_shutdown(DestReceiver *receiver)
{
	HoldReceiver *self = (HoldReceiver *) receiver;

	self->inner->rShutdown(self->inner);
	if (self->plain)
		ExecDropSingleTupleTableSlot(self->plain);
	self->plain = NULL;
}

/* The one who made the inner receiver destroys it. */
static void
hold_destroy(DestReceiver *receiver)
{
}

/* Only a tuple store has reason to be looked at: no other receiver writes files. */
static DestReceiver *
hold_receiver(DestReceiver *inner)
{
	Oid			tablespace;
	HoldReceiver *self;

	if (inner == NULL || inner->mydest != DestTuplestore || !gate_temp_pinned())
		return inner;
	tablespace = gate_temp_hold_tablespace();
	if (!OidIsValid(tablespace) || inner->receiveSlot == hold_receive)
		return inner;
	self = palloc0(sizeof(HoldReceiver));
	self->pub.receiveSlot = hold_receive;
	self->pub.rStartup = hold_startup;
	self->pub.rShutdown = hold_shutdown;
	self->pub.rDestroy = hold_destroy;
	self->pub.mydest = inner->mydest;
	self->inner = inner;
	self->tablespace = tablespace;
	return &self->pub;
}

static void
dataclass_executor_run(QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once)
{
	DestReceiver *dest = query_desc->dest;

	/* a portal is started without a receiver: where its rows go shows only now */
	if (query_desc != looked_at && !goes_to_client(query_desc) && IsTransactionState() && gate_temp_wanted())
		pin_for_query(query_desc);
	looked_at = NULL;
	query_desc->dest = hold_receiver(dest);
	if (ActivePortal && ActivePortal->holdStore && ActivePortal->queryDesc == query_desc && gate_temp_pinned())
		gate_temp_keep();		/* a cursor is held */
	run_depth++;
	PG_TRY();
	{
		if (prev_run)
			prev_run(query_desc, direction, count, execute_once);
		else
			standard_ExecutorRun(query_desc, direction, count, execute_once);
	}
	PG_FINALLY();
	{
		run_depth--;
		query_desc->dest = dest;
	}
	PG_END_TRY();
}

/* ------------------------------------------------------------------------
 * Commands
 * ------------------------------------------------------------------------
 */

static bool
option_is_on(const List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, name) == 0)
			return defGetBoolean(lfirst_node(DefElem, cell));
	return false;
}

/* A relation named by the command, the table of an index, and what inherits from it. */
static List *
family_of(const RangeVar *name)
{
	Oid			relid = name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : 0;

	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	return OidIsValid(relid) ? find_all_inheritors(relid, NoLock, NULL) : NIL;
}

static List *
relations_of_alter(const AlterTableStmt *stmt)
{
	List	   *relids = family_of(stmt->relation);
	ListCell   *cell;

	foreach(cell, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_AttachPartition)
			relids = list_concat(relids, family_of(((PartitionCmd *) cmd->def)->name));
	}
	return relids;
}

static List *
relations_of_reindex(const ReindexStmt *stmt, GateTempUse *use)
{
	use->many_transactions = option_is_on(stmt->params, "concurrently");
	if (stmt->relation)
	{
		List	   *relids = family_of(stmt->relation);

		use->many_transactions |= list_length(relids) > 1;
		return relids;
	}
	use->many_transactions = true;
	return ddl_user_tables(stmt->kind == REINDEX_OBJECT_SCHEMA ? get_namespace_oid(stmt->name, true) : InvalidOid);
}

static List *
relations_of_vacuum(const VacuumStmt *stmt, GateTempUse *use)
{
	List	   *relids = NIL;
	ListCell   *cell;

	if (!stmt->is_vacuumcmd || !option_is_on(stmt->options, "full"))
		return NIL;
	use->many_transactions = true;
	if (stmt->rels == NIL)
		return ddl_user_tables(InvalidOid);
	foreach(cell, stmt->rels)
		relids = list_concat(relids, family_of(lfirst_node(VacuumRelation, cell)->relation));
	return relids;
}

/* Relations whose rows the command may sort or store by itself. */
static List *
relations_of_command(const Node *parsetree, GateTempUse *use)
{
	List	   *relids;

	switch (nodeTag(parsetree))
	{
		case T_IndexStmt:
			use->many_transactions = ((const IndexStmt *) parsetree)->concurrent;
			return family_of(((const IndexStmt *) parsetree)->relation);
		case T_ReindexStmt:
			return relations_of_reindex((const ReindexStmt *) parsetree, use);
		case T_ClusterStmt:
			if (((const ClusterStmt *) parsetree)->relation == NULL)
			{
				use->many_transactions = true;
				return ddl_user_tables(InvalidOid);
			}
			relids = family_of(((const ClusterStmt *) parsetree)->relation);
			use->many_transactions = list_length(relids) > 1;
			return relids;
		case T_VacuumStmt:
			return relations_of_vacuum((const VacuumStmt *) parsetree, use);
		case T_AlterTableStmt:
			return relations_of_alter((const AlterTableStmt *) parsetree);
		case T_RefreshMatViewStmt:
			return family_of(((const RefreshMatViewStmt *) parsetree)->relation);
		case T_CopyStmt:
			return family_of(((const CopyStmt *) parsetree)->relation);
		default:
			return NIL;
	}
}

static void
pin_for_command(const Node *parsetree)
{
	GateTempUse use = {0};
	ListCell   *cell;

	use.can_spill = true;
	use.nested = run_depth > 0;
	use.action = CreateCommandName((Node *) parsetree);
	if (gate_temp_kept() && IsA(parsetree, FetchStmt))
		gate_temp_pin_kept(&use);
	foreach(cell, relations_of_command(parsetree, &use))
	{
		Label		label;

		if (gate_temp_relation(lfirst_oid(cell), &label))
			gate_temp_pin(&label, lfirst_oid(cell), &use);
	}
}

/* A temporary table without rows goes where the setting says, not where labeled data must. */
static bool
makes_empty_temporary(const Node *parsetree)
{
	return IsA(parsetree, CreateStmt) &&
		((const CreateStmt *) parsetree)->relation->relpersistence == RELPERSISTENCE_TEMP;
}

static void
dataclass_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
						  ProcessUtilityContext context, ParamListInfo params,
						  QueryEnvironment *query_env, DestReceiver *dest, QueryCompletion *qc)
{
	const Node *parsetree = pstmt->utilityStmt;
	bool		unpinned = false;

	if (!IsA(parsetree, TransactionStmt) && IsTransactionState() && gate_temp_wanted())
	{
		pin_for_command(parsetree);
		if (IsA(parsetree, FetchStmt))
			dest = hold_receiver(dest);
		if (makes_empty_temporary(parsetree))
			unpinned = gate_temp_unpin();
	}
	PG_TRY();
	{
		if (prev_utility)
			prev_utility(pstmt, query_string, read_only_tree, context, params, query_env, dest, qc);
		else
			standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params, query_env, dest, qc);
	}
	PG_FINALLY();
	{
		if (unpinned)
			gate_temp_repin();
	}
	PG_END_TRY();
}

void
hook_spill_init(void)
{
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = dataclass_executor_start;
	prev_run = ExecutorRun_hook;
	ExecutorRun_hook = dataclass_executor_run;
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = dataclass_process_utility;
}
