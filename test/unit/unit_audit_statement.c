/*-------------------------------------------------------------------------
 *
 * unit_audit_statement.c
 *		Words that are values: statements as tokens, and what is left of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_statement.h"
#include "tap.h"

/* Tokens apart by blanks; constants begin with a quote.  What is kept, values as "?". */
static const char *
filtered(const char *text)
{
	static char out[1024];
	char		copy[1024];
	StatementFilter filter = {0};
	char	   *rest = NULL;

	out[0] = '\0';
	strcpy(copy, text);
	for (char *token = strtok_r(copy, " ", &rest); token; token = strtok_r(NULL, " ", &rest))
	{
		bool		is_word = (token[0] >= 'a' && token[0] <= 'z') || token[0] == '_';
		StatementTokenKind kind = token[0] == '\'' ? STATEMENT_CONSTANT : is_word ? STATEMENT_WORD : STATEMENT_SYMBOL;

		if (out[0])
			strcat(out, " ");
		strcat(out, statement_is_value(&filter, kind, token) ? "?" : token);
	}
	return out;
}

static const struct
{
	const char *text;
	const char *kept;
}			statements[] =
{
	/* no settings: only constants are values */
	{"select a from t where b = 'x and c = d", "select a from t where b = ? and c = d"},
	{"update t set a = b , c = 'x where d = e", "update t set a = b , c = ? where d = e"},
	{"insert into t values ( 'x ) on conflict ( a ) do update set b = c", "insert into t values ( ? ) on conflict ( a ) do update set b = c"},
	{"alter table t alter column a set default b", "alter table t alter column a set default b"},
	{"alter table t set ( a = b )", "alter table t set ( a = b )"},
	{"create table set ( a int )", "create table set ( a int )"},
	/* SET */
	{"set a = b", "set a = ?"},
	{"set a to b", "set a to ?"},
	{"set a to 'b", "set a to ?"},
	{"set local a . b to c , d , 'e", "set local a . b to ? , ? , ?"},
	{"set session a = - 'n", "set session a = - ?"},
	{"set a to on", "set a to ?"},
	{"set a = b c d 'e", "set a = ? ? ? ?"},
	{"set time zone a", "set time zone ?"},
	{"set time zone interval 'x hour to minute", "set time zone ? ? ? ? ?"},
	{"set local time zone 'x", "set local time zone ?"},
	{"set a from current ; select b", "set a from current ; select b"},
	{"set role a", "set role a"},
	{"set session authorization a", "set session authorization a"},
	{"set transaction isolation level serializable", "set transaction isolation level serializable"},
	{"set constraints all deferred", "set constraints all deferred"},
	{"set names 'x", "set names ?"},
	{"set to = b", "set to = ?"},
	/* ... in other statements */
	{"alter role r set a = b", "alter role r set a = ?"},
	{"alter user r in database d set a to b , c", "alter user r in database d set a to ? , ?"},
	{"alter role r password 'x valid until 'y", "alter role r password ? valid until ?"},
	{"alter database d set a = b", "alter database d set a = ?"},
	{"alter database d set tablespace t", "alter database d set tablespace t"},
	{"alter system set a = b", "alter system set a = ?"},
	{"alter user mapping for u server s options ( set a 'b )", "alter user mapping for u server s options ( set a ? )"},
	{"alter function f ( int ) set a = b", "alter function f ( int ) set a = ?"},
	{"alter function f ( int ) set schema s", "alter function f ( int ) set schema s"},
	{"alter function f set a = b set c to d reset e", "alter function f set a = ? set c to ? reset e"},
	{"create function f ( ) returns int set a = b language sql as 'x", "create function f ( ) returns int set a = ? language sql as ?"},
	{"create or replace procedure p ( ) set a to b , c security definer", "create or replace procedure p ( ) set a to ? , ? security definer"},
	/* one after another */
	{"set a = b ; select c ; set d = e", "set a = ? ; select c ; set d = ?"},
	{"select a ; alter role r set b = c ; select d", "select a ; alter role r set b = ? ; select d"},
	{"; set a = b", "; set a = ?"},
	{"", ""},
};

int
main(void)
{
	for (int i = 0; i < (int) lengthof(statements); i++)
		tap_is_string(filtered(statements[i].text), statements[i].kept, statements[i].text);
	return tap_done();
}
