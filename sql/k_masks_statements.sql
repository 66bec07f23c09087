-- Every statement kind on a table with a masked column: without the clearance its
-- value is NULL wherever it is read; writing it is refused
CREATE ROLE matrix_mk_reader;
CREATE ROLE matrix_mk_owner;
CREATE ROLE matrix_mk_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_mk_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_mk_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_mk;
GRANT ALL ON SCHEMA matrix_mk TO PUBLIC;								-- ok
SET search_path = matrix_mk, public;									-- ok
CREATE EXTENSION postgres_fdw;									-- ok: goes with the schema
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS host, current_database() AS db, current_user AS me \gset
CREATE SERVER matrix_mask_loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'db');	-- ok
CREATE USER MAPPING FOR PUBLIC SERVER matrix_mask_loop OPTIONS (user :'me', password_required 'false');	-- ok
GRANT USAGE ON FOREIGN SERVER matrix_mask_loop TO PUBLIC;		-- ok
CREATE TABLE remote (id int, body text);
INSERT INTO remote VALUES (1, 'secret 1');						-- ok
SET ROLE matrix_mk_owner;
CREATE TABLE m (id int PRIMARY KEY, body text, name text);
CREATE FOREIGN TABLE f (id int, body text) SERVER matrix_mask_loop OPTIONS (schema_name 'matrix_mk', table_name 'remote');	-- ok
INSERT INTO m SELECT i, 'secret ' || i, 'name ' || i FROM generate_series(1, 3) i;	-- ok: not labelled yet
CREATE TABLE part (id int, body text) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE up (id int, body text);
CREATE TABLE down (extra text) INHERITS (up);
INSERT INTO part VALUES (1, 'secret');							-- ok
INSERT INTO down VALUES (1, 'secret');							-- ok
CREATE TABLE door (n int);
CREATE FUNCTION t_door() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''trigger sees %'', (SELECT body FROM m WHERE id = NEW.n); RETURN NULL; END';	-- ok
CREATE TRIGGER door AFTER INSERT ON door FOR EACH ROW EXECUTE FUNCTION t_door();	-- ok
CREATE VIEW v AS SELECT * FROM m;
CREATE VIEW i WITH (security_invoker) AS SELECT * FROM m;
CREATE FUNCTION f_string() RETURNS SETOF m LANGUAGE sql STABLE AS 'SELECT * FROM m';	-- ok
CREATE FUNCTION f_atomic() RETURNS SETOF m LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM m; END;	-- ok
CREATE FUNCTION f_definer() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN QUERY SELECT body FROM m ORDER BY id; END';	-- ok
CREATE TABLE log (n int, body text);
CREATE RULE copied AS ON INSERT TO log DO ALSO UPDATE log SET body = (SELECT max(body) FROM m);	-- ok
GRANT ALL ON m, f, v, i, log, part, part_1, up, down, door TO PUBLIC;	-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON COLUMN m.body IS 'secret mask';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN f.body IS 'secret mask';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN part.body IS 'secret mask';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN up.body IS 'secret mask';	-- ok
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT * FROM m ORDER BY id;
SELECT m FROM m ORDER BY id;
SELECT row_to_json(m) FROM m ORDER BY id;
SELECT count(*), count(body), max(body) FROM m;
SELECT id FROM m WHERE body LIKE 'secret%' ORDER BY id;
SELECT a.id FROM m a JOIN m b USING (body) ORDER BY 1;
SELECT body, count(*) FROM m GROUP BY body ORDER BY body;
SELECT id FROM m ORDER BY body DESC NULLS FIRST, id;
SELECT id, body FROM m TABLESAMPLE SYSTEM (100) ORDER BY id;
SELECT id, body FROM m ORDER BY id FOR UPDATE;
SELECT id, body FROM m ORDER BY id FOR KEY SHARE;
INSERT INTO m (id, name) VALUES (4, 'i') RETURNING *;
INSERT INTO m VALUES (5, 'written', 'i') RETURNING id;
INSERT INTO m (id, name) VALUES (1, 'i') ON CONFLICT (id) DO UPDATE SET name = coalesce(m.body, 'masked') RETURNING id, body, name;
UPDATE m SET name = coalesce(body, 'masked') WHERE id = 2 RETURNING id, body, name;
UPDATE m SET name = 'u' WHERE body = 'secret 3' RETURNING id;
UPDATE m SET body = 'u' WHERE id = 3;
MERGE INTO m USING (VALUES ('secret 3')) v (b) ON m.body = v.b WHEN MATCHED THEN UPDATE SET name = 'merged';
DELETE FROM m WHERE id = 4 RETURNING *;
SELECT id, name FROM m ORDER BY id;
DECLARE c CURSOR FOR SELECT id, body FROM m WHERE id = 1 FOR UPDATE;
FETCH ALL FROM c;
MOVE FORWARD 1 IN c;
CLOSE c;
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE matrix_q (int) AS SELECT body FROM m WHERE id = $1;
EXECUTE matrix_q (1);
DEALLOCATE matrix_q;
COPY m (id, body) TO STDOUT;
COPY (SELECT body FROM m WHERE id = 1) TO STDOUT;
SELECT id, body FROM v WHERE id = 1;
SELECT id, body FROM i WHERE id = 1;
SELECT * FROM part;
SELECT * FROM part_1;
SELECT * FROM up;
SELECT * FROM down;
UPDATE up SET id = 2 WHERE body IS NULL RETURNING *;
INSERT INTO door VALUES (1);
CREATE TRIGGER spy BEFORE UPDATE ON m FOR EACH ROW EXECUTE FUNCTION t_door();
UPDATE m SET name = 'c' WHERE id = 1 RETURNING body;
DECLARE cur CURSOR FOR SELECT id FROM m WHERE id = 1 FOR UPDATE;
FETCH 1 FROM cur;
UPDATE m SET name = coalesce(body, 'masked') WHERE CURRENT OF cur RETURNING body, name;
CLOSE cur;
SELECT id, body FROM f_string() WHERE id = 1;
SELECT id, body FROM f_atomic() WHERE id = 1;
SELECT f_definer();
DO $$ BEGIN RAISE NOTICE 'seen %', (SELECT body FROM m WHERE id = 1); END $$;
INSERT INTO log VALUES (1, 'x');
SELECT * FROM log;
CREATE MATERIALIZED VIEW mv AS SELECT id, body FROM m;
SELECT count(*), count(body) FROM mv;
SELECT * FROM f;
SELECT id FROM f WHERE body = 'secret 1';
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL force_parallel_mode = on;
SELECT max(body) FROM m WHERE id = 1;
SET LOCAL force_parallel_mode = off;
SET LOCAL jit = on;
SET LOCAL jit_above_cost = 0;
SELECT max(body) FROM m WHERE id = 1;
$statements$ AS statements \gset
SET ROLE matrix_mk_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_mk_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_mk_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_mk_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_mk_reader;
COPY m FROM STDIN;												-- fail: writes the masked column
7	x	y
\.
COPY m (id, name) FROM STDIN;									-- ok
8	y
\.
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_mk CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_mk_reader, matrix_mk_owner, matrix_mk_superuser, matrix_mk_cleared;	-- ok
