/*-------------------------------------------------------------------------
 *
 * audit_statement.c
 *		Which words of a statement are values all the same.
 *
 * A small machine over the tokens of a text with any number of statements.  It
 * need not accept the language: where it is in doubt, a word is a value, and
 * what is lost is a word in a record.
 *
 * Pure: no PostgreSQL, no memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_statement.h"

static bool
is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* What kind of statement is it, and is SET in it about settings? */
static void
see_word(StatementFilter *filter, const char *text)
{
	static const char *const functions[] = {"function", "procedure", "routine", NULL};
	static const char *const others[] = {"role", "user", "group", "database", "system", NULL};

	filter->words++;
	switch (filter->head)
	{
		case STATEMENT_BEGINS:
			filter->head = strcmp(text, "alter") == 0 ? STATEMENT_ALTER :
				strcmp(text, "create") == 0 ? STATEMENT_CREATE : STATEMENT_OTHER;
			filter->sets = strcmp(text, "set") == 0;
			break;
		case STATEMENT_ALTER:
			if (filter->words == 2)
			{
				filter->function = is_one_of(text, functions);
				filter->sets = filter->function || is_one_of(text, others);
			}
			break;
		case STATEMENT_CREATE:
			/* OR REPLACE */
			if (filter->words <= 4 && is_one_of(text, functions))
				filter->sets = filter->function = true;
			break;
		case STATEMENT_OTHER:
			break;
	}
	if (filter->sets && strcmp(text, "set") == 0)
		filter->place = STATEMENT_NAME;
}

static bool
is_value_after_name(StatementFilter *filter, StatementTokenKind kind, const char *text)
{
	bool		is_word = kind == STATEMENT_WORD;

	if ((is_word && strcmp(text, "to") == 0) || (kind == STATEMENT_SYMBOL && strcmp(text, "=") == 0) ||
		(is_word && filter->after_time && strcmp(text, "zone") == 0))
		filter->place = STATEMENT_VALUE;
	else if (is_word && strcmp(text, "from") == 0)
		filter->place = STATEMENT_ANYWHERE;
	filter->after_time = is_word && strcmp(text, "time") == 0;
	return kind == STATEMENT_CONSTANT;
}

bool
statement_is_value(StatementFilter *filter, StatementTokenKind kind, const char *text)
{
	if (kind == STATEMENT_SYMBOL && strcmp(text, ";") == 0)
	{
		memset(filter, 0, sizeof(*filter));
		return false;
	}
	switch (filter->place)
	{
		case STATEMENT_ANYWHERE:
			break;
		case STATEMENT_NAME:
			return is_value_after_name(filter, kind, text);
		case STATEMENT_VALUE:
			if (kind == STATEMENT_SYMBOL)
				return false;
			filter->place = STATEMENT_AFTER_VALUE;
			return true;
		case STATEMENT_AFTER_VALUE:
			if (kind == STATEMENT_SYMBOL && strcmp(text, ",") == 0)
			{
				filter->place = STATEMENT_VALUE;
				return false;
			}
			/* nothing follows but parts of the value, as in INTERVAL '1' HOUR */
			if (!filter->function)
				return kind != STATEMENT_SYMBOL;
			filter->place = STATEMENT_ANYWHERE;
			break;
	}
	if (kind == STATEMENT_WORD)
		see_word(filter, text);
	return kind == STATEMENT_CONSTANT;
}
