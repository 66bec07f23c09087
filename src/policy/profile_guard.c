/*-------------------------------------------------------------------------
 *
 * profile_guard.c
 *		Which writes to the tables of a profile are let through.
 *
 * Two rules, for everybody, superusers and officers included.  The kept
 * versions of profiles are written by load_profile() alone, which goes to the
 * heap itself, and by a restore into a database that has none yet.  While
 * dataclass.require_signed_policy is on, the tables that a profile consists of
 * are written by load_profile() alone.  Compartments and row labels are not
 * among them: need-to-know groups are made and ended locally, day by day.
 *
 * The rules stand in the executor's permission check (all statements, COPY),
 * at TRUNCATE, and once more in row triggers (ENABLE ALWAYS), because a
 * logical replication worker asks for no permission.  Let through: the
 * extension's own scripts, pg_upgrade, and everybody while
 * dataclass.enforcement is off.
 *
 * load_profile() gets past by a permit for one table that the first check of a
 * statement uses up.  Whatever code the statement may come to run has none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/profile.h"
#include "pg_dataclass/report.h"

#define VERSION_TABLE	"profile_version"

PG_FUNCTION_INFO_V1(dc_profile_row_guard);
PG_FUNCTION_INFO_V1(dc_profile_version_restore);

bool		guc_require_signed_policy = false;

static Oid	permit = InvalidOid;	/* for the next check of this table */
static Oid	written = InvalidOid;	/* table that our statement writes to, for its row triggers */
static bool version_restored = false;	/* this session restores versions */

void
profile_init(void)
{
	DefineCustomBoolVariable("dataclass.require_signed_policy",
							 "Accepts changes of the policy only as profiles with a signature by a trust anchor.",
							 "Only from the configuration file; every change is an event in the audit trail.",
							 &guc_require_signed_policy, false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
}

static bool
is_profile_table(const char *name)
{
	static const char *const names[] = {"tier", "tier_control", "data_class", "policy_setting", "disclosure_window"};

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
refuse_write(Oid relid, const char *command, const char *rule, const char *detail, const char *hint)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_PROFILE;
	refusal.event.severity = SEVERITY_CRITICAL;
	refusal.event.breach = true;
	refusal.event.action = command;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = rule;
	refusal.event.detail = detail;
	refusal.message = psprintf("permission denied for policy table \"%s\"", get_rel_name(relid));
	refusal.detail = detail;
	refusal.hint = hint;
	/* permissive is about labels: the policy that they rest on stays closed */
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}

static void
refuse_version(Oid relid, const char *command)
{
	refuse_write(relid, command, "profile_version",
				 "Versions of the policy are written by load_profile() only, and by a restore into a database that has none.",
				 "Load a profile: SELECT dataclass.load_profile(document).");
}

static void
refuse_unsigned(Oid relid, const char *command)
{
	refuse_write(relid, command, "signed_policy",
				 "Setting dataclass.require_signed_policy is on: the policy changes by signed profiles only.",
				 "Load a profile with its signature: SELECT dataclass.load_profile(document, signature).");
}

static bool
is_exempt(void)
{
	return guc_enforcement == ENFORCEMENT_OFF || IsBinaryUpgrade || policy_is_installing();
}

static bool
restores_versions(void)
{
	return policy_is_restoring() && !guc_require_signed_policy;
}

void
profile_guard_write(Oid relid, const char *command)
{
	char	   *name;

	if (relid < FirstNormalObjectId || is_exempt() || get_rel_namespace(relid) != policy_current()->schema_oid ||
		(name = get_rel_name(relid)) == NULL)
		return;
	if (strcmp(name, VERSION_TABLE) == 0)
	{
		if (strcmp(command, "INSERT") != 0 || !restores_versions())
			refuse_version(relid, command);
	}
	else if (is_profile_table(name))
	{
		if (permit == relid)
			permit = InvalidOid;
		else if (guc_require_signed_policy)
			refuse_unsigned(relid, command);
	}
}

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	return (TriggerData *) fcinfo->context;
}

/* BEFORE, row: who came without a check of permissions is stopped here. */
Datum
dc_profile_row_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	bool		insert = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	const char *command = insert ? "INSERT" : update ? "UPDATE" : "DELETE";

	if (!is_exempt() && written != relid)
	{
		if (strcmp(RelationGetRelationName(trigger->tg_relation), VERSION_TABLE) == 0)
		{
			if (!insert || !restores_versions())
				refuse_version(relid, command);
		}
		else if (guc_require_signed_policy)
			refuse_unsigned(relid, command);
	}
	return PointerGetDatum(update ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

/*
 * BEFORE INSERT, statement, on the versions: a restore replaces the shipped
 * one.  It finds no other, else somebody is about to add to the history.
 */
Datum
dc_profile_version_restore(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);
	Relation	rel = trigger->tg_relation;
	AttrNumber	shipped = get_attnum(RelationGetRelid(rel), "shipped");
	SysScanDesc scan;
	HeapTuple	tuple;

	if (is_exempt() || version_restored)
		return PointerGetDatum(NULL);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		if (!DatumGetBool(heap_getattr(tuple, shipped, RelationGetDescr(rel), &isnull)))
			refuse_version(RelationGetRelid(rel), "INSERT");
		CatalogTupleDelete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	CommandCounterIncrement();
	version_restored = true;
	return PointerGetDatum(NULL);
}

void
profile_execute(const char *table, const char *query, int nargs, Oid *types, Datum *values)
{
	Oid			relid = profile_table(table);

	permit = written = relid;
	PG_TRY();
	{
		int			result;

		SPI_connect();
		result = SPI_execute_with_args(query, nargs, types, values, NULL, false, 0);
		if (result != SPI_OK_INSERT && result != SPI_OK_UPDATE && result != SPI_OK_DELETE)
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not change the policy: %s", SPI_result_code_string(result))));
		SPI_finish();
	}
	PG_FINALLY();
	{
		permit = written = InvalidOid;
	}
	PG_END_TRY();
}

void
profile_refuse(int sqlstate, bool breach, const char *rule, const char *message, const char *detail, const char *hint)
{
	Refusal		refusal = {0};

	refusal.event.kind = EVENT_PROFILE;
	refusal.event.severity = breach ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	refusal.event.breach = breach;
	refusal.event.action = "load_profile";
	refusal.event.object_type = "policy";
	refusal.event.rule = rule;
	refusal.event.detail = detail;
	refusal.sqlstate = sqlstate;
	refusal.message = message;
	refusal.detail = detail;
	refusal.hint = hint;
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
	pg_unreachable();
}

const char *
profile_check_signature(const char *document, size_t len, bytea *signature)
{
	SignatureResult result;
	const char *hint = "Sign these very bytes with a key whose public half is DIRECTORY/profile/NAME.pem; see docs/profiles.md.";

	if (signature == NULL)
	{
		if (guc_require_signed_policy)
			profile_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, true, "signature",
						   "cannot load a profile without a signature",
						   "Setting dataclass.require_signed_policy is on.",
						   "Load the profile with its signature: SELECT dataclass.load_profile(document, signature).");
		return NULL;
	}
	switch (signature_verify(guc_trust_anchors, SIGNATURE_PURPOSE_PROFILE, document, len,
							 (const unsigned char *) VARDATA_ANY(signature), VARSIZE_ANY_EXHDR(signature), &result))
	{
		case SIGNATURE_GOOD:
			return pstrdup(result.key_id);
		case SIGNATURE_BAD:
			profile_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, true, "signature",
						   "the signature of the profile is not valid", pstrdup(result.why), hint);
		case SIGNATURE_REVOKED:
			profile_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, true, "signature",
						   "the profile is signed by a revoked key", pstrdup(result.why),
						   "Have the profile signed by a key that is trusted.");
		case SIGNATURE_NO_ANCHORS:
			profile_refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, true, "signature",
						   "the signature of the profile cannot be checked", pstrdup(result.why),
						   "Set dataclass.trust_anchors to a directory with profile/NAME.pem that the server cannot write to.");
	}
	pg_unreachable();
}
