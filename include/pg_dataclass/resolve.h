/*-------------------------------------------------------------------------
 *
 * resolve.h
 *		From an object to its effective label, cached per backend.
 *
 * Owned by src/label/label_resolve.c (catalog look-ups) and label_cache.c
 * (the cache and its invalidation).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_RESOLVE_H
#define PG_DATACLASS_RESOLVE_H

#include "access/attnum.h"
#include "access/transam.h"
#include "nodes/pg_list.h"

#include "pg_dataclass/policy.h"

/* A label together with what the policy makes of it. */
typedef struct ResolvedLabel
{
	Label		label;
	int			rank;			/* POLICY_RANK_NONE: class or a compartment is unknown */
	int			required_tier;	/* rank, POLICY_RANK_NONE: cannot be satisfied */
} ResolvedLabel;

typedef struct ColumnLabel
{
	AttrNumber	attnum;
	LabelMask	mask;			/* kind NONE: who may not read it is denied */
	ResolvedLabel resolved;
} ColumnLabel;

/* What protects one relation.  Valid until the next look-up after an invalidation. */
typedef struct RelationLabels
{
	Oid			relid;			/* hash key */
	bool		valid;
	bool		governed;		/* has an effective label of its own, inherited, schema's or database's */
	bool		unlabelled_denied;	/* not labelled, and the policy denies that */
	bool		quarantined;
	bool		is_catalog;		/* system relation or member of our schemas: never governed */
	char		relkind;
	AttrNumber	row_label_attnum;	/* column of type dataclass.label, or 0 */
	bool		row_label_unfiltered;	/* some ancestor lacks that column: read through it, no filter applies */
	ResolvedLabel *row_ceiling; /* core vouches that every row is dominated by it, or NULL (label_rowproof.c) */
	TransactionId row_ceiling_since;	/* who made that so; snapshots older than it may see other rows */
	int			nbound;			/* LIST partition by label: its values; else 0 */
	TransactionId bound_since;
	uint64	   *bound;
	ResolvedLabel label;		/* if governed */
	int			ncolumns;
	ColumnLabel *columns;		/* in no order */
	/* hook_statistics.c keeps its answer here; the one part that is written later */
	uint64		statistics_epoch;	/* subject_epoch() it holds for, 0: none */
	bool		statistics_hidden;
	bool		masked;			/* some column has a mask */
} RelationLabels;

/* Never NULL. Needs a transaction. */
extern const RelationLabels *relation_labels(Oid relid);

/* Moves whenever an entry may have become invalid; label_cache.c alone writes it. */
extern uint64 relation_labels_stamp;

/* Same answers for callers that need no more than the label. */
extern bool relation_effective_label(Oid relid, Label *label);
extern bool schema_effective_label(Oid nspid, Label *label);

/*
 * Everything the relation can hold: its label, its columns' labels joined.
 * False if it is not governed at all.
 */
extern bool relation_ceiling(const RelationLabels *labels, ResolvedLabel *ceiling);

/* The label of one column, NULL if it has none. */
extern const ColumnLabel *relation_column_label(const RelationLabels *labels, AttrNumber attnum);

/*
 * label_mask.c.  Does the relation, or with children some relation that
 * inherits from it, have a masked column?
 */
extern bool relation_is_masked(Oid relid, bool children);
/* Relations that inherit from it (itself left out) and have masked columns; palloc'd. */
extern List *relation_masked_children(Oid relid);
/* Has any column of this database a label (perhaps of another provider's, too)? */
extern bool relation_column_labels_exist(void);
/* Raise 22023 unless the mask suits the column. */
extern void label_mask_check(Oid relid, AttrNumber attnum, const LabelMask *mask);
/* Is it text that partial and hash masks can be made of?  Looks through domains. */
extern bool label_mask_is_text(Oid type);
/* Make plans on the relation, its ancestors and its descendants anew. */
extern void label_mask_invalidate_plans(Oid relid);

/* Interpret a label under the policy. */
extern void resolve_label(const PolicySnapshot *p, const Label *label, ResolvedLabel *out);

/* Clearance text of one role, NULL if it has none (palloc'd). */
extern char *role_label_text(Oid role);
/* Trusted label of a function; false if it is not labelled (cached). */
extern bool function_trusted_label(Oid funcid, Label *label);

extern void label_cache_init(void);

/* Oid of the type dataclass.label in this database, InvalidOid if not installed. */
extern Oid	row_label_type(void);

#endif							/* PG_DATACLASS_RESOLVE_H */
