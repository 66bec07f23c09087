/*-------------------------------------------------------------------------
 *
 * setting_change.h
 *		Records changes of settings that a session may change itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SETTING_CHANGE_H
#define PG_DATACLASS_SETTING_CHANGE_H

/*
 * From the assign hook of such a setting, before the variable moves.  Records
 * a change by somebody's doing; raises if that is impossible.
 */
extern void setting_assigned(const char *name, const char *oldval, const char *newval);

/* "Setting n changed from 'a' to 'b' for the session."; palloc'd. */
extern char *setting_change_text(const char *name, const char *oldval, const char *newval, const char *scope);

#endif							/* PG_DATACLASS_SETTING_CHANGE_H */
