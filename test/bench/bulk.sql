-- A million rows to load, and tables to load them into.

SET client_min_messages = warning;
CREATE TABLE labelled_source (id int NOT NULL, label dataclass.label NOT NULL, amount int NOT NULL, note text NOT NULL);
CREATE TABLE integer_source (id int NOT NULL, label bigint NOT NULL, amount int NOT NULL, note text NOT NULL);
INSERT INTO integer_source
	SELECT i, 1 + i % 5, i % 1000, 'note ' || i FROM generate_series(1, 1000000) AS i;
INSERT INTO labelled_source
	SELECT id, ('{open,public,restricted,confidential,secret}'::dataclass.label[])[label::int], amount, note FROM integer_source;
CREATE TABLE labelled_target (LIKE labelled_source);
CREATE TABLE integer_target (LIKE integer_source);
SELECT bench_govern('labelled_target') AS governed, bench_govern('labelled_source') AS also \gset
ALTER TABLE labelled_target OWNER TO writer;
ALTER TABLE integer_target OWNER TO writer;
GRANT SELECT ON labelled_source, integer_source TO PUBLIC;
VACUUM (FREEZE, ANALYZE) integer_source;
VACUUM (FREEZE, ANALYZE) labelled_source;
COPY labelled_source TO :'labelled_file';
COPY integer_source TO :'integer_file';
CHECKPOINT;
