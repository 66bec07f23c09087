-- title: EXPLAIN ANALYZE CREATE TABLE AS labels what it makes
-- role: doctor
-- expect: denied
-- denials: 2
-- recorded: yes

EXPLAIN (ANALYZE, TIMING off) CREATE TABLE scratch.explained AS SELECT * FROM att.secret;
EXPLAIN (ANALYZE, TIMING off) SELECT * INTO scratch.explained_2 FROM att.secret;
GRANT SELECT ON scratch.explained, scratch.explained_2 TO PUBLIC;
\connect - plain
SELECT * FROM scratch.explained;
SELECT * FROM scratch.explained_2;
\connect - doctor
DROP TABLE scratch.explained, scratch.explained_2;
