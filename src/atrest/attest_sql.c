/*-------------------------------------------------------------------------
 *
 * attest_sql.c
 *		dataclass.attest(), revoke_attestation() and the view of attestations.
 *
 * A document that nobody trusted signed is not even parsed: who, then by whom,
 * then what, then whether it is new and about this server.  Each refusal is
 * recorded before it is raised, with the digest of the document, not with
 * words of it; its id is told once the signature is good.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/attest_internal.h"
#include "pg_dataclass/report.h"

#define REPORT_COLUMNS	16
#define SUBJECT_COLUMNS	7
#define MAX_REASON		500

PG_FUNCTION_INFO_V1(dc_attest);
PG_FUNCTION_INFO_V1(dc_attest_text);
PG_FUNCTION_INFO_V1(dc_revoke_attestation);
PG_FUNCTION_INFO_V1(dc_attestation_report);
PG_FUNCTION_INFO_V1(dc_attestation_subjects);
PG_FUNCTION_INFO_V1(dc_check_attestations);

/* Does not return. */
static void pg_attribute_noreturn()
refuse(const char *action, const char *identity, int sqlstate, const char *message, const char *detail,
	   const char *hint)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_ATTESTATION;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = action;
	refusal.event.object_type = "attestation";
	refusal.event.object_identity = identity;
	refusal.event.rule = "attestation";
	refusal.event.detail = psprintf("%s: %s", message, detail);
	refusal.sqlstate = sqlstate;
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = hint;
	/* what is false is false in every mode */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
	pg_unreachable();
}

static void
require_officer(const char *action, const char *identity)
{
	if (policy_is_officer())
		return;
	refuse(action, identity, ERRCODE_INSUFFICIENT_PRIVILEGE,
		   strcmp(action, "attest") == 0 ? "permission denied to accept an attestation" :
		   strcmp(action, "revoke_attestation") == 0 ? "permission denied to revoke an attestation" :
		   "permission denied to check attestations",
		   "Only members of dataclass_officer may do so.", "Ask a security officer.");
}

/* Whose signature is it?  Raises unless a trust anchor's. */
static void
require_signature(const char *text, int len, const unsigned char *signature, int signature_len,
				  const char *identity, SignatureResult *result)
{
	switch (signature_verify(guc_trust_anchors, SIGNATURE_PURPOSE_ATTESTATION, text, len,
							 signature, signature_len, result))
	{
		case SIGNATURE_GOOD:
			return;
		case SIGNATURE_BAD:
			refuse("attest", identity, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
				   "signature of the attestation is not valid", result->why,
				   "Sign exactly the bytes of the document with a key of the trust anchors: openssl pkeyutl -sign -rawin -inkey key.pem -in document.json.");
		case SIGNATURE_REVOKED:
			refuse("attest", identity, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
				   "signature of the attestation is by a revoked key", result->why,
				   "Ask the issuer for an attestation signed with a key that is trusted.");
		case SIGNATURE_NO_ANCHORS:
			refuse("attest", identity, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				   "there is nothing to verify the attestation with", result->why,
				   "Name a directory with attestation/NAME.pem that the server cannot write to: dataclass.trust_anchors in the configuration file.");
	}
}

/* Is it new, and newer than what is known? */
static void
require_fresh(const AttestationSet *set, const AttestDocument *document, const char *digest, const char *identity)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < set->count; i++)
	{
		const Attestation *item = &set->items[i];

		if (strcmp(item->stored_id, document->id) == 0 || strcmp(item->digest, digest) == 0)
			refuse("attest", identity, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				   "attestation was accepted before",
				   psprintf("An attestation with this %s is known since %s.",
							strcmp(item->digest, digest) == 0 ? "content" : "id",
							timestamptz_to_str(item->accepted_at)),
				   "Ask the issuer for a new one with an id of its own.");
		if (item->readable && item->document.issued_at > document->issued_at &&
			attest_subject_equal(&item->document.subject, &document->subject) &&
			attest_signature(item)->verdict == SIGNATURE_GOOD)
			refuse("attest", identity, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				   "attestation is older than one that was accepted",
				   psprintf("Attestation \"%s\" about the same subject was issued later.", item->document.id),
				   "Ask the issuer for a new one.");
	}
	if (document->not_after <= now)
		refuse("attest", identity, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "attestation is expired",
			   psprintf("It was valid until %s.", timestamptz_to_str(document->not_after)),
			   "Ask the issuer for a new one.");
	if (document->issued_at > now + ATTEST_MAX_SKEW_SECONDS * USECS_PER_SEC)
		refuse("attest", identity, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   "attestation is issued in the future",
			   psprintf("It says that it was issued at %s.", timestamptz_to_str(document->issued_at)),
			   "Compare the clocks of the issuer and of this server.");
}

static void
require_subject(const AttestDocument *document, AttestBinding *binding, List *places, const char *identity)
{
	char	   *why = NULL;

	if (!attest_subject_bind(&document->subject, binding, &why) ||
		!attest_subject_is_here(&document->subject, binding, &why) ||
		!attest_subject_covers_any(&document->subject, binding, places, &why))
		refuse("attest", identity, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   "attestation is about something else than this server", why,
			   "See what the server finds: SELECT * FROM dataclass.attestation_subjects().");
}

static void
record_acceptance(const AttestDocument *document, const SignatureResult *signature, const char *digest)
{
	AuditEvent	event = {0};

	event.kind = EVENT_ATTESTATION;
	event.severity = SEVERITY_NOTICE;
	event.action = "attest";
	event.object_type = "attestation";
	event.object_identity = document->id;
	event.rule = "attestation";
	event.detail = psprintf("Accepted, signed by %s (key %s), valid from %s until %s, SHA-256 %s.",
							signature->anchor, signature->key_id, timestamptz_to_str(document->not_before),
							timestamptz_to_str(document->not_after), digest);
	report_change(&event);
}

static char *
accept(const char *text, int len, const unsigned char *signature, int signature_len)
{
	char	   *digest = attest_digest(text, len);
	char	   *identity = psprintf("sha256:%s", digest);
	SignatureResult verified;
	AttestDocument document;
	AttestBinding binding = {0};
	List	   *places;
	Relation	rel;
	char	   *fault;

	require_officer("attest", identity);
	PreventCommandIfReadOnly("attest()");
	PreventCommandIfParallelMode("attest()");
	if (len > ATTEST_MAX_DOCUMENT)
		refuse("attest", identity, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "attestation is too long",
			   psprintf("It has %d bytes, at most %d are accepted.", len, ATTEST_MAX_DOCUMENT),
			   "Ask the issuer for a shorter one.");
	require_signature(text, len, signature, signature_len, identity, &verified);
	if (!attest_document_read(text, len, &document, &fault))
		refuse("attest", identity, ERRCODE_INVALID_PARAMETER_VALUE, "attestation is malformed", fault,
			   "See docs/attestation.schema.json for what it must hold.");
	identity = pstrdup(document.id);

	/* Probing takes time: before the lock that others wait for. */
	places = attest_places();
	rel = attest_open(ShareRowExclusiveLock);
	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_dataclass\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION pg_dataclass.")));

	/* what others committed before we had the lock counts */
	policy_invalidate_all();
	require_subject(&document, &binding, places, identity);
	require_fresh(attest_set(policy_current()), &document, digest, identity);
	attest_insert(rel, &document, &binding, text, len, signature, digest);
	table_close(rel, NoLock);
	policy_invalidate_all();
	policy_hasten();
	record_acceptance(&document, &verified, digest);
	return identity;
}

Datum
dc_attest(PG_FUNCTION_ARGS)
{
	text	   *document = PG_GETARG_TEXT_PP(0);
	bytea	   *signature = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_TEXT_P(cstring_to_text(accept(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document),
											(const unsigned char *) VARDATA_ANY(signature),
											VARSIZE_ANY_EXHDR(signature))));
}

/* The signature as hexadecimal digits or base64. */
Datum
dc_attest_text(PG_FUNCTION_ARGS)
{
	text	   *document = PG_GETARG_TEXT_PP(0);
	text	   *given = PG_GETARG_TEXT_PP(1);
	unsigned char signature[SIGNATURE_SIZE];
	char	   *identity = psprintf("sha256:%s", attest_digest(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document)));

	require_officer("attest", identity);
	if (!attest_scan_signature(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), signature, sizeof(signature)))
		refuse("attest", identity, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
			   "signature of the attestation is not valid",
			   psprintf("It is not %d bytes in hexadecimal digits or base64.", SIGNATURE_SIZE),
			   "Show the signature with: base64 -w0 document.sig.");
	PG_RETURN_TEXT_P(cstring_to_text(accept(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document),
											signature, sizeof(signature))));
}

Datum
dc_revoke_attestation(PG_FUNCTION_ARGS)
{
	char	   *id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *reason = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const AttestationSet *set;
	const Attestation *item = NULL;
	AuditEvent	event = {0};
	Relation	rel;

	require_officer("revoke_attestation", NULL);
	PreventCommandIfReadOnly("revoke_attestation()");
	if (reason[strspn(reason, " \t\r\n")] == '\0' || strlen(reason) > MAX_REASON)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reason must have 1 to %d characters", MAX_REASON)));
	rel = attest_open(ShareRowExclusiveLock);
	policy_invalidate_all();
	set = attest_set(policy_current());
	for (int i = 0; i < set->count; i++)
		if (strcmp(set->items[i].stored_id, id) == 0)
			item = &set->items[i];
	if (rel == NULL || item == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no such attestation"),
				 errhint("See dataclass.attestations.")));
	if (item->revoked)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("attestation is revoked already"),
				 errhint("See dataclass.attestations.")));
	attest_set_revoked(rel, item, reason);
	table_close(rel, NoLock);

	event.kind = EVENT_ATTESTATION;
	event.severity = SEVERITY_WARNING;
	event.action = "revoke_attestation";
	event.object_type = "attestation";
	event.object_identity = pstrdup(item->stored_id);
	event.rule = "attestation";
	event.detail = psprintf("Revoked: %s", reason);
	policy_invalidate_all();
	policy_hasten();
	report_change(&event);
	PG_RETURN_VOID();
}

/* ------------------------------------------------------------------------
 * The view
 * ------------------------------------------------------------------------
 */

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL || text[0] == '\0';
	values[column] = nulls[column] ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Only of documents that were read: then jsonb takes them, too. */
static Datum
member_of(const Attestation *item, const char *member)
{
	Datum		json = DirectFunctionCall1(jsonb_in, CStringGetDatum(item->text));

	return DirectFunctionCall2(jsonb_object_field, json, CStringGetTextDatum(member));
}

static void
report_row(ReturnSetInfo *rsinfo, const AttestationSet *set, const Attestation *item, List *places, TimestampTz now)
{
	Datum		values[REPORT_COLUMNS] = {0};
	bool		nulls[REPORT_COLUMNS] = {false};
	char	   *why;
	AttestationState state = attest_state_among(set, item, now, places, &why);
	const SignatureResult *signature = attest_signature(item);
	int			c = 0;

	set_text(values, nulls, c++, item->stored_id);
	set_text(values, nulls, c++, item->readable ? item->document.issuer : NULL);
	for (int i = 0; i < 2; i++, c++)
	{
		nulls[c] = !item->readable;
		values[c] = nulls[c] ? (Datum) 0 : member_of(item, i == 0 ? "subject" : "claim");
	}
	set_text(values, nulls, c++, signature->anchor);
	set_text(values, nulls, c++, signature->key_id);
	for (int i = 0; i < 3; i++, c++)
	{
		nulls[c] = !item->readable;
		values[c] = TimestampTzGetDatum(i == 0 ? item->document.issued_at :
										i == 1 ? item->document.not_before : item->document.not_after);
	}
	set_text(values, nulls, c++, attestation_state_name(state));
	set_text(values, nulls, c++, why);
	nulls[c] = item->accepted_at == 0;
	values[c++] = TimestampTzGetDatum(item->accepted_at);
	set_text(values, nulls, c++, item->accepted_by);
	values[c++] = BoolGetDatum(item->revoked);
	set_text(values, nulls, c++, item->digest);
	values[c++] = Int64GetDatum(item->sequence);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
dc_attestation_report(PG_FUNCTION_ARGS)
{
	const AttestationSet *set;
	List	   *places;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	/* places first: probing them may replace the set */
	places = attest_places();
	set = attest_set(policy_current());
	for (int i = 0; i < set->count; i++)
		report_row((ReturnSetInfo *) fcinfo->resultinfo, set, &set->items[i], places, GetCurrentTimestamp());
	return (Datum) 0;
}

/* What the watch does, now. */
Datum
dc_check_attestations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	require_officer("check_attestations", NULL);
	PreventCommandIfReadOnly("check_attestations()");
	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	foreach(cell, attestation_watch_pass(policy_current()))
	{
		const AttestationChange *change = lfirst(cell);
		Datum		values[3] = {0};
		bool		nulls[3] = {false};

		set_text(values, nulls, 0, change->id);
		set_text(values, nulls, 1, attestation_state_name(change->state));
		set_text(values, nulls, 2, change->reason);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* What subjects can name, as this server finds it now: a row per place. */
Datum
dc_attestation_subjects(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char		identifier[32];
	ListCell   *cell;

	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	snprintf(identifier, sizeof(identifier), UINT64_FORMAT, GetSystemIdentifier());
	foreach(cell, attest_places())
	{
		const Place *place = lfirst(cell);
		Datum		values[SUBJECT_COLUMNS] = {0};
		bool		nulls[SUBJECT_COLUMNS] = {false};
		Datum	   *serials;
		List	   *found;
		ListCell   *serial;
		char	   *why = NULL;
		int			n = 0;

		values[0] = CStringGetTextDatum(place->name);
		values[1] = CStringGetTextDatum(identifier);
		set_text(values, nulls, 2, place->kind == PLACE_TABLESPACE ? NULL : place_control(place->kind));
		set_text(values, nulls, 3, OidIsValid(place->tablespace) ? get_tablespace_name(place->tablespace) : NULL);
		set_text(values, nulls, 4, place->path);
		nulls[5] = !attest_device_serials(place->path, &found, &why);
		serials = palloc(sizeof(Datum) * (list_length(found) + 1));
		foreach(serial, found)
			serials[n++] = CStringGetTextDatum(lfirst(serial));
		if (!nulls[5])
			values[5] = PointerGetDatum(construct_array(serials, n, TEXTOID, -1, false, TYPALIGN_INT));
		set_text(values, nulls, 6, why);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
