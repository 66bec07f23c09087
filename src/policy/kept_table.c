/*-------------------------------------------------------------------------
 *
 * kept_table.c
 *		Tables of schema dataclass that only code of the extension writes.
 *
 * What the extension finds out, accepts or is told with a signature is kept in
 * tables that it writes by heap access alone: no trigger, rule or default of
 * anybody runs with the rights of the worker or the officer behind it.  DML on
 * them is refused to all: a forged row might count as evidence, and a row that
 * is gone might let something happen again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/kept_table.h"
#include "pg_dataclass/report.h"

typedef struct KeptTable
{
	const char *name;
	const char *detail;
	const char *hint;
} KeptTable;

#define STORAGE_DETAIL	"The extension alone writes what it finds out about storage, and what officers decide on it."
#define STORAGE_HINT	"Officers have functions for it: dataclass.accept_risk(), withdraw_risk(), release_quarantine(), check_storage()."

static const KeptTable kept_tables[] = {
	{"quarantine", STORAGE_DETAIL, STORAGE_HINT},
	{"accepted_risk", STORAGE_DETAIL, STORAGE_HINT},
	{"place_state", STORAGE_DETAIL, STORAGE_HINT},
	{"attestation", "Attestations are written by attest() and revoke_attestation() only.",
	"Accept one with SELECT dataclass.attest('document', 'signature'), end one with SELECT dataclass.revoke_attestation('id', 'reason')."},
	{"suspension", "Response rules alone suspend clearances.",
	"End one with SELECT dataclass.reinstate_clearance('role', 'reason')."},
	{"canary_result", "Results of canary proofs are evidence; the proof alone writes them.",
	"Prove it: SELECT * FROM dataclass.canary_proof('access method')."},
};

/*
 * kept_table_open
 */
Relation
kept_table_open(const char *name, LOCKMODE lockmode)
{
	const PolicySnapshot *p = policy_current();
	Oid			relid = p->installed ? get_relname_relid(name, p->schema_oid) : InvalidOid;

	return OidIsValid(relid) ? table_open(relid, lockmode) : NULL;
}

static const KeptTable *
kept_table_of(Oid relid)
{
	const PolicySnapshot *p = policy_current();
	char	   *name;

	if (relid < FirstNormalObjectId || !p->installed || get_rel_namespace(relid) != p->schema_oid)
		return NULL;
	name = get_rel_name(relid);
	for (int i = 0; name != NULL && i < lengthof(kept_tables); i++)
	{
		if (strcmp(name, kept_tables[i].name) == 0)
			return &kept_tables[i];
	}
	return NULL;
}

/*
 * kept_table_guard
 */
void
kept_table_guard(Oid relid, const char *command)
{
	const KeptTable *kept;
	Refusal		refusal = {0};

	/* permissive is about labels; off lets everybody at everything of the extension */
	if (guc_enforcement == ENFORCEMENT_OFF || policy_is_installing() ||
		(kept = kept_table_of(relid)) == NULL)
		return;
	refusal.event.kind = EVENT_TRAIL_GUARD;
	refusal.event.severity = SEVERITY_HIGH;
	refusal.event.breach = true;
	refusal.event.action = command;
	refusal.event.class_id = RelationRelationId;
	refusal.event.object_id = relid;
	refusal.event.object_type = "table";
	refusal.event.object_identity = report_relation_identity(relid);
	refusal.event.rule = "kept";
	refusal.event.detail = kept->detail;
	refusal.message = psprintf("permission denied for table \"%s\"", kept->name);
	refusal.detail = kept->detail;
	refusal.hint = kept->hint;
	refusal.mode = ENFORCEMENT_ENFORCING;
	report_refusal(&refusal);
}
