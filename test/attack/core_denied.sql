-- title: what core itself refuses on labelled objects, swallowed or not
-- role: plain
-- expect: denied
-- denials: 8
-- recorded: yes

SELECT body FROM att_closed.vault;
INSERT INTO att_closed.vault VALUES (1, 'x');
ALTER TABLE att.secret ADD COLUMN mine int;
DROP TABLE att.secret;
CREATE INDEX ON att.rows (id);
ALTER TABLE att.secret OWNER TO plain;
ALTER TABLE att.secret DISABLE TRIGGER ALL;
GRANT SELECT ON att_closed.vault TO plain;
DO $$ BEGIN PERFORM body FROM att_closed.vault; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
