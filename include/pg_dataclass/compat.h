/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Every difference between PostgreSQL majors, and nothing else.
 *
 * This is the only file that may mention PG_VERSION_NUM.  Wrappers carry the
 * newest signature, so that callers read the same on every major.  Include
 * after postgres.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_COMPAT_H
#define PG_DATACLASS_COMPAT_H

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 190000
#error "pg_dataclass supports PostgreSQL 14 to 18"
#endif

/*
 * Up to 15 PGDLLEXPORT is empty, so -fvisibility=hidden would hide the magic
 * function and every SQL-callable function.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#endif							/* PG_DATACLASS_COMPAT_H */
