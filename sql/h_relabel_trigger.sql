-- Changing labels behind the statement: triggers, generated columns, partitions
CREATE ROLE writes_none;
CREATE ROLE writes_lower;
CREATE ROLE writes_both;
SECURITY LABEL FOR dataclass ON ROLE writes_none IS 'public..secret';
SECURITY LABEL FOR dataclass ON ROLE writes_lower IS 'public..secret with (declassify)';
SECURITY LABEL FOR dataclass ON ROLE writes_both IS 'public..secret with (declassify, reclassify)';
SET ROLE regress_boss;
-- a trigger that gives the row the label in a setting
CREATE FUNCTION put_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('writes.label', true) <> '' THEN
		NEW.label := current_setting('writes.label');
	END IF;
	RETURN NEW;
END $$;
CREATE TABLE doc (id int PRIMARY KEY, note text, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON TABLE doc IS 'secret';
CREATE TRIGGER put BEFORE INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION put_label();
GRANT ALL ON doc TO PUBLIC;
SET ROLE writes_none;
INSERT INTO doc VALUES (1, '', 'restricted'), (2, '', 'confidential');	-- ok
SET writes.label = 'secret';
UPDATE doc SET note = 'x' WHERE id = 1;									-- fail: raises
INSERT INTO doc VALUES (1, '', 'restricted') ON CONFLICT (id) DO UPDATE SET note = 'x';	-- fail: raises
MERGE INTO doc USING (VALUES (1)) v (id) ON doc.id = v.id WHEN MATCHED THEN UPDATE SET note = 'x';	-- fail: raises
SET writes.label = 'public';
UPDATE doc SET note = 'x' WHERE id = 1;									-- fail: lowers
UPDATE doc SET note = 'x' WHERE id = 3;									-- ok: no row
INSERT INTO doc VALUES (3, '', 'secret') RETURNING label;				-- ok: a new row
SET writes.label = 'open';
INSERT INTO doc VALUES (4, '', 'secret');								-- fail: below the floor
UPDATE doc SET note = 'x' WHERE id = 3;									-- fail: below the floor
SET writes.label = 'restricted';
UPDATE doc SET note = 'x' WHERE id = 1;									-- ok: what it was
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) UPDATE doc SET note = 'x' WHERE id = 2;	-- fail: lowers
SET ROLE writes_lower;
UPDATE doc SET note = 'x' WHERE id = 2 RETURNING label;					-- ok: declassify
SET writes.label = 'secret';
UPDATE doc SET note = 'x';												-- fail: raises
SET ROLE writes_both;
UPDATE doc SET note = 'y' RETURNING id, label;							-- ok
INSERT INTO doc VALUES (1, '', 'public') ON CONFLICT (id) DO UPDATE SET note = 'z' RETURNING label;	-- ok
SET writes.label = 'no label';
UPDATE doc SET note = 'x';												-- fail: no label
RESET writes.label;
SET ROLE regress_boss;

-- a trigger's own statements do not hide what it does to the row
CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 1 THEN
		UPDATE doc SET note = note WHERE id = 3;
		NEW.label := 'public';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER a_busy BEFORE UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION busy();
SET ROLE writes_none;
UPDATE doc SET note = 'x' WHERE id = 1;									-- fail: lowers
SET ROLE writes_both;
UPDATE doc SET note = 'x' WHERE id = 1 RETURNING label;					-- ok
SELECT id, note, label FROM doc ORDER BY id;
SET ROLE regress_boss;
DROP TRIGGER a_busy ON doc;
-- replica mode does not switch the check off, nor does a trigger of AFTER change anything
CREATE TRIGGER b_put AFTER UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION put_label();
ALTER TABLE doc ENABLE ALWAYS TRIGGER put;
SET session_replication_role = replica;
SET writes.label = 'public';
SET ROLE writes_none;
UPDATE doc SET note = 'x' WHERE id = 2;									-- fail: lowers
SET ROLE regress_boss;
ALTER TABLE doc DISABLE TRIGGER put;
RESET session_replication_role;
SET ROLE writes_none;
UPDATE doc SET note = 'x' WHERE id = 2 RETURNING label;					-- ok: the label stays
RESET writes.label;
SET ROLE regress_boss;

-- a label that is generated
CREATE TABLE gen (id int PRIMARY KEY, level int, label dataclass.label NOT NULL
	GENERATED ALWAYS AS (CASE level WHEN 1 THEN 'public'::dataclass.label WHEN 2 THEN 'restricted' ELSE 'secret' END) STORED);
SECURITY LABEL FOR dataclass ON TABLE gen IS 'secret';
GRANT ALL ON gen TO PUBLIC;
SET ROLE writes_none;
INSERT INTO gen VALUES (1, 1), (2, 2);									-- ok
UPDATE gen SET level = 3 WHERE id = 1;									-- fail: raises
UPDATE gen SET level = 1 WHERE id = 2;									-- fail: lowers
INSERT INTO gen VALUES (2, 1) ON CONFLICT (id) DO UPDATE SET level = 1;	-- fail: lowers
MERGE INTO gen USING (VALUES (2)) v (id) ON gen.id = v.id WHEN MATCHED THEN UPDATE SET level = 1;	-- fail: lowers
UPDATE gen SET id = 3 WHERE id = 2;										-- ok
SET ROLE writes_both;
UPDATE gen SET level = 4 RETURNING label;								-- ok
SET ROLE regress_boss;

-- partitions: triggers of the leaves, before and after a row moves
CREATE TABLE part (id int, note text, label dataclass.label NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_high (label dataclass.label NOT NULL, note text, id int);
SECURITY LABEL FOR dataclass ON TABLE part_high IS 'secret';
ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (10) TO (20);
SECURITY LABEL FOR dataclass ON TABLE part IS 'secret';
CREATE UNIQUE INDEX ON part (id);
CREATE TRIGGER put BEFORE INSERT ON part_high FOR EACH ROW EXECUTE FUNCTION put_label();
GRANT ALL ON part, part_low, part_high TO PUBLIC;
SET ROLE writes_none;
INSERT INTO part VALUES (1, '', 'restricted'), (11, '', 'restricted');	-- ok
SET writes.label = 'public';
UPDATE part SET id = 12 WHERE id = 1;									-- fail: lowers where it arrives
MERGE INTO part USING (VALUES (1)) v (id) ON part.id = v.id WHEN MATCHED THEN UPDATE SET id = 12;	-- fail: lowers where it arrives
UPDATE part SET note = 'x' RETURNING label;								-- ok: no trigger on the way
UPDATE part SET id = 2 WHERE id = 11 RETURNING label;					-- ok: none there either
INSERT INTO part VALUES (2, '', 'public') ON CONFLICT (id) DO UPDATE SET label = 'secret';	-- fail: raises
SET writes.label = 'open';
INSERT INTO part VALUES (13, '', 'restricted');							-- fail: below the floor
RESET writes.label;
SET ROLE regress_boss;
DROP TRIGGER put ON part_high;
CREATE TRIGGER put BEFORE UPDATE ON part_high FOR EACH ROW EXECUTE FUNCTION put_label();
SET ROLE writes_none;
INSERT INTO part VALUES (11, '', 'restricted');							-- ok
SET writes.label = 'secret';
INSERT INTO part VALUES (11, '', 'restricted') ON CONFLICT (id) DO UPDATE SET note = 'x';	-- fail: raises, in a partition found late
UPDATE part SET note = 'x';												-- fail: raises
UPDATE part_high SET note = 'x';										-- fail: raises
WITH w AS (UPDATE part SET note = 'x' WHERE id < 10 RETURNING id) UPDATE part SET note = 'y' WHERE id > 10;	-- fail: raises
UPDATE part SET note = 'x' WHERE id < 10;								-- ok
RESET writes.label;
SELECT tableoid::regclass, * FROM part ORDER BY id;
SET ROLE regress_boss;
DROP TABLE doc, gen, part;
DROP FUNCTION put_label, busy;
RESET ROLE;
DROP ROLE writes_none, writes_lower, writes_both;
