-- title: EXPLAIN
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

EXPLAIN SELECT * FROM att.secret;
EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM att.secret;
