-- title: the activity counters do not count hidden rows
-- role: plain
-- limit: the counters of pg_stat_* count hidden rows
-- expect: filtered
-- forbidden: read: 20
-- recorded: no

BEGIN;
SELECT count(*) FROM att.rows;
SELECT 'read: ' || seq_tup_read FROM pg_stat_xact_user_tables WHERE relid = 'att.rows'::regclass;
COMMIT;
