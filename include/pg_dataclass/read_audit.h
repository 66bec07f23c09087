/*-------------------------------------------------------------------------
 *
 * read_audit.h
 *		Records of reads, and of accesses by roles that core exempts, as far as
 *		classes ask for them.  Between read_audit.c and hook_read.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_READ_AUDIT_H
#define PG_DATACLASS_READ_AUDIT_H

#include "nodes/pg_list.h"
#include "nodes/plannodes.h"

#include "pg_dataclass/policy.h"

/* One relation that a statement touches, and what the classes in it ask for. */
typedef struct ReadNote
{
	Oid			relid;
	const char *action;			/* static text */
	bool		reads;
	PolicyReadAudit mode;		/* the strictest of what is read */
	bool		acknowledged;
	bool		superuser_audit;
	int			rank;			/* of the label; POLICY_RANK_NONE is higher than all */
	const char *label;			/* the highest of what is touched; in the memory of the note */
} ReadNote;

struct CompatAccess;

/* Does any class of this policy ask for anything?  Cheap; needs a transaction. */
extern bool read_audit_is_on(void);

/* Notes are made in the current memory context; NIL where nothing is asked for. */
extern List *read_notes_of_plan(const PlannedStmt *plan);
extern List *read_notes_of_access(const struct CompatAccess *access);

/*
 * Record what the notes ask for.  action NULL: each note's own.  Raises 58030
 * where an acknowledged record cannot be had.
 */
extern void read_notes_record(const List *notes, const char *action);

/* DISCARD ALL: whoever uses the session from now on begins anew. */
extern void read_audit_forget_session(void);

#endif							/* PG_DATACLASS_READ_AUDIT_H */
