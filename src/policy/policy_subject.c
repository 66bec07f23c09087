/*-------------------------------------------------------------------------
 *
 * policy_subject.c
 *		Who asks: clearances, narrowing and tier of the current subject.
 *
 * The subject is the outer user: the session user or what SET ROLE made of
 * it, never the owner of a SECURITY DEFINER function or of a view.  While a
 * trusted procedure runs, its label replaces the role's clearances.
 *
 * Owns the cached Subject.  It is rebuilt when the outer user, the policy
 * generation, a setting or the trusted procedure changed; "epoch" counts the
 * rebuilds that were needed, so that per-row code can hold on to an answer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/break_glass.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/resolve.h"
#include "pg_dataclass/subject.h"

#define MAX_TRUSTED_DEPTH 64

static MemoryContext subject_cxt = NULL;
static Subject subject;
SubjectState subject_state = {.epoch = 1};

static Oid	trusted_stack[MAX_TRUSTED_DEPTH];
static int	trusted_depth = 0;

/* ------------------------------------------------------------------------
 * Roles
 * ------------------------------------------------------------------------
 */

/*
 * Roles that role is a member of, itself first.  With inherit_only, memberships
 * that need SET ROLE are not followed.  Core's own function counts superusers
 * as members of everything; clearance must not.  past: what is had only through
 * a role suspended there is left out (NULL: no matter).
 */
static List *
member_closure(Oid role, bool inherit_only, const PolicySnapshot *past)
{
	List	   *roles = list_make1_oid(role);

	for (int i = 0; i < list_length(roles); i++)
	{
		CatCList   *memberships;

		if (past != NULL && policy_is_suspended(past, list_nth_oid(roles, i)))
			continue;
		memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(list_nth_oid(roles, i)));

		for (int m = 0; m < memberships->n_members; m++)
		{
			HeapTuple	tuple = &memberships->members[m]->tuple;
			Oid			granted = ((Form_pg_auth_members) GETSTRUCT(tuple))->roleid;

			if (inherit_only && !compat_membership_inherits(tuple))
				continue;
			roles = list_append_unique_oid(roles, granted);
		}
		ReleaseSysCacheList(memberships);
	}
	return roles;
}

bool
role_inherits(Oid role, Oid target)
{
	List	   *roles = member_closure(role, true, NULL);
	bool		found = list_member_oid(roles, target);

	list_free(roles);
	return found;
}

bool
role_may_assume(Oid role, Oid target)
{
	List	   *roles = member_closure(role, false, NULL);
	bool		found = list_member_oid(roles, target);

	list_free(roles);
	return found;
}

bool
policy_is_officer_role(Oid role)
{
	Oid			officer = get_role_oid(DC_OFFICER_ROLE, true);

	if (guc_superuser_is_officer && superuser_arg(role))
		return true;
	return OidIsValid(officer) && role_inherits(role, officer);
}

/*
 * With superusers not counted as officers, a role taken on by SET ROLE or SET
 * SESSION AUTHORIZATION without being a member of it confers nothing: else any
 * superuser could put on any clearance.
 */
static bool
role_is_assumed(Oid role)
{
	Oid			authenticated = compat_authenticated_user();

	return !guc_superuser_is_officer && OidIsValid(authenticated) &&
		authenticated != role && !role_may_assume(authenticated, role);
}

/*
 * A response rule suspends the role that logged in: it must not help to take on
 * another one, nor another to take on that one.
 */
bool
subject_is_suspended(const PolicySnapshot *p)
{
	return p->nsuspended > 0 &&
		(policy_is_suspended(p, compat_authenticated_user()) ||
		 policy_is_suspended(p, GetSessionUserId()) || policy_is_suspended(p, GetOuterUserId()));
}

bool
policy_is_officer(void)
{
	Oid			role = GetOuterUserId();

	return policy_is_officer_role(role) && !role_is_assumed(role) && !subject_is_suspended(policy_current());
}

bool
policy_is_auditor(void)
{
	Oid			auditor = get_role_oid(DC_AUDITOR_ROLE, true);
	Oid			role = GetOuterUserId();

	return OidIsValid(auditor) && role_inherits(role, auditor) && !role_is_assumed(role);
}

bool
policy_is_installing(void)
{
	return creating_extension && CurrentExtensionObject == get_extension_oid(DC_EXTENSION, true);
}

bool
policy_is_restoring(void)
{
	return !check_function_bodies && policy_is_officer();
}

/* ------------------------------------------------------------------------
 * Building a subject
 * ------------------------------------------------------------------------
 */

/*
 * A class that this database does not know makes a clearance void here; a
 * compartment it does not know just opens nothing.
 */
static int
known_rank(const PolicySnapshot *p, const Label *label)
{
	const PolicyClass *class = policy_class_of(p, label);

	return class ? class->rank : POLICY_RANK_NONE;
}

static void
add_clearance(const PolicySnapshot *p, Subject *s, const LabelSpec *spec)
{
	Clearance  *clearance;

	if (s->nclearances == 0)
		s->clearances = palloc(sizeof(Clearance));
	else
		s->clearances = repalloc(s->clearances, sizeof(Clearance) * (s->nclearances + 1));
	clearance = &s->clearances[s->nclearances++];
	clearance->ceiling = spec->label;
	clearance->rank = known_rank(p, &spec->label);
	clearance->privileges = spec->privileges;
	clearance->has_floor = spec->has_floor;
	clearance->emergency = false;
	clearance->floor_rank = POLICY_RANK_NONE;
	if (spec->has_floor)
	{
		clearance->floor = spec->floor;
		clearance->floor_rank = known_rank(p, &spec->floor);
	}
	if (clearance->rank != POLICY_RANK_NONE)
		s->privileges |= spec->privileges;
	else
		s->unknown_clearance = true;
}

/* A role's own label, else those of the roles it inherits, else the default. */
static void
add_role_clearances(const PolicySnapshot *p, Subject *s, Oid role)
{
	List	   *roles = member_closure(role, true, p);
	ListCell   *cell;
	bool		labeled = policy_is_suspended(p, role);

	foreach(cell, roles)
	{
		char	   *text = role_label_text(lfirst_oid(cell));
		LabelSpec	spec;
		LabelError	error;

		if (text == NULL)
			continue;
		if (policy_is_suspended(p, lfirst_oid(cell)))
		{
			labeled = true;
			continue;
		}
		labeled = true;			/* also if malformed: never fall back to the default then */
		if (label_parse_spec(LABEL_SPEC_ROLE, text, strlen(text), &spec, &error))
			add_clearance(p, s, &spec);
		if (lfirst_oid(cell) == role)
			break;
	}
	if (!labeled && p->has_default_clearance)
		add_clearance(p, s, &p->default_clearance);
}

/*
 * While emergency access is open and the clearance still carries the
 * privilege: the same clearance without its ceiling.
 */
static void
add_emergency(const PolicySnapshot *p, Subject *s)
{
	const char *top = p->nclasses ? p->classes[p->nclasses - 1].name : NULL;
	Clearance  *from = NULL;
	Clearance  *clearance;
	LabelError	error;
	Label		label;

	if (top == NULL || !label_parse(top, strlen(top), &label, &error))
		return;
	s->clearances = repalloc(s->clearances, sizeof(Clearance) * (s->nclearances + 1));
	for (int i = 0; i < s->nclearances && from == NULL; i++)
		if (s->clearances[i].rank != POLICY_RANK_NONE &&
			(s->clearances[i].privileges & LABEL_PRIVILEGE_BREAK_GLASS) != 0)
			from = &s->clearances[i];
	if (from == NULL)
		return;
	clearance = &s->clearances[s->nclearances++];
	*clearance = *from;
	clearance->emergency = true;
	clearance->privileges = 0;
	clearance->ceiling = label;
	clearance->rank = known_rank(p, &label);
}

static void
build_subject(Subject *s, Oid role, bool current)
{
	const PolicySnapshot *p = policy_current();

	memset(s, 0, sizeof(*s));
	s->role = role;
	s->ceiling_rank = POLICY_RANK_NONE;
	s->session_tier = POLICY_RANK_NONE;
	if (current)
	{
		Label		label;
		LabelError	error;

		s->trusted_function = trusted_depth > 0 ? trusted_stack[trusted_depth - 1] :
			session_trusted_of_leader();
		if (OidIsValid(s->trusted_function) && function_trusted_label(s->trusted_function, &label))
		{
			LabelSpec	spec = {.label = label};

			add_clearance(p, s, &spec);
		}
		else if (!role_is_assumed(role) && !subject_is_suspended(p))
		{
			add_role_clearances(p, s, role);
			if ((s->privileges & LABEL_PRIVILEGE_BREAK_GLASS) != 0 && break_glass_is_open())
				add_emergency(p, s);
		}
		if (guc_session_ceiling && guc_session_ceiling[0])
		{
			s->has_ceiling = true;
			if (label_parse(guc_session_ceiling, strlen(guc_session_ceiling), &label, &error))
			{
				s->ceiling = label;
				s->ceiling_rank = known_rank(p, &label);
			}
		}
	}
	else
		add_role_clearances(p, s, role);
	s->session_tier = session_tier(p);
}

void
subject_of_role(Oid role, Subject *s, MemoryContext cxt)
{
	MemoryContext old_cxt = MemoryContextSwitchTo(cxt);

	build_subject(s, role, role == GetOuterUserId());
	MemoryContextSwitchTo(old_cxt);
}

const Subject *
subject_current(void)
{
	Oid			role = GetOuterUserId();

	for (;;)
	{
		MemoryContext old_cxt;
		uint64		generation;

		policy_current();
		generation = policy_generation();
		if (subject_state.valid && subject.role == role && subject_state.generation == generation)
			return &subject;

		subject_state.valid = false;
		subject_state.epoch++;
		if (subject_cxt)
			MemoryContextReset(subject_cxt);
		else
			subject_cxt = AllocSetContextCreate(TopMemoryContext, "pg_dataclass subject",
												ALLOCSET_SMALL_SIZES);
		old_cxt = MemoryContextSwitchTo(subject_cxt);
		build_subject(&subject, role, true);
		MemoryContextSwitchTo(old_cxt);
		subject_state.generation = generation;
		subject_state.role = role;
		subject_state.valid = true;
		if (!IsTransactionState())
			return &subject;
		CHECK_FOR_INTERRUPTS();
	}
}

bool
subject_writes_ahead_of_policy(bool label_unknown)
{
	return policy_is_restoring() && (label_unknown || subject_current()->unknown_clearance);
}

void
subject_invalidate(void)
{
	subject_state.valid = false;
	subject_state.epoch++;
}

/* ------------------------------------------------------------------------
 * Trusted procedures
 * ------------------------------------------------------------------------
 */

int
subject_trusted_depth(void)
{
	return trusted_depth;
}

void
subject_push_trusted(Oid funcid)
{
	if (trusted_depth >= MAX_TRUSTED_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("trusted procedures are nested too deeply"),
				 errdetail("At most %d trusted procedures may call each other.", MAX_TRUSTED_DEPTH)));
	trusted_stack[trusted_depth++] = funcid;
	session_trusted_publish(funcid);
	subject_invalidate();
}

void
subject_pop_trusted(int depth)
{
	if (depth >= trusted_depth)
		return;
	trusted_depth = depth;
	session_trusted_publish(depth > 0 ? trusted_stack[depth - 1] : InvalidOid);
	subject_invalidate();
}

/* A procedure that was left by an error without its end hook. */
static void
subject_xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
		subject_pop_trusted(0);
}

/*
 * The outer user changes by two settings of core, and a third decides whether
 * hidden rows raise an error.  Row filters must notice before the next row, and
 * asking core at each row would cost more than the rest of the filter: so the
 * settings' assign hooks tell us.
 */
static GucStringAssignHook prev_assign_role = NULL;
static GucStringAssignHook prev_assign_session_authorization = NULL;
static GucBoolAssignHook prev_assign_row_security = NULL;

static void
assign_role_noted(const char *newval, void *extra)
{
	if (prev_assign_role)
		prev_assign_role(newval, extra);
	break_glass_role_changes();
	subject_invalidate();
}

static void
assign_session_authorization_noted(const char *newval, void *extra)
{
	if (prev_assign_session_authorization)
		prev_assign_session_authorization(newval, extra);
	break_glass_role_changes();
	subject_invalidate();
}

static void
assign_row_security_noted(bool newval, void *extra)
{
	if (prev_assign_row_security)
		prev_assign_row_security(newval, extra);
	subject_invalidate();
}

/* Refuses to start rather than to miss a change. */
static struct config_generic *
core_setting(const char *name, enum config_type type)
{
	struct config_generic *setting = compat_setting(name);

	if (setting == NULL || setting->vartype != type)
		ereport(FATAL,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("setting \"%s\" of the server was not found", name)));
	return setting;
}

static void
note_changes_of(const char *name, GucStringAssignHook noted, GucStringAssignHook *prev)
{
	struct config_string *setting = (struct config_string *) core_setting(name, PGC_STRING);

	*prev = setting->assign_hook;
	setting->assign_hook = noted;
}

static void
note_changes_of_row_security(void)
{
	struct config_bool *setting = (struct config_bool *) core_setting("row_security", PGC_BOOL);

	prev_assign_row_security = setting->assign_hook;
	setting->assign_hook = assign_row_security_noted;
}

void
subject_init(void)
{
	note_changes_of("role", assign_role_noted, &prev_assign_role);
	note_changes_of("session_authorization", assign_session_authorization_noted,
					&prev_assign_session_authorization);
	note_changes_of_row_security();
	RegisterXactCallback(subject_xact_callback, NULL);
}

/* ------------------------------------------------------------------------
 * Requests
 * ------------------------------------------------------------------------
 */

void
request_init(PolicyRequest *request, const Subject *s, PolicyAction action)
{
	memset(request, 0, sizeof(*request));
	request->action = action;
	request->clearances = s->clearances;
	request->nclearances = s->nclearances;
	request->ceiling = s->has_ceiling ? &s->ceiling : NULL;
	request->ceiling_rank = s->ceiling_rank;
	request->session_tier = s->session_tier;
	request->label_rank = POLICY_RANK_NONE;
	request->required_tier = POLICY_RANK_NONE;
	request->enforcement = guc_enforcement;
	request->session_tier_enforcement = guc_session_tier_enforcement;
}

void
request_object(PolicyRequest *request, const ResolvedLabel *label)
{
	request->governed = true;
	request->label = &label->label;
	request->label_rank = label->rank;
	request->required_tier = label->required_tier;
}
