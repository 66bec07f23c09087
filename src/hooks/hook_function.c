/*-------------------------------------------------------------------------
 *
 * hook_function.c
 *		Trusted procedures, and inlining held back.
 *
 * Why fmgr_hook: it brackets every call of the functions that needs_fmgr_hook
 * asks for, also when they leave by an error, and keeps core from inlining
 * them.  A trusted procedure's body runs with the clearance of its label
 * instead of the caller's; everything else about the caller stays.  The first
 * call of each trusted procedure in a statement is recorded before it runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

bool		function_hold_back_inlining = false;

static needs_fmgr_hook_type prev_needs_fmgr = NULL;
static fmgr_hook_type prev_fmgr = NULL;

/* State of one function's hook: ours and that of the hook before us. */
typedef struct FmgrState
{
	Datum		prev;
	int			depth;			/* stack depth before this call; -1: not entered */
	int			guc_level;		/* nest level of the safe search path; -1: none */
} FmgrState;

static Oid	recorded_function = InvalidOid;
static TimestampTz recorded_statement = 0;

static bool
is_sql_function(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	bool		is_sql;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_sql = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId;
	ReleaseSysCache(tuple);
	return is_sql;
}

static bool
needs_hook(Oid funcid)
{
	Label		label;

	if (prev_needs_fmgr && prev_needs_fmgr(funcid))
		return true;
	if (!IsTransactionState() || !OidIsValid(MyDatabaseId))
		return false;
	if (function_hold_back_inlining && is_sql_function(funcid))
		return true;
	return funcid >= FirstNormalObjectId && guc_enforcement != ENFORCEMENT_OFF && function_trusted_label(funcid, &label);
}

static void
record_entry(Oid funcid, const Label *label)
{
	AuditEvent	event = {0};

	if (recorded_function == funcid && recorded_statement == GetCurrentStatementStartTimestamp())
		return;
	event.kind = EVENT_TRUSTED_ENTRY;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_ALLOWED;
	event.action = "EXECUTE";
	event.class_id = ProcedureRelationId;
	event.object_id = funcid;
	event.object_type = "function";
	event.object_identity = format_procedure_qualified(funcid);
	event.label = label->text;
	event.detail = "A trusted procedure was entered; its body runs with the clearance of its label.";
	if (!event_record(&event))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not record the call of a trusted procedure"),
				 errdetail("Trusted procedures do not run unrecorded."),
				 errhint("See the server log for the state of the audit trail.")));
	recorded_function = funcid;
	recorded_statement = GetCurrentStatementStartTimestamp();
}

static bool
pins_search_path(Oid funcid, Oid *namespace)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	bool		pinned = false;
	bool		isnull;
	Datum		config;

	if (!HeapTupleIsValid(tuple))
		return false;
	*namespace = ((Form_pg_proc) GETSTRUCT(tuple))->pronamespace;
	config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	if (!isnull)
	{
		Datum	   *items;
		int			nitems;

		deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &nitems);
		for (int i = 0; i < nitems; i++)
			pinned |= strncmp(TextDatumGetCString(items[i]), "search_path=", 12) == 0;
	}
	ReleaseSysCache(tuple);
	return pinned;
}

/*
 * The caller's search path must not decide which functions and operators run
 * with the label's clearance.  A procedure that pins none gets pg_catalog, its
 * own schema, and temporary objects last.  Returns the GUC nest level to leave.
 */
static int
enter_safe_search_path(Oid funcid)
{
	Oid			namespace = InvalidOid;
	char	   *name;
	int			level;

	if (pins_search_path(funcid, &namespace) || (name = get_namespace_name(namespace)) == NULL)
		return -1;
	level = NewGUCNestLevel();
	(void) set_config_option("search_path",
							 psprintf("pg_catalog, %s, pg_temp", quote_identifier(name)),
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static void
dataclass_fmgr(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	FmgrState  *state = (FmgrState *) DatumGetPointer(*private);
	Label		label;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(FmgrState));
		state->depth = -1;
		*private = PointerGetDatum(state);
	}
	switch (event)
	{
		case FHET_START:
			state->depth = -1;
			if (function_trusted_label(flinfo->fn_oid, &label))
			{
				record_entry(flinfo->fn_oid, &label);
				state->depth = subject_trusted_depth();
				subject_push_trusted(flinfo->fn_oid);
				state->guc_level = enter_safe_search_path(flinfo->fn_oid);
			}
			break;
		case FHET_END:
			if (state->depth >= 0 && state->guc_level > 0)
				AtEOXact_GUC(true, state->guc_level);
			/* FALLTHROUGH */
		case FHET_ABORT:
			/* on error, the (sub)transaction puts settings back */
			state->guc_level = -1;
			if (state->depth >= 0)
				subject_pop_trusted(state->depth);
			state->depth = -1;
			break;
	}
	if (prev_fmgr)
		prev_fmgr(event, flinfo, &state->prev);
}

void
hook_function_init(void)
{
	prev_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	prev_fmgr = fmgr_hook;
	fmgr_hook = dataclass_fmgr;
}
