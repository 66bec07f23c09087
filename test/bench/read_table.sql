-- A table whose reads are audited, the same in both clusters.
CREATE TABLE read_table (id int PRIMARY KEY, name text);
INSERT INTO read_table SELECT i, 'person ' || i FROM generate_series(1, 10000) i;
GRANT SELECT ON read_table TO reader;
VACUUM ANALYZE read_table;
