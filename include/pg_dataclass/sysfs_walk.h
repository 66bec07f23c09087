/*-------------------------------------------------------------------------
 *
 * sysfs_walk.h
 *		Walk from a block device down to the disks below it.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_SYSFS_WALK_H
#define PG_DATACLASS_SYSFS_WALK_H

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

#endif							/* PG_DATACLASS_SYSFS_WALK_H */
