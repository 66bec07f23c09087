-- title: a built-in SQL function with another body, inlined for a superuser
-- role: dba
-- expect: denied filtered
-- recorded: no

BEGIN;
CREATE OR REPLACE FUNCTION pg_catalog.ts_debug(document text, OUT alias text, OUT description text, OUT token text,
		OUT dictionaries regdictionary[], OUT dictionary regdictionary, OUT lexemes text[])
	RETURNS SETOF record LANGUAGE sql STABLE AS
	'SELECT body, body, body, NULL::regdictionary[], NULL::regdictionary, NULL::text[] FROM att.rows';
SELECT alias FROM ts_debug('x');
ROLLBACK;
