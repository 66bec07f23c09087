-- title: a trigger from before the table was labelled
-- role: plain
-- limit: triggers that were there when a table was labelled go on
-- expect: filtered denied
-- recorded: no

CREATE TABLE scratch.later (id int, body text);
GRANT ALL ON scratch.later TO PUBLIC;
CREATE TABLE scratch.stolen (body text);
GRANT ALL ON scratch.stolen TO PUBLIC;
CREATE FUNCTION scratch.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN INSERT INTO scratch.stolen VALUES (NEW.body); RETURN NEW; END $$;
CREATE TRIGGER capture BEFORE INSERT ON scratch.later FOR EACH ROW EXECUTE FUNCTION scratch.capture();
\c - officer
SELECT dataclass.set_label('table', 'scratch.later', 'secret:health');
\c - doctor
INSERT INTO scratch.later VALUES (1, 'SECRET-' || 'CANARY');
\c - plain
TABLE scratch.stolen;
