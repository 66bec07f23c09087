/*-------------------------------------------------------------------------
 *
 * break_glass.h
 *		Emergency access of a session: open, used, closed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_BREAK_GLASS_H
#define PG_DATACLASS_BREAK_GLASS_H

#include "access/attnum.h"

/* Open for the outer user of this session now?  Never raises. */
extern bool break_glass_is_open(void);

/* From assign hooks: whoever opened it is not who asks any more.  Only notes it. */
extern void break_glass_role_changes(void);

/*
 * A statement uses a relation that only emergency access reaches: recorded
 * once for each statement, relation and action before anything is read; raises
 * if that is impossible.
 */
extern void break_glass_use(Oid relid, AttrNumber attnum, const char *action, const char *label);

#endif							/* PG_DATACLASS_BREAK_GLASS_H */
