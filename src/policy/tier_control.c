/*-------------------------------------------------------------------------
 *
 * tier_control.c
 *		The table of controls: who judges which.
 *
 * Owns the list of operations, filled while libraries are preloaded and only
 * read afterwards.  Controls of sessions are in tier_session.c, of the server
 * in tier_server.c, of storage in the at-rest part.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/tier_control.h"

#define MAX_CONTROLS 64

static const TierControlOps *controls[MAX_CONTROLS];
static int	ncontrols = 0;

void
tier_control_register(const TierControlOps *ops)
{
	if (ncontrols >= MAX_CONTROLS || tier_control_find(ops->control) != NULL)
		ereport(FATAL,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("control \"%s\" cannot be registered", ops->control)));
	controls[ncontrols++] = ops;
}

const TierControlOps *
tier_control_find(const char *control)
{
	for (int i = 0; i < ncontrols; i++)
		if (strcmp(controls[i]->control, control) == 0)
			return controls[i];
	return NULL;
}

/*
 * Names of storage controls bind places, never sessions, also where nobody
 * registered one.
 */
bool
tier_control_is_storage(const TierControlOps *ops, const char *control)
{
	static const char *const names[] = {
		"at_rest", "at_rest_key", "wal", "temp", "journal", "log", "archive", "swap",
		"core_dump", "checksums", "hosting"
	};

	if (ops)
		return ops->domain == CONTROL_STORAGE;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], control) == 0)
			return true;
	return false;
}

const char *
control_domain_name(ControlDomain domain)
{
	switch (domain)
	{
		case CONTROL_SESSION:
			return "session";
		case CONTROL_SERVER:
			return "server";
		case CONTROL_STORAGE:
			return "storage";
	}
	return "unknown";
}

int
control_step(const char *const *steps, const char *name)
{
	for (int i = 0; steps[i]; i++)
		if (strcmp(steps[i], name) == 0)
			return i;
	return -1;
}

/* What a requirement is that its owner does not know: never satisfied. */
bool
tier_control_judge(const TierControlOps *ops, const char *requirement, const SessionFacts *facts,
				   ControlFinding *finding)
{
	finding->satisfied = false;
	finding->found[0] = finding->detail[0] = '\0';
	if (ops == NULL || !ops->known(requirement))
		return false;
	ops->judge(requirement, facts, finding);
	return true;
}
