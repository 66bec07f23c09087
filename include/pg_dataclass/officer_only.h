/*-------------------------------------------------------------------------
 *
 * officer_only.h
 *		Refusal of functions that are for officers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_OFFICER_ONLY_H
#define PG_DATACLASS_OFFICER_ONLY_H

/* Raises 42501, recorded, unless an officer calls; function without its schema, detail a sentence. */
extern void officer_only(const char *function, const char *detail);

#endif							/* PG_DATACLASS_OFFICER_ONLY_H */
