-- title: the same by a superuser, and its settings
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

CREATE OR REPLACE FUNCTION att.fx(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''seen: %'', $1; RETURN $1; END';
ALTER FUNCTION att.fx(text) SET search_path = scratch;
ANALYZE att.indexed;
