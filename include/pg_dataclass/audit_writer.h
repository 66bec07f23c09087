/*-------------------------------------------------------------------------
 *
 * audit_writer.h
 *		What the files of the writer share: audit_writer.c, audit_begin.c and
 *		audit_import.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_WRITER_H
#define PG_DATACLASS_AUDIT_WRITER_H

#include "pg_dataclass/audit_internal.h"

extern TrailHead *writer_trail_head(void);

/* audit_begin.c: read the head, inside of a transaction; raises */
extern void writer_recover_head(TrailHead *head);
/* First record of a new trail, note about one that was tampered with or copied here. */
extern void writer_begin(void);
extern bool writer_found_tampering(void);

#endif							/* PG_DATACLASS_AUDIT_WRITER_H */
