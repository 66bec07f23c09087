/*-------------------------------------------------------------------------
 *
 * protect_renew.c
 *		dataclass.renew_ceilings(): constraints of a past era made anew.
 *
 * After a restore, or when the order of the classes changed or a label was
 * taken away, a ceiling constraint still refuses rows but proves nothing any
 * more (policy_era.c), so that readers pay for the filter again.  Each is
 * looked at: its rows are judged under the policy of today and the constraint
 * is replaced by one of the present era, unless rows are above it.
 *
 * Locks: AccessExclusiveLock on one table after another, by oid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/protect.h"
#include "pg_dataclass/provider.h"

#define COMMAND "dataclass.renew_ceilings"

PG_FUNCTION_INFO_V1(dc_renew_ceilings);

/* The constraint as it is now that the tables are locked; NULL if it is gone or not for us. */
static const CeilingConstraint *
find_again(const CeilingConstraint *before)
{
	ListCell   *cell;

	foreach(cell, ceiling_constraints(before->relid))
	{
		const CeilingConstraint *constraint = lfirst(cell);

		if (strcmp(constraint->name, before->name) == 0 && !constraint->inherited)
			return constraint;
	}
	return NULL;
}

static char *
rows_in_the_way(const RowCensus *census)
{
	return psprintf("not renewed: of " UINT64_FORMAT " rows " UINT64_FORMAT " are above it, " UINT64_FORMAT " have labels that are not registered, " UINT64_FORMAT " have none",
					census->rows, census->above, census->unregistered, census->unlabeled);
}

/* What became of it, or NULL if there was nothing to do. */
static char *
renew(const CeilingConstraint *before, const char *era)
{
	const CeilingConstraint *constraint;
	ResolvedLabel ceiling;
	LabelSpec	spec;
	RowCensus	census;
	ProtectActing acting;
	List	   *relids;

	LockRelationOid(before->relid, AccessExclusiveLock);
	if (get_rel_name(before->relid) == NULL || get_rel_relkind(before->relid) == RELKIND_FOREIGN_TABLE)
		return NULL;
	relids = before->no_inherit ? list_make1_oid(before->relid) :
		find_all_inheritors(before->relid, AccessExclusiveLock, NULL);
	constraint = find_again(before);
	if (constraint == NULL || strcmp(constraint->era, era) == 0)
		return NULL;
	label_parse_or_raise(LABEL_SPEC_PLAIN, constraint->ceiling, &spec);
	resolve_label(policy_current(), &spec.label, &ceiling);
	if (ceiling.rank == POLICY_RANK_NONE)
		return pstrdup("not renewed: the policy does not know its label");
	protect_scan(relids, false, row_stands_to_ceiling, &ceiling, &census);
	if (census.above + census.unregistered + census.unlabeled > 0)
		return rows_in_the_way(&census);

	protect_progress_phase(PROTECT_ADDING_CEILING);
	protect_act_begin(&acting, BOOTSTRAP_SUPERUSERID);
	protect_alter(constraint->relid, "DROP CONSTRAINT %s", quote_identifier(constraint->name));
	protect_add_ceiling(constraint->relid, constraint->name, constraint->no_inherit, constraint->column,
						constraint->ceiling, era);
	protect_act_end(&acting);
	protect_record(constraint->relid, COMMAND, constraint->ceiling, "The ceiling constraint of its row labels was renewed.");
	return pstrdup("renewed");
}

static void
renew_all(Oid relid, ReturnSetInfo *rsinfo)
{
	const char *era = policy_current()->era ? pstrdup(policy_current()->era) : NULL;
	ListCell   *cell;

	if (era == NULL)
		return;
	foreach(cell, ceiling_constraints(relid))
	{
		const CeilingConstraint *constraint = lfirst(cell);
		Datum		values[4];
		bool		nulls[4] = {false};
		NameData	name;
		char	   *outcome;

		if (constraint->inherited || strcmp(constraint->era, era) == 0)
			continue;
		protect_progress_begin(constraint->relid);
		outcome = renew(constraint, era);
		if (outcome == NULL)
			continue;
		namestrcpy(&name, constraint->name);
		values[0] = ObjectIdGetDatum(constraint->relid);
		values[1] = NameGetDatum(&name);
		values[2] = CStringGetTextDatum(constraint->ceiling);
		values[3] = CStringGetTextDatum(outcome);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

Datum
dc_renew_ceilings(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);

	protect_need_officer(relid, COMMAND);
	COMPAT_INIT_MATERIALIZED_SRF(fcinfo);
	PG_TRY();
	{
		renew_all(relid, (ReturnSetInfo *) fcinfo->resultinfo);
	}
	PG_FINALLY();
	{
		protect_progress_end();
	}
	PG_END_TRY();
	return (Datum) 0;
}
