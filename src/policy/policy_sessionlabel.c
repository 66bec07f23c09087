/*-------------------------------------------------------------------------
 *
 * policy_sessionlabel.c
 *		The label at which the session writes rows: dataclass.row_label().
 *
 * Meant as the default of label columns.  It is what dataclass.row_label is
 * set to, else the highest label of the session: the ceiling of its clearance,
 * narrowed by dataclass.session_ceiling.  Where that is not one registered
 * label an error says so; nothing is guessed.  What is answered here is no
 * permission: the row is judged when it is written, like any other.
 *
 * Owns a memo of the answer.  It is good for one subject epoch, which also
 * moves when labels are registered, and is dropped when the setting changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/rowfilter.h"

#define CHOOSE_HINT "Choose a label for new rows: SET dataclass.row_label = '...'; see the clearance: SELECT * FROM dataclass.session()."

char	   *guc_row_label = NULL;

static bool memo_valid = false;
static uint64 memo_epoch = 0;
static uint64 memo_id = 0;

PG_FUNCTION_INFO_V1(dc_row_label);

/* Called when dataclass.row_label is assigned: no catalog access. */
void
session_row_label_changed(void)
{
	memo_valid = false;
}

static uint64
id_of(const Label *label)
{
	uint64		id = label_id(label);

	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the id of a label"),
				 errdetail("OpenSSL does not provide SHA-256."),
				 errhint("Check the OpenSSL configuration of the server with \"openssl list -providers\".")));
	return id;
}

/* ------------------------------------------------------------------------
 * The label that was set
 * ------------------------------------------------------------------------
 */

static void
refuse_chosen(const PolicyDecision *decision, const Label *label)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ROW_DENIED;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = "row";
	refusal.event.object_type = "setting";
	refusal.event.object_identity = "dataclass.row_label";
	refusal.event.label = label->text;
	refusal.event.rule = decision_rule_name(decision->first);
	refusal.message = psprintf("permission denied to write rows labeled \"%s\"", label->text);
	refusal.detail = decision->first == DECISION_FLOOR ?
		"The label in dataclass.row_label is below the floor of the role's clearance." :
		decision->first == DECISION_SESSION_TIER ?
		"The session does not reach the tier that the label in dataclass.row_label needs." :
		"No clearance of the session dominates the label in dataclass.row_label.";
	refusal.event.detail = refusal.detail;
	refusal.hint = CHOOSE_HINT;
	refusal.mode = decision->verdict == DECISION_PERMIT ? ENFORCEMENT_PERMISSIVE : ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static uint64
chosen_label(const char *text)
{
	Label		label;
	LabelError	error;
	ResolvedLabel resolved;
	PolicyRequest request;
	PolicyDecision decision;
	uint64		id;

	if (!label_parse(text, strlen(text), &label, &error))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label in dataclass.row_label is malformed at byte %d", error.position),
				 errdetail("The parser says: %s.", error.message),
				 errhint("%s", CHOOSE_HINT)));
	id = id_of(&label);
	if (policy_row_label_by_id(policy_current(), id) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%s\" in dataclass.row_label is not a registered row label", label.text),
				 errhint("Set dataclass.row_label to a registered label; an officer can register this one: SELECT dataclass.create_label('%s').",
						 label.text)));
	resolve_label(policy_current(), &label, &resolved);
	request_init(&request, subject_current(), ACTION_WRITE);
	request_object(&request, &resolved);
	decision = policy_decide(&request);
	if (decision.verdict != DECISION_ALLOW)
		refuse_chosen(&decision, &label);
	return id;
}

/* ------------------------------------------------------------------------
 * The label that follows from the clearance
 * ------------------------------------------------------------------------
 */

typedef struct Height
{
	const Label *label;
	int			rank;
} Height;

static bool
is_above(const Height *a, const Height *b)
{
	return label_dominates(a->label, a->rank, b->label, b->rank);
}

/* The ceiling of one clearance under that of the session; false if no label describes both. */
static bool
narrow(const Subject *s, const Clearance *clearance, Height *out)
{
	Height		ceiling = {&s->ceiling, s->ceiling_rank};

	out->label = &clearance->ceiling;
	out->rank = clearance->rank;
	if (!s->has_ceiling || is_above(&ceiling, out))
		return true;
	if (!is_above(out, &ceiling))
		return false;
	*out = ceiling;
	return true;
}

static pg_attribute_noreturn() void
no_single_label(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("session has no single label to write rows at"),
			 errdetail("%s", detail),
			 errhint("%s", CHOOSE_HINT)));
}

static uint64
highest_label(void)
{
	const Subject *s = subject_current();
	Height		best = {NULL, POLICY_RANK_NONE};
	uint64		id;

	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < s->nclearances; i++)
		{
			Height		height;

			if (s->clearances[i].rank == POLICY_RANK_NONE || s->clearances[i].emergency)
				continue;
			if (!narrow(s, &s->clearances[i], &height))
				no_single_label("Neither the clearance nor dataclass.session_ceiling dominates the other.");
			if (best.label == NULL || (pass == 0 && is_above(&height, &best)))
				best = height;
			else if (pass == 1 && !is_above(&best, &height))
				no_single_label("The role has several clearances, none of which dominates the others.");
		}
	if (best.label == NULL)
		no_single_label("The role has no clearance in this database.");

	id = id_of(best.label);
	if (policy_row_label_by_id(policy_current(), id) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("session has no single label to write rows at"),
				 errdetail("Its highest label, \"%s\", is not a registered row label.", best.label->text),
				 errhint("Choose a registered label: SET dataclass.row_label = '...'; an officer can register this one: SELECT dataclass.create_label('%s').",
						 best.label->text)));
	return id;
}

Datum
dc_row_label(PG_FUNCTION_ARGS)
{
	uint64		id;

	if (memo_valid && subject_epoch_is_current(memo_epoch))
		return UInt64GetDatum(memo_id);
	memo_valid = false;
	id = guc_row_label && guc_row_label[0] ? chosen_label(guc_row_label) : highest_label();
	memo_id = id;
	memo_epoch = subject_epoch();
	memo_valid = subject_epoch_is_current(memo_epoch);
	return UInt64GetDatum(id);
}
