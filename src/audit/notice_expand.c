/*-------------------------------------------------------------------------
 *
 * notice_expand.c
 *		Placeholders of dataclass.breach_command.
 *
 * %i: incident, 0 if there is none; %c: class, "none"; %%: a percent sign.
 * Other percent signs stay, as in archive_command.  Nothing but numbers and
 * names of the shape of class names gets into the command line: everything else
 * a hostile person may have named.
 *
 * Pure: needs nothing of PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/notice_expand.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct Out
{
	char	   *text;
	size_t		size;
	size_t		len;
} Out;

static void
put(Out *out, char c)
{
	if (out->len + 1 < out->size)
	{
		out->text[out->len] = c;
		out->text[out->len + 1] = '\0';
	}
	out->len++;
}

static void
put_all(Out *out, const char *text)
{
	while (*text)
		put(out, *text++);
}

static bool
harmless(const char *name)
{
	return name != NULL && name[0] >= 'a' && name[0] <= 'z' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/*
 * notice_expand_command
 */
size_t
notice_expand_command(char *out, size_t size, const char *command, int64_t incident, const char *class)
{
	Out			o = {out, size, 0};
	char		number[32];

	if (size > 0)
		out[0] = '\0';
	snprintf(number, sizeof(number), "%lld", (long long) incident);
	for (const char *at = command; *at; at++)
	{
		if (at[0] == '%' && at[1] == 'i')
			put_all(&o, number);
		else if (at[0] == '%' && at[1] == 'c')
			put_all(&o, harmless(class) ? class : "none");
		else if (at[0] == '%' && at[1] == '%')
			put(&o, '%');
		else
		{
			put(&o, *at);
			continue;
		}
		at++;
	}
	return o.len;
}
