/*-------------------------------------------------------------------------
 *
 * postgres.h
 *		Stands in for the server's header where the pure modules are built
 *		without PostgreSQL: what they use of it is what libc has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef DATACLASS_STANDALONE_POSTGRES_H
#define DATACLASS_STANDALONE_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#endif							/* DATACLASS_STANDALONE_POSTGRES_H */
