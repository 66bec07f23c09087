/*-------------------------------------------------------------------------
 *
 * notice_expand.c
 *		Placeholders of dataclass.breach_command.
 *
 * Nothing but numbers and names of the shape of class names gets into the
 * command line: everything else a hostile person may have named.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/notice.h"

static bool
harmless(const char *name)
{
	return name != NULL && name[0] >= 'a' && name[0] <= 'z' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/*
 * notice_expand_command
 *		%i: incident, 0 if there is none; %c: class, "none"; %%: a percent sign.
 *		Other percent signs stay, as in archive_command.
 */
void
notice_expand_command(StringInfo out, const char *command, int64 incident, const char *class)
{
	for (const char *at = command; *at; at++)
	{
		if (at[0] == '%' && at[1] == 'i')
			appendStringInfo(out, "%lld", (long long) incident);
		else if (at[0] == '%' && at[1] == 'c')
			appendStringInfoString(out, harmless(class) ? class : "none");
		else if (at[0] == '%' && at[1] == '%')
			appendStringInfoChar(out, '%');
		else
		{
			appendStringInfoChar(out, *at);
			continue;
		}
		at++;
	}
}
