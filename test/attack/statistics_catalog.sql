-- title: statistics past the view and the planner
-- role: dba
-- expect: filtered
-- required: One-Time Filter: false
-- recorded: no

COPY pg_statistic TO STDOUT;
COPY pg_statistic (stavalues1) TO STDOUT;
COPY pg_statistic_ext_data TO STDOUT;
TABLE pg_statistic_ext_data;
SELECT encode(chunk_data, 'escape') FROM pg_toast.pg_toast_2619;
EXPLAIN TABLE pg_toast.pg_toast_2619;
SELECT encode(chunk_data, 'escape') FROM pg_toast.pg_toast_3429;
SELECT m.* FROM pg_statistic_ext JOIN pg_statistic_ext_data ON oid = stxoid, pg_mcv_list_items(stxdmcv) m;
SELECT * FROM pg_stats_ext_exprs;
CREATE TABLE scratch.copied AS SELECT starelid, stavalues1::text FROM pg_statistic;
TABLE scratch.copied;
SELECT query_to_xml('SELECT stavalues1 FROM pg_statistic', true, false, '');
DECLARE c CURSOR WITH HOLD FOR SELECT stavalues1 FROM pg_statistic;
FETCH ALL FROM c;
SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext;
DROP TABLE IF EXISTS scratch.copied;
