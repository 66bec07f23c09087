-- Views of every owner, security_invoker and security_barrier views, materialised views
CREATE ROLE matrix_vw_reader;
CREATE ROLE matrix_vw_owner;
CREATE ROLE matrix_vw_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_vw_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_vw_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_vw;
GRANT ALL ON SCHEMA matrix_vw TO PUBLIC;								-- ok
SET search_path = matrix_vw, public;									-- ok
SET ROLE matrix_vw_owner;
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
SET ROLE matrix_vw_cleared;
INSERT INTO enc SELECT i, 'secret ' || i, 'secret' FROM generate_series(4, 5) i;	-- ok
RESET ROLE;
SET ROLE matrix_vw_owner;
CREATE VIEW v_owner AS SELECT * FROM enc;
CREATE VIEW i_owner WITH (security_invoker) AS SELECT * FROM enc;
CREATE VIEW b_owner WITH (security_barrier) AS SELECT * FROM enc WHERE id > 2;
CREATE VIEW t_owner AS SELECT * FROM tab;
CREATE VIEW c_owner AS SELECT * FROM col;
GRANT ALL ON v_owner, i_owner, b_owner, t_owner, c_owner TO PUBLIC;		-- ok
RESET ROLE;
SET ROLE matrix_vw_superuser;
CREATE VIEW v_superuser AS SELECT * FROM enc;
CREATE VIEW i_superuser WITH (security_invoker) AS SELECT * FROM enc;
CREATE VIEW b_superuser WITH (security_barrier) AS SELECT * FROM enc WHERE id > 2;
CREATE VIEW t_superuser AS SELECT * FROM tab;
CREATE VIEW c_superuser AS SELECT * FROM col;
GRANT ALL ON v_superuser, i_superuser, b_superuser, t_superuser, c_superuser TO PUBLIC;		-- ok
RESET ROLE;
SET ROLE matrix_vw_cleared;
CREATE VIEW v_cleared AS SELECT * FROM enc;
CREATE VIEW i_cleared WITH (security_invoker) AS SELECT * FROM enc;
CREATE VIEW b_cleared WITH (security_barrier) AS SELECT * FROM enc WHERE id > 2;
CREATE VIEW t_cleared AS SELECT * FROM tab;
CREATE VIEW c_cleared AS SELECT * FROM col;
GRANT ALL ON v_cleared, i_cleared, b_cleared, t_cleared, c_cleared TO PUBLIC;		-- ok
RESET ROLE;
CREATE VIEW nested AS SELECT v.id FROM v_superuser v JOIN i_owner USING (id);
GRANT ALL ON nested TO PUBLIC;									-- ok
SET ROLE matrix_vw_cleared;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM enc;				-- ok
CREATE MATERIALIZED VIEW mv_bare AS SELECT id, body FROM enc;	-- ok: labelled as a whole
CREATE MATERIALIZED VIEW mv_tab AS SELECT id FROM tab;			-- ok: labelled as a whole
CREATE MATERIALIZED VIEW mv_col AS SELECT id, body FROM col;	-- ok: labelled as a whole
CREATE MATERIALIZED VIEW mv_name AS SELECT id, name FROM col;	-- ok: nothing labelled in it
GRANT ALL ON mv, mv_bare, mv_tab, mv_col, mv_name TO PUBLIC;	-- ok
RESET ROLE;
SELECT label FROM pg_seclabel WHERE objoid IN ('mv'::regclass, 'mv_bare'::regclass);	-- ok: of the table
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT count(*) AS v_owner FROM v_owner;
SELECT count(*) AS v_superuser FROM v_superuser;
SELECT count(*) AS v_cleared FROM v_cleared;
SELECT count(*) AS i_owner FROM i_owner;
SELECT count(*) AS i_superuser FROM i_superuser;
SELECT count(*) AS i_cleared FROM i_cleared;
SELECT count(*) AS b_owner FROM b_owner;
SELECT count(*) AS b_superuser FROM b_superuser;
SELECT count(*) AS b_cleared FROM b_cleared;
SELECT count(*) AS nested FROM nested;
SELECT id FROM v_superuser WHERE id = 4;
UPDATE v_superuser SET body = 'v' WHERE id IN (1, 5) RETURNING id;
UPDATE v_cleared SET body = 'v' WHERE id IN (2, 5) RETURNING id;
DELETE FROM i_cleared WHERE id IN (3, 4) RETURNING id;
INSERT INTO v_superuser VALUES (6, 'v', 'secret') RETURNING id;
INSERT INTO v_owner VALUES (7, 'v', 'open') RETURNING id;
SELECT count(*) AS t_owner FROM t_owner;
SELECT count(*) AS t_superuser FROM t_superuser;
SELECT count(*) AS t_cleared FROM t_cleared;
SELECT count(name) AS c_owner FROM c_owner;
SELECT count(body) AS c_owner FROM c_owner;
SELECT count(body) AS c_superuser FROM c_superuser;
SELECT count(body) AS c_cleared FROM c_cleared;
SELECT id FROM mv ORDER BY id;
SELECT id FROM mv_bare ORDER BY id;
SELECT count(*) FROM mv_tab;
SELECT count(*) FROM mv_col;
SELECT count(*) FROM mv_name;
CREATE MATERIALIZED VIEW mv_mine AS SELECT id FROM tab;
CREATE MATERIALIZED VIEW mv_mine AS SELECT body FROM col;
CREATE MATERIALIZED VIEW mv_mine AS SELECT id, label FROM enc;
SELECT count(*) FROM mv_mine WHERE id <= 5;
REFRESH MATERIALIZED VIEW mv;
COPY (SELECT id FROM v_superuser ORDER BY id) TO STDOUT;
$statements$ AS statements \gset
SET ROLE matrix_vw_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_vw_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_vw_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_vw_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_vw CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_vw_reader, matrix_vw_owner, matrix_vw_superuser, matrix_vw_cleared;	-- ok
