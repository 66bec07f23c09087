-- title: planner statistics, by a superuser
-- role: dba
-- expect: filtered denied
-- recorded: no

SELECT tablename, attname, most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname IN ('att', 'att_labelled');
SELECT starelid::regclass, stavalues1, stavalues2 FROM pg_statistic WHERE starelid IN ('att.secret'::regclass, 'att.rows'::regclass);
