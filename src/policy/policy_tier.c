/*-------------------------------------------------------------------------
 *
 * policy_tier.c
 *		Facts of the session and the tier they reach.
 *
 * Facts come from the server's own connection state (Port), never from what a
 * client says.  Each backend writes them into its slot of shared memory after
 * authentication, before it can start a parallel worker; a worker reads its
 * leader's slot, since it has no Port.  Slots are otherwise not shared: no
 * lock.  A backend without a client (background worker that is nobody's
 * parallel worker) has no verified identity and stays at the lowest tier.
 *
 * Controls are an ordered list of requirement names per control; a control or
 * requirement that is not in the lists is never satisfied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/auth.h"
#include "libpq/hba.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "storage/backendid.h"
#include "storage/shmem.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/subject.h"

typedef struct SessionSlot
{
	SessionFacts facts;
	Oid			trusted_function;	/* innermost trusted procedure of the leader */
} SessionSlot;

static SessionSlot *slots = NULL;

/*
 * How this connection authenticated, kept when it did: the line of pg_hba.conf
 * that Port points at is freed before the first query.
 */
static const char *authentication = "trust";

/* Requirements of one control, weakest first. */
typedef struct ControlScale
{
	const char *control;
	const char *const *steps;
	int			(*reached) (const SessionFacts *facts);
} ControlScale;

static const char *const transport_steps[] = {"any", "tls", "tls1.2", "tls1.3", "mtls", NULL};
static const char *const authentication_steps[] = {"trust", "password", "md5", "scram", "gss", NULL};

static int
step_of(const char *const *steps, const char *name)
{
	for (int i = 0; steps[i]; i++)
		if (strcmp(steps[i], name) == 0)
			return i;
	return -1;
}

static int
transport_reached(const SessionFacts *facts)
{
	if (strcmp(facts->transport, "unix") == 0)
		return step_of(transport_steps, "mtls");
	if (strncmp(facts->transport, "tls", 3) == 0)
	{
		if (facts->client_cert && strcmp(facts->transport, "tls1.3") == 0)
			return step_of(transport_steps, "mtls");
		return step_of(transport_steps, facts->transport);
	}
	return step_of(transport_steps, "any");
}

static int
authentication_reached(const SessionFacts *facts)
{
	/* verified by a third party or the kernel: all of one strength */
	if (strcmp(facts->authentication, "cert") == 0 || strcmp(facts->authentication, "peer") == 0)
		return step_of(authentication_steps, "gss");
	return step_of(authentication_steps, facts->authentication);
}

static const ControlScale control_scales[] = {
	{"transport", transport_steps, transport_reached},
	{"authentication", authentication_steps, authentication_reached},
};

Size
session_facts_shmem_size(void)
{
	return mul_size(compat_max_backends() + NUM_AUXILIARY_PROCS, sizeof(SessionSlot));
}

void
session_facts_shmem_init(void)
{
	bool		found;

	slots = ShmemInitStruct("pg_dataclass sessions", session_facts_shmem_size(), &found);
	if (!found)
		memset(slots, 0, session_facts_shmem_size());
}

static const char *
authentication_name(UserAuth method)
{
	switch (method)
	{
		case uaPassword:
		case uaPAM:
		case uaBSD:
		case uaLDAP:
		case uaRADIUS:
			return "password";
		case uaMD5:
			return "md5";
		case uaSCRAM:
			return "scram";
		case uaGSS:
		case uaSSPI:
			return "gss";
		case uaCert:
			return "cert";
		case uaPeer:
			return "peer";
		default:
			/* trust, ident: the client's word; and whatever is added later */
			return "trust";
	}
}

static void
facts_of_port(const Port *port, SessionFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	strlcpy(facts->transport, "tcp", sizeof(facts->transport));
	strlcpy(facts->authentication, authentication, sizeof(facts->authentication));
	if (port->raddr.addr.ss_family == AF_UNIX)
		strlcpy(facts->transport, "unix", sizeof(facts->transport));
#ifdef USE_SSL
	else if (port->ssl_in_use)
	{
		const char *version = be_tls_get_version((Port *) port);

		strlcpy(facts->transport, "tls", sizeof(facts->transport));
		if (version && strcmp(version, "TLSv1.3") == 0)
			strlcpy(facts->transport, "tls1.3", sizeof(facts->transport));
		else if (version && strcmp(version, "TLSv1.2") == 0)
			strlcpy(facts->transport, "tls1.2", sizeof(facts->transport));
		facts->client_cert = port->peer_cert_valid;
	}
#endif
#ifdef ENABLE_GSS
	else if (be_gssapi_get_enc((Port *) port))
		strlcpy(facts->transport, "tls1.2", sizeof(facts->transport));
#endif
}

static SessionSlot *
own_slot(void)
{
	int			slot = compat_my_backend_slot();

	if (slots == NULL || slot < 0 || slot >= compat_max_backends())
		return NULL;
	return &slots[slot];
}

/* Parallel workers look at their leader's slot, everybody else at their own. */
static SessionSlot *
leader_slot(void)
{
	int			slot = compat_leader_backend_slot();

	if (slot < 0)
		return own_slot();
	return slots && slot < compat_max_backends() ? &slots[slot] : NULL;
}

/* From the authentication hook, while Port is whole. */
void
session_facts_authenticated(const Port *port)
{
	if (port->hba)
		authentication = authentication_name(port->hba->auth_method);
}

/* Publish the facts: a backend has no slot yet while the authentication hook runs. */
void
session_facts_capture(void)
{
	SessionSlot *slot = own_slot();

	if (slot == NULL || compat_leader_backend_slot() >= 0)
		return;
	if (MyProcPort)
		facts_of_port(MyProcPort, &slot->facts);
	else
	{
		memset(&slot->facts, 0, sizeof(slot->facts));
		strlcpy(slot->facts.transport, "internal", sizeof(slot->facts.transport));
		strlcpy(slot->facts.authentication, "trust", sizeof(slot->facts.authentication));
	}
}

void
session_facts(SessionFacts *facts)
{
	SessionSlot *slot;

	session_facts_capture();
	slot = leader_slot();
	if (slot)
		*facts = slot->facts;
	else
	{
		memset(facts, 0, sizeof(*facts));
		strlcpy(facts->transport, "internal", sizeof(facts->transport));
		strlcpy(facts->authentication, "trust", sizeof(facts->authentication));
	}
}

void
session_trusted_publish(Oid funcid)
{
	SessionSlot *slot = own_slot();

	if (slot && compat_leader_backend_slot() < 0)
		slot->trusted_function = funcid;
}

Oid
session_trusted_of_leader(void)
{
	SessionSlot *slot;

	if (compat_leader_backend_slot() < 0)
		return InvalidOid;
	slot = leader_slot();
	return slot ? slot->trusted_function : InvalidOid;
}

/* Storage and server controls are judged elsewhere: not an obstacle for a session. */
static bool
is_session_control(const char *control)
{
	static const char *const others[] = {"at_rest", "checksums", "wal", "temp", NULL};

	return step_of(others, control) < 0;
}

static bool
control_satisfied(const PolicyTierControl *control, const SessionFacts *facts)
{
	for (int i = 0; i < lengthof(control_scales); i++)
	{
		const ControlScale *scale = &control_scales[i];
		int			needed;

		if (strcmp(scale->control, control->control) != 0)
			continue;
		needed = step_of(scale->steps, control->requirement);
		if (strcmp(control->control, "authentication") == 0 && needed < 0 &&
			(strcmp(control->requirement, "cert") == 0 || strcmp(control->requirement, "peer") == 0))
			needed = step_of(scale->steps, "gss");
		return needed >= 0 && scale->reached(facts) >= needed;
	}
	return false;
}

/* First control, from the lowest tier up, that is not satisfied; NULL if none.  *reached: rank below it. */
static const PolicyTierControl *
first_obstacle(const PolicySnapshot *p, const SessionFacts *facts, int *reached)
{
	*reached = POLICY_RANK_NONE;
	for (int t = 0; t < p->ntiers; t++)
	{
		const PolicyTier *tier = &p->tiers[t];

		for (int c = 0; c < tier->ncontrols; c++)
			if (is_session_control(tier->controls[c].control) &&
				!control_satisfied(&tier->controls[c], facts))
				return &tier->controls[c];
		*reached = tier->rank;
	}
	return NULL;
}

int
session_tier(const PolicySnapshot *p, const SessionFacts *facts)
{
	int			reached;

	first_obstacle(p, facts, &reached);
	return reached;
}

const char *
session_tier_obstacle(const PolicySnapshot *p, const SessionFacts *facts)
{
	int			reached;
	const PolicyTierControl *control = first_obstacle(p, facts, &reached);

	return control ? psprintf("%s: requires %s, found %s", control->control, control->requirement,
							  strcmp(control->control, "transport") == 0 ? facts->transport :
							  strcmp(control->control, "authentication") == 0 ? facts->authentication :
							  "nothing") : "";
}
