-- title: a trigger with transition tables, by the owner
-- role: owner
-- expect: denied
-- recorded: yes

CREATE FUNCTION pg_temp.capture() RETURNS trigger LANGUAGE plpgsql AS
	$$ DECLARE r record; BEGIN FOR r IN SELECT * FROM n LOOP RAISE NOTICE '%', r; END LOOP; RETURN NULL; END $$;
CREATE TRIGGER capture AFTER INSERT ON att.rows REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.capture();
