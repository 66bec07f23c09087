-- title: a role with the TRIGGER privilege captures no hidden row with a trigger of its own
-- role: plain
-- expect: denied
-- denials: 4
-- recorded: kind=access_denied rule=dominance

CREATE TABLE scratch.stolen (body text);
GRANT ALL ON scratch.stolen TO PUBLIC;
CREATE FUNCTION scratch.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN INSERT INTO scratch.stolen VALUES (NEW.body); RETURN NEW; END $$;
CREATE TRIGGER capture BEFORE INSERT OR UPDATE ON att.rows FOR EACH ROW EXECUTE FUNCTION scratch.capture();
CREATE TRIGGER capture AFTER INSERT OR UPDATE ON att.rows FOR EACH ROW EXECUTE FUNCTION scratch.capture();
CREATE CONSTRAINT TRIGGER capture AFTER INSERT ON att.rows_bare FOR EACH ROW EXECUTE FUNCTION scratch.capture();
CREATE TRIGGER capture AFTER INSERT ON att.part_1 FOR EACH ROW EXECUTE FUNCTION scratch.capture();
\c - doctor
UPDATE att.rows SET body = body WHERE id > 10;
INSERT INTO att.part VALUES (2, 'SECRET-' || 'CANARY-P');
\c - plain
TABLE scratch.stolen;
DROP FUNCTION scratch.capture();
DROP TABLE scratch.stolen;
