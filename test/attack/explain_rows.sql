-- title: EXPLAIN ANALYZE does not count hidden rows
-- role: plain
-- limit: EXPLAIN ANALYZE shows how many rows the filter removed
-- expect: filtered
-- forbidden: Rows Removed by Filter: [1-9]
-- recorded: no

EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM att.rows;
