/*-------------------------------------------------------------------------
 *
 * gate_temp.c
 *		Temporary files of labeled data: a list of tablespaces per transaction.
 *
 * A statement that reads labeled data may write them into temporary files.
 * When it begins, the list that core takes tablespaces for such files from
 * (fd.c, SetTempTablespaces) is set to places that satisfy the classes read so
 * far: those of temp_tablespaces that do, else the tablespaces in which the
 * data lie, else any other.  The list is "pinned": a later change of the
 * setting, by SET, a function or a rollback, does not undo it before the
 * transaction ends.  Only where no tablespace satisfies is the statement
 * refused.
 *
 * Pinning needs no right of the user on the tablespace: it is not the user who
 * chooses.
 *
 * Owns the pin and the choices, both of this backend.  A choice is as good as
 * the evidence it rests on and used for a few seconds.  Takes no locks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_tablespace.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/gate_temp.h"
#include "pg_dataclass/place.h"
#include "pg_dataclass/report.h"
#include "pg_dataclass/resolve.h"

#define MAX_TABLESPACES		64
#define MAX_CHOICES			4
#define CHOICE_MS			5000
#define RELATION_CACHE_SIZE	64

/* Where temporary files may go. */
typedef struct TempChoice
{
	int			n;				/* 0: nowhere */
	Oid			tablespaces[MAX_TABLESPACES];
	bool		as_set;			/* it is what the setting says */
	bool		default_satisfies;	/* for files that outlive their transaction */
	Oid			refused;		/* a tablespace of the setting that does not satisfy */
	TimestampTz made;
} TempChoice;

/* Choices for one class with the list as the setting has it. */
typedef struct ChoiceCache
{
	char		class_name[NAMEDATALEN];	/* "": free */
	uint64		generation;
	Oid			role;
	int			nset;
	Oid			set[MAX_TABLESPACES];
	TempChoice	choice;
} ChoiceCache;

typedef struct RelationNeed
{
	Oid			relid;			/* InvalidOid: free */
	uint64		generation;
	uint64		stamp;
	bool		needs;
	Label		label;			/* if it needs */
} RelationNeed;

static ChoiceCache choices[MAX_CHOICES];
static int	next_choice = 0;
static RelationNeed needs[RELATION_CACHE_SIZE];

/* The pin of this transaction. */
static struct
{
	bool		active;
	bool		reported;		/* permissive: once a transaction */
	uint64		generation;
	TempChoice	choice;
	int			nset;			/* what the setting said, for temporary relations */
	Oid			set[MAX_TABLESPACES];
	List	   *labels;			/* one per class, in TopTransactionContext */
}			pin;

/* Classes of rows that are kept beyond their transaction; TopMemoryContext. */
static List *kept_labels = NIL;

static GucStringAssignHook prev_assign_temp_tablespaces = NULL;

static EnforcementMode
gate_temp_mode(void)
{
	return (EnforcementMode) Min(guc_enforcement, guc_at_rest_enforcement);
}

/* ------------------------------------------------------------------------
 * Who needs a place
 * ------------------------------------------------------------------------
 */

static bool
requires(const PolicySnapshot *p, int rank, const char *control)
{
	const char *requirement = policy_requirement(p, rank, control);

	return requirement != NULL && strcmp(requirement, "none") != 0;
}

/* Is there a tablespace, or a place of temporary files, where data of this label may not be? */
static bool
needs_tablespace(const PolicySnapshot *p, const Label *label)
{
	static const char *const controls[] = {"at_rest", "at_rest_key", "temp", "hosting", "checksums"};
	const PolicyClass *class = policy_class_of(p, label);

	if (class == NULL || class->required_tier == POLICY_RANK_NONE ||
		class->nhosting_models > 0 || class->nregions > 0)
		return true;
	for (int i = 0; i < lengthof(controls); i++)
		if (requires(p, class->required_tier, controls[i]))
			return true;
	return false;
}

/*
 * gate_label_needs_place
 */
bool
gate_label_needs_place(const PolicySnapshot *p, const Label *label)
{
	return needs_tablespace(p, label) || gate_shared_wanted(p, label);
}

static bool
policy_needs_places(const PolicySnapshot *p)
{
	for (int i = 0; i < p->nclasses; i++)
		if (p->classes[i].required_tier == POLICY_RANK_NONE || p->classes[i].nhosting_models > 0 ||
			p->classes[i].nregions > 0)
			return true;
	for (int i = 0; i < p->ntiers; i++)
		for (int c = 0; c < p->tiers[i].ncontrols; c++)
			if (strcmp(p->tiers[i].controls[c].requirement, "none") != 0)
				return true;
	return false;
}

bool
gate_temp_wanted(void)
{
	static uint64 generation = 0;
	static bool wanted = false;
	const PolicySnapshot *p;

	if (gate_temp_mode() == ENFORCEMENT_OFF || IsBinaryUpgrade || !OidIsValid(MyDatabaseId))
		return false;
	p = policy_current();
	if (!p->installed)
		return false;
	if (generation != policy_generation())
	{
		wanted = policy_needs_places(p);
		generation = policy_generation();
	}
	return wanted;
}

bool
gate_temp_relation(Oid relid, Label *label)
{
	RelationNeed *need = &needs[relid % RELATION_CACHE_SIZE];
	const RelationLabels *labels = relation_labels(relid);

	if (labels->is_catalog || (!labels->governed && labels->ncolumns == 0 &&
							   labels->row_label_attnum == InvalidAttrNumber))
		return false;
	/* denied for that reason, which is to be the one that is told */
	if (labels->quarantined && guc_enforcement == ENFORCEMENT_ENFORCING && !policy_is_restoring())
		return false;
	if (need->relid != relid || need->generation != policy_generation() ||
		need->stamp != relation_labels_stamp)
	{
		ResolvedLabel ceiling;
		bool		found = relation_ceiling(labels, &ceiling) &&
			needs_tablespace(policy_current(), &ceiling.label);

		need->relid = relid;
		need->generation = policy_generation();
		need->stamp = relation_labels_stamp;
		need->needs = found;
		if (found)
			need->label = ceiling.label;
	}
	if (need->needs)
		*label = need->label;
	return need->needs;
}

/* ------------------------------------------------------------------------
 * Choosing
 * ------------------------------------------------------------------------
 */

static bool
satisfies_all(const PolicySnapshot *p, List *labels, Oid tablespace, char **reason)
{
	Place	   *place = place_of_temp(tablespace);
	ListCell   *cell;

	foreach(cell, labels)
		if (!place_satisfies(p, lfirst(cell), place, reason))
			return false;
	return true;
}

static void
choose_add(TempChoice *choice, Oid tablespace)
{
	for (int i = 0; i < choice->n; i++)
		if (choice->tablespaces[i] == tablespace)
			return;
	if (choice->n < MAX_TABLESPACES)
		choice->tablespaces[choice->n++] = tablespace;
}

/* Every tablespace that satisfies, those in which the user may create things if there are such. */
static void
choose_any(TempChoice *choice, const PolicySnapshot *p, List *labels)
{
	List	   *places = places_of_tablespaces();
	ListCell   *cell;
	char	   *reason;

	for (int allowed = 1; allowed >= 0 && choice->n == 0; allowed--)
	{
		foreach(cell, places)
		{
			Oid			tablespace = ((Place *) lfirst(cell))->tablespace;

			if (tablespace == GLOBALTABLESPACE_OID ||
				(allowed && !gate_may_create_in(tablespace)))
				continue;
			if (satisfies_all(p, labels, tablespace, &reason))
				choose_add(choice, tablespace);
		}
	}
}

/* set is what the setting says, or the pin before; labels all that is to be satisfied */
static void
choose(TempChoice *choice, List *labels, Oid relid, const Oid *set, int nset)
{
	const PolicySnapshot *p = policy_current();
	char	   *reason;
	ListCell   *cell;

	memset(choice, 0, sizeof(*choice));
	choice->made = GetCurrentTimestamp();
	choice->default_satisfies = satisfies_all(p, labels, InvalidOid, &reason);
	choice->as_set = true;
	for (int i = 0; i < Max(nset, 1); i++)
	{
		Oid			tablespace = nset > 0 && OidIsValid(set[i]) ? set[i] : MyDatabaseTableSpace;

		if (tablespace == MyDatabaseTableSpace ? choice->default_satisfies :
			satisfies_all(p, labels, tablespace, &reason))
			choose_add(choice, tablespace);
		else
		{
			choice->as_set = false;
			choice->refused = tablespace;
		}
	}
	if (choice->n == 0 && OidIsValid(relid))
		foreach(cell, gate_relation_tablespaces(relid))
			if (satisfies_all(p, labels, lfirst_oid(cell), &reason))
				choose_add(choice, lfirst_oid(cell));
	if (choice->n == 0)
		choose_any(choice, p, labels);
}

/* The choice for one label with the setting as it is; probed again after a few seconds. */
static void
choose_cached(TempChoice *choice, List *labels, Oid relid, const Oid *set, int nset)
{
	const PolicyClass *class = policy_class_of(policy_current(), linitial(labels));
	ChoiceCache *entry = NULL;

	if (class == NULL || list_length(labels) > 1)
	{
		choose(choice, labels, relid, set, nset);
		return;
	}
	for (int i = 0; i < MAX_CHOICES && entry == NULL; i++)
		if (strcmp(choices[i].class_name, class->name) == 0 && choices[i].role == GetUserId() &&
			choices[i].nset == nset && memcmp(choices[i].set, set, sizeof(Oid) * nset) == 0)
			entry = &choices[i];
	if (entry && entry->generation == policy_generation() && entry->choice.n > 0 &&
		!TimestampDifferenceExceeds(entry->choice.made, GetCurrentTimestamp(), CHOICE_MS))
	{
		*choice = entry->choice;
		return;
	}
	choose(choice, labels, relid, set, nset);
	if (entry == NULL)
	{
		entry = &choices[next_choice];
		next_choice = (next_choice + 1) % MAX_CHOICES;
	}
	class = policy_class_of(policy_current(), linitial(labels));
	strlcpy(entry->class_name, class ? class->name : "", NAMEDATALEN);
	entry->generation = policy_generation();
	entry->role = GetUserId();
	entry->nset = nset;
	memcpy(entry->set, set, sizeof(Oid) * nset);
	entry->choice = *choice;
}

/* ------------------------------------------------------------------------
 * Refusing
 * ------------------------------------------------------------------------
 */

static const char *
tablespace_text(Oid tablespace)
{
	char	   *name = get_tablespace_name(tablespace);

	return name ? name : psprintf("%u", tablespace);
}

/*
 * While a dump is restored, labels come before indexes: refusing would leave
 * data without them.  What a restore lets in is recorded and quarantined when
 * the label is set.
 */
static void
refuse(const Label *label, Oid relid, Oid tablespace, const char *action, const char *detail,
	   const char *hint)
{
	const PolicySnapshot *p = policy_current();
	const PolicyClass *class = policy_class_of(p, label);
	AuditEvent	event = {0};

	if (pin.reported || policy_is_restoring())
		return;
	pin.reported = true;
	event.action = action;
	event.class_id = OidIsValid(relid) ? RelationRelationId : InvalidOid;
	event.object_id = relid;
	event.object_type = "temporary files";
	event.object_identity = OidIsValid(relid) ? report_relation_identity(relid) : NULL;
	event.label = label->text;
	event.required_tier = class ? policy_tier_name(p, class->required_tier) : NULL;
	gate_refuse(&event,
				psprintf("cannot place temporary data labeled \"%s\" in tablespace \"%s\"",
						 label->text, tablespace_text(tablespace)),
				detail, hint);
}

static void
refuse_nowhere(const Label *label, Oid relid, Oid tablespace, const char *action)
{
	char	   *reason = NULL;

	(void) place_satisfies(policy_current(), label, place_of_temp(tablespace), &reason);
	refuse(label, relid, tablespace, action,
		   psprintf("Temporary files (%s): %s", tablespace_text(tablespace), reason),
		   "Create a tablespace on encrypted storage, then SET temp_tablespaces to it; see what was found where: SELECT * FROM dataclass.storage_evidence().");
}

/* Has this process temporary files in the tablespace? */
static bool
has_files_in(Oid tablespace)
{
	char		path[MAXPGPATH];
	char	   *prefix = psprintf("%s%d.", PG_TEMP_FILE_PREFIX, MyProcPid);
	struct dirent *entry;
	bool		found = false;
	DIR		   *dir;

	TempTablespacePath(path, tablespace);
	dir = AllocateDir(path);
	if (dir == NULL)
		return errno != ENOENT; /* what cannot be looked at counts as yes */
	while (!found && (entry = ReadDirExtended(dir, path, LOG)) != NULL)
		found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	FreeDir(dir);
	return found;
}

/*
 * A query around this one has made files, or shared a list of places with its
 * workers, before it was known that labeled data would come in.
 */
static void
check_running(const TempChoice *choice, const Label *label, Oid relid, const Oid *set, int nset,
			  const GateTempUse *use)
{
	bool		late = IsInParallelMode() || IsParallelWorker();

	for (int i = 0; i < Max(nset, 1) && !late; i++)
	{
		Oid			tablespace = nset > 0 && OidIsValid(set[i]) ? set[i] : MyDatabaseTableSpace;
		bool		kept = false;

		for (int k = 0; k < choice->n; k++)
			kept |= choice->tablespaces[k] == tablespace;
		late = !kept && has_files_in(tablespace);
	}
	if (late)
		refuse(label, relid, choice->refused, use->action,
			   "A function reads the data while the query that calls it writes temporary files there already.",
			   psprintf("SET temp_tablespaces = %s before the statement.",
						quote_identifier(tablespace_text(choice->tablespaces[0]))));
}

/* ------------------------------------------------------------------------
 * The pin
 * ------------------------------------------------------------------------
 */

bool
gate_temp_pinned(void)
{
	return pin.active;
}

static void
pin_apply(void)
{
	SetTempTablespaces(pin.choice.tablespaces, pin.choice.n);
}

static bool
pin_knows(const Label *label)
{
	ListCell   *cell;

	foreach(cell, pin.labels)
	{
		Label	   *known = lfirst(cell);

		if (known->class_name.len == label->class_name.len &&
			memcmp(known->text + known->class_name.off, label->text + label->class_name.off,
				   label->class_name.len) == 0)
			return true;
	}
	return false;
}

static List *
add_label(List *labels, const Label *label, MemoryContext cxt)
{
	MemoryContext old_cxt = MemoryContextSwitchTo(cxt);
	Label	   *copy = palloc(sizeof(Label));

	*copy = *label;
	labels = lappend(labels, copy);
	MemoryContextSwitchTo(old_cxt);
	return labels;
}

/* A command that commits on its way loses the pin with its first transaction. */
static void
check_many_transactions(const TempChoice *choice, const Label *label, Oid relid, const char *action)
{
	if (choice->as_set && choice->n > 0)
		return;
	refuse(label, relid, choice->refused, action,
		   "The command works in several transactions, each of which writes temporary files where the setting says.",
		   choice->n > 0 ?
		   psprintf("Run this before it: SET temp_tablespaces = %s",
					quote_identifier(tablespace_text(choice->tablespaces[0]))) :
		   "Create a tablespace on encrypted storage, then SET temp_tablespaces to it.");
}

void
gate_temp_pin(const Label *label, Oid relid, const GateTempUse *use)
{
	Oid			set[MAX_TABLESPACES] = {InvalidOid};
	int			nset;
	TempChoice	choice;
	List	   *labels;

	if (pin.active && pin.generation == policy_generation() && pin_knows(label) && !use->many_transactions &&
		!TimestampDifferenceExceeds(pin.choice.made, GetCurrentTimestamp(), CHOICE_MS))
		return;

	PrepareTempTablespaces();
	nset = TempTablespacesAreSet() ? GetTempTablespaces(set, MAX_TABLESPACES) : 0;
	if (!pin.active)
	{
		pin.nset = nset;
		memcpy(pin.set, set, sizeof(set));
	}
	labels = pin.active ? pin.labels : NIL;
	if (!pin.active || !pin_knows(label))
		labels = add_label(labels, label, TopTransactionContext);
	choose_cached(&choice, labels, relid, set, nset);

	if (use->many_transactions)
		check_many_transactions(&choice, label, relid, use->action);
	if (choice.n == 0)
	{
		if (use->can_spill)
			refuse_nowhere(label, relid, choice.refused, use->action);
		/* let go on: nothing can be written, or it was recorded */
		return;
	}
	if (!choice.as_set && use->nested)
		check_running(&choice, label, relid, set, nset, use);

	pin.choice = choice;
	pin.labels = labels;
	pin.generation = policy_generation();
	pin.active = true;
	pin_apply();
}

Oid
gate_temp_hold_tablespace(void)
{
	return pin.active && !pin.choice.default_satisfies ? pin.choice.tablespaces[0] : InvalidOid;
}

void
gate_temp_keep(void)
{
	ListCell   *cell;

	foreach(cell, pin.labels)
	{
		Label	   *label = lfirst(cell);
		ListCell   *kept;
		bool		known = false;

		foreach(kept, kept_labels)
			known |= strcmp(((Label *) lfirst(kept))->text, label->text) == 0;
		if (!known)
			kept_labels = add_label(kept_labels, label, TopMemoryContext);
	}
}

bool
gate_temp_kept(void)
{
	return kept_labels != NIL;
}

void
gate_temp_pin_kept(const GateTempUse *use)
{
	ListCell   *cell;

	foreach(cell, kept_labels)
		gate_temp_pin(lfirst(cell), InvalidOid, use);
}

bool
gate_temp_unpin(void)
{
	if (!pin.active || pin.choice.as_set)
		return false;
	SetTempTablespaces(pin.set, pin.nset);
	return true;
}

void
gate_temp_repin(void)
{
	if (pin.active)
		pin_apply();
}

/* Core forgets the list at the end of the transaction, after these callbacks. */
static void
pin_xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			pin.active = false;
			pin.reported = false;
			pin.labels = NIL;
			break;
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			break;
	}
}

/*
 * SET, set_config(), the SET clause of a function and its end, ROLLBACK TO:
 * whatever changes the setting comes through its assign hook, which puts core's
 * list to the new value.  The pin goes over it.
 */
static void
assign_temp_tablespaces_pinned(const char *newval, void *extra)
{
	if (prev_assign_temp_tablespaces)
		prev_assign_temp_tablespaces(newval, extra);
	if (pin.active)
		pin_apply();
}

void
gate_temp_init(void)
{
	struct config_generic *setting = compat_setting("temp_tablespaces");

	if (setting == NULL || setting->vartype != PGC_STRING)
		ereport(FATAL,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("setting \"%s\" of the server was not found", "temp_tablespaces")));
	prev_assign_temp_tablespaces = ((struct config_string *) setting)->assign_hook;
	((struct config_string *) setting)->assign_hook = assign_temp_tablespaces_pinned;
	RegisterXactCallback(pin_xact_callback, NULL);
}
