-- A table with indexes of several kinds, :rows rows.  Run twice, at the same
-- time: :table is labelled_items with :type a label, or integer_items with a
-- number of the same width.

SET client_min_messages = warning;
CREATE TABLE :table (id int NOT NULL, level int NOT NULL, label :type NOT NULL, price numeric NOT NULL, name text NOT NULL, doc jsonb NOT NULL);
SELECT :'type' = 'bigint' AS by_number \gset
\if :by_number
\set labels '{1,2,3,4,5}'
\else
\set labels '{open,public,restricted,confidential,secret}'
\endif
SET maintenance_work_mem = '256MB';
INSERT INTO :table
	SELECT n, 1 + n % 5, (CAST(:'labels' AS :type[]))[1 + n % 5], n / 100.0, substr(md5(n::text), 1, 8),
		jsonb_build_object('k', n % 40000, 'c', n % 7)
	FROM generate_series(1, :rows) AS n;
CREATE INDEX ON :table (id);
CREATE INDEX ON :table (price);
CREATE INDEX ON :table USING gin (name gin_trgm_ops);
CREATE INDEX ON :table USING gin (doc jsonb_path_ops);
\if :by_number
\else
SELECT bench_govern(:'table') AS governed \gset
\endif
GRANT SELECT ON :table TO PUBLIC;
VACUUM (FREEZE, ANALYZE) :table;
CHECKPOINT;
