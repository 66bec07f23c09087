/*-------------------------------------------------------------------------
 *
 * gate_temp.h
 *		Where temporary files of labeled data go.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_GATE_TEMP_H
#define PG_DATACLASS_GATE_TEMP_H

#include "pg_dataclass/atrest.h"

/* How the statement that asks may have written already, or will. */
typedef struct GateTempUse
{
	const char *action;			/* for the record */
	bool		can_spill;		/* false: nothing to refuse, though files of later statements are placed */
	bool		nested;			/* inside a running query, which may have files already */
	bool		many_transactions;	/* the command commits on its way */
} GateTempUse;

/* Does the policy ask anything of places, and is the gate on?  Cheap. */
extern bool gate_temp_wanted(void);

/* Does the relation hold data whose class asks anything of places?  Cheap, cached; needs a lock. */
extern bool gate_temp_relation(Oid relid, Label *label);

/*
 * From here to the end of the transaction temporary files are made where data
 * of this label may be.  Raises where there is no such place and the statement
 * may need one.  relid: the relation the label is of.
 */
extern void gate_temp_pin(const Label *label, Oid relid, const GateTempUse *use);
extern bool gate_temp_pinned(void);

/*
 * Files that outlive their transaction are made in the database's default
 * tablespace, whatever the list says.  Where labeled data must not be there:
 * the tablespace for them instead, else InvalidOid.
 */
extern Oid	gate_temp_hold_tablespace(void);

/* Rows of this transaction are kept beyond it: later transactions that may read them are pinned as well. */
extern void gate_temp_keep(void);
extern bool gate_temp_kept(void);
extern void gate_temp_pin_kept(const GateTempUse *use);

/* The statement makes a temporary relation, not files: it goes where the session's setting says. */
extern bool gate_temp_unpin(void);
extern void gate_temp_repin(void);

extern void gate_temp_init(void);

#endif							/* PG_DATACLASS_GATE_TEMP_H */
