-- Floors: a role cleared restricted..secret writes no open row, by no statement
CREATE ROLE writes_floor;
SECURITY LABEL FOR dataclass ON ROLE writes_floor IS 'restricted..secret with (declassify, reclassify)';
SET ROLE regress_boss;
CREATE TABLE doc (id int PRIMARY KEY, note text, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON TABLE doc IS 'secret';
INSERT INTO doc VALUES (1, 'open', 'open'), (2, 'restricted', 'restricted'), (3, 'secret', 'secret');
CREATE FUNCTION put_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.note = 'put' THEN
		NEW.label := 'open';
	END IF;
	RETURN NEW;
END $$;
CREATE VIEW doc_view AS SELECT * FROM doc;
CREATE VIEW doc_invoker WITH (security_invoker) AS SELECT * FROM doc WHERE id < 100 WITH CHECK OPTION;
CREATE TABLE part (id int, label dataclass.label NOT NULL, note text) PARTITION BY LIST (label);
CREATE TABLE part_open PARTITION OF part FOR VALUES IN ('open', 'public');
CREATE TABLE part_rest PARTITION OF part DEFAULT;
INSERT INTO part VALUES (1, 'open', 'open'), (2, 'restricted', 'restricted');
CREATE FUNCTION add_open() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ INSERT INTO doc VALUES (9, 'f', 'open') $$;
GRANT ALL ON doc, doc_view, doc_invoker, part, part_open, part_rest TO PUBLIC;
SET ROLE writes_floor;
SELECT id FROM doc ORDER BY id;											-- ok: a floor binds writes alone
\set VERBOSITY terse
INSERT INTO doc VALUES (4, 'x', 'open');								-- fail
INSERT INTO doc SELECT 4, 'x', label FROM doc WHERE id = 1;				-- fail
INSERT INTO doc VALUES (4, 'x', 'restricted'), (5, 'x', 'open');		-- fail
WITH w AS (INSERT INTO doc VALUES (4, 'x', 'open') RETURNING id) SELECT * FROM w;	-- fail
INSERT INTO doc_view VALUES (4, 'x', 'open');							-- fail
INSERT INTO doc_invoker VALUES (4, 'x', 'open');						-- fail
SELECT add_open();														-- fail: the subject is the caller
COPY doc FROM STDIN;													-- fail
4	x	open
\.
COPY part FROM STDIN;													-- fail
4	open	x
\.
COPY part_open FROM STDIN;												-- fail
4	public	x
\.
INSERT INTO part VALUES (4, 'public', 'x');								-- fail
UPDATE doc SET label = 'open' WHERE id = 2;								-- fail: lowered below
UPDATE doc SET label = 'restricted' WHERE id = 1;						-- fail: raised from below
UPDATE doc SET note = 'x' WHERE id = 1;									-- fail
UPDATE doc SET note = 'x';												-- fail: one of them
UPDATE part SET label = 'open' WHERE id = 2;							-- fail: moved
UPDATE part SET label = 'restricted' WHERE id = 1;						-- fail: moved from there
UPDATE doc_view SET note = 'x' WHERE id = 1;							-- fail
DELETE FROM doc WHERE id = 1;											-- fail
DELETE FROM doc USING part WHERE doc.id = part.id;						-- fail
DELETE FROM doc_invoker WHERE id = 1 RETURNING id;						-- fail
DELETE FROM part_open;													-- fail
INSERT INTO doc VALUES (1, 'x', 'restricted') ON CONFLICT (id) DO UPDATE SET note = 'x';	-- fail: the row that is there
INSERT INTO doc VALUES (2, 'x', 'restricted') ON CONFLICT (id) DO UPDATE SET label = 'open';	-- fail: the new one
INSERT INTO doc VALUES (1, 'x', 'restricted') ON CONFLICT (id) DO UPDATE SET label = 'secret';	-- fail: raised from below
INSERT INTO doc VALUES (1, 'x', 'open') ON CONFLICT DO NOTHING;			-- fail: what was given
INSERT INTO doc VALUES (1, 'x', 'restricted') ON CONFLICT DO NOTHING;	-- ok: nothing
MERGE INTO doc USING (VALUES (1)) v (id) ON doc.id = v.id WHEN MATCHED THEN UPDATE SET note = 'x';	-- fail
MERGE INTO doc USING (VALUES (1)) v (id) ON doc.id = v.id WHEN MATCHED THEN DELETE;	-- fail
MERGE INTO doc USING (VALUES (8)) v (id) ON doc.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (8, 'x', 'open');	-- fail
MERGE INTO doc USING (VALUES (2)) v (id) ON doc.id = v.id WHEN MATCHED THEN UPDATE SET label = 'open';	-- fail
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM doc WHERE id = 1 FOR UPDATE;
FETCH c;																-- ok: locks, as a read may
SAVEPOINT s;
UPDATE doc SET note = 'x' WHERE CURRENT OF c;							-- fail
ROLLBACK TO s;
DELETE FROM doc WHERE CURRENT OF c;										-- fail
ROLLBACK;
SELECT id FROM doc WHERE id = 1 FOR SHARE;								-- ok
TRUNCATE doc;															-- fail: there may be such rows
-- prepared, once for a role without that floor
RESET ROLE;
PREPARE add (int, dataclass.label) AS INSERT INTO doc VALUES ($1, 'p', $2);
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_boss;
EXECUTE add (10, 'open');												-- ok
SET ROLE writes_floor;
EXECUTE add (11, 'open');												-- fail
EXECUTE add (11, 'restricted');											-- ok
RESET plan_cache_mode;
DEALLOCATE add;
-- triggers
SET ROLE regress_boss;
CREATE TRIGGER put BEFORE INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION put_open();
CREATE TRIGGER put BEFORE INSERT ON part_rest FOR EACH ROW EXECUTE FUNCTION put_open();
SET ROLE writes_floor;
INSERT INTO doc VALUES (12, 'put', 'restricted');						-- fail
INSERT INTO doc VALUES (2, 'x', 'restricted') ON CONFLICT (id) DO UPDATE SET note = 'put';	-- fail
UPDATE doc SET note = 'put' WHERE id = 2;								-- fail
MERGE INTO doc USING (VALUES (2)) v (id) ON doc.id = v.id WHEN MATCHED THEN UPDATE SET note = 'put';	-- fail
COPY doc FROM STDIN;													-- fail
12	put	restricted
\.
COPY part FROM STDIN;													-- fail
12	restricted	put
\.
SET dataclass.row_label = 'open';
SELECT dataclass.row_label();											-- fail
RESET dataclass.row_label;
-- with a second clearance that has no such floor
RESET ROLE;
CREATE ROLE writes_member IN ROLE writes_floor;
CREATE ROLE writes_open;
SECURITY LABEL FOR dataclass ON ROLE writes_open IS 'open';
SET ROLE writes_member;
INSERT INTO doc VALUES (13, 'x', 'open');								-- fail: inherited
RESET ROLE;
GRANT writes_open TO writes_member;
SET ROLE writes_member;
INSERT INTO doc VALUES (13, 'x', 'open');								-- ok: by the other one
INSERT INTO doc VALUES (14, 'x', 'public');								-- fail: by neither
SET ROLE regress_boss;
\set VERBOSITY default
SELECT * FROM doc ORDER BY id;
SELECT rule, label, count(*) FROM dataclass_audit.denied WHERE subject IN ('writes_floor', 'writes_member') AND seq >
	(SELECT min(seq) FROM dataclass_audit.event WHERE object_identity = 'writes_floor') GROUP BY 1, 2 ORDER BY 1, 2 NULLS FIRST;
DROP TABLE doc, part CASCADE;
DROP FUNCTION put_open, add_open;
RESET ROLE;
DROP ROLE writes_floor, writes_member, writes_open;
