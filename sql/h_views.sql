-- Writes through views, rules, INSTEAD OF triggers and parents without labels
CREATE ROLE writes_clerk;
CREATE ROLE writes_owner;
CREATE ROLE writes_boss SUPERUSER;
SECURITY LABEL FOR dataclass ON ROLE writes_clerk IS 'public..restricted';
SECURITY LABEL FOR dataclass ON ROLE writes_owner IS 'secret with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE writes_boss IS 'secret with (declassify, reclassify)';
GRANT CREATE ON SCHEMA public TO writes_owner;
SET ROLE writes_boss;
CREATE TABLE doc (id int PRIMARY KEY, note text, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON TABLE doc IS 'secret';
INSERT INTO doc VALUES (1, 'public', 'public'), (2, 'restricted', 'restricted'), (3, 'secret', 'secret'), (4, 'open', 'open');
GRANT ALL ON doc TO writes_owner;
GRANT ALL ON doc TO writes_clerk;
CREATE VIEW super_view AS SELECT * FROM doc;			-- a superuser's
CREATE VIEW narrow_view AS SELECT id, note FROM doc WHERE label = 'public' WITH CASCADED CHECK OPTION;
SET ROLE writes_owner;
CREATE VIEW owner_view AS SELECT id AS n, label AS l, note AS t FROM doc;	-- of one cleared for all, columns renamed
CREATE VIEW invoker_view WITH (security_invoker) AS SELECT * FROM owner_view WHERE n < 100 WITH LOCAL CHECK OPTION;
SET ROLE writes_boss;
GRANT ALL ON super_view, narrow_view, owner_view, invoker_view TO PUBLIC;
GRANT ALL ON owner_view TO PUBLIC;
SET ROLE writes_clerk;
INSERT INTO super_view VALUES (10, 'x', 'secret');						-- fail: above, whoever owns the view
INSERT INTO owner_view VALUES (10, 'secret', 'x');						-- fail: above
INSERT INTO invoker_view VALUES (10, 'open', 'x');						-- fail: below
INSERT INTO invoker_view VALUES (10, 'public', 'x') RETURNING *;		-- ok
INSERT INTO invoker_view VALUES (100, 'public', 'x');					-- fail: the view's own check
UPDATE owner_view SET l = 'restricted' WHERE n = 10;					-- fail: raises
UPDATE invoker_view SET t = 'y', l = 'public' WHERE n = 10 RETURNING l;	-- ok: no change of label
UPDATE super_view SET label = 'public' WHERE id = 2;					-- fail: lowers
UPDATE super_view SET note = 'seen' WHERE id = 3 RETURNING *;			-- ok: no row, hidden
DELETE FROM owner_view WHERE n = 3;										-- ok: no row, hidden
DELETE FROM owner_view WHERE n = 4;										-- fail: below the floor
INSERT INTO narrow_view VALUES (11, 'x');								-- fail: no label, no default
MERGE INTO doc USING owner_view v ON doc.id = v.n AND v.n = 10 WHEN MATCHED THEN UPDATE SET label = 'restricted';	-- fail: raises
SELECT n FROM owner_view ORDER BY n FOR UPDATE;							-- ok: what he may see
SELECT id FROM doc TABLESAMPLE BERNOULLI (100) ORDER BY id FOR NO KEY UPDATE;	-- ok: the same
-- INSTEAD OF triggers and rules: what they do is judged, as done by the subject
SET ROLE writes_boss;
CREATE VIEW deep_view AS SELECT * FROM doc;
CREATE FUNCTION deep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO doc VALUES (NEW.id, NEW.note, NEW.label);
	ELSIF TG_OP = 'UPDATE' THEN
		UPDATE doc SET note = NEW.note, label = NEW.label WHERE id = OLD.id;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER deep INSTEAD OF INSERT OR UPDATE ON deep_view FOR EACH ROW EXECUTE FUNCTION deep();
CREATE TABLE log (id int, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON TABLE log IS 'secret';
CREATE RULE also AS ON INSERT TO doc WHERE NEW.note = 'log' DO ALSO INSERT INTO log VALUES (NEW.id, 'secret');
CREATE VIEW rule_view AS SELECT * FROM doc;
CREATE RULE instead AS ON UPDATE TO rule_view DO INSTEAD UPDATE doc SET label = NEW.label WHERE id = OLD.id RETURNING doc.*;
GRANT ALL ON deep_view, rule_view, log TO PUBLIC;
SET ROLE writes_clerk;
INSERT INTO deep_view VALUES (12, 'x', 'secret');						-- fail: above
INSERT INTO deep_view VALUES (12, 'x', 'public');						-- ok
UPDATE deep_view SET label = 'restricted' WHERE id = 12;				-- fail: raises
UPDATE deep_view SET note = 'y' WHERE id = 12;							-- ok
COPY deep_view FROM STDIN;												-- fail: line 2
13	x	public
14	x	secret
\.
INSERT INTO doc VALUES (15, 'log', 'public');							-- fail: what the rule writes
INSERT INTO doc VALUES (15, 'no log', 'public');						-- ok
UPDATE rule_view SET label = 'restricted' WHERE id = 15;				-- fail: raises
UPDATE rule_view SET label = label WHERE id = 15 RETURNING *;			-- ok
SELECT count(*) FROM log;
-- a child with labels below a parent without: whatever a trigger makes of it
SET ROLE writes_boss;
CREATE TABLE parent (id int, note text);
CREATE TABLE child (label dataclass.label NOT NULL DEFAULT 'public') INHERITS (parent);
SECURITY LABEL FOR dataclass ON TABLE child IS 'restricted';
INSERT INTO child VALUES (1, 'x', 'public'), (2, 'x', 'open');
CREATE FUNCTION lift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.label := NEW.note; RETURN NEW; END $$;
CREATE TRIGGER lift BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION lift();
GRANT ALL ON parent, child TO PUBLIC;
SET ROLE writes_clerk;
UPDATE parent SET note = 'restricted' WHERE id = 1;						-- fail: raises
UPDATE parent SET note = 'secret' WHERE id = 1;							-- fail: above
UPDATE parent SET note = 'public' WHERE id = 1;							-- ok
UPDATE parent SET note = 'public' WHERE id = 2;							-- fail: below the floor
DELETE FROM parent WHERE id = 2;										-- fail: below the floor
MERGE INTO parent USING (VALUES (2)) v (id) ON parent.id = v.id WHEN MATCHED THEN DELETE;	-- fail: below the floor
DELETE FROM parent WHERE id = 1;										-- ok
SET ROLE writes_boss;
UPDATE parent SET note = 'restricted' RETURNING *;						-- ok
SELECT * FROM doc ORDER BY id;
DROP TABLE doc, log, parent CASCADE;
DROP FUNCTION deep, lift;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM writes_owner;
DROP ROLE writes_clerk, writes_owner, writes_boss;
