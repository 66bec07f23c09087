-- title: switching enforcement off in the session changes nothing
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: kind=access_denied rule=dominance

SET dataclass.enforcement = off;
SELECT body FROM att.secret;
UPDATE pg_settings SET setting = 'off' WHERE name = 'dataclass.enforcement';
SELECT body FROM att.secret;
SELECT set_config('dataclass.enforcement', 'permissive', false);
SELECT body FROM att.secret;
ALTER ROLE dba SET dataclass.enforcement = off;
ALTER DATABASE att SET dataclass.enforcement = off;
CREATE FUNCTION scratch.off() RETURNS bigint LANGUAGE sql SET dataclass.enforcement = off AS 'SELECT count(*) FROM att.secret';
SELECT body FROM att.secret;
DO $$ BEGIN SET LOCAL dataclass.superuser_is_officer = on; EXCEPTION WHEN OTHERS THEN NULL; END $$;
SELECT body FROM att.secret;
\c "user=dba dbname=att options='-c dataclass.enforcement=off'"
