/*-------------------------------------------------------------------------
 *
 * kept_table.h
 *		Tables of schema dataclass that only code of the extension writes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_KEPT_TABLE_H
#define PG_DATACLASS_KEPT_TABLE_H

#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* Open one of them; NULL if it is not there.  The caller closes it. */
extern Relation kept_table_open(const char *name, LOCKMODE lockmode);

/* Refuse and record DML of everybody, officers and superusers included, on such a table. */
extern void kept_table_guard(Oid relid, const char *command);

#endif							/* PG_DATACLASS_KEPT_TABLE_H */
