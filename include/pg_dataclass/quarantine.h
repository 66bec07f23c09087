/*-------------------------------------------------------------------------
 *
 * quarantine.h
 *		Rows of dataclass.quarantine, and the tables that nobody writes by hand.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_QUARANTINE_H
#define PG_DATACLASS_QUARANTINE_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

typedef enum QuarantineOrigin
{
	QUARANTINE_RESTORE,			/* let in by a restore: ends with release_quarantine() */
	QUARANTINE_WATCH,			/* found by the storage watch, which ends it, too */
	QUARANTINE_RESPONSE			/* by a response rule: ends with release_quarantine(), no risk to accept */
} QuarantineOrigin;

typedef struct QuarantineEntry
{
	Oid			relid;
	QuarantineOrigin origin;
} QuarantineEntry;

/* All entries, also those whose risk is accepted; QuarantineEntry *, palloc'd. */
extern List *quarantine_entries(void);

/*
 * Add or remove an entry; false where there is nothing to do.  The caller calls
 * policy_invalidate_all() and moves the command counter once he is done.
 */
extern bool quarantine_add(Oid relid, QuarantineOrigin origin, const char *place, const char *reason);
extern bool quarantine_remove(Oid relid);

#endif							/* PG_DATACLASS_QUARANTINE_H */
