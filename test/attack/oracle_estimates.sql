-- title: the planner's estimates do not count hidden rows
-- role: plain
-- limit: reltuples and row estimates count hidden rows
-- expect: filtered
-- forbidden: tuples: 20
-- recorded: no

SELECT 'tuples: ' || reltuples FROM pg_class WHERE oid = 'att.rows'::regclass;
