-- Masked columns of partitions, children, views, policies and foreign keys; plans that outlive their subject
\set VERBOSITY terse
CREATE ROLE regress_masks_doc;
CREATE ROLE regress_masks_low;
SECURITY LABEL FOR dataclass ON ROLE regress_masks_doc IS 'secret';
CREATE SCHEMA masks;
GRANT ALL ON SCHEMA masks TO PUBLIC;
CREATE FUNCTION masks.leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN RAISE NOTICE 'leak: %', $1; RETURN true; END $$;
-- partitions; one has its columns in another order and a mask of its own
CREATE TABLE masks.part (id int, v text, w text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE masks.part_1 PARTITION OF masks.part FOR VALUES FROM (0) TO (10);
CREATE TABLE masks.part_2 (w text, gone int, v text, id int NOT NULL);
ALTER TABLE masks.part_2 DROP COLUMN gone;
ALTER TABLE masks.part ATTACH PARTITION masks.part_2 FOR VALUES FROM (10) TO (20);
INSERT INTO masks.part VALUES (1, 'VALUE1', 'w1'), (11, 'VALUE11', 'w11');
GRANT ALL ON masks.part, masks.part_1, masks.part_2 TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN masks.part.v IS 'secret mask';
SECURITY LABEL FOR dataclass ON COLUMN masks.part_2.w IS 'secret mask constant(''x'')';
CREATE TABLE masks.parent (id int, v text);
CREATE TABLE masks.child (extra text) INHERITS (masks.parent);
INSERT INTO masks.parent VALUES (1, 'free');
INSERT INTO masks.child VALUES (2, 'VALUE2', 'e');
GRANT ALL ON masks.parent, masks.child TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN masks.child.v IS 'secret mask';
SET ROLE regress_masks_low;
SELECT * FROM masks.part ORDER BY id;	-- ok
SELECT * FROM masks.part_1;	-- ok: the parent's mask
SELECT part_2 FROM masks.part_2 WHERE masks.leak(w) AND masks.leak(v);	-- ok
SELECT part FROM masks.part WHERE masks.leak(w) ORDER BY id;	-- ok: w1 only
INSERT INTO masks.part (id) VALUES (11) ON CONFLICT (id) DO UPDATE SET id = part.id WHERE masks.leak(part.w) RETURNING *, part;	-- ok
UPDATE masks.part SET id = 2 WHERE id = 11 RETURNING *;	-- fail: would move w to where it has no label
UPDATE masks.part SET v = 'x';	-- fail: no writing
UPDATE masks.part_1 SET id = 2 WHERE id = 1;	-- ok: stays where it is
SELECT * FROM masks.parent ORDER BY id;	-- ok: the child's own mask
SELECT parent FROM ONLY masks.parent;	-- ok
SELECT * FROM masks.child;	-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON COLUMN masks.child.v IS 'secret';
SET ROLE regress_masks_low;
SELECT * FROM masks.parent;	-- fail: the child's column is denied
SELECT id FROM masks.parent ORDER BY id;	-- ok
SET ROLE regress_masks_doc;
UPDATE masks.part SET id = 3 WHERE id = 11 RETURNING *;	-- ok: who reads w may move it
SELECT * FROM masks.part ORDER BY id;	-- ok: values
RESET ROLE;
-- a view's own column
CREATE TABLE masks.base (id int PRIMARY KEY, v text);
INSERT INTO masks.base VALUES (1, 'VALUE1'), (2, 'VALUE2');
CREATE VIEW masks.shown AS SELECT id, v AS w FROM masks.base;
CREATE VIEW masks.joined AS SELECT v, count(*) AS n FROM masks.base GROUP BY v UNION SELECT 'VALUE', 0;
GRANT ALL ON masks.base, masks.shown, masks.joined TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN masks.shown.w IS 'secret mask partial(1, ''-'', 1)';
SECURITY LABEL FOR dataclass ON COLUMN masks.joined.v IS 'secret mask constant(''x'')';
SET ROLE regress_masks_low;
SELECT shown, w FROM masks.shown WHERE masks.leak(w) ORDER BY id;	-- ok
SELECT g, j.v, j IS NULL AS no_row FROM generate_series(1, 2) g LEFT JOIN masks.joined j ON j.n = g ORDER BY g, j.v;	-- ok: no constant for 2
UPDATE masks.shown SET id = id WHERE w = 'VALUE1';	-- fail: its condition reaches the table
SET ROLE regress_masks_doc;
SELECT * FROM masks.shown ORDER BY id;	-- ok: values
RESET ROLE;
-- policies and foreign keys go by the value
CREATE TABLE masks.pol (id int, owner text);
INSERT INTO masks.pol VALUES (1, 'regress_masks_low'), (2, 'somebody'), (3, NULL);
ALTER TABLE masks.pol ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON masks.pol USING (owner IS NULL OR owner = current_user);
CREATE TABLE masks.key (code text PRIMARY KEY, n int);
CREATE TABLE masks.refers (code text REFERENCES masks.key ON DELETE CASCADE);
INSERT INTO masks.key VALUES ('a', 1);
INSERT INTO masks.refers VALUES ('a');
GRANT ALL ON masks.pol, masks.key, masks.refers TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN masks.pol.owner IS 'secret mask';
SECURITY LABEL FOR dataclass ON COLUMN masks.key.code IS 'secret mask';
SECURITY LABEL FOR dataclass ON COLUMN masks.refers.code IS 'secret mask';
SET ROLE regress_masks_low;
SELECT * FROM masks.pol ORDER BY id;	-- ok: its own rows, masked
DELETE FROM masks.key;	-- fail: the cascade would go by a column it may not read
RESET ROLE;
CREATE TABLE masks.pol2 (who text);
INSERT INTO masks.pol2 VALUES ('somebody'), ('nobody');
CREATE POLICY p ON masks.pol2 USING (NOT EXISTS (SELECT FROM masks.pol WHERE owner = who));
ALTER TABLE masks.pol2 ENABLE ROW LEVEL SECURITY;
GRANT ALL ON masks.pol2 TO PUBLIC;
SET ROLE regress_masks_low;
SELECT * FROM masks.pol2;	-- fail: a mask in a policy could open rows
-- transition tables show the mask, rows of triggers the value
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS 'secret';
CREATE FUNCTION masks.note() RETURNS trigger LANGUAGE plpgsql AS
	$$ DECLARE r record; BEGIN FOR r IN SELECT o.*, n.v AS nv FROM o JOIN n USING (id) LOOP RAISE NOTICE '%', r; END LOOP; RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE ON masks.base REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION masks.note();
SECURITY LABEL FOR dataclass ON COLUMN masks.base.v IS 'secret mask';
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS NULL;
SET ROLE regress_masks_low;
UPDATE masks.base SET id = id WHERE id = 1;	-- ok
-- plans: prepared by one subject, executed by another; labels come and go
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_masks_doc;
PREPARE q AS SELECT id, v FROM masks.base WHERE v = 'VALUE1' OR id = 2;
EXECUTE q;	-- ok: values
EXPLAIN (COSTS OFF) EXECUTE q;	-- ok: no mask in the plan
SET ROLE regress_masks_low;
EXECUTE q;	-- ok: masks
SET ROLE regress_masks_doc;
EXECUTE q;	-- ok: values
SET dataclass.session_ceiling = 'public';
EXECUTE q;	-- ok: masks
RESET dataclass.session_ceiling;
RESET ROLE;
EXECUTE q;	-- ok: masks, superuser
BEGIN;
SET LOCAL ROLE regress_masks_doc;
DECLARE c CURSOR FOR SELECT v FROM masks.base ORDER BY id;
FETCH c;	-- ok: value
SET LOCAL ROLE regress_masks_low;
FETCH c;	-- ok: mask
ROLLBACK;
BEGIN;
SECURITY LABEL FOR dataclass ON COLUMN masks.base.v IS 'secret mask constant(''y'')';
EXECUTE q;	-- ok: the new mask
SECURITY LABEL FOR dataclass ON COLUMN masks.base.v IS 'secret';
SAVEPOINT s;
EXECUTE q;	-- fail: denied
ROLLBACK TO s;
ROLLBACK;
EXECUTE q;	-- ok: the old mask
DEALLOCATE q;
RESET plan_cache_mode;
-- a partition that leaves keeps its masks
ALTER TABLE masks.part DETACH PARTITION masks.part_2;	-- ok
SELECT objname, label FROM pg_seclabels WHERE objname LIKE 'masks.part_2%' ORDER BY 1;	-- ok
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS 'secret';
DROP SCHEMA masks CASCADE;
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS NULL;
DROP ROLE regress_masks_doc, regress_masks_low;
