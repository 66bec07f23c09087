/*-------------------------------------------------------------------------
 *
 * guc.c
 *		Settings of the policy, the reference monitor and the at-rest part.
 *
 * Settings of the audit module are defined by audit_init().  What switches
 * protection off comes from the configuration file only (PGC_SIGHUP): a role
 * that can run SQL must not be able to SET it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/init.h"
#include "pg_dataclass/policy.h"
#include "pg_dataclass/setting_change.h"
#include "pg_dataclass/subject.h"

int			guc_enforcement = ENFORCEMENT_ENFORCING;
int			guc_session_tier_enforcement = ENFORCEMENT_ENFORCING;
int			guc_at_rest_enforcement = ENFORCEMENT_ENFORCING;
bool		guc_superuser_is_officer = true;
char	   *guc_session_ceiling = NULL;
char	   *guc_sysfs_root = NULL;
char	   *guc_trust_anchors = NULL;

static const struct config_enum_entry enforcement_options[] = {
	{"enforcing", ENFORCEMENT_ENFORCING, false},
	{"permissive", ENFORCEMENT_PERMISSIVE, false},
	{"off", ENFORCEMENT_OFF, false},
	{NULL, 0, false}
};

/* Grammar only: settings are read where there is no catalog yet. */
static bool
check_label(char **newval, void **extra, GucSource source)
{
	Label		label;
	LabelError	error;

	if (*newval == NULL || (*newval)[0] == '\0')
		return true;
	if (label_parse(*newval, strlen(*newval), &label, &error))
		return true;
	GUC_check_errdetail("Label is malformed at byte %d: %s.", error.position, error.message);
	GUC_check_errhint("Give a label such as \"restricted:health\", or an empty string for none.");
	return false;
}

static void
assign_session_ceiling(const char *newval, void *extra)
{
	setting_assigned("dataclass.session_ceiling", guc_session_ceiling, newval);
	subject_invalidate();
}

static void
assign_row_label(const char *newval, void *extra)
{
	setting_assigned("dataclass.row_label", guc_row_label, newval);
	session_row_label_changed();
}

static void
assign_mode(int newval, void *extra)
{
	subject_invalidate();
}

static void
assign_bool(bool newval, void *extra)
{
	subject_invalidate();
}

void
guc_init(void)
{
	DefineCustomEnumVariable("dataclass.enforcement",
							 "Sets whether labels are enforced: enforcing, permissive (record and allow) or off.",
							 "Only from the configuration file; every change is an event in the audit trail.",
							 &guc_enforcement, ENFORCEMENT_ENFORCING, enforcement_options,
							 PGC_SIGHUP, 0, NULL, assign_mode, NULL);
	DefineCustomEnumVariable("dataclass.session_tier_enforcement",
							 "Sets whether the tier of the session is enforced.",
							 NULL,
							 &guc_session_tier_enforcement, ENFORCEMENT_ENFORCING, enforcement_options,
							 PGC_SIGHUP, 0, NULL, assign_mode, NULL);
	DefineCustomEnumVariable("dataclass.at_rest_enforcement",
							 "Sets whether encryption at rest is enforced.",
							 NULL,
							 &guc_at_rest_enforcement, ENFORCEMENT_ENFORCING, enforcement_options,
							 PGC_SIGHUP, 0, NULL, assign_mode, NULL);
	DefineCustomBoolVariable("dataclass.superuser_is_officer",
							 "Lets superusers act as security officers; what they do is recorded either way.",
							 NULL,
							 &guc_superuser_is_officer, true,
							 PGC_SIGHUP, 0, NULL, assign_bool, NULL);
	DefineCustomStringVariable("dataclass.session_ceiling",
							   "Label above which this session sees nothing; can only narrow the clearance.",
							   NULL,
							   &guc_session_ceiling, "",
							   PGC_USERSET, 0,
							   check_label, assign_session_ceiling, NULL);
	DefineCustomStringVariable("dataclass.row_label",
							   "Label that dataclass.row_label() gives to new rows.",
							   "Empty: the highest label of the session, if that is one.",
							   &guc_row_label, "",
							   PGC_USERSET, 0,
							   check_label, assign_row_label, NULL);
	DefineCustomStringVariable("dataclass.trust_anchors",
							   "Directory of the public keys whose signatures under attestations and profiles count.",
							   "Keys are attestation/NAME.pem and profile/NAME.pem; the server must not be able to write there.",
							   &guc_trust_anchors, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable("dataclass.sysfs_root",
							   "Directory where the kernel's sysfs is mounted, read by the dm-crypt probe.",
							   NULL,
							   &guc_sysfs_root, "/sys",
							   PGC_POSTMASTER, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}
