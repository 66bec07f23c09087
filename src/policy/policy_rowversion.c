/*-------------------------------------------------------------------------
 *
 * policy_rowversion.c
 *		Old label against new: the checks at the moment a row is stored.
 *
 * What a statement wants to SET can be judged while it is computed
 * (dataclass.row_relabel()).  What is stored may be something else: a BEFORE
 * trigger changes NEW, a generated label column is computed last.  So the
 * final row is compared with its former version, which is remembered per
 * statement: by the check of ON CONFLICT and MERGE on the stored row, or by a
 * trigger of ours that hook_rowversion.c puts behind those of the table.
 *
 * Invariant: between the moment that a former version is remembered and the
 * check of what replaces it, no other row of the same statement is handled.
 * Statements run by triggers in between have a frame of their own.
 *
 * The checks work on that memory, so that nobody but our own plans may call
 * them: their last argument, of type internal, must be row_version_secret().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/rowversion.h"

RowVersionFrame *row_version_frame = NULL;

static const char secret_place = 0;

PG_FUNCTION_INFO_V1(dc_row_version_check);
PG_FUNCTION_INFO_V1(dc_row_version_trigger);

Datum
row_version_secret(void)
{
	return PointerGetDatum(&secret_place);
}

static pg_attribute_noreturn() void
former_unknown(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("former label of a changed row is not known"),
			 errdetail("The change could not be judged and is refused.")));
}

static void
remember(uint64 id)
{
	if (row_version_frame == NULL)
		former_unknown();
	row_version_frame->former = id;
	row_version_frame->known = true;
	row_version_frame->judged = false;
}

static void
check_change(uint64 former, uint64 id, Oid relid)
{
	if (former != id)
		row_check_relabel(former, id, relid);
	else
		row_check(id, false, relid, ROW_CHECK_NEW);
}

static void
check_successor(uint64 id, Oid relid)
{
	RowVersionFrame *frame = row_version_frame;

	if (frame == NULL || !frame->known)
		former_unknown();
	if (frame->judged && frame->judged_new == id)
		row_check(id, false, relid, ROW_CHECK_NEW);
	else
		check_change(frame->former, id, relid);
}

void
row_version_check(uint64 id, bool isnull, Oid target, Oid relid, RowVersion version)
{
	if (guc_enforcement == ENFORCEMENT_OFF)
		return;
	if (isnull)
	{
		row_check(id, true, relid, ROW_CHECK_NEW);	/* raises */
		return;
	}
	switch (version)
	{
		case ROW_VERSION_FORMER:
			row_check(id, false, relid, ROW_CHECK_EXISTING);
			remember(id);
			break;
		case ROW_VERSION_SUCCESSOR:
			check_successor(id, relid);
			break;
		case ROW_VERSION_UPDATED:
			if (row_version_frame == NULL)
				former_unknown();
			if (list_member_oid(row_version_frame->watched, target))
				check_successor(id, relid);
			else
				row_check(id, false, relid, ROW_CHECK_NEW);
			break;
	}
}

Datum
dc_row_version_check(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4) ||
		PG_GETARG_DATUM(4) != row_version_secret())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function row_version_check() is for use inside the extension only"),
				 errhint("Use dataclass.row_check(label, oid, integer).")));
	row_version_check(PG_ARGISNULL(0) ? 0 : (uint64) PG_GETARG_INT64(0), PG_ARGISNULL(0),
					  PG_GETARG_OID(1), PG_GETARG_OID(2), (RowVersion) PG_GETARG_INT32(3));
	PG_RETURN_BOOL(true);
}

/* ------------------------------------------------------------------------
 * The last BEFORE trigger
 * ------------------------------------------------------------------------
 */

static uint64
label_of(HeapTuple tuple, AttrNumber attnum, TupleDesc desc, bool *isnull)
{
	return (uint64) DatumGetInt64(heap_getattr(tuple, attnum, desc, isnull));
}

static void
judge_update(const TriggerData *trigger, const RelationLabels *labels)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	AttrNumber	attnum = labels->row_label_attnum;
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	bool		former_null;
	bool		new_null;
	uint64		former = label_of(trigger->tg_trigtuple, attnum, desc, &former_null);
	uint64		id = label_of(trigger->tg_newtuple, attnum, desc, &new_null);

	if (former_null)
		row_check(former, true, relid, ROW_CHECK_EXISTING); /* raises */
	remember(former);
	/* computed after the triggers: judged by the check that follows */
	if (TupleDescAttr(desc, attnum - 1)->attgenerated)
		return;
	if (new_null)
		row_check(id, true, relid, ROW_CHECK_NEW);	/* raises */
	check_change(former, id, relid);
	row_version_frame->judged = true;
	row_version_frame->judged_new = id;
}

/*
 * Never in pg_trigger: put behind the table's own triggers when a statement
 * starts.  Remembers and judges updated rows; rows inserted and deleted it
 * sees only where core evaluates no other check of ours (foreign tables,
 * children of tables without the label column).
 */
Datum
dc_row_version_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	RelationLabels labels;
	bool		isnull;
	uint64		id;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || OidIsValid(trigger->tg_trigger->tgoid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function row_version_trigger() is for use inside the extension only")));
	labels = *relation_labels(RelationGetRelid(trigger->tg_relation));
	if (labels.row_label_attnum != InvalidAttrNumber && guc_enforcement != ENFORCEMENT_OFF)
	{
		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
			judge_update(trigger, &labels);
		else
		{
			id = label_of(trigger->tg_trigtuple, labels.row_label_attnum,
						  RelationGetDescr(trigger->tg_relation), &isnull);
			row_check(id, isnull, RelationGetRelid(trigger->tg_relation),
					  TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? ROW_CHECK_NEW : ROW_CHECK_EXISTING);
		}
	}
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
						   trigger->tg_newtuple : trigger->tg_trigtuple);
}
