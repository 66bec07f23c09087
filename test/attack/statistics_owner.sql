-- title: planner statistics, by the owner
-- role: owner
-- expect: filtered denied
-- recorded: no

ANALYZE att.rows;
SELECT tablename, attname, most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname IN ('att', 'att_labelled');
