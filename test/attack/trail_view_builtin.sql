-- title: built-in functions with another body, so that views of the trail show nothing and officers run it
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: kind=trail_guard
-- forbidden: hidden

SELECT count(*) AS denied FROM dataclass_audit.denied \gset
BEGIN;
CREATE OR REPLACE FUNCTION pg_catalog.texteq(text, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT false';
SELECT 'hidden' FROM dataclass_audit.denied HAVING count(*) < :denied;
ROLLBACK;
CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT ''epoch''::timestamptz';
ALTER FUNCTION pg_catalog.upper(text) RENAME TO upper_2;
ALTER FUNCTION pg_catalog.now() OWNER TO plain;
ALTER OPERATOR pg_catalog.= (text, text) OWNER TO plain;
