/*-------------------------------------------------------------------------
 *
 * mask_key.h
 *		Hashes of masked values (policy_mask_key.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_MASK_KEY_H
#define PG_DATACLASS_MASK_KEY_H

#include "pg_dataclass/mask.h"

#define MASK_HASH_DIGITS 64

/* HMAC-SHA-256 of the value under the key of this database; hex has room for MASK_HASH_DIGITS and a NUL. */
extern void mask_hash(const char *value, size_t len, char *hex);

#endif							/* PG_DATACLASS_MASK_KEY_H */
