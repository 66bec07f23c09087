-- title: common table expressions
-- role: plain
-- expect: denied
-- denials: 4
-- recorded: yes

WITH s AS (SELECT * FROM att.secret) SELECT * FROM s;
WITH s AS MATERIALIZED (SELECT body FROM att.secret) SELECT count(*) FROM s;
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT s.id + 1 FROM r, att.secret s WHERE s.id = n) SELECT * FROM r;
WITH d AS (DELETE FROM att.secret RETURNING *) SELECT * FROM d;
