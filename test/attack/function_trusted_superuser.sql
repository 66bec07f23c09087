-- title: a superuser changes a trusted procedure
-- role: dba
-- expect: denied
-- denials: 2
-- recorded: yes

CREATE OR REPLACE FUNCTION att.trusted_count() RETURNS bigint LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE '%', (SELECT string_agg(body, ',') FROM att.secret); RETURN 1; END $$;
ALTER FUNCTION att.trusted_count() SET search_path = scratch;
SELECT att.trusted_count() >= 0;
