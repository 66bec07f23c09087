/*-------------------------------------------------------------------------
 *
 * pg_dataclass.h
 *		Public interface of pg_dataclass for other extensions.
 *
 * The only installed header.  Nothing is exported to other libraries yet
 * besides the SQL functions; the version lets a build notice which it has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_H
#define PG_DATACLASS_H

/* Name of the security label provider, as in SECURITY LABEL FOR. */
#define PG_DATACLASS_LABEL_PROVIDER "dataclass"

#endif							/* PG_DATACLASS_H */
