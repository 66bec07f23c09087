/*-------------------------------------------------------------------------
 *
 * mask_internal.h
 *		Shared by hook_mask.c, mask_relation.c and mask_expr.c; nobody else
 *		includes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_MASK_INTERNAL_H
#define PG_DATACLASS_MASK_INTERNAL_H

#include "pg_dataclass/mask.h"

/* One relation that the query mentions. */
typedef struct MaskedRelation
{
	Oid			relid;
	bool		inherits;		/* with its children */
	List	   *columns;		/* ints: what has a mask, here or in some child */
	List	   *children;		/* oids of children with masks */
} MaskedRelation;

typedef struct MaskContext
{
	List	   *queries;		/* of Query, innermost first */
	List	   *relations;		/* of MaskedRelation, also those without masks */
	MaskMarks  *marks;
	MaskMarks	refused;
	/* of a walk through policies */
	Query	   *policy_query;	/* the query whose entry has them */
	Index		policy_rti;		/* 0: no column may stay */
} MaskContext;

/* ---- mask_relation.c: what is masked ---- */

extern bool mask_is_listed(const MaskMarks *marks, Oid relid, AttrNumber attnum);
extern void mask_enlist(MaskMarks *marks, Oid relid, AttrNumber attnum);

/* The masked columns of an entry, NULL if it has none; they are marked in the context. */
extern const MaskedRelation *mask_entry(MaskContext *context, const RangeTblEntry *rte);
extern bool mask_has_column(const MaskedRelation *masked, AttrNumber attnum);

/* The column is not masked in this query: whoever may not read it must be denied. */
extern void mask_refuse(MaskContext *context, const MaskedRelation *masked, AttrNumber attnum);

/* True if the column, or all of them, need no mask: the plan assumes that from then on. */
extern bool mask_may_stay(MaskContext *context, const MaskedRelation *masked, AttrNumber attnum);
extern bool mask_all_may_stay(MaskContext *context, const MaskedRelation *masked);

/* ---- mask_expr.c: what takes its place ---- */

/* The column itself if it may stay; always a new node. */
extern Node *mask_column_expr(MaskContext *context, const MaskedRelation *masked, Var *var);
extern Node *mask_row_expr(MaskContext *context, const MaskedRelation *masked, Var *var);
extern void mask_wrap_entry(MaskContext *context, const MaskedRelation *masked, RangeTblEntry *rte);

#endif							/* PG_DATACLASS_MASK_INTERNAL_H */
