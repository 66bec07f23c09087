-- title: the owner of a trusted procedure gives it another body
-- role: owner
-- expect: denied
-- recorded: yes

CREATE OR REPLACE FUNCTION att.trusted_count() RETURNS bigint LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE '%', (SELECT string_agg(body, ',') FROM att.secret); RETURN 1; END $$;
SELECT att.trusted_count() >= 0;
