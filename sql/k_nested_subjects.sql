-- The subject changes inside of functions, rules, loops and blocks while plans
-- made for another one are at hand: each statement is decided for its own subject
SET max_parallel_workers_per_gather = 0;					-- ok
CREATE ROLE fuzz_high;										-- ok
CREATE ROLE fuzz_low;										-- ok
CREATE ROLE fuzz_maker SUPERUSER;							-- ok
SECURITY LABEL FOR dataclass ON ROLE fuzz_high IS 'secret';	-- ok
SECURITY LABEL FOR dataclass ON ROLE fuzz_low IS 'public';	-- ok
SECURITY LABEL FOR dataclass ON ROLE fuzz_maker IS 'secret with (declassify, reclassify)';	-- ok
GRANT fuzz_low TO fuzz_high;								-- ok: by an officer
GRANT fuzz_high TO fuzz_low;								-- fail: circular
CREATE SCHEMA fuzz_nested AUTHORIZATION fuzz_maker;			-- ok
GRANT USAGE, CREATE ON SCHEMA fuzz_nested TO PUBLIC;		-- ok
SET ROLE fuzz_maker;										-- ok
SET search_path = fuzz_nested, public;						-- ok
CREATE TABLE vouched (id int PRIMARY KEY, label dataclass.label NOT NULL);	-- ok
INSERT INTO vouched SELECT i, (ARRAY['open', 'secret'])[i % 2 + 1]::dataclass.label FROM generate_series(1, 400) i;	-- ok
SECURITY LABEL FOR dataclass ON TABLE vouched IS 'secret';	-- ok
SELECT dataclass.policy_era() AS era \gset
ALTER TABLE vouched ADD CHECK (dataclass.row_within(label, 'secret', :'era'));	-- ok
CREATE TABLE seen (what text, n bigint);					-- ok
CREATE TABLE slot (n int);									-- ok
GRANT ALL ON ALL TABLES IN SCHEMA fuzz_nested TO PUBLIC;	-- ok
ANALYZE vouched;											-- ok
-- statements of an SQL function, planned before the first of them runs
CREATE FUNCTION become_low() RETURNS bigint LANGUAGE sql AS
	$$ SELECT set_config('role', 'fuzz_low', true); SELECT count(*) FROM vouched $$;	-- ok
CREATE FUNCTION become(text) RETURNS bigint LANGUAGE sql AS
	$$ SELECT set_config('role', $1, true); SELECT count(*) FROM vouched $$;	-- ok
CREATE FUNCTION narrow() RETURNS bigint LANGUAGE sql AS
	$$ SELECT set_config('dataclass.session_ceiling', 'open', true); SELECT count(*) FROM vouched WHERE label = 'secret' $$;	-- ok
CREATE FUNCTION low_inside() RETURNS bigint LANGUAGE sql SET role = 'fuzz_low' AS 'SELECT count(*) FROM vouched';	-- ok
CREATE FUNCTION high_count() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM vouched); END';	-- ok
CREATE FUNCTION around() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN high_count() || ' ' || low_inside() || ' ' || high_count();
END $$;														-- ok
CREATE FUNCTION in_block() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM vouched);
	inside bigint;
BEGIN
	BEGIN
		PERFORM set_config('role', 'fuzz_low', true);
		inside := (SELECT count(*) FROM vouched);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		RETURN before || ' ' || inside || ' ' || (SELECT count(*) FROM vouched);
	END;
END $$;														-- ok
-- rows that come after the change; a loop fetches rows in portions
CREATE FUNCTION in_loop(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	n int := 0;
	high int := 0;
BEGIN
	FOR r IN EXECUTE query LOOP
		n := n + 1;
		IF n = 1 THEN
			PERFORM set_config('role', 'fuzz_low', true);
		END IF;
		-- those after what may have been fetched with the first
		high := high + (n > 100 AND r.label = 'secret')::int;
	END LOOP;
	RETURN n || ' rows, ' || high || ' above';
EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state THEN
	RETURN 'refused';
END $$;														-- ok
CREATE FUNCTION in_cursor() RETURNS SETOF dataclass.label LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR FOR SELECT label FROM vouched ORDER BY id;
	l dataclass.label;
BEGIN
	OPEN c;
	FETCH c INTO l;
	PERFORM set_config('role', 'fuzz_low', true);
	FOR i IN 1..3 LOOP
		FETCH c INTO l;
		RETURN NEXT l;
	END LOOP;
	CLOSE c;
END $$;														-- ok
-- one statement, several plans
CREATE VIEW twofold AS SELECT 1 AS n;						-- ok
CREATE RULE twofold AS ON INSERT TO twofold DO INSTEAD (
	INSERT INTO seen SELECT 'before', count(*) FROM vouched;
	INSERT INTO seen SELECT set_config('role', 'fuzz_low', true), 0;
	INSERT INTO seen SELECT 'after', count(*) FROM vouched);	-- ok
CREATE FUNCTION on_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen SELECT 'trigger ' || current_setting('role'), count(*) FROM vouched;
	PERFORM set_config('role', CASE WHEN NEW.n % 2 = 0 THEN 'fuzz_low' ELSE 'fuzz_high' END, true);
	INSERT INTO seen SELECT 'trigger ' || current_setting('role'), count(*) FROM vouched;
	RETURN NEW;
END $$;														-- ok
CREATE TRIGGER on_slot BEFORE INSERT ON slot FOR EACH ROW EXECUTE FUNCTION on_slot();	-- ok
GRANT INSERT ON twofold TO PUBLIC;							-- ok
RESET ROLE;													-- ok
-- each twice: in a fresh transaction and with warm caches
\set ECHO queries
SET plan_cache_mode = force_generic_plan;					-- ok
SET ROLE fuzz_high;											-- ok
SELECT high_count();										-- ok: 400
SELECT become_low();										-- ok: 200
SELECT high_count(), become_low(), high_count();			-- ok: 400 200 200
SELECT become('fuzz_low');									-- ok: 200
SELECT become('fuzz_high'), become('fuzz_low'), become('fuzz_high');	-- ok: 400 200 400
SELECT narrow(), high_count();								-- ok: 0 200
SELECT high_count();										-- ok: 400, the setting was local
SELECT low_inside(), high_count(), around();				-- ok: 200 400, 400 200 400
SELECT in_block();											-- ok: 400 200 400
SELECT in_loop('SELECT label FROM vouched');				-- ok: none above
SELECT in_loop('SELECT label FROM vouched ORDER BY id DESC');	-- ok: none above
SELECT in_loop('SELECT label FROM vouched ORDER BY md5(id::text)');	-- ok: sorted before, refused
SELECT in_loop('SELECT DISTINCT ON (id) label FROM vouched');	-- ok: none above, or refused
SELECT * FROM in_cursor();									-- ok: none above
-- the rule: plans of one statement
INSERT INTO twofold VALUES (1);								-- ok
SELECT * FROM seen WHERE what <> 'fuzz_low' ORDER BY what DESC;	-- ok: 400 before, 200 after
DELETE FROM seen;											-- ok
INSERT INTO slot SELECT generate_series(1, 3);				-- ok
SELECT what, n, count(*) FROM seen GROUP BY 1, 2 ORDER BY 1, 2;	-- ok: high 400, low 200
-- the subject changes within one statement, before rows are read and while they are
SELECT count(*) FROM (SELECT set_config('role', 'fuzz_low', true) OFFSET 0) s, LATERAL (SELECT * FROM vouched OFFSET 0) v;	-- fail: the filter was left out for the first subject
-- a prepared statement goes through CREATE TABLE AS, EXPLAIN and a DO block
PREPARE q AS SELECT count(*) AS n FROM vouched;				-- ok
EXECUTE q;													-- ok: 400
SET ROLE fuzz_low;											-- ok
CREATE TEMP TABLE fuzz_kept AS EXECUTE q;					-- ok
SELECT n FROM fuzz_kept;									-- fail: it has the label of its source
SET ROLE fuzz_maker;										-- ok
SELECT n FROM fuzz_kept;									-- ok: 200, of the low subject
DROP TABLE fuzz_kept;										-- ok
SET ROLE fuzz_low;											-- ok
DO $$ BEGIN EXECUTE 'EXECUTE q'; PERFORM set_config('role', 'fuzz_high', true); RAISE NOTICE '% rows', (SELECT count(*) FROM fuzz_nested.vouched); END $$;	-- ok: 400
EXECUTE q;													-- ok: 200
-- parallel plans
SET parallel_setup_cost = 0;								-- ok
SET parallel_tuple_cost = 0;								-- ok
SET min_parallel_table_scan_size = 0;						-- ok
SET max_parallel_workers_per_gather = 2;					-- ok
PREPARE p AS SELECT count(*) FROM vouched WHERE id > 0;		-- ok
EXECUTE p;													-- ok: 200
SET ROLE fuzz_high;											-- ok
EXECUTE p;													-- ok: 400
SET ROLE fuzz_low;											-- ok
EXECUTE p;													-- ok: 200
SET dataclass.session_ceiling = 'open';						-- ok
EXECUTE p;													-- ok: 200
RESET dataclass.session_ceiling;							-- ok
\set ECHO all
RESET ROLE;													-- ok
DEALLOCATE ALL;												-- ok
SET client_min_messages = warning;							-- ok
SET ROLE fuzz_maker;										-- ok
DROP SCHEMA fuzz_nested CASCADE;							-- ok
RESET ROLE;													-- ok
DROP ROLE fuzz_high, fuzz_low, fuzz_maker;					-- ok
