/*-------------------------------------------------------------------------
 *
 * policy_mask.c
 *		column_value(): what the current subject gets of a masked column.
 *
 * The planner hook puts a call of it wherever a query mentions a masked column,
 * so everything else of the query (conditions, joins, sort keys, aggregates,
 * anybody's functions) only ever sees what it returns.  Which label and which
 * mask hold is looked up when it runs, for the relation that the row is stored
 * in: a child may be labeled higher than the parent that is queried.  The
 * answer is kept in the call's state until the subject's epoch moves.
 *
 * Where row_security is off it raises instead of masking, as the row filter
 * does, so that a dump is complete or fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/mask_key.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/subject.h"

/* What one call in a query knows about the rows it has seen last. */
typedef struct MaskState
{
	bool		valid;
	bool		visible;
	uint64		epoch;
	Oid			relid;
	AttrNumber	attnum;
	Oid			stored_in;		/* relation of the row */
	Oid			type;			/* of the column */
	int32		typmod;
	LabelMask	mask;			/* if not visible */
	bool		constant_ready;
	bool		constant_isnull;
	Datum		constant;
	MemoryContext constant_cxt; /* holds the constant */
} MaskState;

static Oid	function_oid = InvalidOid;
static uint64 function_generation = 0;

PG_FUNCTION_INFO_V1(dc_column_value);

Oid
mask_function_oid(void)
{
	policy_current();
	if (function_generation != policy_generation())
	{
		Oid			arguments[] = {OIDOID, INT2OID, OIDOID, ANYELEMENTOID};

		function_oid = LookupFuncName(list_make2(makeString(pstrdup(DC_SCHEMA)),
												 makeString(pstrdup("column_value"))),
									  lengthof(arguments), arguments, true);
		function_generation = policy_generation();
	}
	if (!OidIsValid(function_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column mask functions of extension \"pg_dataclass\" are missing"),
				 errhint("Reinstall the extension.")));
	return function_oid;
}

/* ------------------------------------------------------------------------
 * Deciding
 * ------------------------------------------------------------------------
 */

static bool
label_readable(const ColumnLabel *column)
{
	PolicyRequest request;

	if (column == NULL || guc_enforcement == ENFORCEMENT_OFF)
		return true;
	request_init(&request, subject_current(), ACTION_READ);
	request_object(&request, &column->resolved);
	return policy_decide(&request).verdict != DECISION_DENY;
}

bool
mask_column_readable(Oid relid, AttrNumber attnum)
{
	/* building the subject looks up labels: afterwards those of the relation stay put */
	(void) subject_current();
	return label_readable(relation_column_label(relation_labels(relid), attnum));
}

/* The column of that name where the row is stored; its label comprises those of its ancestors. */
static AttrNumber
stored_attnum(Oid relid, AttrNumber attnum, Oid stored_in)
{
	char	   *name;

	if (stored_in == relid)
		return attnum;
	name = get_attname(relid, attnum, true);
	return name ? get_attnum(stored_in, name) : InvalidAttrNumber;
}

static pg_noinline void
decide(MaskState *state, Oid relid, AttrNumber attnum, Oid stored_in, Oid type)
{
	AttrNumber	stored = stored_attnum(relid, attnum, stored_in);
	const ColumnLabel *column;
	Oid			collation;

	state->valid = false;
	state->constant_ready = false;
	MemoryContextReset(state->constant_cxt);
	get_atttypetypmodcoll(relid, attnum, &state->type, &state->typmod, &collation);

	if (state->type != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("masked column %d of relation %u is not of the type that the query expects", attnum, relid)));

	/* each look-up may take in changes: the epoch is that of the last one */
	state->visible = mask_column_readable(relid, attnum);
	if (stored_in != relid)
		state->visible = stored != InvalidAttrNumber && mask_column_readable(stored_in, stored) && state->visible;
	memset(&state->mask, 0, sizeof(state->mask));
	column = stored != InvalidAttrNumber ? relation_column_label(relation_labels(stored_in), stored) : NULL;
	if (column)
		state->mask = column->mask;
	(void) subject_current();
	state->epoch = subject_epoch();
	state->relid = relid;
	state->attnum = attnum;
	state->stored_in = stored_in;
	state->valid = true;
}

/* row_security = off: masking silently would make a dump incomplete. */
static pg_noinline void
complain_about_mask(const MaskState *state)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "SELECT";
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = state->relid;
	refusal.event.object_subid = state->attnum;
	refusal.event.object_type = "column";
	refusal.event.object_identity = report_relation_identity(state->relid);
	refusal.event.rule = "dominance";
	refusal.message = "query would be affected by column masks";
	refusal.detail = "With row_security = off, a masked column that the clearance does not reach raises an error instead of showing its mask.";
	refusal.event.detail = refusal.detail;
	refusal.hint = "Set row_security to on, or run as a role cleared for every column of the table.";
	refusal.mode = guc_enforcement;
	report_refusal(&refusal);
}

/* ------------------------------------------------------------------------
 * Masks
 * ------------------------------------------------------------------------
 */

/* The text as a value of the column's type, no longer than that allows. */
static Datum
value_of_text(const MaskState *state, text *masked)
{
	int32		typmod = state->typmod;

	switch (getBaseTypeAndTypmod(state->type, &typmod))
	{
		case NAMEOID:
			return DirectFunctionCall1(namein, CStringGetDatum(text_to_cstring(masked)));
		case BPCHAROID:
			return DirectFunctionCall3(bpchar, PointerGetDatum(masked), Int32GetDatum(typmod), BoolGetDatum(true));
		case VARCHAROID:
			return DirectFunctionCall3(varchar, PointerGetDatum(masked), Int32GetDatum(typmod), BoolGetDatum(true));
		default:
			return PointerGetDatum(masked);
	}
}

/* Bytes of the value as text; blanks that only fill up char(n) are not part of it. */
static const char *
text_of_value(const MaskState *state, Datum value, int *len)
{
	text	   *string;

	switch (getBaseType(state->type))
	{
		case NAMEOID:
			*len = strlen(NameStr(*DatumGetName(value)));
			return NameStr(*DatumGetName(value));
		case BPCHAROID:
			string = DatumGetTextPP(value);
			*len = bpchartruelen(VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
			return VARDATA_ANY(string);
		default:
			string = DatumGetTextPP(value);
			*len = VARSIZE_ANY_EXHDR(string);
			return VARDATA_ANY(string);
	}
}

/* The first characters, the pad, the last ones; of a value too short for both only the pad. */
static text *
mask_partially(const LabelMask *mask, const char *string, int len)
{
	int			nchars = pg_mbstrlen_with_len(string, len);
	StringInfoData out;

	initStringInfo(&out);
	if (mask->prefix + mask->suffix >= nchars)
		appendBinaryStringInfo(&out, mask->text, mask->text_len);
	else
	{
		int			head = pg_mbcharcliplen(string, len, mask->prefix);
		int			tail = pg_mbcharcliplen(string, len, nchars - mask->suffix);

		appendBinaryStringInfo(&out, string, head);
		appendBinaryStringInfo(&out, mask->text, mask->text_len);
		appendBinaryStringInfo(&out, string + tail, len - tail);
	}
	return cstring_to_text_with_len(out.data, out.len);
}

static Datum
mask_text(const MaskState *state, Datum value)
{
	int			len;
	const char *string = text_of_value(state, value, &len);
	char		hex[MASK_HASH_DIGITS + 1];

	if (state->mask.kind == LABEL_MASK_PARTIAL)
		return value_of_text(state, mask_partially(&state->mask, string, len));
	mask_hash(string, len, hex);
	return value_of_text(state, cstring_to_text(hex));
}

/* Made once; input of the type may be costly. */
static void
prepare_constant(MaskState *state)
{
	MemoryContext old_cxt = MemoryContextSwitchTo(state->constant_cxt);
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(state->type, &input, &ioparam);
	state->constant = OidInputFunctionCall(input, pstrdup(state->mask.text), ioparam, state->typmod);
	MemoryContextSwitchTo(old_cxt);
	state->constant_ready = true;
}

static pg_noinline Datum
masked_value(FunctionCallInfo fcinfo, MaskState *state)
{
	if (!row_security)
	{
		complain_about_mask(state);
		return PG_ARGISNULL(3) ? (fcinfo->isnull = true, (Datum) 0) : PG_GETARG_DATUM(3);
	}
	switch (state->mask.kind)
	{
		case LABEL_MASK_NONE:
		case LABEL_MASK_NULL:
			break;
		case LABEL_MASK_CONSTANT:
			if (!state->constant_ready)
				prepare_constant(state);
			return state->constant;
		case LABEL_MASK_PARTIAL:
		case LABEL_MASK_HASH:
			/* the column may have got another type since it was labeled */
			if (PG_ARGISNULL(3) || !label_mask_is_text(state->type))
				break;
			return mask_text(state, PG_GETARG_DATUM(3));
	}
	PG_RETURN_NULL();
}

static MaskState *
state_of(FunctionCallInfo fcinfo)
{
	MaskState  *state = fcinfo->flinfo->fn_extra;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MaskState));
		state->constant_cxt = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "pg_dataclass mask",
													ALLOCSET_START_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = state;
	}
	return state;
}

/* Somebody looks for a way around the mask. */
static void
refuse_call(void)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ACCESS_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "EXECUTE";
	refusal.event.object_type = "function";
	refusal.event.object_identity = DC_SCHEMA ".column_value";
	refusal.event.rule = "mask";
	refusal.event.detail = "Only queries that read a masked column call it.";
	refusal.message = "permission denied for function dataclass.column_value";
	refusal.detail = refusal.event.detail;
	refusal.hint = "Read the column.";
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

/*
 * column_value(relation, column, relation of the row, value).  A row without a
 * relation is one that an outer join filled up.
 */
Datum
dc_column_value(PG_FUNCTION_ARGS)
{
	MaskState  *state;
	Oid			stored_in;

	if (PG_GET_COLLATION() != MASK_CALL_COLLATION || PG_ARGISNULL(0) || PG_ARGISNULL(1))
		refuse_call();
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();
	state = state_of(fcinfo);
	stored_in = PG_GETARG_OID(2);
	if (unlikely(!state->valid || !subject_epoch_is_current(state->epoch) ||
				 state->stored_in != stored_in || state->relid != PG_GETARG_OID(0) ||
				 state->attnum != PG_GETARG_INT16(1)))
		decide(state, PG_GETARG_OID(0), PG_GETARG_INT16(1), stored_in,
			   get_fn_expr_argtype(fcinfo->flinfo, 3));
	if (unlikely(!state->visible))
		return masked_value(fcinfo, state);
	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(3));
}
