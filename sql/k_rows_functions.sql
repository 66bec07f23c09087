-- Functions inlined and not, PL/pgSQL, triggers and rules on labelled tables
CREATE ROLE matrix_fn_reader;
CREATE ROLE matrix_fn_owner;
CREATE ROLE matrix_fn_superuser SUPERUSER;							-- not cleared
CREATE ROLE matrix_fn_cleared;
SECURITY LABEL FOR dataclass ON ROLE matrix_fn_cleared IS 'secret with (reclassify, declassify)';	-- ok
CREATE SCHEMA matrix_fn;
GRANT ALL ON SCHEMA matrix_fn TO PUBLIC;								-- ok
SET search_path = matrix_fn, public;									-- ok
SET ROLE matrix_fn_owner;
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
SET ROLE matrix_fn_cleared;
INSERT INTO enc SELECT i, 'secret ' || i, 'secret' FROM generate_series(4, 5) i;	-- ok
RESET ROLE;
SET ROLE matrix_fn_owner;
CREATE FUNCTION f_string() RETURNS SETOF enc LANGUAGE sql STABLE AS 'SELECT * FROM enc';	-- ok: core inlines it
CREATE FUNCTION f_atomic() RETURNS SETOF enc LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM enc; END;	-- ok: inlined
CREATE FUNCTION f_volatile() RETURNS SETOF enc LANGUAGE sql AS 'SELECT * FROM enc';	-- ok: never inlined
CREATE FUNCTION f_volatile_atomic() RETURNS SETOF enc LANGUAGE sql VOLATILE BEGIN ATOMIC SELECT * FROM enc; END;	-- ok
CREATE FUNCTION f_definer() RETURNS SETOF enc LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT * FROM enc';	-- ok
CREATE FUNCTION f_scalar() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM enc';	-- ok
CREATE FUNCTION f_plpgsql() RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE r record; BEGIN
	FOR r IN SELECT id FROM enc ORDER BY id LOOP RETURN NEXT r.id; END LOOP;
	RETURN QUERY EXECUTE 'SELECT id + 100 FROM enc ORDER BY id';
END $$;
CREATE FUNCTION f_write(n int, l dataclass.label) RETURNS SETOF int LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN RETURN QUERY INSERT INTO enc VALUES (n, 'f', l) RETURNING id; END $$;
CREATE FUNCTION f_tab() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT id FROM tab';	-- ok
CREATE FUNCTION f_tab_atomic() RETURNS SETOF int LANGUAGE sql STABLE BEGIN ATOMIC SELECT id FROM tab; END;	-- ok
CREATE FUNCTION f_tab_plpgsql() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM tab); END';	-- ok
CREATE FUNCTION f_col() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT body FROM col';	-- ok
CREATE FUNCTION f_col_name() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM col';	-- ok
CREATE TABLE log (n int, body text);
CREATE TABLE door (n int, l text);
GRANT ALL ON log, door TO PUBLIC;								-- ok
CREATE FUNCTION t_door() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO enc VALUES (NEW.n, 'by trigger', NEW.l::dataclass.label); UPDATE enc SET body = 'by trigger' WHERE id = 4; RETURN NULL; END $$;
CREATE TRIGGER door AFTER INSERT ON door FOR EACH ROW EXECUTE FUNCTION t_door();	-- ok: door is nobody's
CREATE VIEW rule_view AS SELECT id, label FROM enc;
CREATE RULE rule_ins AS ON INSERT TO rule_view DO INSTEAD INSERT INTO enc VALUES (NEW.id, 'by rule', NEW.label);	-- ok
CREATE RULE rule_upd AS ON UPDATE TO log DO INSTEAD UPDATE enc SET body = 'by rule' RETURNING id, body;	-- ok
CREATE RULE rule_tab AS ON DELETE TO door DO INSTEAD DELETE FROM tab RETURNING id, body;	-- ok
CREATE RULE rule_col AS ON UPDATE TO door DO INSTEAD UPDATE col SET name = body;	-- ok
GRANT ALL ON rule_view TO PUBLIC;								-- ok
RESET ROLE;
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SELECT $statements$
SELECT count(*) FROM f_string();
SELECT count(*) FROM f_atomic() WHERE id > 0;
SELECT count(*) FROM f_volatile();
SELECT count(*) FROM f_volatile_atomic();
SELECT count(*) FROM f_definer();
SELECT f_scalar();
SELECT count(*) FROM f_string() a JOIN f_atomic() b USING (id);
SELECT id FROM generate_series(4, 5) n, LATERAL (SELECT id FROM f_string() WHERE id = n) q ORDER BY 1;
SELECT f_plpgsql();
SELECT f_write(30, 'open');
SELECT f_write(31, 'secret');
DO $$ BEGIN RAISE NOTICE 'seen %', (SELECT count(*) FROM enc WHERE id <= 5); END $$;
SELECT count(*) FROM f_tab();
SELECT count(*) FROM f_tab_atomic();
SELECT f_tab_plpgsql();
SELECT count(*) FROM f_col();
SELECT count(*) FROM f_col_name();
INSERT INTO door VALUES (32, 'open');
INSERT INTO door VALUES (33, 'secret');
INSERT INTO rule_view VALUES (34, 'open');
INSERT INTO rule_view VALUES (35, 'secret');
UPDATE log SET n = 1;
DELETE FROM door;
UPDATE door SET n = 1;
SELECT id, body FROM enc ORDER BY id;
CREATE FUNCTION pg_temp.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', OLD; RETURN OLD; END';
CREATE TRIGGER spy BEFORE DELETE ON enc FOR EACH ROW EXECUTE FUNCTION pg_temp.spy();
CREATE TRIGGER spy BEFORE DELETE ON tab FOR EACH ROW EXECUTE FUNCTION pg_temp.spy();
CREATE TRIGGER spy BEFORE DELETE ON col FOR EACH ROW EXECUTE FUNCTION pg_temp.spy();
CREATE RULE spy AS ON DELETE TO enc DO ALSO INSERT INTO log VALUES (OLD.id, OLD.body);
$statements$ AS statements \gset
SET ROLE matrix_fn_reader;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_fn_owner;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_fn_superuser;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
SET ROLE matrix_fn_cleared;
\set ECHO queries
BEGIN;
:statements
ROLLBACK;
\set ECHO all
RESET ROLE;
-- a trigger of the cleared one shows a reader's DELETE nothing but what the reader sees
SET ROLE matrix_fn_cleared;
CREATE FUNCTION t_show() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''trigger sees %'', OLD.id; RETURN NULL; END';	-- ok
CREATE TRIGGER show BEFORE DELETE ON enc FOR EACH ROW EXECUTE FUNCTION t_show();	-- ok
SET ROLE matrix_fn_reader;
DELETE FROM enc;												-- ok: rows 1 to 3
RESET ROLE;
SET ROLE regress_boss;										-- ok: cleared for all that they can hold
SET client_min_messages = warning;							-- ok
DROP SCHEMA matrix_fn CASCADE;										-- ok
RESET ROLE;														-- ok
DROP ROLE matrix_fn_reader, matrix_fn_owner, matrix_fn_superuser, matrix_fn_cleared;	-- ok
