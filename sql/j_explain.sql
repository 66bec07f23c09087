-- EXPLAIN ANALYZE: counts of what came out of the filter, none of what went in
CREATE ROLE regress_leaks_low;
CREATE ROLE regress_leaks_high;
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_low IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE regress_leaks_high IS 'secret';
CREATE TABLE leak_rows (id int, body text, label dataclass.label NOT NULL);
CREATE INDEX leak_rows_covering ON leak_rows (id, label);
CREATE TABLE leak_parts (id int, label dataclass.label NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE leak_part_1 PARTITION OF leak_parts FOR VALUES FROM (0) TO (100);
CREATE TABLE leak_part_2 PARTITION OF leak_parts FOR VALUES FROM (100) TO (200);
GRANT ALL ON leak_rows, leak_parts TO PUBLIC;
SET ROLE regress_leaks_high;
INSERT INTO leak_rows SELECT i, 'body', CASE WHEN i <= 60 THEN 'open' ELSE 'secret' END::dataclass.label FROM generate_series(1, 1000) i;
INSERT INTO leak_parts SELECT i, CASE WHEN i % 50 < 10 THEN 'open' ELSE 'secret' END::dataclass.label FROM generate_series(0, 199) i;
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE leak_rows IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE leak_parts IS 'secret';
SET ROLE regress_boss;
VACUUM ANALYZE leak_rows, leak_parts;
RESET ROLE;
-- the lines of a plan that count rows
CREATE FUNCTION counted(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, COSTS off, TIMING off, SUMMARY off) ' || query LOOP
		IF line ~ '(actual|Rows Removed|Heap Fetches|Heap Blocks)' THEN
			RETURN NEXT line;
		END IF;
	END LOOP;
END $$;
SET max_parallel_workers_per_gather = 0;
-- a scan of everything
SET ROLE regress_leaks_high;
SELECT counted('SELECT * FROM leak_rows WHERE id % 2 = 0');	-- ok: all counts for the cleared
SET ROLE regress_leaks_low;
SELECT counted('SELECT * FROM leak_rows WHERE id % 2 = 0');	-- ok: 30 came out
RESET ROLE;
SELECT counted('SELECT * FROM leak_rows');			-- ok: the same for a superuser without clearance
-- indexes
SET enable_seqscan = off;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET ROLE regress_leaks_high;
SELECT counted('SELECT * FROM leak_rows WHERE id BETWEEN 50 AND 80 AND body <> ''''');	-- ok: all counts
SET ROLE regress_leaks_low;
SELECT counted('SELECT * FROM leak_rows WHERE id BETWEEN 50 AND 80 AND body <> ''''');	-- ok: no bitmap count, no blocks
SELECT counted('SELECT * FROM leak_rows WHERE id BETWEEN 50 AND 80 OR id BETWEEN 900 AND 910');	-- ok: the same
RESET enable_indexscan;
RESET enable_indexonlyscan;
SET enable_bitmapscan = off;
SELECT counted('SELECT body FROM leak_rows WHERE id BETWEEN 50 AND 80');	-- ok
RESET enable_seqscan;
RESET enable_bitmapscan;
-- partitions, subqueries, initplans, modifications
SELECT counted('SELECT * FROM leak_parts');			-- ok
SELECT counted('SELECT (SELECT count(*) FROM leak_rows), id FROM generate_series(1, 2) id');	-- ok
SELECT counted('UPDATE leak_rows SET body = body WHERE id > 55');	-- ok
-- index-only scans, on pages that were changed
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT counted('SELECT id FROM leak_rows WHERE id BETWEEN 50 AND 80');	-- ok
SET ROLE regress_leaks_high;
SELECT counted('SELECT id FROM leak_rows WHERE id BETWEEN 50 AND 80');	-- ok: all counts
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET ROLE;
-- parallel workers
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 1;
SET parallel_leader_participation = off;
SET ROLE regress_leaks_high;
SELECT counted('SELECT count(*) FROM leak_rows WHERE id > 500') ~ 'Removed by Filter: [1-9]' AS told ORDER BY 1 DESC LIMIT 1;	-- ok: t
SET ROLE regress_leaks_low;
SELECT counted('SELECT count(*) FROM leak_rows WHERE id > 500') ~ 'Removed by Filter: [1-9]' AS told ORDER BY 1 DESC LIMIT 1;	-- ok: f
RESET ROLE;
DROP FUNCTION counted(text);
SET ROLE regress_boss;
DROP TABLE leak_rows, leak_parts;
RESET ROLE;
DROP ROLE regress_leaks_low, regress_leaks_high;
