/*-------------------------------------------------------------------------
 *
 * fuzz_statement.c
 *		Fuzz target of the filter of statements: each line of the input is a
 *		token, of the kind that its first byte says.
 *
 * LINK: src/audit/audit_statement.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/audit_statement.h"
#include "fuzz.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	StatementFilter filter = {0};
	StatementFilter fresh = {0};
	char	   *copy = malloc(size + 1);
	char	   *rest = NULL;

	memcpy(copy, data, size);
	copy[size] = '\0';
	for (char *token = strtok_r(copy, "\n", &rest); token; token = strtok_r(NULL, "\n", &rest))
	{
		StatementTokenKind kind = token[0] == '\'' ? STATEMENT_CONSTANT :
			token[0] >= 'a' && token[0] <= 'z' ? STATEMENT_WORD : STATEMENT_SYMBOL;
		bool		expects_value = filter.place == STATEMENT_VALUE;
		bool		is_value = statement_is_value(&filter, kind, token);

		/* a constant is a value wherever it stands, a symbol nowhere */
		FUZZ_CHECK(kind != STATEMENT_CONSTANT || is_value);
		FUZZ_CHECK(kind != STATEMENT_SYMBOL || !is_value);
		FUZZ_CHECK(!expects_value || kind == STATEMENT_SYMBOL || is_value);
		/* statements know nothing of each other */
		if (strcmp(token, ";") == 0)
			FUZZ_CHECK(memcmp(&filter, &fresh, sizeof(fresh)) == 0);
	}
	/* after any text, a setting's value is one */
	statement_is_value(&filter, STATEMENT_SYMBOL, ";");
	statement_is_value(&filter, STATEMENT_WORD, "set");
	statement_is_value(&filter, STATEMENT_WORD, "x");
	statement_is_value(&filter, STATEMENT_WORD, "to");
	FUZZ_CHECK(statement_is_value(&filter, STATEMENT_WORD, "secret"));
	free(copy);
	return 0;
}
