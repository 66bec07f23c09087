/*-------------------------------------------------------------------------
 *
 * session_facts.c
 *		What the server itself knows of a connection, for it and its workers.
 *
 * Facts come from the server's own connection state (Port) and from settings
 * as they stood before the client could change any, never from what a client
 * says.  Port points at the line of pg_hba.conf that matched only while the
 * authentication hook runs, so what is taken from there is kept.
 *
 * Owns a slot of shared memory per backend.  A backend publishes its facts
 * there before it can start a parallel worker; a worker reads its leader's
 * slot, since it has no Port, and believes it only if the slot says the same
 * process: a backend that had it before may have been better connected.  No
 * lock: nobody but parallel workers reads a slot, and they live while their
 * leader waits for them.
 *
 * A backend without a client (background worker that is nobody's parallel
 * worker) has no verified identity.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <netinet/in.h>

#include "libpq/auth.h"
#include "libpq/hba.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "storage/backendid.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/subject.h"

typedef struct SessionSlot
{
	int			pid;			/* whose facts these are */
	SessionFacts facts;
	Oid			trusted_function;	/* innermost trusted procedure of the leader */
	bool		break_glass;	/* emergency access of the leader is open */
} SessionSlot;

static SessionSlot *slots = NULL;
static SessionFacts own_facts;
static bool captured = false;
static const char *authentication = "trust";

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

/* ------------------------------------------------------------------------
 * From Port
 * ------------------------------------------------------------------------
 */

/*
 * Method md5 runs SCRAM for a role whose password is stored that way, but would
 * have been content with less: it counts as what it admits.
 */
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
			/* trust; ident, which is the client's word; and whatever is added later */
			return "trust";
	}
}

static void
address_of_port(const Port *port, NetworkAddress *address)
{
	const struct sockaddr_storage *peer = &port->raddr.addr;

	memset(address, 0, sizeof(*address));
	switch (peer->ss_family)
	{
		case AF_UNIX:
			address->family = NETWORK_FAMILY_UNIX;
			break;
		case AF_INET:
			address->family = NETWORK_FAMILY_V4;
			memcpy(address->bytes, &((const struct sockaddr_in *) peer)->sin_addr, 4);
			break;
		case AF_INET6:
			address->family = NETWORK_FAMILY_V6;
			memcpy(address->bytes, &((const struct sockaddr_in6 *) peer)->sin6_addr, 16);
			network_normalise(address);
			break;
		default:
			break;
	}
}

static void
transport_of_port(Port *port, SessionFacts *facts)
{
	strlcpy(facts->transport, "tcp", sizeof(facts->transport));
	if (facts->client.family == NETWORK_FAMILY_UNIX)
		strlcpy(facts->transport, "unix", sizeof(facts->transport));
#ifdef USE_SSL
	else if (port->ssl_in_use)
	{
		const char *version = be_tls_get_version(port);
		const char *cipher = be_tls_get_cipher(port);

		strlcpy(facts->transport, "tls", sizeof(facts->transport));
		if (version && strcmp(version, "TLSv1.3") == 0)
			strlcpy(facts->transport, "tls1.3", sizeof(facts->transport));
		else if (version && strcmp(version, "TLSv1.2") == 0)
			strlcpy(facts->transport, "tls1.2", sizeof(facts->transport));
		strlcpy(facts->cipher, cipher ? cipher : "", sizeof(facts->cipher));
		facts->cipher_bits = be_tls_get_cipher_bits(port);
		/* set only for a certificate that the handshake verified against ssl_ca_file and ssl_crl_file */
		facts->client_cert = port->peer_cert_valid;
	}
#endif
#ifdef ENABLE_GSS
	else if (be_gssapi_get_enc(port))
	{
		/* its cipher is the realm's matter and cannot be seen from here */
		strlcpy(facts->transport, "tls1.2", sizeof(facts->transport));
		facts->gss_encrypted = true;
	}
#endif
}

static void
facts_without_client(SessionFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	strlcpy(facts->transport, "internal", sizeof(facts->transport));
	strlcpy(facts->authentication, "trust", sizeof(facts->authentication));
}

/* ------------------------------------------------------------------------
 * Slots
 * ------------------------------------------------------------------------
 */

static SessionSlot *
own_slot(void)
{
	int			slot = compat_my_backend_slot();

	if (slots == NULL || slot < 0 || slot >= compat_max_backends())
		return NULL;
	return &slots[slot];
}

static bool
is_parallel_worker(void)
{
	return compat_leader_backend_slot() >= 0;
}

/* NULL unless it is this very leader who wrote it. */
static SessionSlot *
leader_slot(void)
{
	int			slot = compat_leader_backend_slot();

	if (slots == NULL || slot < 0 || slot >= compat_max_backends())
		return NULL;
	if (MyProc == NULL || MyProc->lockGroupLeader == NULL ||
		slots[slot].pid != MyProc->lockGroupLeader->pid)
		return NULL;
	return &slots[slot];
}

static void
publish(void)
{
	SessionSlot *slot = own_slot();

	if (slot == NULL)
		return;
	if (slot->pid != MyProcPid)
	{
		slot->trusted_function = InvalidOid;
		slot->break_glass = false;
	}
	slot->facts = own_facts;
	slot->pid = MyProcPid;
}

static void
capture(void)
{
	if (captured)
		return;
	if (MyProcPort)
	{
		address_of_port(MyProcPort, &own_facts.client);
		transport_of_port(MyProcPort, &own_facts);
		strlcpy(own_facts.authentication, authentication, sizeof(own_facts.authentication));
	}
	else
		facts_without_client(&own_facts);
	captured = true;
}

/*
 * From the authentication hook: Port is whole, and settings are those of the
 * configuration file and the command line, as the client's come later.
 */
void
session_facts_authenticated(const Port *port)
{
	const char *password_encryption = GetConfigOption("password_encryption", true, false);

	if (port->hba)
		authentication = authentication_name(port->hba->auth_method);
	strlcpy(own_facts.password_encryption, password_encryption ? password_encryption : "",
			sizeof(own_facts.password_encryption));
	session_facts_entry_tier(guc_session_tier);
}

/*
 * A value of dataclass.session_tier that this session came in with: it never
 * gets above any of them.  More than there is room for, or a name that cannot
 * be one, is a tier that does not exist.
 */
void
session_facts_entry_tier(const char *tier)
{
	char		(*entry)[SESSION_TIER_SIZE] = own_facts.entry_tier;
	int			free = 0;

	if (tier == NULL || tier[0] == '\0')
		return;
	while (free < SESSION_ENTRY_TIERS && entry[free][0] != '\0')
		if (strcmp(entry[free++], tier) == 0)
			return;
	if (free == SESSION_ENTRY_TIERS || strlen(tier) >= SESSION_TIER_SIZE)
		strlcpy(entry[0], "?", SESSION_TIER_SIZE);
	else
		strlcpy(entry[free], tier, SESSION_TIER_SIZE);
	if (captured)
		publish();
}

void
session_facts(SessionFacts *facts)
{
	if (is_parallel_worker())
	{
		SessionSlot *slot = leader_slot();

		if (slot)
			*facts = slot->facts;
		else
			facts_without_client(facts);
		return;
	}
	if (!captured || (own_slot() && own_slot()->pid != MyProcPid))
	{
		capture();
		publish();
	}
	*facts = own_facts;
}

/* ------------------------------------------------------------------------
 * Trusted procedures and emergency access
 * ------------------------------------------------------------------------
 */

void
session_trusted_publish(Oid funcid)
{
	SessionSlot *slot = own_slot();

	if (slot == NULL || is_parallel_worker())
		return;
	if (slot->pid != MyProcPid)
	{
		capture();
		publish();
	}
	slot->trusted_function = funcid;
}

Oid
session_trusted_of_leader(void)
{
	SessionSlot *slot = is_parallel_worker() ? leader_slot() : NULL;

	return slot ? slot->trusted_function : InvalidOid;
}

void
session_break_glass_publish(bool open)
{
	SessionSlot *slot = own_slot();

	if (slot == NULL || is_parallel_worker())
		return;
	if (slot->pid != MyProcPid)
	{
		capture();
		publish();
	}
	slot->break_glass = open;
}

bool
session_break_glass_of_leader(void)
{
	SessionSlot *slot = is_parallel_worker() ? leader_slot() : NULL;

	return slot != NULL && slot->break_glass;
}
