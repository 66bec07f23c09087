-- A large policy: :tables tables with row labels, :roles cleared roles, five
-- labels for each of :compartments compartments.  With :type bigint the tables
-- and roles alone, for a server without the library.

SET synchronous_commit = off;
SET client_min_messages = warning;
SELECT :'type' <> 'bigint' AS governed \gset
SELECT format('CREATE TABLE many_%s (id int, label %s)', i, :'type'), format('GRANT SELECT ON many_%s TO PUBLIC', i)
	FROM generate_series(1, :tables) AS i \gexec
SELECT format('CREATE ROLE many_%s LOGIN', i) FROM generate_series(1, :roles) AS i \gexec
\if :governed
INSERT INTO dataclass.compartment (name) SELECT 'c' || i FROM generate_series(1, :compartments) AS i;
BEGIN;
SELECT format('SECURITY LABEL FOR dataclass ON ROLE many_%s IS %L', i, 'confidential:c' || i)
	FROM generate_series(1, :roles) AS i \gexec
SELECT format('SECURITY LABEL FOR dataclass ON TABLE many_%s IS %L', i, 'secret:c' || i % :compartments + 1)
	FROM generate_series(1, :tables) AS i \gexec
COMMIT;
SELECT count(dataclass.create_label(class || ':c' || i))
	FROM generate_series(1, :compartments) AS i, unnest('{open,public,restricted,confidential,secret}'::text[]) AS class;
\endif
VACUUM ANALYZE;
CHECKPOINT;
