-- Fifty tables that join in a chain; the first ten have row labels where :type
-- is the label type and numbers where the library is not loaded.

CREATE ROLE planner LOGIN;
SELECT format('CREATE TABLE chain_%s (id int PRIMARY KEY, next int NOT NULL, label %s NOT NULL, note text)', i,
		CASE WHEN i <= 10 THEN :'type' ELSE 'bigint' END),
	format('INSERT INTO chain_%s SELECT n, 1 + (n * 7) %% 200, %L, ''note '' || n FROM generate_series(1, 200) AS n', i,
		CASE WHEN i <= 10 AND :'type' <> 'bigint' THEN 'restricted' ELSE '3' END),
	format('CREATE INDEX ON chain_%s (next)', i)
	FROM generate_series(1, 50) AS i \gexec
GRANT SELECT ON ALL TABLES IN SCHEMA public TO planner;
ANALYZE;
