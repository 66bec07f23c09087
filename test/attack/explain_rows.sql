-- title: EXPLAIN ANALYZE does not count hidden rows
-- role: plain
-- expect: filtered
-- required: actual rows=10 loops=1
-- forbidden: Heap Fetches: [1-9]|Heap Blocks|rows=20|Actual Rows: 20|Rows Removed by [A-Za-z ]*: [1-9]
-- recorded: no

EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.rows;
EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.v_rows_super WHERE id > 0;
EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.rows WHERE id > 15 AND body <> '';
EXPLAIN (ANALYZE, TIMING off, COSTS off, FORMAT yaml) SELECT count(*) FROM att.rows;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.rows WHERE id BETWEEN 1 AND 20;
SET enable_indexscan = off;
SET enable_bitmapscan = on;
EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.rows WHERE id BETWEEN 1 AND 20;
EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.rows WHERE id BETWEEN 1 AND 9 OR id BETWEEN 10 AND 20;
RESET ALL;
SET force_parallel_mode = on;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (ANALYZE, VERBOSE, TIMING off, COSTS off) SELECT * FROM att.rows;
