/*-------------------------------------------------------------------------
 *
 * hook_auth.c
 *		Facts of a connection, taken right after authentication.
 *
 * Why ClientAuthentication_hook: Port still points at the line of pg_hba.conf
 * that matched; it is gone before the first query.  The other facts are read
 * in session_facts.c when a subject is built.
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
		session_facts_authenticated(port);
}

void
hook_auth_init(void)
{
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = dataclass_authentication;
}
