/*-------------------------------------------------------------------------
 *
 * profile_impact.h
 *		What a profile would do to data, labels and clearances that exist.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PROFILE_IMPACT_H
#define PG_DATACLASS_PROFILE_IMPACT_H

#include "pg_dataclass/profile.h"

typedef enum ProfileImpactKind
{
	IMPACT_BELOW_TIER,			/* below its tier: data lie where their class may not be */
	IMPACT_CLASS_UNKNOWN,		/* class unknown: a label or clearance names a class that goes */
	IMPACT_ROWS_UNKNOWN,		/* row labels unknown: rows have labels of such a class */
	IMPACT_ORDER				/* order changes: a class stands higher or lower than another than before */
} ProfileImpactKind;

typedef struct ProfileImpact
{
	ProfileImpactKind kind;
	Oid			class_id;
	Oid			object_id;
	int32		object_subid;
	const char *object_type;
	const char *identity;
	const char *label;
	const char *required;
	const char *found;
	const char *reason;
} ProfileImpact;

extern const char *profile_impact_name(ProfileImpactKind kind);

/* List of ProfileImpact *; changes nothing.  before: the policy tables as they are. */
extern List *profile_impact(const Profile *before, const Profile *after);

#endif							/* PG_DATACLASS_PROFILE_IMPACT_H */
