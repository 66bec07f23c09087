/*-------------------------------------------------------------------------
 *
 * atrest_mountinfo.c
 *		Which mount does a path lie on, and of which type is it?
 *
 * Parses /proc/<pid>/mountinfo, described in proc(5).  Sources, options and
 * the subtype after "fuse." are the mounter's words and are treated as
 * hostile; so is the rest.  A line that the kernel would not write spoils
 * the whole table instead of being skipped: it might be the very mount that
 * hides the one found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg_dataclass/compat.h"
#include "pg_dataclass/atrest_probe.h"

#define MOUNTINFO_MAX_BYTES		(16 * 1024 * 1024)
#define MOUNTINFO_FIRST_BYTES	(64 * 1024)

/* One field of a line: bytes between single spaces, possibly none. */
typedef struct Field
{
	const char *start;
	size_t		len;
} Field;

/* Take the next field of [*pos, end); false when the line is used up. */
static bool
next_field(const char **pos, const char *end, Field *field)
{
	const char *stop;

	if (*pos == NULL)
		return false;
	stop = memchr(*pos, ' ', end - *pos);
	field->start = *pos;
	field->len = (stop ? stop : end) - *pos;
	*pos = stop ? stop + 1 : NULL;
	return true;
}

/* Decimal number of at most 18 digits. */
static bool
parse_number(const char *start, size_t len, uint64 *out)
{
	uint64		value = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (start[i] < '0' || start[i] > '9')
			return false;
		value = value * 10 + (start[i] - '0');
	}
	*out = value;
	return true;
}

/* "MAJ:MIN" */
static bool
parse_device(const Field *field, unsigned int *dev_major, unsigned int *dev_minor)
{
	const char *colon = memchr(field->start, ':', field->len);
	uint64		major_number;
	uint64		minor_number;

	if (colon == NULL ||
		!parse_number(field->start, colon - field->start, &major_number) ||
		!parse_number(colon + 1, field->start + field->len - colon - 1, &minor_number) ||
		major_number > PG_UINT32_MAX || minor_number > PG_UINT32_MAX)
		return false;
	*dev_major = (unsigned int) major_number;
	*dev_minor = (unsigned int) minor_number;
	return true;
}

/*
 * Undo the kernel's \ooo escapes.  False for a malformed escape, or if the
 * text does not fit and may not be cut.
 */
static bool
unescape(const Field *field, char *dst, size_t size, bool may_cut)
{
	size_t		out = 0;

	for (size_t i = 0; i < field->len; i++)
	{
		unsigned char c = field->start[i];

		if (c == '\\')
		{
			unsigned int value = 0;

			if (field->len - i < 4)
				return false;
			for (int digit = 1; digit <= 3; digit++)
			{
				if (field->start[i + digit] < '0' || field->start[i + digit] > '7')
					return false;
				value = value * 8 + (field->start[i + digit] - '0');
			}
			if (value == 0 || value > 255)
				return false;
			c = (unsigned char) value;
			i += 3;
		}
		if (out + 1 >= size)
		{
			if (!may_cut)
				return false;
			break;
		}
		dst[out++] = (char) c;
	}
	dst[out] = '\0';
	return true;
}

/* Do the super block options name a log or real-time device (xfs)? */
static bool
options_name_devices(const Field *field)
{
	static const char *const names[] = {"logdev=", "rtdev=", NULL};
	const char *end = field->start + field->len;
	const char *pos = field->start;

	while (pos < end)
	{
		const char *comma = memchr(pos, ',', end - pos);
		size_t		len = (comma ? comma : end) - pos;

		for (int i = 0; names[i] != NULL; i++)
		{
			if (len >= strlen(names[i]) && memcmp(pos, names[i], strlen(names[i])) == 0)
				return true;
		}
		pos += len + 1;
	}
	return false;
}

/* Parse one line without its newline. */
static bool
parse_line(const char *line, size_t len, MountEntry *entry)
{
	const char *pos = line;
	const char *end = line + len;
	Field		field;
	uint64		parent;

	if (memchr(line, '\0', len) != NULL)
		return false;
	if (!next_field(&pos, end, &field) || !parse_number(field.start, field.len, &entry->id) ||
		!next_field(&pos, end, &field) || !parse_number(field.start, field.len, &parent) ||
		!next_field(&pos, end, &field) ||
		!parse_device(&field, &entry->dev_major, &entry->dev_minor) ||
		!next_field(&pos, end, &field) || field.len == 0 || /* root */
		!next_field(&pos, end, &field) ||
		!unescape(&field, entry->mount_point, sizeof(entry->mount_point), false) ||
		entry->mount_point[0] != '/' ||
		!next_field(&pos, end, &field) || field.len == 0)	/* options */
		return false;

	/* Optional fields up to a lone hyphen. */
	do
	{
		if (!next_field(&pos, end, &field))
			return false;
	} while (!(field.len == 1 && field.start[0] == '-'));

	if (!next_field(&pos, end, &field) || field.len == 0 ||
		!unescape(&field, entry->fstype, sizeof(entry->fstype), true) ||
		!next_field(&pos, end, &field) ||	/* source, may be empty */
		!unescape(&field, entry->source, sizeof(entry->source), true))
		return false;
	entry->side_devices = false;
	if (!next_field(&pos, end, &field) || field.len == 0)
		return false;
	entry->side_devices = options_name_devices(&field);
	return true;
}

/* Is path the mount point or below it? */
static bool
lies_below(const char *path, const char *mount_point)
{
	size_t		len = strlen(mount_point);

	while (len > 1 && mount_point[len - 1] == '/')
		len--;
	if (len == 1)
		return path[0] == '/';
	return strncmp(path, mount_point, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/*
 * mountinfo_find
 *
 * The longest mount point wins, of equal ones the last, which lies on top.
 * The mount's id settles it where it is known: a mount further down may be
 * hidden below one higher up in the tree.
 */
MountLookup
mountinfo_find(const char *text, size_t len, const char *path, uint64 mount_id, MountEntry *entry)
{
	MountEntry	current;
	size_t		best_len = 0;
	bool		settled = false;
	const char *pos = text;
	const char *end = text + len;

	memset(entry, 0, sizeof(*entry));
	while (pos < end)
	{
		const char *newline = memchr(pos, '\n', end - pos);

		if (newline == NULL || !parse_line(pos, newline - pos, &current))
			return MOUNT_MALFORMED;
		pos = newline + 1;
		if (settled || !lies_below(path, current.mount_point))
			continue;
		settled = (mount_id != 0 && current.id == mount_id);
		if (settled || strlen(current.mount_point) >= best_len)
		{
			best_len = strlen(current.mount_point);
			*entry = current;
		}
	}
	return best_len > 0 ? MOUNT_FOUND : MOUNT_NONE;
}

/* The whole file in malloc'd memory, or NULL. */
static char *
read_table(const char *path, size_t *len)
{
	size_t		size = MOUNTINFO_FIRST_BYTES;
	char	   *text = NULL;
	int			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*len = 0;
	if (fd < 0)
		return NULL;
	text = malloc(size);
	while (text != NULL)
	{
		ssize_t		got = read(fd, text + *len, size - *len);

		if (got == 0)
			break;
		if (got < 0)
		{
			if (errno == EINTR)
				continue;
			free(text);
			text = NULL;
			break;
		}
		*len += (size_t) got;
		if (*len == size)
		{
			char	   *larger = (size < MOUNTINFO_MAX_BYTES) ? realloc(text, size * 2) : NULL;

			if (larger == NULL)
				free(text);
			text = larger;
			size *= 2;
		}
	}
	close(fd);
	return text;
}

MountLookup
mountinfo_lookup(const ProbeContext *context, MountEntry *entry)
{
	MountLookup result;
	uint64		mount_id = 0;
	size_t		len;
	char	   *text;

#ifdef STATX_MNT_ID
	struct statx stx;

	if (statx(AT_FDCWD, context->path, 0, STATX_MNT_ID, &stx) == 0 &&
		(stx.stx_mask & STATX_MNT_ID) != 0)
		mount_id = stx.stx_mnt_id;
#endif

	text = read_table(context->mountinfo, &len);
	if (text == NULL)
		return MOUNT_MALFORMED;
	result = mountinfo_find(text, len, context->path, mount_id, entry);
	free(text);
	return result;
}
