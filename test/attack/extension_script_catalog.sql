-- title: catalogs written from an event trigger that fires inside another extension's script
-- role: dba
-- expect: denied

CREATE FUNCTION scratch.inside_script() RETURNS event_trigger LANGUAGE plpgsql AS
	$$ BEGIN DELETE FROM pg_seclabel WHERE provider = 'dataclass'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
CREATE EVENT TRIGGER inside_script ON ddl_command_end EXECUTE FUNCTION scratch.inside_script();
BEGIN;
CREATE EXTENSION dblink SCHEMA scratch;
SELECT count(*), min(body) FROM att.secret;
ROLLBACK;
DROP EVENT TRIGGER inside_script;
DROP FUNCTION scratch.inside_script();
