/*-------------------------------------------------------------------------
 *
 * read_audit.c
 *		Who read what, as far as the classes of the data ask for it.
 *
 * Works out for each relation of a statement what the labels that are read, or
 * touched, ask for (columns of data_class), and hands the records over in one
 * delivery.  Does not decide who may read (hook_executor.c), nor when a
 * statement counts (hook_read.c).
 *
 * What counts: the label of the relation, the labels of the columns it names
 * but for those that only their mask is shown of, and for row labels the
 * ceiling of the table: which rows will be seen is not known before.  Partitions and
 * children count as the relation that is named, unless they ask for more than
 * that does; then they are named themselves.  A label that the policy does not
 * know asks for everything.
 *
 * Owns the memory of a session's first reads; it survives rollbacks, as the
 * records do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/hooks.h"
#include "pg_dataclass/mask.h"
#include "pg_dataclass/read_audit.h"
#include "pg_dataclass/report.h"

/* A relation that a role of this session has read, and how high its label was then. */
typedef struct FirstRead
{
	struct
	{
		Oid			relid;
		Oid			role;
		int			rank;
	}			key;
} FirstRead;

static HTAB *first_reads = NULL;

/* What a row-labeled table without a label of its own can hold, as of a generation. */
static ResolvedLabel any_row;
static bool any_row_known = false;
static uint64 any_row_generation = 0;

/* Commands that go over the rows and may run code on them. */
static const char *const commands_over_rows[] = {
	"CREATE INDEX", "REINDEX", "CLUSTER", "ALTER TABLE", "ALTER DOMAIN", "VACUUM", "ANALYZE", "CREATE STATISTICS"
};

bool
read_audit_is_on(void)
{
	return guc_enforcement != ENFORCEMENT_OFF && policy_current()->audits_access;
}

/* ------------------------------------------------------------------------
 * What labels ask for
 * ------------------------------------------------------------------------
 */

static bool
is_higher(int rank, int than)
{
	return than != POLICY_RANK_NONE && (rank == POLICY_RANK_NONE || rank > than);
}

/* is_read: otherwise it is only written. */
static void
add_label(ReadNote *note, const ResolvedLabel *label, bool is_read)
{
	const PolicyClass *class = label->rank == POLICY_RANK_NONE ? NULL : policy_class_of(policy_current(), &label->label);
	PolicyReadAudit mode = class ? class->read_audit : READ_AUDIT_STATEMENT;

	if (is_read && mode > note->mode)
		note->mode = mode;
	if (class == NULL || class->superuser_audit)
		note->superuser_audit = true;
	if (class == NULL || class->read_audit_acknowledged)
		note->acknowledged = true;
	if (note->label == NULL || is_higher(label->rank, note->rank))
	{
		note->label = pstrdup(label->label.text);
		note->rank = label->rank;
	}
}

/* By any class: where data of all of them are reached. */
static bool
superusers_are_audited(bool *acknowledged)
{
	const PolicySnapshot *p = policy_current();
	bool		audited = false;

	for (int i = 0; i < p->nclasses; i++)
	{
		if (!p->classes[i].superuser_audit)
			continue;
		audited = true;
		*acknowledged = *acknowledged || p->classes[i].read_audit_acknowledged;
	}
	return audited;
}

/* The join of all registered row labels; nothing is there for a policy without any. */
static bool
ceiling_of_rows(ResolvedLabel *ceiling)
{
	if (!any_row_known || any_row_generation != policy_generation())
	{
		RelationLabels unbounded;

		memset(&unbounded, 0, sizeof(unbounded));
		unbounded.row_label_attnum = 1;
		any_row_generation = policy_generation();
		any_row_known = relation_ceiling(&unbounded, &any_row);
	}
	*ceiling = any_row;
	return any_row_known;
}

static bool
touches(const Bitmapset *columns, AttrNumber attnum)
{
	return bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, columns) ||
		bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, columns);
}

/* Is the column named without that its values are seen?  As in hook_executor.c. */
static bool
is_not_seen(const PlannedStmt *plan, Oid relid, const ColumnLabel *column)
{
	if (plan == NULL)
		return false;
	if (column->mask.kind != LABEL_MASK_NONE && mask_plan_covers(plan, relid, column->attnum) &&
		!mask_column_readable(relid, column->attnum))
		return true;
	return column_use_plan_leaves(plan, relid, column->attnum);
}

static void
add_columns(ReadNote *note, const CompatAccess *access, const PlannedStmt *plan, const RelationLabels *labels)
{
	int			ncolumns = labels->ncolumns;
	ColumnLabel *columns;

	if (ncolumns == 0)
		return;
	/* looking at the subject may empty the cache of labels */
	columns = memcpy(palloc(sizeof(ColumnLabel) * ncolumns), labels->columns, sizeof(ColumnLabel) * ncolumns);
	for (int i = 0; i < ncolumns; i++)
	{
		AttrNumber	attnum = columns[i].attnum;

		if (touches(access->selected, attnum) && !is_not_seen(plan, access->relid, &columns[i]))
			add_label(note, &columns[i].resolved, true);
		else if (touches(access->inserted, attnum) || touches(access->updated, attnum))
			add_label(note, &columns[i].resolved, false);
	}
	pfree(columns);
}

static bool
asks_for_nothing(const ReadNote *note)
{
	return note->mode == READ_AUDIT_NONE && !note->superuser_audit;
}

/* What the relation of one access asks for; reads as given, for children too. */
static void
note_access(ReadNote *note, const CompatAccess *access, const PlannedStmt *plan, bool reads)
{
	const RelationLabels *labels = relation_labels(access->relid);
	ResolvedLabel ceiling;

	memset(note, 0, sizeof(*note));
	note->relid = access->relid;
	note->reads = reads;
	note->action = access_command(access);
	if (labels->is_catalog)
	{
		/* the values in it are of no one relation: any class that wants to know of superusers is meant */
		note->superuser_audit = statistics_kind_of(access->relid) != STATISTICS_NONE &&
			superusers_are_audited(&note->acknowledged);
		return;
	}
	if (labels->governed)
	{
		ResolvedLabel label = labels->label;

		add_label(note, &label, reads);
	}
	add_columns(note, access, plan, relation_labels(access->relid));
	labels = relation_labels(access->relid);
	if (!labels->governed && labels->row_label_attnum != InvalidAttrNumber && ceiling_of_rows(&ceiling))
		add_label(note, &ceiling, reads);
}

/* ------------------------------------------------------------------------
 * The relations of a statement
 * ------------------------------------------------------------------------
 */

static ReadNote *
find_note(const List *notes, Oid relid)
{
	ListCell   *cell;

	foreach(cell, notes)
		if (((ReadNote *) lfirst(cell))->relid == relid)
			return lfirst(cell);
	return NULL;
}

/* One record per relation, however often a statement names it. */
static List *
merge_note(List *notes, const ReadNote *note)
{
	ReadNote   *known = find_note(notes, note->relid);

	if (asks_for_nothing(note))
		return notes;
	if (known == NULL)
	{
		known = palloc(sizeof(ReadNote));
		*known = *note;
		return lappend(notes, known);
	}
	known->reads = known->reads || note->reads;
	known->mode = Max(known->mode, note->mode);
	known->acknowledged = known->acknowledged || note->acknowledged;
	known->superuser_audit = known->superuser_audit || note->superuser_audit;
	if (strcmp(known->action, "SELECT") == 0)
		known->action = note->action;
	if (known->label == NULL || (note->label && is_higher(note->rank, known->rank)))
	{
		known->label = note->label;
		known->rank = note->rank;
	}
	return notes;
}

/* The parent of each entry of the range table that is a child of a relation, else 0. */
static Index *
parents_of_children(const PlannedStmt *plan)
{
	Index	   *parents = palloc0(sizeof(Index) * (list_length(plan->rtable) + 1));
	ListCell   *cell;

	foreach(cell, plan->appendRelations)
	{
		const AppendRelInfo *child = lfirst_node(AppendRelInfo, cell);

		if (rt_fetch(child->parent_relid, plan->rtable)->rtekind == RTE_RELATION)
			parents[child->child_relid] = child->parent_relid;
	}
	return parents;
}

/* A child that asks for more than the relation that was named for it. */
static List *
add_child(List *notes, const PlannedStmt *plan, const Index *parents, Index child, const CompatAccess *access)
{
	Index		index = child;
	CompatAccess named;
	ReadNote	note;
	ReadNote	of_named;

	while (parents[index] != 0)
		index = parents[index];
	if (index == child ||
		!compat_access_of(rt_fetch(index, plan->rtable), COMPAT_PLAN_PERMINFO_LIST(plan), &named) ||
		named.required == 0)
		return notes;
	note_access(&note, access, plan, (named.required & ACL_SELECT) != 0);
	note.action = access_command(&named);
	if (asks_for_nothing(&note))
		return notes;
	note_access(&of_named, &named, plan, note.reads);
	if (note.mode <= of_named.mode && note.acknowledged <= of_named.acknowledged &&
		note.superuser_audit <= of_named.superuser_audit)
		return notes;
	return merge_note(notes, &note);
}

List *
read_notes_of_plan(const PlannedStmt *plan)
{
	Index	   *parents = plan->appendRelations == NIL ? NULL : parents_of_children(plan);
	List	   *notes = NIL;
	ListCell   *cell;

	foreach(cell, plan->rtable)
	{
		CompatAccess access;
		ReadNote	note;

		if (!compat_access_of(lfirst(cell), COMPAT_PLAN_PERMINFO_LIST(plan), &access))
			continue;
		if (access.required == 0)
		{
			if (parents)
				notes = add_child(notes, plan, parents, foreach_current_index(cell) + 1, &access);
			continue;
		}
		note_access(&note, &access, plan, (access.required & ACL_SELECT) != 0);
		notes = merge_note(notes, &note);
	}
	return notes;
}

List *
read_notes_of_access(const CompatAccess *access)
{
	ReadNote	note;

	note_access(&note, access, NULL, (access->required & ACL_SELECT) != 0);
	return merge_note(NIL, &note);
}

/* ------------------------------------------------------------------------
 * Recording
 * ------------------------------------------------------------------------
 */

void
read_audit_forget_session(void)
{
	if (first_reads)
		hash_destroy(first_reads);
	first_reads = NULL;
}

static bool
was_read(const ReadNote *note, bool remember)
{
	FirstRead	entry;

	if (first_reads == NULL)
	{
		HASHCTL		info = {0};

		if (!remember)
			return false;
		info.keysize = sizeof(entry.key);
		info.entrysize = sizeof(FirstRead);
		info.hcxt = TopMemoryContext;
		first_reads = hash_create("pg_dataclass first reads", 64, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	memset(&entry, 0, sizeof(entry));
	entry.key.relid = note->relid;
	entry.key.role = GetOuterUserId();
	entry.key.rank = note->rank;
	return hash_search(first_reads, &entry.key, remember ? HASH_ENTER : HASH_FIND, NULL) != NULL;
}

static bool
is_due(const ReadNote *note)
{
	if (!note->reads)
		return false;
	switch (note->mode)
	{
		case READ_AUDIT_NONE:
			return false;
		case READ_AUDIT_SESSION:
			return !was_read(note, false);
		case READ_AUDIT_STATEMENT:
			return true;
	}
	return true;
}

/* Whom core exempts: the person, or the owner of the function that the person runs; NULL: nobody. */
static const char *
exemption(void)
{
	if (superuser_arg(GetOuterUserId()))
		return "The role is a superuser.";
	if (superuser_arg(GetUserId()))
		return "The access is made with the rights of a superuser, by a function that runs as its owner.";
	if (has_bypassrls_privilege(GetOuterUserId()))
		return "The role has BYPASSRLS.";
	if (has_bypassrls_privilege(GetUserId()))
		return "The access is made with BYPASSRLS, by a function that runs as its owner.";
	return NULL;
}

static const char *
type_of(Oid relid)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		case RELKIND_SEQUENCE:
			return "sequence";
		default:
			return "table";
	}
}

static void
fill_event(AuditEvent *event, const ReadNote *note, const char *action, EventKind kind)
{
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->severity = SEVERITY_INFO;
	event->outcome = OUTCOME_ALLOWED;
	event->action = action ? action : note->action;
	event->class_id = RelationRelationId;
	event->object_id = note->relid;
	event->object_type = type_of(note->relid);
	event->object_identity = report_relation_identity(note->relid);
	event->label = note->label;
	if (kind == EVENT_READ && note->mode == READ_AUDIT_SESSION)
		event->detail = "First read of the relation by this session and role.";
}

static void
refuse(const AuditEvent *event)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not record the access to %s %s in the audit trail", event->object_type, event->object_identity),
			 errdetail("Accesses to data of its class are refused while they cannot be recorded."),
			 errhint("See the server log; dataclass.on_audit_failure = continue lets them go on unrecorded.")));
}

void
read_notes_record(const List *notes, const char *action)
{
	const char *exempt = NULL;
	AuditEvent *events;
	bool		acknowledged = false;
	int			n = 0;
	ListCell   *cell;

	if (notes == NIL)
		return;
	events = palloc(sizeof(AuditEvent) * 2 * list_length(notes));
	foreach(cell, notes)
	{
		const ReadNote *note = lfirst(cell);
		int			before = n;

		if (is_due(note))
			fill_event(&events[n++], note, action, EVENT_READ);
		if (note->superuser_audit && (exempt || (exempt = exemption())))
		{
			fill_event(&events[n], note, action, EVENT_SUPERUSER_ACCESS);
			events[n].severity = SEVERITY_NOTICE;
			events[n++].detail = exempt;
		}
		acknowledged = acknowledged || (n > before && note->acknowledged);
	}
	if (n > 0 && !event_record_list(events, n, acknowledged) && acknowledged)
		refuse(&events[0]);
	foreach(cell, notes)
	{
		const ReadNote *note = lfirst(cell);

		if (note->mode == READ_AUDIT_SESSION && note->reads)
			(void) was_read(note, true);
	}
	pfree(events);
}

/* ------------------------------------------------------------------------
 * Accesses that the executor knows nothing of
 * ------------------------------------------------------------------------
 */

static bool
goes_over_rows(const char *command)
{
	for (int i = 0; i < lengthof(commands_over_rows); i++)
		if (strcmp(command, commands_over_rows[i]) == 0)
			return true;
	return false;
}

/* Commands ask about the same relation several times. */
static bool
is_recorded_command(Oid relid, const char *command)
{
	static Oid	last_relid = InvalidOid;
	static const char *last_command = NULL;
	static TimestampTz last_statement = 0;

	if (last_relid == relid && last_command && strcmp(last_command, command) == 0 &&
		last_statement == GetCurrentStatementStartTimestamp())
		return true;
	last_relid = relid;
	last_command = command;
	last_statement = GetCurrentStatementStartTimestamp();
	return false;
}

void
read_audit_command(Oid relid, PolicyAction action, const char *command)
{
	CompatAccess access = {0};
	ReadNote	note;

	/* what is read by a query is recorded when it starts */
	if (action == ACTION_READ || !read_audit_is_on())
		return;
	access.relid = relid;
	/* all of its columns */
	access.selected = bms_make_singleton(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber);
	note_access(&note, &access, NULL, action == ACTION_EXPORT || goes_over_rows(command));
	note.action = command;
	if (!asks_for_nothing(&note) && !is_recorded_command(relid, command))
		read_notes_record(list_make1(&note), command);
}

/* Files and WAL of the server hold data of every class. */
void
read_audit_server(const char *command, const char *what)
{
	AuditEvent	event = {0};
	bool		acknowledged = false;
	const char *exempt = superusers_are_audited(&acknowledged) ? exemption() : NULL;

	if (exempt == NULL)
		return;
	event.kind = EVENT_SUPERUSER_ACCESS;
	event.severity = SEVERITY_NOTICE;
	event.outcome = OUTCOME_ALLOWED;
	event.action = command;
	event.object_type = "server";
	event.object_identity = what;
	event.detail = exempt;
	if (!event_record_list(&event, 1, acknowledged) && acknowledged)
		refuse(&event);
}
