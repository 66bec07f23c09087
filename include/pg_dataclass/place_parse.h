/*-------------------------------------------------------------------------
 *
 * place_parse.h
 *		Where swap, core dumps and the archive go, out of texts others wrote.
 *
 * Pure: no memory contexts, no ereport, no settings, no file is looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_PLACE_PARSE_H
#define PG_DATACLASS_PLACE_PARSE_H

#include "c.h"

#define PLACE_PARSE_PATH	4096

typedef struct SwapArea
{
	char		name[PLACE_PARSE_PATH]; /* escapes undone */
	bool		is_file;		/* else a block device */
} SwapArea;

typedef enum SwapLookup
{
	SWAP_AREA,
	SWAP_END,
	SWAP_MALFORMED				/* nothing may be concluded from the table */
} SwapLookup;

/*
 * The next area of the text of /proc/swaps.  *pos is 0 at first, and is moved
 * on.  The header has to be there.
 */
extern SwapLookup swaps_next(const char *text, size_t len, size_t *pos, SwapArea *area);

typedef enum CoreTarget
{
	CORE_DIRECTORY,				/* dir is it; "" is the process's own directory */
	CORE_PROGRAM,				/* handed to a program or a socket */
	CORE_UNKNOWN				/* the directory depends on the process, or the text is none */
} CoreTarget;

/* Text of /proc/sys/kernel/core_pattern. */
extern CoreTarget core_pattern_target(const char *text, size_t len, char *dir, size_t size);

typedef enum ArchiveTarget
{
	ARCHIVE_NOWHERE,			/* the command archives nothing */
	ARCHIVE_LOCAL,				/* dir: absolute, or relative to the data directory */
	ARCHIVE_UNKNOWN
} ArchiveTarget;

/*
 * Where does this archive_command put a segment?  *why is a sentence, never
 * with any part of the command in it, which may hold secrets.
 */
extern ArchiveTarget archive_command_target(const char *command, char *dir, size_t size,
											const char **why);

#endif							/* PG_DATACLASS_PLACE_PARSE_H */
