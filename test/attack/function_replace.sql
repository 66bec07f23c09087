-- title: replacing the function of an expression index, then having it run
-- role: owner
-- expect: denied
-- denials: 1
-- recorded: yes

CREATE OR REPLACE FUNCTION att.fx(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''seen: %'', $1; RETURN $1; END';
REINDEX TABLE att.indexed;
