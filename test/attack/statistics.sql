-- title: planner statistics
-- role: plain
-- expect: filtered
-- recorded: no

SELECT tablename, attname, most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname IN ('att', 'att_labelled');
SELECT * FROM pg_stats_ext;
