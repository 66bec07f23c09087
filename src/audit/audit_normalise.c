/*-------------------------------------------------------------------------
 *
 * audit_normalise.c
 *		The statement as the trail may keep it: without any constant.
 *
 * Uses the server's own scanner, so that whatever the server takes for a
 * literal is one here.  Every literal and parameter becomes "?", and so do
 * words that are values (audit_statement.c); comments and white space go.
 * Text that does not scan is not kept at all: what looks like a word could be
 * the tail of a password.
 *
 * A backslash ends a literal or not, as standard_conforming_strings says - when
 * the text was parsed.  The setting may be another by now, also by a statement
 * of this very text.  Hence text with backslashes is scanned both ways.  The
 * server could parse it in the right way, so that a way which fails was not the
 * one; where both succeed they have to agree.
 *
 * Long texts are judged by their start.  What was read before the cut does not
 * depend on what comes after it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "pg_dataclass/compat.h"
#include "pg_dataclass/audit_internal.h"
#include "pg_dataclass/audit_statement.h"

extern PGDLLEXPORT Datum dc_audit_normalise(PG_FUNCTION_ARGS);
PGDLLEXPORT PG_FUNCTION_INFO_V1(dc_audit_normalise);

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

/* Text of a token before anything is left out of it; buf holds one byte and a NUL. */
static const char *
token_text(int token, const core_YYSTYPE *value, char *buf)
{
	switch (token)
	{
		case TOKEN_IDENT:
		case TOKEN_UIDENT:
			return value->str;
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

static StatementTokenKind
token_kind(int token)
{
	if (token == TOKEN_IDENT || token == TOKEN_UIDENT || token > TOKEN_NOT_EQUALS)
		return STATEMENT_WORD;
	if (token >= TOKEN_FCONST && token <= TOKEN_PARAM && token != TOKEN_OP)
		return STATEMENT_CONSTANT;
	return STATEMENT_SYMBOL;
}

/* Append a token's text; false when there is no more room. */
static bool
append_token(const char *text, bool space, char *out, size_t size, size_t *len)
{
	size_t		text_len = strlen(text);
	bool		fits;

	if (space && *len + 1 < size)
		out[(*len)++] = ' ';
	fits = text_len <= size - *len;
	/* keep whole characters of what still fits */
	if (!fits)
		text_len = pg_mbcliplen(text, (int) text_len, (int) (size - *len));
	for (size_t i = 0; i < text_len && text[i] != '\0'; i++)
		out[(*len)++] = text[i];
	return fits;
}

/* May raise; *len says what there is of it then. */
static void
scan(const char *query, bool conforming, char *out, size_t size, size_t *len)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(query, &extra, &ScanKeywords, ScanKeywordTokens);
	StatementFilter filter = {0};
	int			previous = 0;

	extra.escape_string_warning = false;
	extra.standard_conforming_strings = conforming;
	for (;;)
	{
		core_YYSTYPE value = {0};
		YYLTYPE		location;
		char		buf[2];
		const char *text;
		int			token = core_yylex(&value, &location, scanner);

		if (token == 0)
			break;
		text = token_text(token, &value, buf);
		if (text == NULL)
			continue;
		if (statement_is_value(&filter, token_kind(token), text))
			text = "?";
		else if (token == TOKEN_IDENT || token == TOKEN_UIDENT)
			text = quote_identifier(text);
		if (!append_token(text, spaced(previous, token), out, size, len))
			break;
		previous = token;
	}
	scanner_finish(scanner);
}

/* False if the text does not scan in that way. */
static bool
try_scan(const char *query, bool conforming, bool is_cut, char *out, size_t size, size_t *len)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext work = NULL;
	volatile bool ok = true;
	int			to_client = client_min_messages;
	int			to_log = log_min_messages;

	*len = 0;
	/* the scanner tells about names that are too long; whoever sent them has been told */
	client_min_messages = log_min_messages = ERROR;
	PG_TRY();
	{
		work = AllocSetContextCreate(caller, "dataclass statement", ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(work);
		scan(query, conforming, out, size, len);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		/* the cut goes through a literal, as a rule */
		ok = is_cut;
	}
	PG_END_TRY();
	client_min_messages = to_client;
	log_min_messages = to_log;
	MemoryContextSwitchTo(caller);
	if (work != NULL)
		MemoryContextDelete(work);
	while (*len > 0 && (out[*len - 1] == ';' || out[*len - 1] == ' '))
		(*len)--;
	return ok;
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
	static char start[QUERY_SCAN_MAX + 1];	/* no memory is needed to cut */
	static char other[AUDIT_STATEMENT_MAX];
	bool		is_cut = strnlen(query, QUERY_SCAN_MAX + 1) > QUERY_SCAN_MAX;
	size_t		len;
	size_t		other_len;
	bool		ok;
	bool		other_ok;

	if (is_cut)
	{
		memcpy(start, query, QUERY_SCAN_MAX);
		start[pg_mbcliplen(query, QUERY_SCAN_MAX, QUERY_SCAN_MAX)] = '\0';
		query = start;
	}
	size = Min(size, sizeof(other));
	ok = try_scan(query, true, is_cut, out, size, &len);
	if (strchr(query, '\\') == NULL)
		return ok ? len : unparsed(out, size);
	other_ok = try_scan(query, false, is_cut, other, size, &other_len);
	if (!ok && other_ok)
	{
		memcpy(out, other, other_len);
		return other_len;
	}
	if (!ok || (other_ok && (len != other_len || memcmp(out, other, len) != 0)))
		return unparsed(out, size);
	return len;
}

/* What the trail would keep of a text. */
Datum
dc_audit_normalise(PG_FUNCTION_ARGS)
{
	char		out[AUDIT_STATEMENT_MAX];
	size_t		len = audit_normalise(text_to_cstring(PG_GETARG_TEXT_PP(0)), out, sizeof(out));

	PG_RETURN_TEXT_P(cstring_to_text_with_len(out, (int) len));
}
