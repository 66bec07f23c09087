/*-------------------------------------------------------------------------
 *
 * atrest_probe.h
 *		What the probes of src/atrest/ share with each other and their tests.
 *
 * Everything declared here is pure with respect to PostgreSQL: it allocates
 * nothing from memory contexts, raises nothing and reads no setting.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_ATREST_PROBE_H
#define PG_DATACLASS_ATREST_PROBE_H

#include "pg_dataclass/atrest.h"

/* Values of statfs.f_type; the kernel sets them, no mounter can (9p apart). */
#define ATREST_MAGIC_EXT		0x0000ef53	/* ext2, ext3 and ext4 */
#define ATREST_MAGIC_XFS		0x58465342
#define ATREST_MAGIC_F2FS		0xf2f52010
#define ATREST_MAGIC_UBIFS		0x24051905
#define ATREST_MAGIC_CEPH		0x00c36400
#define ATREST_MAGIC_BTRFS		0x9123683e
#define ATREST_MAGIC_FUSE		0x65735546
#define ATREST_MAGIC_OVERLAY	0x794c7630
#define ATREST_MAGIC_ECRYPTFS	0x0000f15f

/* Fill *evidence; always true, so that a probe can end with it. */
extern bool evidence_set(Evidence *evidence, EvidenceVerdict verdict, int grade,
						 const char *mechanism, const char *fmt,...) __attribute__((format(printf, 5, 6)));

/* "unknown", "plain", "encrypted" */
extern const char *evidence_verdict_name(EvidenceVerdict verdict);

/* Copy with everything replaced that is not printable ASCII, for details. */
extern void atrest_printable(char *dst, size_t size, const char *src);

/* statfs.f_type of a path; false if the file system does not answer. */
extern bool atrest_fs_magic(const char *path, uint32 *magic);

/* atrest_mountinfo.c */
typedef struct MountEntry
{
	uint64		id;
	unsigned int dev_major;
	unsigned int dev_minor;
	bool		side_devices;	/* the options name further devices */
	char		fstype[64];
	char		source[256];	/* cut if longer: for details only */
	char		mount_point[4096];
} MountEntry;

typedef enum MountLookup
{
	MOUNT_FOUND,
	MOUNT_NONE,
	MOUNT_MALFORMED				/* unreadable table: nothing may be concluded */
} MountLookup;

/*
 * The mount that path lies on, out of the text of a mountinfo file.  mount_id
 * 0: unknown.  Any malformed line spoils the whole table.
 */
extern MountLookup mountinfo_find(const char *text, size_t len, const char *path,
								  uint64 mount_id, MountEntry *entry);
/* The same for the path and the file of a context. */
extern MountLookup mountinfo_lookup(const ProbeContext *context, MountEntry *entry);

/* probe_dmcrypt.c: the verdict on one block device; false: no crypt device anywhere. */
extern bool dmcrypt_look_device(const char *sysfs_root, unsigned int dev_major,
								unsigned int dev_minor, Evidence *evidence);

/* probe_fscrypt.c: the verdict on what the kernel answered. */
typedef struct FscryptAnswer
{
	uint32		magic;			/* statfs.f_type */
	int			policy_errno;	/* 0: policy is valid */
	int			policy_version; /* 0 (v1) or 2 */
	int			contents_mode;
	int			key_errno;		/* 0: key_status is valid */
	int			key_status;		/* 1 absent, 2 present, 3 incompletely removed */
} FscryptAnswer;

extern bool fscrypt_judge(const FscryptAnswer *answer, Evidence *evidence);

/* probe_fstype.c: the verdict on a mount and the numbers that go with it. */
extern void fstype_judge(const MountEntry *mount, uint32 magic, unsigned int dev_major,
						 unsigned int dev_minor, Evidence *evidence);

/* probe_swap.c: context->path is not used.  False: memory that is written nowhere. */
extern bool swap_probe_look(const ProbeContext *context, const char *name, bool is_file,
							Evidence *evidence);

extern bool fscrypt_probe_look(const ProbeContext *context, Evidence *evidence);
extern bool dmcrypt_probe_look(const ProbeContext *context, Evidence *evidence);
extern bool fstype_probe_look(const ProbeContext *context, Evidence *evidence);

#endif							/* PG_DATACLASS_ATREST_PROBE_H */
