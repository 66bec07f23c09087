/*-------------------------------------------------------------------------
 *
 * audit_statement.h
 *		Which words of a statement are values all the same.  Pure.
 *
 * Constants show by themselves.  Words do not where the grammar takes a word
 * for a value: SET name TO word, and the same within ALTER ROLE, DATABASE,
 * SYSTEM and of functions.  Needs nothing of PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DATACLASS_AUDIT_STATEMENT_H
#define PG_DATACLASS_AUDIT_STATEMENT_H

#include <stdbool.h>

typedef enum StatementTokenKind
{
	STATEMENT_WORD,				/* key word or identifier, as the server folds it */
	STATEMENT_CONSTANT,
	STATEMENT_SYMBOL			/* one character, or an operator */
} StatementTokenKind;

typedef enum StatementHead
{
	STATEMENT_BEGINS,
	STATEMENT_ALTER,
	STATEMENT_CREATE,
	STATEMENT_OTHER
} StatementHead;

typedef enum StatementPlace
{
	STATEMENT_ANYWHERE,
	STATEMENT_NAME,				/* after SET, before TO or = */
	STATEMENT_VALUE,			/* where a value has to come */
	STATEMENT_AFTER_VALUE
} StatementPlace;

/* All zeroes at the start of a text. */
typedef struct StatementFilter
{
	StatementHead head;
	StatementPlace place;
	int			words;			/* of this statement */
	bool		sets;			/* SET in it is about settings */
	bool		function;		/* more may follow a value */
	bool		after_time;		/* the last word was TIME */
} StatementFilter;

/* Tokens in their order; true: the token is a value and must not be shown. */
extern bool statement_is_value(StatementFilter *filter, StatementTokenKind kind, const char *text);

#endif							/* PG_DATACLASS_AUDIT_STATEMENT_H */
