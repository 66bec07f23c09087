/*-------------------------------------------------------------------------
 *
 * profile_load.c
 *		SQL functions about profiles: load, impact, export, difference, verify.
 *
 * load_profile() checks everything before it changes anything: officer,
 * signature, document, that it is no older version, what it would do to data.
 * From there on the policy tables are locked against other changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/profile_impact.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/result_row.h"

/* Objects named in the DETAIL of a refusal; records of what a forced load did. */
#define MAX_NAMED		8
#define MAX_RECORDED	1000

PG_FUNCTION_INFO_V1(dc_load_profile);
PG_FUNCTION_INFO_V1(dc_profile_impact);
PG_FUNCTION_INFO_V1(dc_export_profile);
PG_FUNCTION_INFO_V1(dc_profile_diff);
PG_FUNCTION_INFO_V1(dc_verify_policy);

/* ------------------------------------------------------------------------
 * Loading
 * ------------------------------------------------------------------------
 */

/* An older signed profile is as good as a forged one: it brings back what was given up. */
static bool
is_rollback(const Profile *profile, const char *document, size_t len, bool is_signed, char **why)
{
	ListCell   *cell;

	foreach(cell, profile_versions())
	{
		const ProfileVersion *version = lfirst(cell);
		int			order;

		if (strcmp(version->name, profile->name) != 0)
			continue;
		order = profile_compare_versions(profile->version, version->version);
		if (order < 0)
			*why = psprintf("Version %s of profile \"%s\" was loaded before, this is version %s.",
							version->version, profile->name, profile->version);
		else if (order == 0 && is_signed && version->signature != NULL &&
				 (strlen(version->document) != len || memcmp(version->document, document, len) != 0))
			*why = psprintf("Another signed document was loaded before as version %s of profile \"%s\".",
							version->version, profile->name);
		else
			continue;
		return true;
	}
	return false;
}

static char *
impact_text(const List *impacts)
{
	StringInfoData buf;
	int			n = 0;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, impacts)
	{
		const ProfileImpact *impact = lfirst(cell);

		if (n++ == MAX_NAMED)
			break;
		appendStringInfo(&buf, "%s%s %s", n > 1 ? "; " : "", impact->object_type ? impact->object_type : "object",
						 impact->identity ? impact->identity : "?");
		if (impact->label)
			appendStringInfo(&buf, " labeled \"%s\"", impact->label);
		appendStringInfo(&buf, ": %s", profile_impact_name(impact->kind));
	}
	if (list_length(impacts) > MAX_NAMED)
		appendStringInfo(&buf, "; and %d more", list_length(impacts) - MAX_NAMED);
	appendStringInfoChar(&buf, '.');
	return buf.data;
}

static void
refuse_impact(const Profile *profile, const List *impacts)
{
	profile_refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, false, "profile_impact",
				   psprintf("profile \"%s\" would put %d %s outside of the policy", profile->name,
							list_length(impacts), list_length(impacts) == 1 ? "object" : "objects"),
				   impact_text(impacts),
				   "See all of it: SELECT * FROM dataclass.profile_impact(document); load it all the same with force => true.");
}

static void
record_impact(const ProfileImpact *impact)
{
	AuditEvent	event = {0};

	event.kind = impact->kind == IMPACT_BELOW_TIER ? EVENT_AT_REST_VIOLATION : EVENT_PROFILE;
	event.severity = SEVERITY_HIGH;
	event.breach = true;
	event.action = "load_profile";
	event.class_id = impact->class_id;
	event.object_id = impact->object_id;
	event.object_subid = impact->object_subid;
	event.object_type = impact->object_type;
	event.object_identity = impact->identity;
	event.label = impact->label;
	event.rule = impact->kind == IMPACT_BELOW_TIER ? "at_rest" : "profile_impact";
	event.required_tier = impact->required;
	event.found_tier = impact->found;
	event.detail = psprintf("A profile was loaded by force: %s. %s", profile_impact_name(impact->kind), impact->reason);
	report_change(&event);
}

static void
record_load(const Profile *profile, int serial, const char *key_id, const char *rollback, const List *impacts)
{
	AuditEvent	event = {0};

	event.kind = EVENT_PROFILE;
	event.severity = rollback || impacts != NIL ? SEVERITY_HIGH : SEVERITY_WARNING;
	event.breach = rollback != NULL;
	event.action = "load_profile";
	event.object_type = "policy";
	event.object_identity = psprintf("%s %s", profile->name, profile->version);
	event.rule = rollback ? "profile_rollback" : NULL;
	event.detail = psprintf("Profile loaded as version %d of the policy, %s%s; %d objects are outside of it.%s%s", serial,
							key_id ? "signed by key " : "not signed", key_id ? key_id : "", list_length(impacts),
							rollback ? " By force: " : "", rollback ? rollback : "");
	report_change(&event);
}

static void
need_officer(void)
{
	if (!policy_is_officer())
		profile_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, true, "officer", "permission denied to load a profile",
					   "Only members of dataclass_officer may change the policy.", "Ask a security officer.");
}

/*
 * Statements name functions of pg_catalog, to which a superuser can add others
 * that fit better: what came of them counts.
 */
static void
check_applied(const Profile *after)
{
	if (profile_differences(profile_present(), after) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the policy did not become what the profile says"),
				 errdetail("Something in this database changed the rows on their way into the policy tables."),
				 errhint("Look for functions in schema pg_catalog that do not belong to PostgreSQL.")));
}

static int
load_profile(const char *document, size_t len, bytea *signature, bool force)
{
	const char *key_id;
	Profile    *after;
	Profile    *before;
	List	   *impacts;
	List	   *differences;
	ListCell   *cell;
	char	   *rollback = NULL;
	int			recorded = 0;
	int			serial;

	PreventCommandIfReadOnly("load_profile()");
	need_officer();
	key_id = profile_check_signature(document, len, signature);
	after = profile_parse(document, len);
	profile_lock_tables();
	if (is_rollback(after, document, len, key_id != NULL, &rollback) && !force)
		profile_refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, true, "profile_rollback",
					   "cannot go back to an older version of a profile", rollback,
					   "Give the profile a higher version, or load it with force => true.");
	before = profile_present();
	impacts = profile_impact(before, after);
	if (impacts != NIL && !force)
		refuse_impact(after, impacts);

	differences = profile_differences(before, after);
	profile_apply(before, after);
	check_applied(after);
	serial = profile_version_add(after, document, len, signature, key_id, force, profile_differences_jsonb(differences));
	foreach(cell, impacts)
		if (recorded++ < MAX_RECORDED)
			record_impact(lfirst(cell));
	record_load(after, serial, key_id, rollback, impacts);
	return serial;
}

Datum
dc_load_profile(PG_FUNCTION_ARGS)
{
	text	   *document;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("document and force must not be null")));
	document = PG_GETARG_TEXT_PP(0);
	PG_RETURN_INT32(load_profile(text_to_cstring(document), VARSIZE_ANY_EXHDR(document),
								 PG_ARGISNULL(1) ? NULL : PG_GETARG_BYTEA_PP(1), PG_GETARG_BOOL(2)));
}

/* ------------------------------------------------------------------------
 * Telling
 * ------------------------------------------------------------------------
 */

Datum
dc_profile_impact(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	text	   *document = PG_GETARG_TEXT_PP(0);
	Profile    *after = profile_parse(text_to_cstring(document), VARSIZE_ANY_EXHDR(document));
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	foreach(cell, profile_impact(profile_present(), after))
	{
		const ProfileImpact *impact = lfirst(cell);
		Datum		values[7];
		bool		nulls[7];

		row_set_text(values, nulls, 0, impact->object_type);
		row_set_text(values, nulls, 1, impact->identity);
		row_set_text(values, nulls, 2, impact->label);
		row_set_text(values, nulls, 3, profile_impact_name(impact->kind));
		row_set_text(values, nulls, 4, impact->required);
		row_set_text(values, nulls, 5, impact->found);
		row_set_text(values, nulls, 6, impact->reason);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Hand-made rows may hold what no document can: better told than written. */
Datum
dc_export_profile(PG_FUNCTION_ARGS)
{
	char	   *document = profile_canonical(profile_present());

	(void) profile_parse(document, strlen(document));
	PG_RETURN_TEXT_P(cstring_to_text(document));
}

static const ProfileVersion *
version_numbered(int serial)
{
	ListCell   *cell;

	foreach(cell, profile_versions())
		if (((ProfileVersion *) lfirst(cell))->serial == serial)
			return lfirst(cell);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no version %d of the policy", serial),
			 errhint("See the versions: SELECT version, name, profile_version FROM dataclass.profile_version.")));
}

static Profile *
profile_of_version(const ProfileVersion *version)
{
	return profile_parse(version->document, strlen(version->document));
}

/* Null stands for the policy as it is. */
static Profile *
profile_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? profile_present() : profile_of_version(version_numbered(PG_GETARG_INT32(n)));
}

Datum
dc_profile_diff(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Profile    *before = profile_argument(fcinfo, 0);
	Profile    *after = profile_argument(fcinfo, 1);
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	foreach(cell, profile_differences(before, after))
	{
		const ProfileDifference *difference = lfirst(cell);
		Datum		values[4];
		bool		nulls[4];

		row_set_text(values, nulls, 0, difference->object);
		row_set_text(values, nulls, 1, difference->member);
		row_set_text(values, nulls, 2, difference->before);
		row_set_text(values, nulls, 3, difference->after);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
put_finding(ReturnSetInfo *result, const char *item, const char *verdict, const char *detail)
{
	Datum		values[3];
	bool		nulls[3];

	row_set_text(values, nulls, 0, item);
	row_set_text(values, nulls, 1, verdict);
	row_set_text(values, nulls, 2, detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_signature(ReturnSetInfo *result, const ProfileVersion *version)
{
	SignatureResult signature;
	const char *verdict = "unknown";

	if (version->signature == NULL)
	{
		put_finding(result, "signature", "none", "The profile was loaded without a signature.");
		return;
	}
	switch (signature_verify(guc_trust_anchors, SIGNATURE_PURPOSE_PROFILE, version->document, strlen(version->document),
							 (const unsigned char *) VARDATA_ANY(version->signature),
							 VARSIZE_ANY_EXHDR(version->signature), &signature))
	{
		case SIGNATURE_GOOD:
			verdict = "good";
			break;
		case SIGNATURE_BAD:
			verdict = "bad";
			break;
		case SIGNATURE_REVOKED:
			verdict = "revoked";
			break;
		case SIGNATURE_NO_ANCHORS:
			verdict = "unknown";
			break;
	}
	put_finding(result, "signature", verdict, signature.verdict == SIGNATURE_GOOD ?
				psprintf("Signed by key %s (%s).", signature.key_id, signature.anchor) : signature.why);
}

Datum
dc_verify_policy(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *versions = profile_versions();
	const ProfileVersion *last = versions == NIL ? NULL : llast(versions);
	List	   *differences;
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	if (last == NULL)
	{
		put_finding(result, "version", "none", "No version of the policy is kept.");
		return (Datum) 0;
	}
	put_finding(result, "version", "ok",
				psprintf("Version %d: %s %s, loaded by %s at %s.", last->serial, last->name, last->version,
						 last->loaded_by, timestamptz_to_str(last->loaded_at)));
	put_signature(result, last);
	differences = profile_differences(profile_of_version(last), profile_present());
	if (differences == NIL)
		put_finding(result, "tables", "ok", "The policy is what the document says.");
	foreach(cell, differences)
	{
		const ProfileDifference *difference = lfirst(cell);

		put_finding(result, difference->object, "differs",
					psprintf("%s: in the document %s, in the policy %s.", difference->member,
							 difference->before ? psprintf("\"%s\"", difference->before) : "nothing",
							 difference->after ? psprintf("\"%s\"", difference->after) : "nothing"));
	}
	return (Datum) 0;
}
