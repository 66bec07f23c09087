/*-------------------------------------------------------------------------
 *
 * protect.h
 *		Row labels for an existing table in one call, and the way back.
 *
 * dataclass.protect() sets up what a row-labeled table consists of,
 * dataclass.unprotect() takes it away again, and the policy table
 * dataclass.protected remembers in between what was there before.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PROTECT_H
#define PG_DATACLASS_PROTECT_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "pg_dataclass/resolve.h"

#define PROTECT_CONSTRAINT	"dataclass_ceiling"

/* ---- protect_entry.c: rows of dataclass.protected ---- */

typedef struct ProtectEntry
{
	Oid			relid;
	Oid			root;			/* the table that was named: relid itself, or its ancestor */
	char	   *column;
	bool		column_added;
	char	   *default_before; /* SQL, or NULL */
	bool		not_null_before;
	bool		rls_was_enabled;
	bool		rls_was_forced;
	bool		labeled;		/* protect() set its label */
	char	   *label_before;	/* label of its own before that, or NULL */
	char	   *index_name;		/* index that was made, or NULL */
} ProtectEntry;

/* False if there is none; strings are palloc'd. */
extern bool protect_entry_read(Oid relid, ProtectEntry *entry);
/*
 * The entry of a relation that came into the tree after that was protected: by
 * itself it has nothing to go back to but what its tree had.
 */
extern void protect_entry_derive(Oid relid, const ProtectEntry *root, ProtectEntry *entry);
/* Adds or replaces. */
extern void protect_entry_write(const ProtectEntry *entry);
extern void protect_entry_forget(Oid relid);
/* Is there an entry for the relation or one of its ancestors? */
extern bool protect_covers(Oid relid);
/* Direct parents (partitioned table, inheritance); palloc'd. */
extern List *protect_parents(Oid relid);

/* ---- protect_guard.c ---- */

/* Before ALTER TABLE: raises where only an officer may do this to a protected table. */
extern void protect_check_alter(Oid relid, bool recurses, const AlterTableCmd *cmd);

/* ---- protect_alter.c: changing tables that the officer does not own ---- */

typedef struct ProtectActing
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} ProtectActing;

extern void protect_act_begin(ProtectActing *acting, Oid userid);
extern void protect_act_end(const ProtectActing *acting);
/* Run ALTER TABLE with one action, the text of which is given; the caller holds AccessExclusiveLock. */
extern void protect_alter(Oid relid, const char *fmt,...) pg_attribute_printf(2, 3);
/* Valid at once: the caller knows all rows to be within it. */
extern void protect_add_ceiling(Oid relid, const char *constraint, bool no_inherit, const char *column,
								const char *ceiling, const char *era);
/* Name of the index made, or of the one that serves already (*made tells). */
extern char *protect_add_index(Oid relid, const char *column, bool *made);
/* ENABLE and FORCE ROW LEVEL SECURITY as given. */
extern void protect_set_row_security(Oid relid, bool enabled, bool forced);

/* ---- protect_ceiling.c: constraints of the form CHECK (row_within(column, ceiling, era)) ---- */

typedef struct CeilingConstraint
{
	Oid			relid;
	char	   *name;
	char	   *column;
	char	   *ceiling;
	char	   *era;
	bool		inherited;		/* has a parent's of the same name */
	bool		no_inherit;
} CeilingConstraint;

/* Of one relation, or (InvalidOid) of all; list of CeilingConstraint, by relation. */
extern List *ceiling_constraints(Oid relid);

/* ---- protect_scan.c: looking at the rows ---- */

typedef enum RowStanding
{
	ROW_STANDS_WITHIN,
	ROW_STANDS_ABOVE,
	ROW_STANDS_UNREGISTERED
} RowStanding;

typedef RowStanding (*RowJudge) (uint64 id, const void *arg);

typedef struct RowCensus
{
	uint64		rows;
	uint64		unlabeled;		/* null */
	uint64		unregistered;
	uint64		above;
} RowCensus;

/* arg: the ceiling as a ResolvedLabel */
extern RowStanding row_stands_to_ceiling(uint64 id, const void *arg);
/* ABOVE: the current subject may not read it */
extern RowStanding row_stands_to_subject(uint64 id, const void *arg);
/* Judge all rows, perhaps also those that only old snapshots see, of these locked relations; those without storage are passed over. */
extern void protect_scan(List *relids, bool old_versions, RowJudge judge, const void *arg, RowCensus *census);
/* Does core vouch for the rows of the relation being below the ceiling? */
extern bool protect_is_proven(Oid relid, const ResolvedLabel *ceiling);

/* ---- protect_progress.c ---- */

typedef enum ProtectPhase
{
	PROTECT_LOCKING,
	PROTECT_CHECKING_ROWS,
	PROTECT_ADDING_COLUMN,
	PROTECT_LABELING_ROWS,
	PROTECT_ADDING_CEILING,
	PROTECT_BUILDING_INDEX,
	PROTECT_LABELING_TABLE,
	PROTECT_REMOVING
} ProtectPhase;

extern Size protect_progress_shmem_size(void);
extern void protect_progress_shmem_init(void);
extern void protect_progress_begin(Oid relid);
extern void protect_progress_phase(ProtectPhase phase);
extern void protect_progress_blocks(uint64 total, uint64 done);
extern void protect_progress_end(void);

/* ---- protect_check.c: may it be done, to that table? ---- */

/* Raises, recorded, unless an officer calls. */
extern void protect_need_officer(Oid relid, const char *command);
/* Raises unless relid is a table that can have row labels. */
extern void protect_check_target(Oid relid, const char *command);
/* The relation, locked, and all below it. */
extern List *protect_lock_tree(Oid relid, const char *command);
/* Record, at commit, what was done. */
extern void protect_record(Oid relid, const char *command, const char *label, const char *detail);

#endif							/* PG_DATACLASS_PROTECT_H */
