-- Every statement kind on a row-labelled table: reader, owner and superuser below
-- the label see rows 1 to 3 and change nothing else; the cleared one sees 1 to 5
CREATE ROLE matrix_st_reader;
CREATE ROLE matrix_st_owner;
CREATE ROLE matrix_st_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_st_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_st_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_st;
GRANT ALL ON SCHEMA matrix_st TO PUBLIC;								-- ok
SET search_path = matrix_st, public;									-- ok
SET ROLE matrix_st_owner;
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
SET ROLE matrix_st_cleared;
INSERT INTO enc SELECT i, 'secret ' || i, 'secret' FROM generate_series(4, 5) i;	-- ok
RESET ROLE;
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT id FROM enc ORDER BY id;
SELECT count(*), max(body) FROM enc;
SELECT id FROM enc WHERE body LIKE 'secret%' ORDER BY id;
SELECT a.id FROM enc a JOIN enc b USING (id) ORDER BY 1;
SELECT id FROM enc WHERE id IN (SELECT id FROM enc WHERE label = 'secret') ORDER BY id;
WITH c AS MATERIALIZED (SELECT * FROM enc) SELECT count(*) FROM c;
SELECT id FROM enc UNION SELECT id + 10 FROM enc ORDER BY 1;
TABLE enc ORDER BY id;
SELECT id FROM enc TABLESAMPLE BERNOULLI (100) ORDER BY id;
SELECT id FROM enc TABLESAMPLE SYSTEM (100) ORDER BY id;
SELECT id FROM enc ORDER BY id FOR UPDATE;
SELECT id FROM enc ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;
SELECT id FROM enc ORDER BY id FOR SHARE;
SELECT id FROM enc ORDER BY id FOR KEY SHARE NOWAIT;
SELECT row_to_json(enc) ->> 'id' AS id FROM enc ORDER BY 1;
SELECT id FROM enc WHERE ctid = '(0,4)'::tid;
UPDATE enc SET body = 'u' WHERE id IN (3, 4) RETURNING id, body;
UPDATE enc SET body = 'u' FROM (VALUES (2), (5)) v (n) WHERE id = n RETURNING id;
DELETE FROM enc WHERE id IN (3, 4) RETURNING id;
DELETE FROM enc USING enc o WHERE enc.id = o.id AND o.id = 5 RETURNING enc.id;
INSERT INTO enc VALUES (6, 'i', 'public') RETURNING id, label;
INSERT INTO enc VALUES (7, 'i', 'secret') RETURNING id, label;
INSERT INTO enc SELECT id + 20, body, label FROM enc RETURNING id;
INSERT INTO enc VALUES (1, 'c', 'open') ON CONFLICT (id) DO UPDATE SET body = excluded.body RETURNING id, body;
INSERT INTO enc VALUES (2, 'c', 'open') ON CONFLICT (id) DO UPDATE SET label = 'secret' RETURNING id, label;
INSERT INTO enc VALUES (1, 'c', 'open') ON CONFLICT DO NOTHING RETURNING id;
MERGE INTO enc r USING (VALUES (1), (8)) v (n) ON r.id = v.n WHEN MATCHED THEN UPDATE SET body = 'm' WHEN NOT MATCHED THEN INSERT VALUES (n, 'm', 'open');
MERGE INTO enc r USING (VALUES (9)) v (n) ON r.id = v.n WHEN NOT MATCHED THEN INSERT VALUES (n, 'm', 'secret');
MERGE INTO enc r USING (VALUES (1)) v (n) ON r.id = v.n WHEN MATCHED THEN DELETE;
UPDATE enc SET label = 'secret' WHERE id = 2 RETURNING id, label;
SELECT id, body FROM enc ORDER BY id;
$statements$ AS statements \gset
SET ROLE matrix_st_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_st_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_st_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_st_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
-- what was hidden is as it was
SET ROLE matrix_st_cleared;
SELECT id, body, label FROM enc ORDER BY id;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_st CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_st_reader, matrix_st_owner, matrix_st_superuser, matrix_st_cleared;	-- ok
