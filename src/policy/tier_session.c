/*-------------------------------------------------------------------------
 *
 * tier_session.c
 *		Session controls: transport, authentication, client_network, cipher_strength.
 *
 * Each judges the facts of session_facts.c and nothing else.  A unix socket
 * satisfies every control of transport and cipher: what is said there does not
 * leave the machine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/tier_control.h"

static const char *const transport_steps[] = {"any", "tls", "tls1.2", "tls1.3", "mtls", NULL};
static const char *const authentication_steps[] = {"trust", "password", "md5", "scram", "gss", NULL};

static bool
is_unix(const SessionFacts *facts)
{
	return facts->client.family == NETWORK_FAMILY_UNIX;
}

/* ------------------------------------------------------------------------
 * transport
 * ------------------------------------------------------------------------
 */

static bool
transport_known(const char *requirement)
{
	return control_step(transport_steps, requirement) >= 0;
}

static void
transport_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	const char *found = facts->transport;
	int			reached;

	if (is_unix(facts))
		reached = control_step(transport_steps, "mtls");
	else
	{
		if (facts->client_cert && strcmp(found, "tls1.3") == 0)
			found = "mtls";
		reached = control_step(transport_steps, found);
		if (reached < 0)		/* tcp, internal */
			reached = control_step(transport_steps, "any");
	}
	finding->satisfied = reached >= control_step(transport_steps, requirement);
	strlcpy(finding->found, found, sizeof(finding->found));
	if (facts->gss_encrypted)
		strlcpy(finding->detail, "GSSAPI encryption counts as tls1.2.", sizeof(finding->detail));
	else if (facts->client_cert && strcmp(found, "mtls") != 0)
		strlcpy(finding->detail, "The client certificate counts with TLS 1.3 only.", sizeof(finding->detail));
}

/* ------------------------------------------------------------------------
 * authentication
 * ------------------------------------------------------------------------
 */

/* Verified by a third party or the kernel: all of one strength. */
static int
authentication_step(const char *method)
{
	if (strcmp(method, "cert") == 0 || strcmp(method, "peer") == 0)
		method = "gss";
	return control_step(authentication_steps, method);
}

static bool
authentication_known(const char *requirement)
{
	return authentication_step(requirement) >= 0;
}

static void
authentication_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	finding->satisfied = authentication_step(facts->authentication) >= authentication_step(requirement);
	strlcpy(finding->found, facts->authentication, sizeof(finding->found));
}

/* ------------------------------------------------------------------------
 * client_network
 * ------------------------------------------------------------------------
 */

static bool
client_network_known(const char *requirement)
{
	NetworkAddress nowhere = {NETWORK_FAMILY_NONE};

	return network_list_match(requirement, &nowhere) != NETWORK_MALFORMED;
}

static void
client_network_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	finding->satisfied = network_list_match(requirement, &facts->client) == NETWORK_INSIDE;
	network_text(&facts->client, finding->found, sizeof(finding->found));
}

/* ------------------------------------------------------------------------
 * cipher_strength
 * ------------------------------------------------------------------------
 */

/* Bits; 0 for "none", -1 for what is neither. */
static int
cipher_bits_of(const char *requirement)
{
	int			bits = 0;

	if (strcmp(requirement, "none") == 0)
		return 0;
	if (requirement[0] < '1' || requirement[0] > '9' || strlen(requirement) > 4)
		return -1;
	for (const char *c = requirement; *c; c++)
	{
		if (*c < '0' || *c > '9')
			return -1;
		bits = bits * 10 + (*c - '0');
	}
	return bits;
}

static bool
cipher_strength_known(const char *requirement)
{
	return cipher_bits_of(requirement) >= 0;
}

static void
cipher_strength_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	int			needed = cipher_bits_of(requirement);

	finding->satisfied = needed == 0 || (needed > 0 && (is_unix(facts) || facts->cipher_bits >= needed));
	if (is_unix(facts))
		strlcpy(finding->found, "unix", sizeof(finding->found));
	else if (facts->gss_encrypted)
	{
		strlcpy(finding->found, "unknown", sizeof(finding->found));
		strlcpy(finding->detail, "The server cannot see the cipher of GSSAPI encryption.", sizeof(finding->detail));
	}
	else if (facts->cipher_bits > 0)
	{
		snprintf(finding->found, sizeof(finding->found), "%d", facts->cipher_bits);
		snprintf(finding->detail, sizeof(finding->detail), "The cipher is %s.", facts->cipher);
	}
	else
		strlcpy(finding->found, "none", sizeof(finding->found));
}

static const TierControlOps session_controls[] = {
	{"transport", CONTROL_SESSION, "any, tls, tls1.2, tls1.3, mtls", transport_known, transport_judge},
	{"authentication", CONTROL_SESSION, "trust, password, md5, scram, gss (also cert, peer)",
	authentication_known, authentication_judge},
	{"client_network", CONTROL_SESSION, "any, or a list of unix, loopback, addresses and networks",
	client_network_known, client_network_judge},
	{"cipher_strength", CONTROL_SESSION, "none, or bits such as 128, 256",
	cipher_strength_known, cipher_strength_judge},
};

void
tier_session_init(void)
{
	for (int i = 0; i < lengthof(session_controls); i++)
		tier_control_register(&session_controls[i]);
}
