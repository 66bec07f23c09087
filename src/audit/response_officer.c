/*-------------------------------------------------------------------------
 *
 * response_officer.c
 *		Would somebody be left who can undo what a rule does?
 *
 * A rule must not lock out the last officer: before a session is ended or a
 * clearance suspended there has to be another role that can log in, is an
 * officer, directly or by SET ROLE, and is not suspended.  Superusers count
 * while dataclass.superuser_is_officer is on, as everywhere.
 *
 * All suspensions of a database are made by one worker, under a lock on the
 * table that reinstating takes, too.  The officer that was found is locked
 * against DROP ROLE until the transaction ends; one whose drop is under way is
 * not counted, and not waited for either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/response.h"
#include "pg_dataclass/subject.h"
#include "pg_dataclass/suspension.h"

static bool
can_log_in(HeapTuple tuple, TupleDesc desc)
{
	Form_pg_authid role = (Form_pg_authid) GETSTRUCT(tuple);
	bool		isnull;
	Datum		until = heap_getattr(tuple, Anum_pg_authid_rolvaliduntil, desc, &isnull);

	if (!role->rolcanlogin || (role->rolconnlimit == 0 && !role->rolsuper))
		return false;
	return isnull || DatumGetTimestampTz(until) > GetCurrentTimestamp();
}

static bool
is_officer(Oid role)
{
	Oid			officer = get_role_oid(DC_OFFICER_ROLE, true);

	return policy_is_officer_role(role) || (OidIsValid(officer) && role_may_assume(role, officer));
}

/* Keep it from being dropped; false: somebody is dropping it. */
static bool
hold_role(Oid role)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, AuthIdRelationId, role, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	/* gone before we had it? */
	AcceptInvalidationMessages();
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/*
 * response_officer_remains
 */
bool
response_officer_remains(Oid without, Relation suspensions)
{
	Relation	rel = table_open(AuthIdRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		remains = false;

	while (!remains && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			role = ((Form_pg_authid) GETSTRUCT(tuple))->oid;

		remains = role != without && can_log_in(tuple, RelationGetDescr(rel)) && is_officer(role) &&
			!suspension_exists(suspensions, role) && hold_role(role);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return remains;
}
