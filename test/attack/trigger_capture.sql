-- title: a low role's trigger on labelled data
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: kind=access_denied rule=dominance

CREATE FUNCTION pg_temp.capture() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', NEW; RETURN NEW; END $$;
CREATE TRIGGER capture BEFORE INSERT OR UPDATE ON att.secret FOR EACH ROW EXECUTE FUNCTION pg_temp.capture();
CREATE TRIGGER capture BEFORE INSERT OR UPDATE ON att.rows FOR EACH ROW EXECUTE FUNCTION pg_temp.capture();
