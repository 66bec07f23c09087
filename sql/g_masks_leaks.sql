-- Masked columns: the value cannot be got at, whatever part of a query asks
\set VERBOSITY terse
CREATE ROLE regress_masks_doc;
CREATE ROLE regress_masks_low;
SECURITY LABEL FOR dataclass ON ROLE regress_masks_doc IS 'secret';
CREATE SCHEMA masks;
GRANT ALL ON SCHEMA masks TO PUBLIC;
CREATE TABLE masks.t (id int PRIMARY KEY, name text, v text, gone int, k text);
ALTER TABLE masks.t DROP COLUMN gone;
INSERT INTO masks.t SELECT i, 'n' || i, 'VALUE' || i, 'kept' || i FROM generate_series(1, 3) i;
CREATE INDEX ON masks.t (v);
CREATE INDEX ON masks.t (lower(v));
GRANT ALL ON masks.t TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN masks.t.v IS 'secret mask';
SECURITY LABEL FOR dataclass ON COLUMN masks.t.k IS 'secret mask constant(''hidden'')';
CREATE FUNCTION masks.leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN RAISE NOTICE 'leak: %', $1; RETURN true; END $$;
CREATE VIEW masks.owned AS SELECT * FROM masks.t;
CREATE VIEW masks.invoked WITH (security_invoker) AS SELECT * FROM masks.t;
CREATE VIEW masks.barrier WITH (security_barrier) AS SELECT * FROM masks.t WHERE masks.leak(v);
CREATE VIEW masks.checked AS SELECT * FROM masks.t WHERE v IS NULL AND masks.leak(v) WITH CHECK OPTION;
ALTER VIEW masks.owned OWNER TO regress_masks_doc;
GRANT SELECT ON masks.t TO regress_masks_doc;
GRANT ALL ON masks.owned, masks.invoked, masks.barrier, masks.checked TO PUBLIC;
SET ROLE regress_masks_low;
-- conditions, keys, functions
SELECT id FROM masks.t WHERE v = 'VALUE1';	-- ok: none
SELECT id FROM masks.t WHERE masks.leak(v) AND id = 1;	-- ok: leaks nothing
SELECT id FROM masks.t WHERE lower(v) = 'value1' OR v LIKE 'V%';	-- ok: none
SELECT id FROM masks.t ORDER BY v DESC, id;	-- ok: by id
SELECT v, k, count(*), min(v), max(k) FROM masks.t GROUP BY v, k;	-- ok: one group
SELECT lower(v), grouping(k), count(*) FROM masks.t GROUP BY ROLLUP (v, k) ORDER BY 2, 3;	-- ok
SELECT id, v FROM masks.t GROUP BY id HAVING max(v) IS NULL AND masks.leak(k) AND id = 1;	-- ok
SELECT id, rank() OVER (ORDER BY v), first_value(v) OVER (ORDER BY v DESC) FROM masks.t ORDER BY id;	-- ok
SELECT string_agg(v, ','), count(v), count(*) FILTER (WHERE k = 'kept1'), mode() WITHIN GROUP (ORDER BY k) FROM masks.t;	-- ok
SELECT DISTINCT v, k FROM masks.t;	-- ok
-- whole rows
SELECT t, row_to_json(t), to_jsonb(t) -> 'v', (t).v, t::text FROM masks.t WHERE id = 1;	-- ok
SELECT array_agg(t) FROM masks.t;	-- ok
SELECT t FROM masks.t WHERE t = ROW(1, 'n1', 'VALUE1', 'kept1')::masks.t;	-- ok: none
CREATE FUNCTION masks.tell(masks.t) RETURNS text LANGUAGE sql AS 'SELECT $1.v || $1.k';
SET search_path = masks, public;
SELECT tell(t), t.tell FROM masks.t WHERE id = 1;	-- ok
RESET search_path;
SELECT g, t FROM generate_series(3, 4) g LEFT JOIN masks.t ON t.id = g;	-- ok: no row for 4
-- joins, subqueries, set operations
SELECT a.id, k FROM masks.t a JOIN masks.t b USING (v, k);	-- ok: none
SELECT * FROM masks.t NATURAL JOIN (VALUES ('VALUE1')) x(v);	-- ok: none
SELECT j FROM (masks.t a CROSS JOIN LATERAL (SELECT a.v, a.k) l) j WHERE id = 1;	-- ok
SELECT EXISTS (SELECT FROM masks.t WHERE v = 'VALUE1'), 'VALUE1' IN (SELECT v FROM masks.t), ARRAY(SELECT v FROM masks.t);	-- ok
SELECT (SELECT u.v), (SELECT max(u.k)) FROM masks.t u WHERE id = 1 GROUP BY v;	-- ok
WITH a AS (SELECT * FROM masks.t), b AS MATERIALIZED (SELECT a FROM a) SELECT (b.a).v FROM b WHERE masks.leak((b.a).k) LIMIT 1;	-- ok
WITH RECURSIVE r AS (SELECT id, v FROM masks.t WHERE id = 1 UNION ALL SELECT t.id, t.v FROM masks.t, r WHERE t.id = r.id + 1) SELECT * FROM r;	-- ok
SELECT v FROM masks.t UNION SELECT k FROM masks.t ORDER BY 1;	-- ok
SELECT k FROM masks.t EXCEPT SELECT 'hidden';	-- ok: none
-- views of every owner
SELECT v, k FROM masks.owned WHERE masks.leak(v) AND id = 1;	-- ok
SELECT invoked FROM masks.invoked WHERE id = 1;	-- ok
SELECT v FROM masks.barrier WHERE id = 1;	-- ok
-- what changes data
BEGIN;
UPDATE masks.t SET name = v || k RETURNING *;	-- ok
UPDATE masks.t SET name = k WHERE v IS NULL AND id = 1 RETURNING t;	-- ok
UPDATE masks.t SET (name) = ROW(b.k) FROM masks.t b WHERE b.id = t.id RETURNING t.name, b.k;	-- ok
DELETE FROM masks.t WHERE v = 'VALUE2' OR k = 'kept2';	-- ok: none
INSERT INTO masks.t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = t.v || '+', id = excluded.id WHERE masks.leak(t.k) RETURNING *;	-- ok
INSERT INTO masks.t (id, name) SELECT id + 10, k FROM masks.t WHERE masks.leak(v) AND id = 1 RETURNING name, k;	-- ok
MERGE INTO masks.t USING masks.t s ON s.id = t.id AND masks.leak(t.v) WHEN MATCHED AND t.k = 'hidden' THEN UPDATE SET name = 'm' || s.k || t.k;	-- ok
SELECT DISTINCT name FROM masks.t WHERE id < 10;	-- ok
UPDATE masks.checked SET name = 'x' WHERE id = 1;	-- ok: the option's condition sees the mask
WITH u AS (UPDATE masks.t SET name = name WHERE id = 2 RETURNING *) SELECT v, k FROM u;	-- ok
ROLLBACK;
UPDATE masks.barrier SET name = 'x' WHERE id = 1;	-- fail: its condition stands among the policies of the table
-- COPY, functions, cursors, statements prepared before
COPY masks.t TO STDOUT;	-- ok: masks
COPY (SELECT k, v FROM masks.owned) TO STDOUT;	-- ok: masks
CREATE FUNCTION masks.all_of() RETURNS SETOF masks.t LANGUAGE sql STABLE AS 'SELECT * FROM masks.t';
SELECT v, k FROM masks.all_of() f WHERE masks.leak(f.v) AND id = 1;	-- ok: inlined
CREATE FUNCTION masks.atomic() RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT k FROM masks.t; END;
SELECT * FROM masks.atomic();	-- ok
DO $$ DECLARE r masks.t; BEGIN SELECT * INTO r FROM masks.t WHERE id = 1; RAISE NOTICE '% %', r, (SELECT k FROM masks.t WHERE id = 2); END $$;	-- ok
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM masks.t WHERE id = 1 FOR UPDATE;
FETCH c;	-- ok
UPDATE masks.t SET name = name WHERE CURRENT OF c RETURNING v;	-- ok
ROLLBACK;
SET force_parallel_mode = on;
SELECT max(v), max(k) FROM masks.t;	-- ok: also in a worker
RESET force_parallel_mode;
-- indexes serve those who read the column only
SET enable_seqscan = off;
CREATE FUNCTION masks.uses_index(query text) RETURNS bool LANGUAGE plpgsql SECURITY INVOKER AS
	$$ DECLARE line text; used bool := false; BEGIN FOR line IN EXECUTE 'EXPLAIN ' || query LOOP used := used OR line LIKE '%Index%'; END LOOP; RETURN used; END $$;
SELECT masks.uses_index('SELECT id FROM masks.t WHERE v = ''VALUE1'''), masks.uses_index('SELECT id FROM masks.t WHERE lower(v) = ''value1''');	-- ok: no
SET ROLE regress_masks_doc;
SELECT masks.uses_index('SELECT id FROM masks.t WHERE v = ''VALUE1'''), masks.uses_index('SELECT id FROM masks.t WHERE lower(v) = ''value1''');	-- ok: yes
SELECT id, k FROM masks.t WHERE v = 'VALUE1';	-- ok: value
RESET enable_seqscan;
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS 'secret';
DROP SCHEMA masks CASCADE;
SECURITY LABEL FOR dataclass ON ROLE :"USER" IS NULL;
DROP ROLE regress_masks_doc, regress_masks_low;
