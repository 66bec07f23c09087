/*-------------------------------------------------------------------------
 *
 * provider.h
 *		The label provider's checks, shared by SECURITY LABEL and set_label().
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PROVIDER_H
#define PG_DATACLASS_PROVIDER_H

#include "catalog/objectaddress.h"

#include "pg_dataclass/resolve.h"

/*
 * May the current user put that label (NULL: none) on the object?  Raises if
 * not, records either way, sends invalidations, switches row security on.
 * The caller holds a lock on the object and stores the label afterwards.
 */
extern void label_check_change(const ObjectAddress *object, const char *text);

/* Which grammar an object takes; false for objects that cannot be labeled. */
extern bool label_kind_of(const ObjectAddress *object, LabelSpecKind *kind);

/* Canonical text of a label for that kind, palloc'd; raises 22023 or 54000. */
extern char *label_canonical_text(LabelSpecKind kind, const char *text);
extern void label_parse_or_raise(LabelSpecKind kind, const char *text, LabelSpec *spec);

/* Store a label on behalf of the system (inherited protection kept, CTAS), without officer's rights. */
extern void label_store_derived(Oid relid, const ResolvedLabel *label, const char *reason);
extern void label_store_derived_column(Oid relid, AttrNumber attnum, const char *text, const char *reason);

/* Put a relation under quarantine (restore onto storage below its tier); policy_quarantine.c. */
extern void quarantine_relation(Oid relid, const char *reason);

/* ENABLE and FORCE ROW LEVEL SECURITY without an ALTER TABLE. */
extern void row_security_switch_on(Oid relid);

#endif							/* PG_DATACLASS_PROVIDER_H */
