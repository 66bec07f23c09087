/*-------------------------------------------------------------------------
 *
 * hook_auth.c
 *		Facts of a connection, taken right after authentication.
 *
 * Why ClientAuthentication_hook: Port is complete and no SQL has run.  The
 * facts themselves are read in policy_tier.c, again whenever a subject is
 * built; here they are only published early.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/auth.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/subject.h"

static ClientAuthentication_hook_type prev_authentication = NULL;

static void
dataclass_authentication(Port *port, int status)
{
	if (prev_authentication)
		prev_authentication(port, status);
	if (status == STATUS_OK)
		session_facts_capture();
}

void
hook_auth_init(void)
{
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = dataclass_authentication;
}
