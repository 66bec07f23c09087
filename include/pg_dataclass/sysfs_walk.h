/*-------------------------------------------------------------------------
 *
 * sysfs_walk.h
 *		Walk from a block device down to the disks below it.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SYSFS_WALK_H
#define PG_DATACLASS_SYSFS_WALK_H

#include "c.h"

#define SYSFS_WALK_MAX_DEPTH	16
#define SYSFS_WALK_MAX_VISITS	512
#define SYSFS_WALK_MAX_PATH		4096	/* PATH_MAX, what realpath() fills */

/* From worst to best: of several legs the least counts. */
typedef enum SysfsWalkResult
{
	SYSFS_WALK_PLAIN,			/* some leaf is reached without a crypt device */
	SYSFS_WALK_UNKNOWN,			/* some part could not be seen */
	SYSFS_WALK_SUSPENDED,		/* all pass a crypt device, some of them suspended */
	SYSFS_WALK_LIVE				/* all pass a crypt device that is in use */
} SysfsWalkResult;

typedef struct SysfsWalk
{
	char		root[SYSFS_WALK_MAX_PATH];	/* without symbolic links */
	int			visits;
	int			depth;
	struct
	{
		unsigned long long dev;
		unsigned long long ino;
	}			chain[SYSFS_WALK_MAX_DEPTH];	/* devices being walked */
	bool		crypt_seen;		/* some device has to do with dm-crypt */
	bool		has_why;
	SysfsWalkResult why_result; /* the result that why explains */
	char		why[200];		/* one sentence */
	bool		unknown_seen;	/* some leg could not be followed to its end */

	/*
	 * Set after sysfs_walk_begin() to be shown every disk: a directory below
	 * the root.  The walk does not end at crypt devices then, so that its
	 * result says nothing about them.
	 */
	void		(*leaf) (const char *dir, void *arg);
	void	   *leaf_arg;
} SysfsWalk;

/* False (and why is set) if the root cannot be resolved. */
extern bool sysfs_walk_begin(SysfsWalk *walk, const char *sysfs_root);
/* May be called for several devices of one file system. */
extern SysfsWalkResult sysfs_walk_number(SysfsWalk *walk, unsigned int dev_major,
										 unsigned int dev_minor);

/* Is this the dm/uuid of a dm-crypt mapping that encrypts? */
extern bool sysfs_uuid_encrypts(const char *uuid);

/* sysfs_attr.c: paths are of SYSFS_WALK_MAX_PATH bytes */
typedef enum SysfsAttr
{
	ATTR_OK,
	ATTR_ABSENT,
	ATTR_BAD
} SysfsAttr;

typedef enum SysfsZram
{
	ZRAM_NOT,					/* another kind of device */
	ZRAM_MEMORY,				/* writes nowhere */
	ZRAM_BACKED,				/* writes to a device too */
	ZRAM_UNKNOWN
} SysfsZram;

extern bool sysfs_join(char *out, const char *dir, const char *name);
extern bool sysfs_exists(const char *dir, const char *name);
extern bool sysfs_resolve(const char *root, const char *path, char *out);
extern bool sysfs_text(char *buf, size_t len);
extern SysfsAttr sysfs_read(const char *dir, const char *name, char *buf, size_t size);
extern bool sysfs_number(const char *text, unsigned int *dev_major, unsigned int *dev_minor);
extern SysfsZram sysfs_zram(const char *sysfs_root, unsigned int dev_major,
							unsigned int dev_minor, char *backing);

#endif							/* PG_DATACLASS_SYSFS_WALK_H */
