-- Row-labelled foreign tables: core calls no row security hook for them
CREATE ROLE matrix_ft_reader;
CREATE ROLE matrix_ft_owner;
CREATE ROLE matrix_ft_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_ft_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_ft_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_ft;
GRANT ALL ON SCHEMA matrix_ft TO PUBLIC;								-- ok
SET search_path = matrix_ft, public;									-- ok
CREATE EXTENSION postgres_fdw;									-- ok: goes with the schema
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS host, current_database() AS db, current_user AS me \gset
CREATE SERVER matrix_loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'db');	-- ok
CREATE USER MAPPING FOR PUBLIC SERVER matrix_loop OPTIONS (user :'me', password_required 'false');	-- ok
GRANT USAGE ON FOREIGN SERVER matrix_loop TO PUBLIC;			-- ok
-- what lies behind is text to the server that keeps it
CREATE TABLE remote (id int PRIMARY KEY, body text, label text);
INSERT INTO remote VALUES (1, 'open', 'open'), (2, 'open', 'open'), (3, 'secret', 'secret'), (4, 'unknown', '#0123456789abcdef');	-- ok
SET ROLE matrix_ft_owner;
CREATE FOREIGN TABLE enc (id int, body text, label dataclass.label) SERVER matrix_loop OPTIONS (schema_name 'matrix_ft', table_name 'remote');	-- ok
CREATE FOREIGN TABLE tab (id int, body text) SERVER matrix_loop OPTIONS (schema_name 'matrix_ft', table_name 'remote');	-- ok
CREATE FOREIGN TABLE col (id int, body text) SERVER matrix_loop OPTIONS (schema_name 'matrix_ft', table_name 'remote');	-- ok
GRANT ALL ON enc, tab, col TO PUBLIC;							-- ok
CREATE VIEW v_row AS SELECT * FROM enc;
GRANT ALL ON v_row TO PUBLIC;									-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON FOREIGN TABLE enc IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON FOREIGN TABLE tab IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON COLUMN col.body IS 'secret';	-- ok
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT id FROM enc ORDER BY id;
SELECT count(*) FROM enc;
SELECT max(body) FROM enc WHERE id > 2;
SELECT id FROM v_row ORDER BY id;
UPDATE enc SET body = 'u' WHERE id IN (2, 3) RETURNING id;
DELETE FROM enc WHERE id IN (2, 3, 4) RETURNING id;
INSERT INTO enc VALUES (5, 'i', 'open') RETURNING id;
INSERT INTO enc VALUES (6, 'i', 'secret') RETURNING id;
INSERT INTO enc (label, id) SELECT 'secret', 7 RETURNING id;
INSERT INTO enc (id) VALUES (8) RETURNING id;
UPDATE enc SET label = 'secret' WHERE id = 1 RETURNING id;
UPDATE enc SET label = 'public' WHERE id = 1 RETURNING id;
COPY (SELECT id FROM enc ORDER BY id) TO STDOUT;
SELECT count(*) FROM tab;
UPDATE tab SET body = 'u';
SELECT count(id) FROM col;
SELECT count(body) FROM col;
$statements$ AS statements \gset
SET ROLE matrix_ft_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_ft_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_ft_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_ft_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
-- a foreign partition
SET ROLE matrix_ft_cleared;
CREATE TABLE part (id int, body text, label dataclass.label) PARTITION BY LIST (id);
CREATE FOREIGN TABLE part_1 PARTITION OF part DEFAULT SERVER matrix_loop OPTIONS (schema_name 'matrix_ft', table_name 'remote');	-- ok
GRANT ALL ON part, part_1 TO PUBLIC;							-- ok
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE part IS 'secret';			-- ok
SET ROLE matrix_ft_reader;
SELECT id FROM part ORDER BY id;								-- ok: 1 and 2
SELECT id FROM part_1 ORDER BY id;								-- ok: 1 and 2
INSERT INTO part VALUES (9, 'p', 'secret');						-- fail: above the clearance
INSERT INTO part_1 VALUES (9, 'p', 'secret');					-- fail: above the clearance
INSERT INTO part_1 VALUES (9, 'p', 'open') RETURNING id;		-- ok
RESET ROLE;
SELECT id FROM part_1 ORDER BY id;								-- ok: the superuser: 1, 2 and 9
SELECT * FROM remote ORDER BY id;								-- ok: only 9 was added
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_ft CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_ft_reader, matrix_ft_owner, matrix_ft_superuser, matrix_ft_cleared;	-- ok
