-- Cursors, WHERE CURRENT OF, prepared statements, COPY on labelled tables
CREATE ROLE matrix_cu_reader;
CREATE ROLE matrix_cu_owner;
CREATE ROLE matrix_cu_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_cu_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_cu_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_cu;
GRANT ALL ON SCHEMA matrix_cu TO PUBLIC;								-- ok
SET search_path = matrix_cu, public;									-- ok
SET ROLE matrix_cu_owner;
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
SET ROLE matrix_cu_cleared;
INSERT INTO enc SELECT i, 'secret ' || i, 'secret' FROM generate_series(4, 5) i;	-- ok
RESET ROLE;
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
DECLARE c SCROLL CURSOR FOR SELECT id FROM enc ORDER BY id;
FETCH ALL FROM c;
FETCH BACKWARD 1 FROM c;
MOVE ABSOLUTE 0 IN c;
FETCH 2 FROM c;
CLOSE c;
DECLARE u CURSOR FOR SELECT id FROM enc FOR UPDATE;
FETCH 2 FROM u;
UPDATE enc SET body = 'current' WHERE CURRENT OF u RETURNING id;
FETCH 1 FROM u;
DELETE FROM enc WHERE CURRENT OF u RETURNING id;
FETCH 1 FROM u;
UPDATE enc SET body = 'current' WHERE CURRENT OF u RETURNING id;
CLOSE u;
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE g (int) AS SELECT id FROM enc WHERE id >= $1 ORDER BY id;
EXECUTE g (2);
EXECUTE g (4);
SET LOCAL plan_cache_mode = force_custom_plan;
EXECUTE g (2);
EXECUTE g (4);
PREPARE w AS UPDATE enc SET body = 'p' WHERE id = 4 RETURNING id;
EXECUTE w;
DEALLOCATE ALL;
COPY enc TO STDOUT;
COPY enc (id, label) TO STDOUT;
COPY (SELECT id FROM enc ORDER BY id DESC) TO STDOUT;
COPY (UPDATE enc SET body = 'copied' RETURNING id) TO STDOUT;
DECLARE cc CURSOR FOR SELECT id FROM col FOR UPDATE;
FETCH 1 FROM cc;
UPDATE col SET name = 'current' WHERE CURRENT OF cc RETURNING id, name;
UPDATE col SET body = 'current' WHERE CURRENT OF cc;
UPDATE col SET name = body WHERE CURRENT OF cc;
DELETE FROM col WHERE CURRENT OF cc RETURNING body;
DELETE FROM col WHERE CURRENT OF cc RETURNING id;
CLOSE cc;
DECLARE ct CURSOR FOR SELECT id FROM tab FOR UPDATE;
DELETE FROM tab WHERE CURRENT OF ct;
DECLARE t CURSOR FOR SELECT * FROM tab;
DECLARE t CURSOR FOR SELECT body FROM col;
PREPARE t AS SELECT * FROM tab;
EXECUTE t;
PREPARE s AS SELECT body FROM col;
EXECUTE s;
COPY tab TO STDOUT;
COPY col TO STDOUT;
COPY col (id, name) TO STDOUT;
COPY (SELECT body FROM col) TO STDOUT;
DEALLOCATE ALL;
$statements$ AS statements \gset
SET ROLE matrix_cu_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_cu_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_cu_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_cu_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
-- COPY FROM, as the reader
SET ROLE matrix_cu_reader;
COPY tab FROM STDIN;											-- fail: label of the table
9	x
\.
COPY col FROM STDIN;											-- fail: label of the column
9	x	y
\.
COPY col (id, name) FROM STDIN;									-- ok
9	y
\.
COPY enc FROM STDIN;											-- fail: second row
8	x	open
9	x	secret
\.
COPY enc FROM STDIN;											-- ok
8	x	open
\.
SELECT id FROM enc ORDER BY id;									-- ok: 1 to 3 and 8
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_cu CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_cu_reader, matrix_cu_owner, matrix_cu_superuser, matrix_cu_cleared;	-- ok
