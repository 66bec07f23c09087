/*-------------------------------------------------------------------------
 *
 * rowquals.h
 *		Expression trees of the row label checks (hook_planner.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ROWQUALS_H
#define PG_DATACLASS_ROWQUALS_H

#include "nodes/primnodes.h"

#include "pg_dataclass/rowfilter.h"

/* dataclass.row_visible(Var) */
extern Expr *row_visible_qual(Index rti, AttrNumber attnum);
/* dataclass.row_check(Var, relid, kind) */
extern Expr *row_check_qual(Index rti, AttrNumber attnum, Oid relid, RowCheckKind kind);

/* dataclass.copy_check(Var, relid): the check of new rows as a STABLE function */
extern Expr *copy_check_qual(Index rti, AttrNumber attnum, Oid relid);

#endif							/* PG_DATACLASS_ROWQUALS_H */
