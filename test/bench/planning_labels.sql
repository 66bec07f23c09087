-- Labels of the tables of planning.sql, where the library is loaded.

SET client_min_messages = warning;
CREATE ROLE full_planner LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO full_planner;
SECURITY LABEL FOR dataclass ON ROLE planner IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE full_planner IS 'secret';
SELECT count(bench_govern(format('chain_%s', i)::regclass)) FROM generate_series(1, 10) AS i;
ANALYZE;
