-- Every statement kind on a table label and on a column label.  Without the
-- clearance: nothing of tab; of col whatever does not touch the labelled column
CREATE ROLE matrix_tc_reader;
CREATE ROLE matrix_tc_owner;
CREATE ROLE matrix_tc_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_tc_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_tc_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_tc;
GRANT ALL ON SCHEMA matrix_tc TO PUBLIC;								-- ok
SET search_path = matrix_tc, public;									-- ok
SET ROLE matrix_tc_owner;
CREATE TABLE tab (id int PRIMARY KEY, body text);
CREATE TABLE col (id int PRIMARY KEY, body text, name text);
CREATE TABLE enc (id int PRIMARY KEY, body text, label dataclass.label NOT NULL);
GRANT ALL ON tab, col, enc TO PUBLIC;							-- ok
INSERT INTO tab SELECT i, 'secret ' || i FROM generate_series(1, 5) i;	-- ok: not labelled yet
INSERT INTO col SELECT i, 'secret ' || i, 'name ' || i FROM generate_series(1, 5) i;	-- ok: not labelled yet
INSERT INTO enc SELECT i, 'open ' || i, 'open' FROM generate_series(1, 3) i;	-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE tab IS 'secret';			-- ok
SECURITY LABEL FOR dataclass ON COLUMN col.body IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON TABLE enc IS 'secret';			-- ok
SET ROLE matrix_tc_cleared;
INSERT INTO enc SELECT i, 'secret ' || i, 'secret' FROM generate_series(4, 5) i;	-- ok
RESET ROLE;
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT count(*) FROM tab;
SELECT 1 FROM tab WHERE false;
SELECT id FROM tab FOR SHARE;
SELECT id FROM tab TABLESAMPLE SYSTEM (100);
INSERT INTO tab VALUES (9, 'i');
INSERT INTO tab VALUES (9, 'i') ON CONFLICT DO NOTHING;
UPDATE tab SET id = id + 10 RETURNING id;
DELETE FROM tab RETURNING id;
MERGE INTO tab t USING (VALUES (1)) v (n) ON t.id = v.n WHEN MATCHED THEN DELETE;
MERGE INTO tab t USING (VALUES (1)) v (n) ON t.id = v.n WHEN MATCHED THEN DO NOTHING;
SELECT c.id FROM col c LEFT JOIN tab t USING (id) ORDER BY 1;
SELECT id, name FROM col ORDER BY id;
SELECT count(*) FROM col;
SELECT body FROM col;
SELECT * FROM col;
SELECT col FROM col;
SELECT count(col) FROM col;
SELECT row_to_json(c) FROM col c;
SELECT c.id FROM col c JOIN col d ON c.body = d.body;
SELECT name FROM col NATURAL JOIN (SELECT id, body FROM col) q;
SELECT id FROM col WHERE body LIKE 's%';
SELECT id FROM col ORDER BY body;
SELECT count(*) FROM col GROUP BY body;
SELECT max(body) FROM col;
SELECT id, (SELECT c.body) FROM col c;
SELECT id FROM col WHERE EXISTS (SELECT FROM col d WHERE d.body = col.name);
SELECT id FROM col ORDER BY id FOR UPDATE;
SELECT id FROM col TABLESAMPLE SYSTEM (100) ORDER BY id;
INSERT INTO col (id, name) VALUES (6, 'i') RETURNING id, name;
INSERT INTO col VALUES (7, 'secret', 'i');
INSERT INTO col (id, name) VALUES (8, 'i') RETURNING body;
INSERT INTO col (id, name) VALUES (1, 'i') ON CONFLICT (id) DO UPDATE SET name = 'c' RETURNING id, name;
INSERT INTO col (id, name) VALUES (1, 'i') ON CONFLICT (id) DO UPDATE SET name = col.body RETURNING id;
INSERT INTO col (id, name) VALUES (1, 'i') ON CONFLICT (id) DO UPDATE SET body = 'c';
UPDATE col SET name = 'u' WHERE id = 2 RETURNING id, name;
UPDATE col SET name = body WHERE id = 3 RETURNING id;
UPDATE col SET name = 'u' WHERE body = 'secret 3';
UPDATE col SET body = 'u' WHERE id = 4;
DELETE FROM col WHERE id = 5 RETURNING id;
DELETE FROM col WHERE body = 'secret 1';
DELETE FROM col RETURNING *;
MERGE INTO col c USING (VALUES (1)) v (n) ON c.id = v.n WHEN MATCHED THEN UPDATE SET name = 'm';
MERGE INTO col c USING (VALUES (1)) v (n) ON c.id = v.n WHEN MATCHED AND c.body > 'a' THEN UPDATE SET name = 'm';
MERGE INTO col c USING (VALUES (1)) v (n) ON c.id = v.n WHEN MATCHED THEN UPDATE SET body = 'm';
$statements$ AS statements \gset
SET ROLE matrix_tc_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_tc_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_tc_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_tc_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_tc CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_tc_reader, matrix_tc_owner, matrix_tc_superuser, matrix_tc_cleared;	-- ok
