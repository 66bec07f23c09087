/*-------------------------------------------------------------------------
 *
 * probe_fstype.c
 *		The last word: what kind of file system is this?
 *
 * Comes after the probes that can see encryption, so a block file system that
 * reaches this one is plain as far as the kernel knows.  The name of the type
 * is the kernel's, except for what follows "fuse.", which is the mounter's:
 * encrypting FUSE file systems are a declaration and no more.  Everything
 * else is unknown, never encrypted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"

typedef enum FsKind
{
	FS_BLOCK,					/* plain unless a probe before saw encryption */
	FS_DECLARED,				/* says of itself that it encrypts */
	FS_UNSEEN					/* data go where nobody here can look */
} FsKind;

typedef struct FsType
{
	const char *name;
	FsKind		kind;
	uint32		magic;			/* must be seen too, if not 0 */
	const char *remark;
} FsType;

static const FsType fs_types[] = {
	{"ext2", FS_BLOCK, ATREST_MAGIC_EXT, NULL},
	{"ext3", FS_BLOCK, ATREST_MAGIC_EXT, NULL},
	{"ext4", FS_BLOCK, ATREST_MAGIC_EXT, NULL},
	{"xfs", FS_BLOCK, ATREST_MAGIC_XFS, NULL},
	{"f2fs", FS_BLOCK, ATREST_MAGIC_F2FS, NULL},
	{"jfs", FS_BLOCK, 0, NULL},
	{"reiserfs", FS_BLOCK, 0, NULL},
	{"nilfs2", FS_BLOCK, 0, NULL},
	{"fuse.gocryptfs", FS_DECLARED, ATREST_MAGIC_FUSE, NULL},
	{"fuse.cryfs", FS_DECLARED, ATREST_MAGIC_FUSE, NULL},
	{"fuse.encfs", FS_DECLARED, ATREST_MAGIC_FUSE, NULL},
	{"fuse.securefs", FS_DECLARED, ATREST_MAGIC_FUSE, NULL},
	{"ecryptfs", FS_DECLARED, ATREST_MAGIC_ECRYPTFS, NULL},
	{"tmpfs", FS_UNSEEN, 0, "it lies in memory and goes where swap goes"},
	{"ramfs", FS_UNSEEN, 0, "it lies in memory"},
	{"nfs", FS_UNSEEN, 0, "its server decides"},
	{"nfs4", FS_UNSEEN, 0, "its server decides"},
	{"cifs", FS_UNSEEN, 0, "its server decides"},
	{"smb3", FS_UNSEEN, 0, "its server decides"},
	{"9p", FS_UNSEEN, 0, "its host decides"},
	{"virtiofs", FS_UNSEEN, 0, "its host decides"},
	{"ceph", FS_UNSEEN, 0, "its cluster decides"},
	{"overlay", FS_UNSEEN, 0, "its layers cannot be seen"},
	{"zfs", FS_UNSEEN, 0, "it keeps its own keys and has no stable interface to ask"},
	{"btrfs", FS_UNSEEN, 0, "its devices cannot be seen"},
	{NULL, FS_UNSEEN, 0, NULL}
};

static const FsType *
fs_type_by_name(const char *name)
{
	for (const FsType *type = fs_types; type->name != NULL; type++)
	{
		if (strcmp(type->name, name) == 0)
			return type;
	}
	return NULL;
}

static bool
unknown(Evidence *evidence, const char *mechanism, const char *detail)
{
	return evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, mechanism, "%s", detail);
}

/*
 * fstype_judge
 *		Evidence from the entry in the table of mounts and what stat() and
 *		statfs() said.
 */
void
fstype_judge(const MountEntry *mount, uint32 magic, unsigned int dev_major,
			 unsigned int dev_minor, Evidence *evidence)
{
	const FsType *type = fs_type_by_name(mount->fstype);
	char		name[32];
	char		source[64];

	atrest_printable(name, sizeof(name), mount->fstype);
	atrest_printable(source, sizeof(source), mount->source);
	if (type == NULL)
		evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, name,
					 "The file system is %s on %s, of which nothing is known.", name, source);
	else if (type->magic != 0 && type->magic != magic)
		evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, name,
					 "The table of mounts says %s, but the file system is another (0x%x).",
					 name, magic);
	else
	{
		switch (type->kind)
		{
			case FS_BLOCK:
				if (dev_major == 0)
					evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, name,
								 "The file system is %s without a block device.", name);
				else
					evidence_set(evidence, EVIDENCE_PLAIN, EVIDENCE_GRADE_KERNEL, name,
								 "The file system is %s on %s (%u:%u) without encryption "
								 "that the kernel knows of.", name, source, dev_major, dev_minor);
				break;
			case FS_DECLARED:
				evidence_set(evidence, EVIDENCE_ENCRYPTED, EVIDENCE_GRADE_DECLARED, name,
							 "The file system calls itself %s, which encrypts; the kernel "
							 "cannot confirm it.", name);
				break;
			case FS_UNSEEN:
				evidence_set(evidence, EVIDENCE_UNKNOWN, EVIDENCE_GRADE_UNKNOWN, name,
							 "The file system is %s: %s.", name, type->remark);
				break;
		}
	}
}

/*
 * fstype_probe_look
 *		Always has an answer.
 */
bool
fstype_probe_look(const ProbeContext *context, Evidence *evidence)
{
	MountEntry	mount;
	struct stat st;
	uint32		magic;

	if (stat(context->path, &st) != 0 || !atrest_fs_magic(context->path, &magic))
		return unknown(evidence, "none", "The directory cannot be looked at.");
	if (mountinfo_lookup(context, &mount) != MOUNT_FOUND)
		return unknown(evidence, "none", "The table of mounts cannot be read.");
	fstype_judge(&mount, magic, major(st.st_dev), minor(st.st_dev), evidence);
	return true;
}
