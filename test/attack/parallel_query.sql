-- title: parallel workers decide as their leader
-- role: plain
-- expect: denied
-- recorded: yes

SET force_parallel_mode = on;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), min(body), max(body) FROM att.rows;
SELECT body FROM att.rows;
SELECT body FROM att.secret;
