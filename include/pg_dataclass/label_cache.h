/*-------------------------------------------------------------------------
 *
 * label_cache.h
 *		Between label_resolve.c and label_cache.c only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_LABEL_CACHE_H
#define PG_DATACLASS_LABEL_CACHE_H

#include "pg_dataclass/resolve.h"

typedef struct ObjectLabelKey
{
	Oid			class_id;
	Oid			object_id;
} ObjectLabelKey;

/* Stored label of an object without sub-objects: schema, database, function. */
typedef struct ObjectLabel
{
	ObjectLabelKey key;			/* hash key */
	bool		labeled;
	bool		malformed;		/* stored text does not parse: fail closed */
	LabelSpec	spec;			/* if labeled and not malformed */
} ObjectLabel;

extern const ObjectLabel *object_label(Oid class_id, Oid object_id, LabelSpecKind kind);
extern void resolve_relation(const PolicySnapshot *p, RelationLabels *labels);
extern void resolve_row_proof(const PolicySnapshot *p, RelationLabels *labels);

#endif							/* PG_DATACLASS_LABEL_CACHE_H */
