-- title: a superuser on a row-labelled table, whom core exempts
-- role: dba
-- expect: filtered
-- required: ^10$
-- recorded: no

SELECT * FROM att.rows;
SELECT count(*) FROM att.rows;
SELECT r.body FROM att.plain p JOIN att.rows r ON true;
SELECT (SELECT max(body) FROM att.rows);
WITH x AS (SELECT * FROM att.rows) SELECT * FROM x ORDER BY body DESC;
COPY att.rows TO STDOUT;
COPY (SELECT * FROM att.rows) TO STDOUT;
