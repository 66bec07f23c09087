/*-------------------------------------------------------------------------
 *
 * tier_server.c
 *		Server controls: password_encryption, fips, audit_durability.
 *
 * They are part of every session's tier.  Settings count as the server has
 * them: any session may SET password_encryption, so its own word is nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/tier_control.h"

static const char *const password_steps[] = {"any", "md5", "scram-sha-256", NULL};
static const char *const fips_steps[] = {"none", "on", NULL};
static const char *const durability_steps[] = {"async", "sync", NULL};

static struct config_enum *password_encryption = NULL;
static struct config_enum *audit_durability = NULL;
static GucEnumAssignHook prev_assign_password_encryption = NULL;
static GucEnumAssignHook prev_assign_audit_durability = NULL;

static void
judge_step(const char *const *steps, const char *requirement, const char *found, ControlFinding *finding)
{
	int			reached = control_step(steps, found);

	finding->satisfied = reached >= 0 && reached >= control_step(steps, requirement);
	strlcpy(finding->found, found, sizeof(finding->found));
}

/* ------------------------------------------------------------------------
 * password_encryption
 * ------------------------------------------------------------------------
 */

static bool
password_known(const char *requirement)
{
	return control_step(password_steps, requirement) >= 0;
}

/*
 * The value from the configuration file or the command line; where this role,
 * database or client has its own, the one from before any of these was read.
 */
static const char *
password_encryption_of_server(const SessionFacts *facts)
{
	int			value;

	if (password_encryption->gen.source <= PGC_S_ARGV)
		value = *password_encryption->variable;
	else if (password_encryption->gen.reset_source <= PGC_S_ARGV)
		value = password_encryption->reset_val;
	else
		return facts->password_encryption;
	return config_enum_lookup_by_value(password_encryption, value);
}

static void
password_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	judge_step(password_steps, requirement, password_encryption_of_server(facts), finding);
	if (strcmp(requirement, "any") == 0)
		finding->satisfied = true;
}

/* ------------------------------------------------------------------------
 * fips
 * ------------------------------------------------------------------------
 */

static bool
fips_known(const char *requirement)
{
	return control_step(fips_steps, requirement) >= 0;
}

/* Asked once per process: a provider cannot come or go without native code. */
static bool
fips_is_active(void)
{
	static int	active = -1;

	if (active < 0)
		active = EVP_default_properties_is_fips_enabled(NULL) && OSSL_PROVIDER_available(NULL, "fips");
	return active;
}

static void
fips_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	if (strcmp(requirement, "none") == 0)
	{
		finding->satisfied = true;
		strlcpy(finding->found, "not asked", sizeof(finding->found));
		return;
	}
	judge_step(fips_steps, requirement, fips_is_active() ? "on" : "none", finding);
	if (!finding->satisfied)
		strlcpy(finding->detail, "OpenSSL of the server does not use its FIPS provider.", sizeof(finding->detail));
}

/* ------------------------------------------------------------------------
 * audit_durability
 * ------------------------------------------------------------------------
 */

static bool
durability_known(const char *requirement)
{
	return control_step(durability_steps, requirement) >= 0;
}

static void
durability_judge(const char *requirement, const SessionFacts *facts, ControlFinding *finding)
{
	judge_step(durability_steps, requirement,
			   config_enum_lookup_by_value(audit_durability, *audit_durability->variable), finding);
}

static const TierControlOps server_controls[] = {
	{"password_encryption", CONTROL_SERVER, "any, md5, scram-sha-256", password_known, password_judge},
	{"fips", CONTROL_SERVER, "none, on", fips_known, fips_judge},
	{"audit_durability", CONTROL_SERVER, "async, sync", durability_known, durability_judge},
};

/* ------------------------------------------------------------------------
 * Changes
 * ------------------------------------------------------------------------
 */

static void
assign_password_encryption_noted(int newval, void *extra)
{
	if (prev_assign_password_encryption)
		prev_assign_password_encryption(newval, extra);
	session_tier_forget();
}

static void
assign_audit_durability_noted(int newval, void *extra)
{
	if (prev_assign_audit_durability)
		prev_assign_audit_durability(newval, extra);
	session_tier_forget();
}

/* Refuses to start rather than to miss a change. */
static struct config_enum *
watch_setting(const char *name, GucEnumAssignHook noted, GucEnumAssignHook *prev)
{
	struct config_enum *setting = (struct config_enum *) compat_setting(name);

	if (setting == NULL || setting->gen.vartype != PGC_ENUM)
		ereport(FATAL,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("setting \"%s\" of the server was not found", name)));
	*prev = setting->assign_hook;
	setting->assign_hook = noted;
	return setting;
}

void
tier_server_init(void)
{
	password_encryption = watch_setting("password_encryption", assign_password_encryption_noted,
										&prev_assign_password_encryption);
	audit_durability = watch_setting("dataclass.audit_durability", assign_audit_durability_noted,
									 &prev_assign_audit_durability);
	for (int i = 0; i < lengthof(server_controls); i++)
		tier_control_register(&server_controls[i]);
}
