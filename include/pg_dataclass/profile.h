/*-------------------------------------------------------------------------
 *
 * profile.h
 *		Policy profiles: one JSON document with classes, tiers and their
 *		controls, settings and disclosure windows.
 *
 * All structures are palloc'd in the caller's context and not changed once
 * they are made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PROFILE_H
#define PG_DATACLASS_PROFILE_H

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "pg_dataclass/policy.h"
#include "pg_dataclass/signature.h"

#define PROFILE_FORMAT			"pg_dataclass-profile-1"

#define PROFILE_MAX_BYTES		(256 * 1024)
#define PROFILE_MAX_MEMBERS		256 /* of one JSON object */
#define PROFILE_MAX_SOURCES		64
#define PROFILE_MAX_TIERS		32
#define PROFILE_MAX_CONTROLS	64	/* of one tier */
#define PROFILE_MAX_CLASSES		64
#define PROFILE_MAX_WINDOWS		256
#define PROFILE_MAX_PLACES		64	/* hosting models, or regions, of one class */
#define PROFILE_MAX_RANK		1000000
#define PROFILE_MAX_WINDOW		315360000	/* seconds: ten years of 365 days */
#define PROFILE_MAX_TEXT		2000	/* characters of titles, descriptions, notes */
#define PROFILE_MAX_WORD		200 /* characters of requirements, recipients */

/* Members that a document may leave out are NULL. */
typedef struct ProfileSource
{
	char	   *title;
	char	   *url;
	char	   *citation;
	char	   *date;
	char	   *note;
} ProfileSource;

typedef struct ProfileControl
{
	char	   *control;
	char	   *requirement;
} ProfileControl;

typedef struct ProfileTier
{
	char	   *name;
	int			rank;
	char	   *description;
	List	   *controls;		/* ProfileControl *, by name */
} ProfileTier;

typedef struct ProfileClass
{
	char	   *name;
	int			rank;
	char	   *required_tier;
	List	   *hosting_models; /* char * */
	List	   *regions;		/* char * */
	char	   *read_audit;
	bool		read_audit_acknowledged;
	bool		superuser_audit;
	int			min_evidence;
	char	   *on_violation;
	char	   *description;
} ProfileClass;

typedef struct ProfileWindow
{
	char	   *class_name;
	char	   *recipient;
	int64		within_seconds;
	char	   *description;
} ProfileWindow;

typedef struct Profile
{
	char	   *name;
	char	   *version;
	char	   *title;
	char	   *description;
	List	   *sources;		/* ProfileSource *, as given */
	char	   *default_clearance;	/* "": none */
	char	   *unlabelled;
	List	   *tiers;			/* ProfileTier *, by rank */
	List	   *classes;		/* ProfileClass *, by rank */
	List	   *windows;		/* ProfileWindow *, by class name and recipient */
} Profile;

/* One member of one thing that differs; before or after is NULL where there is none. */
typedef struct ProfileDifference
{
	const char *object;			/* "class secret", "tier highest", "setting unlabelled", ... */
	const char *member;			/* "rank", "control transport", ... */
	const char *before;
	const char *after;
} ProfileDifference;

/* A row of dataclass.profile_version. */
typedef struct ProfileVersion
{
	int			serial;
	char	   *name;
	char	   *version;
	TimestampTz loaded_at;
	char	   *loaded_by;
	char	   *document;
	bytea	   *signature;		/* NULL: none */
	char	   *key_id;
} ProfileVersion;

/* ---- profile_json.c: reading members of the document, strictly ---- */

struct JsonbValue;

typedef struct ProfileNode
{
	struct JsonbValue *value;
	char	   *path;			/* "$.classes[2]" */
} ProfileNode;

typedef enum ProfileWord
{
	PROFILE_WORD_CLASS,			/* [a-z][a-z0-9_-]{0,62} */
	PROFILE_WORD_CONTROL,		/* [a-z][a-z0-9_]{0,62} */
	PROFILE_WORD_HOSTING,		/* [a-z][a-z0-9-]{0,30} */
	PROFILE_WORD_REGION,		/* [A-Z]{2} */
	PROFILE_WORD_VERSION,		/* numbers with dots */
	PROFILE_WORD_DATE			/* YYYY, YYYY-MM or YYYY-MM-DD */
} ProfileWord;

extern void profile_fail(const char *path, const char *fmt,...) pg_attribute_printf(2, 3) pg_attribute_noreturn();
extern void profile_limit(const char *path, const char *what, int limit) pg_attribute_noreturn();
extern ProfileNode profile_json(const char *document, size_t len);
/* Refuse what is no object, or has members that are not in the list (ends with NULL). */
extern void profile_object(const ProfileNode *node, const char *const *known);
extern bool profile_member(const ProfileNode *node, const char *name, ProfileNode *member);
extern char *profile_text(const ProfileNode *node, const char *name, bool required, int least, int most);
extern char *profile_word(const ProfileNode *node, const char *name, bool required, ProfileWord kind);
extern int	profile_int(const ProfileNode *node, const char *name, int least, int most);
extern bool profile_flag(const ProfileNode *node, const char *name);	/* false where it is missing */
extern char *profile_choice(const ProfileNode *node, const char *name, const char *const *choices);
/* Elements of an array, or of an object in the order of its keys, as ProfileNode *. */
extern List *profile_elements(const ProfileNode *node, const char *name, bool required, int most);
extern List *profile_words(const ProfileNode *node, const char *name, int most, ProfileWord kind);
extern List *profile_pairs(const ProfileNode *node, const char *name, int most);	/* ProfileControl * */
extern bool profile_is_word(const char *text, ProfileWord kind);

/* ---- profile_document.c ---- */

/* Raises 22023 with the JSON path, 54000 for limits, core's errors for what is no JSON. */
extern Profile *profile_parse(const char *document, size_t len);
/* -1, 0, 1; both must be words of kind PROFILE_WORD_VERSION. */
extern int	profile_compare_versions(const char *a, const char *b);

/* ---- profile_text.c ---- */

extern char *profile_canonical(const Profile *profile);
extern List *profile_differences(const Profile *before, const Profile *after);
extern Datum profile_differences_jsonb(const List *differences);

/* ---- profile_tables.c ---- */

/* What the policy tables say now; what they do not hold is taken from the last version of that name. */
extern Profile *profile_present(void);
/* Write it to the policy tables through their triggers. */
extern void profile_apply(const Profile *before, const Profile *after);
/* A snapshot that judges by the profile; compartments and schemas are those of the current policy. */
extern PolicySnapshot *profile_snapshot(const Profile *profile);

/* ---- profile_version.c ---- */

extern Oid	profile_table(const char *name);	/* raises if it is not there */
extern void profile_lock_tables(void);	/* no other change of the policy until the end of the transaction */
extern List *profile_versions(void);	/* ProfileVersion *, oldest first */
extern int	profile_version_add(const Profile *profile, const char *document, size_t len, bytea *signature,
								const char *key_id, bool forced, Datum difference);

/* ---- profile_guard.c ---- */

extern bool guc_require_signed_policy;
extern void profile_init(void);
/* Refuse writes that the policy tables, or the versions, do not take; for check_perms and TRUNCATE. */
extern void profile_guard_write(Oid relid, const char *command);
/* Run one statement that writes to a policy table, past the guard. */
extern void profile_execute(const char *table, const char *query, int nargs, Oid *types, Datum *values);
/* Raise and record a refusal to load a profile. */
extern void profile_refuse(int sqlstate, bool breach, const char *rule, const char *message, const char *detail,
						   const char *hint) pg_attribute_noreturn();
/* The signature over the document's bytes; raises unless it is good, or absent and not required. */
extern const char *profile_check_signature(const char *document, size_t len, bytea *signature);

/* ---- profile_shipped.c ---- */

extern char *profile_shipped(const char *name);	/* raises 42704, 22023 */

#endif							/* PG_DATACLASS_PROFILE_H */
