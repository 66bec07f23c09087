-- The rows of rows.sql, a partition for each class.

SET client_min_messages = warning;
CREATE TABLE labelled_parts (LIKE labelled_rows) PARTITION BY LIST (label);
CREATE TABLE integer_parts (LIKE integer_rows) PARTITION BY LIST (level);
SELECT format('CREATE TABLE labelled_part_%s PARTITION OF labelled_parts FOR VALUES IN (%L)', i, bench_label(i)),
	format('CREATE TABLE integer_part_%s PARTITION OF integer_parts FOR VALUES IN (%s)', i, i)
	FROM generate_series(1, 5) AS i \gexec
INSERT INTO integer_parts SELECT * FROM integer_rows;
INSERT INTO labelled_parts SELECT * FROM labelled_rows;
SELECT bench_govern('labelled_parts') AS governed \gset
GRANT SELECT ON labelled_parts, integer_parts TO PUBLIC;
VACUUM (FREEZE, ANALYZE) integer_parts;
VACUUM (FREEZE, ANALYZE) labelled_parts;
CHECKPOINT;
