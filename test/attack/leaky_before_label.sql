-- title: functions of indexes and constraints from before the label get no rows from below
-- role: owner
-- expect: denied
-- denials: 5
-- recorded: kind=access_denied rule=dominance

CREATE FUNCTION scratch.sees(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN IF session_user = 'owner' THEN RAISE NOTICE 'seen: %', $1; END IF; RETURN $1; END $$;
CREATE TABLE att.later (id int PRIMARY KEY, body text);
CREATE INDEX later_body ON att.later (scratch.sees(body));
ALTER TABLE att.later ADD CONSTRAINT later_check CHECK (scratch.sees(body) <> '') NOT VALID;
GRANT ALL ON att.later TO PUBLIC;
\c - officer
SELECT dataclass.set_label('table', 'att.later', 'secret:health');
\c - doctor
INSERT INTO att.later SELECT i, 'SECRET-' || 'CANARY-L' || i FROM generate_series(1, 5) i;
\c - owner
ANALYZE att.later;
REINDEX TABLE att.later;
REINDEX INDEX att.later_body;
ALTER TABLE att.later VALIDATE CONSTRAINT later_check;
VACUUM FULL att.later;
CLUSTER att.later USING later_body;
CREATE OR REPLACE FUNCTION scratch.sees(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN $1; END $$;
VACUUM ANALYZE att.later;
