-- title: the pages that a scan reads do not depend on hidden rows
-- role: plain
-- limit: EXPLAIN (BUFFERS), and timing with it, tell how much there is to scan
-- expect: filtered
-- forbidden: Buffers: shared
-- recorded: no

EXPLAIN (ANALYZE, BUFFERS, TIMING off, COSTS off) SELECT * FROM att.rows WHERE id = 15;
