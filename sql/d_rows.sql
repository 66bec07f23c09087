-- Row labels: filter and write checks, for roles that core exempts too
CREATE TABLE encounter (id int PRIMARY KEY, note text, label dataclass.label NOT NULL);
GRANT ALL ON encounter TO PUBLIC;
SELECT dataclass.create_label('confidential:health'), dataclass.create_label('secret: HEALTH.punjab');	-- ok
SELECT dataclass.create_label('confidential:nope');	-- fail: unknown compartment
SET ROLE regress_clerk;
SELECT dataclass.create_label('secret:health');		-- fail: not an officer
RESET ROLE;
SET ROLE regress_boss;
INSERT INTO encounter VALUES (1, 'open', 'open'), (2, 'restricted', 'restricted'),
	(3, 'confidential', 'confidential:health'), (4, 'secret', 'secret:health.punjab');	-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE encounter IS 'secret:health,finance';
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'encounter';
SET ROLE regress_clerk;
SELECT * FROM encounter ORDER BY id;
SET ROLE regress_registrar;
SELECT * FROM encounter ORDER BY id;
SET ROLE regress_doctor;
SELECT * FROM encounter ORDER BY id;
RESET ROLE;
SELECT * FROM encounter ORDER BY id;				-- superuser without clearance
SET ROLE regress_bypass;
SELECT * FROM encounter ORDER BY id;				-- BYPASSRLS
RESET ROLE;
CREATE VIEW encounter_view AS SELECT * FROM encounter;
CREATE FUNCTION encounters() RETURNS SETOF encounter LANGUAGE sql STABLE AS 'SELECT * FROM encounter';
CREATE FUNCTION encounters_atomic() RETURNS SETOF encounter LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM encounter; END;
GRANT SELECT ON encounter_view TO PUBLIC;
SELECT count(*) FROM encounters();					-- superuser, inlined by core otherwise
SELECT count(*) FROM encounters_atomic() WHERE id > 0;
SET ROLE regress_clerk;
SELECT count(*) FROM encounter_view;				-- view of a superuser
SELECT count(*) FROM encounters();
RESET ROLE;
-- narrowing
SET ROLE regress_doctor;
SET dataclass.session_ceiling = 'restricted';
SELECT count(*) FROM encounter;
SET dataclass.session_ceiling = 'not a label';		-- fail
SET dataclass.session_ceiling = 'secret:health,finance';	-- raises nothing
SELECT count(*) FROM encounter;
RESET dataclass.session_ceiling;
-- one plan, several subjects
PREPARE q AS SELECT count(*) FROM encounter;
SET plan_cache_mode = force_generic_plan;
EXECUTE q;
SET ROLE regress_clerk;
EXECUTE q;
RESET ROLE;
EXECUTE q;
SET ROLE regress_boss;
EXECUTE q;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM encounter ORDER BY id;
FETCH 2 FROM c;
SET LOCAL ROLE regress_clerk;
FETCH ALL FROM c;									-- nothing that the clerk may not see
COMMIT;
RESET ROLE;
-- writes
SET ROLE regress_registrar;
INSERT INTO encounter VALUES (5, 'x', 'secret');	-- fail: above
INSERT INTO encounter VALUES (5, 'x', 'open');		-- fail: below the floor
INSERT INTO encounter VALUES (5, 'x', '#0123456789abcdef');	-- fail: not registered
INSERT INTO encounter VALUES (5, 'x', NULL);		-- fail: null
INSERT INTO encounter VALUES (5, 'x', 'restricted');	-- ok
UPDATE encounter SET note = 'y' WHERE id = 5;		-- ok
UPDATE encounter SET note = 'y' WHERE id = 1;		-- fail: below the floor
DELETE FROM encounter WHERE id = 1;					-- fail: below the floor
UPDATE encounter SET note = 'y' WHERE id = 4;		-- no row: hidden
DELETE FROM encounter WHERE id = 4;					-- no row: hidden
UPDATE encounter SET label = 'confidential' WHERE id = 5;	-- fail: needs reclassify
INSERT INTO encounter VALUES (4, 'x', 'restricted') ON CONFLICT (id) DO UPDATE SET note = 'stolen';	-- fail: hidden row
MERGE INTO encounter e USING (VALUES (1)) v (id) ON e.id = v.id WHEN MATCHED THEN UPDATE SET note = 'm';	-- fail: below the floor
COPY encounter FROM STDIN;							-- fail: second row
6	copied	restricted
7	copied	secret
\.
COPY encounter FROM STDIN WHERE id < 7;				-- ok
6	copied	restricted
7	copied	secret
\.
COPY encounter TO STDOUT;
DELETE FROM encounter WHERE id = 5 RETURNING *;		-- ok
RESET ROLE;
SET ROLE regress_boss;
UPDATE encounter SET label = 'confidential' WHERE id = 6;	-- ok: reclassify
UPDATE encounter SET label = 'open' WHERE id = 6;	-- ok: declassify
INSERT INTO encounter VALUES (6, 'x', 'open') ON CONFLICT (id) DO UPDATE SET label = 'secret';	-- ok
RESET ROLE;
SELECT dataclass.create_label('secret:finance,health');
COPY encounter TO STDOUT;							-- superuser
COPY (SELECT id FROM encounter) TO STDOUT;
SET row_security = off;
SELECT count(*) FROM encounter;						-- fail: would hide rows
RESET row_security;
SET row_security = off;
SET ROLE regress_boss;
SELECT count(*) FROM encounter;						-- ok: hides nothing
RESET ROLE;
RESET row_security;
ALTER TABLE encounter DISABLE ROW LEVEL SECURITY;	-- fail
ALTER TABLE encounter NO FORCE ROW LEVEL SECURITY;	-- fail
-- foreign keys see what they must; cascades do not touch hidden rows unseen
CREATE TABLE bill (id int, encounter int REFERENCES encounter ON DELETE CASCADE, label dataclass.label NOT NULL);	-- fail: a key tells that a row exists
SET ROLE regress_boss;
CREATE TABLE bill (id int, encounter int REFERENCES encounter ON DELETE CASCADE, label dataclass.label NOT NULL);	-- ok
GRANT ALL ON bill TO PUBLIC;
INSERT INTO bill VALUES (1, 1, 'secret');
RESET ROLE;
SET ROLE regress_clerk;
INSERT INTO bill VALUES (2, 4, 'open');				-- ok: the key exists
DELETE FROM encounter WHERE id = 1;					-- fail: would delete a hidden bill
RESET ROLE;
-- materialized view of labeled rows
SET ROLE regress_boss;
CREATE MATERIALIZED VIEW encounter_mv AS SELECT * FROM encounter;
GRANT SELECT ON encounter_mv TO PUBLIC;
RESET ROLE;
SELECT count(*) FROM encounter_mv;					-- row labels hold there too
-- statistics and dropping
ANALYZE encounter;
SELECT attname FROM pg_stats WHERE tablename = 'encounter';	-- none for the superuser
ALTER TABLE encounter DROP COLUMN label;			-- fail
DROP TABLE encounter CASCADE;						-- fail
SET ROLE regress_boss;
SELECT count(*) > 0 AS seen FROM pg_stats WHERE tablename = 'encounter';	-- ok
RESET ROLE;
SELECT pg_read_file('PG_VERSION');					-- fail: files hold data of every label
-- the type
SELECT 'SECRET:  health | finance ,health'::dataclass.label;
SELECT 'secret:unregistered'::dataclass.label::text ~ '^#[0-9a-f]{16}$' AS unregistered;
SELECT 'secret:'::dataclass.label;					-- fail
SELECT id FROM encounter WHERE label = 'restricted' OR label IN ('public', 'open') ORDER BY label, id;	-- found without a search path
SELECT count(*) FROM encounter JOIN dataclass.row_label l ON l.id = encounter.label;
