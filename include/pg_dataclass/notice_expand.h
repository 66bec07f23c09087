/*-------------------------------------------------------------------------
 *
 * notice_expand.h
 *		Placeholders of dataclass.breach_command.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_NOTICE_EXPAND_H
#define PG_DATACLASS_NOTICE_EXPAND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the command into out, NUL-terminated and cut to size; returns its whole
 * length.  class: NULL if there is none.
 */
extern size_t notice_expand_command(char *out, size_t size, const char *command, int64_t incident, const char *class);

#endif							/* PG_DATACLASS_NOTICE_EXPAND_H */
