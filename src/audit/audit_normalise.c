/*-------------------------------------------------------------------------
 *
 * audit_normalise.c
 *		The statement as the trail may keep it: without any constant.
 *
 * Uses the server's own scanner, so that whatever the server takes for a
 * literal is one here.  Every literal and parameter becomes "?", comments and
 * white space go.  Text that does not scan is not kept at all: what looks like
 * a word could be the tail of a password.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "mb/pg_wchar.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"

#define UNPARSED		"<unparsed>"
#define QUERY_SCAN_MAX	(64 * 1024)	/* a statement is judged by its start */

/* Token numbers that scanner.h promises, in its order, from 258. */
typedef enum CoreToken
{
	TOKEN_IDENT = 258,
	TOKEN_UIDENT,
	TOKEN_FCONST,
	TOKEN_SCONST,
	TOKEN_USCONST,
	TOKEN_BCONST,
	TOKEN_XCONST,
	TOKEN_OP,
	TOKEN_ICONST,
	TOKEN_PARAM,
	TOKEN_TYPECAST,
	TOKEN_DOT_DOT,
	TOKEN_COLON_EQUALS,
	TOKEN_EQUALS_GREATER,
	TOKEN_LESS_EQUALS,
	TOKEN_GREATER_EQUALS,
	TOKEN_NOT_EQUALS
} CoreToken;

/* Text of a token; buf holds one byte and a NUL. */
static const char *
token_text(int token, const core_YYSTYPE *value, char *buf)
{
	switch (token)
	{
		case TOKEN_IDENT:
		case TOKEN_UIDENT:
			return quote_identifier(value->str);
		case TOKEN_FCONST:
		case TOKEN_SCONST:
		case TOKEN_USCONST:
		case TOKEN_BCONST:
		case TOKEN_XCONST:
		case TOKEN_ICONST:
		case TOKEN_PARAM:
			return "?";
		case TOKEN_OP:
			return value->str;
		case TOKEN_TYPECAST:
			return "::";
		case TOKEN_DOT_DOT:
			return "..";
		case TOKEN_COLON_EQUALS:
			return ":=";
		case TOKEN_EQUALS_GREATER:
			return "=>";
		case TOKEN_LESS_EQUALS:
			return "<=";
		case TOKEN_GREATER_EQUALS:
			return ">=";
		case TOKEN_NOT_EQUALS:
			return "<>";
		default:
			break;
	}
	if (token < 256)
	{
		buf[0] = (char) token;
		buf[1] = '\0';
		return buf;
	}
	return value->keyword;
}

/* Is there a space between these two tokens? */
static bool
spaced(int previous, int token)
{
	if (previous == 0)
		return false;
	if (previous == '(' || previous == '[' || previous == '.' || previous == TOKEN_TYPECAST)
		return false;
	return !(token == ')' || token == ']' || token == '[' || token == ',' ||
			 token == ';' || token == '.' || token == TOKEN_TYPECAST);
}

static size_t
scan(const char *query, char *out, size_t size)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(query, &extra, &ScanKeywords, ScanKeywordTokens);
	size_t		len = 0;
	int			previous = 0;

	extra.escape_string_warning = false;
	for (;;)
	{
		core_YYSTYPE value = {0};
		YYLTYPE		location;
		char		buf[2];
		const char *text;
		size_t		text_len;
		int			token = core_yylex(&value, &location, scanner);

		if (token == 0)
			break;
		text = token_text(token, &value, buf);
		if (text == NULL)
			continue;
		text_len = strlen(text);
		if (spaced(previous, token) && len + 1 < size)
			out[len++] = ' ';
		if (text_len > size - len)
		{
			/* Full: keep whole characters of what still fits. */
			len += pg_mbcliplen(text, (int) text_len, (int) (size - len));
			break;
		}
		memcpy(out + len, text, text_len);
		len += text_len;
		previous = token;
	}
	scanner_finish(scanner);
	while (len > 0 && (out[len - 1] == ';' || out[len - 1] == ' '))
		len--;
	return len;
}

static size_t
unparsed(char *out, size_t size)
{
	size_t		len = Min(size, strlen(UNPARSED));

	/* not a C string: the caller adds the end */
	for (size_t i = 0; i < len; i++)
		out[i] = UNPARSED[i];
	return len;
}

size_t
audit_normalise(const char *query, char *out, size_t size)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext work = NULL;
	volatile size_t len = 0;

	if (strnlen(query, QUERY_SCAN_MAX + 1) > QUERY_SCAN_MAX)
		return unparsed(out, size);
	PG_TRY();
	{
		work = AllocSetContextCreate(caller, "dataclass statement", ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(work);
		len = scan(query, out, size);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		len = unparsed(out, size);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (work != NULL)
		MemoryContextDelete(work);
	return len;
}
