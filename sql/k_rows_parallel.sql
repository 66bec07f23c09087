-- Parallel workers and JIT decide as the leader does
CREATE ROLE matrix_pl_reader;
CREATE ROLE matrix_pl_owner;
CREATE ROLE matrix_pl_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_pl_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_pl_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_pl;
GRANT ALL ON SCHEMA matrix_pl TO PUBLIC;								-- ok
SET search_path = matrix_pl, public;									-- ok
SET ROLE matrix_pl_owner;
CREATE TABLE big (id int, body text, label dataclass.label NOT NULL);
CREATE TABLE tab (id int, body text);
CREATE TABLE col (id int, body text);
GRANT ALL ON big, tab, col TO PUBLIC;							-- ok
INSERT INTO tab SELECT i, 'secret' FROM generate_series(1, 5000) i;	-- ok
INSERT INTO col SELECT i, 'secret' FROM generate_series(1, 5000) i;	-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE big IS 'secret';			-- ok
SECURITY LABEL FOR dataclass ON TABLE tab IS 'secret';			-- ok
SECURITY LABEL FOR dataclass ON COLUMN col.body IS 'secret';	-- ok
SET ROLE matrix_pl_cleared;
INSERT INTO big SELECT i, 'b', CASE WHEN i % 10 = 0 THEN 'secret' ELSE 'open' END::dataclass.label FROM generate_series(1, 20000) i;	-- ok
ANALYZE big;
RESET ROLE;
SET parallel_setup_cost = 0;									-- ok
SET parallel_tuple_cost = 0;									-- ok
SET min_parallel_table_scan_size = 0;							-- ok
SET max_parallel_workers_per_gather = 2;						-- ok
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
EXPLAIN (COSTS off, VERBOSE off) SELECT count(*) FROM big WHERE id > 0;
SELECT count(*) FROM big WHERE id > 0;
SET LOCAL parallel_leader_participation = off;
SELECT count(*), count(*) FILTER (WHERE label = 'secret') AS secret FROM big;
SELECT count(*) FROM big a JOIN big b USING (id) WHERE a.label = 'secret';
SELECT count(*) FROM col WHERE id > 0;
SELECT count(body) FROM col;
SELECT count(*) FROM tab;
SET LOCAL dataclass.session_ceiling = 'open';
SELECT count(*) FROM big;
RESET dataclass.session_ceiling;
SET LOCAL force_parallel_mode = on;
SELECT id FROM big WHERE id BETWEEN 9 AND 11 ORDER BY id;
SET LOCAL force_parallel_mode = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = on;
SET LOCAL jit_above_cost = 0;
SET LOCAL jit_inline_above_cost = 0;
SET LOCAL jit_optimize_above_cost = 0;
SELECT count(*), count(*) FILTER (WHERE label = 'secret') AS secret FROM big WHERE id > 0;
UPDATE big SET body = 'j' WHERE id IN (9, 10) RETURNING id;
SELECT count(*) FROM tab;
SELECT max(body) FROM col;
$statements$ AS statements \gset
SET ROLE matrix_pl_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_pl_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_pl_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_pl_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_pl CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_pl_reader, matrix_pl_owner, matrix_pl_superuser, matrix_pl_cleared;	-- ok
