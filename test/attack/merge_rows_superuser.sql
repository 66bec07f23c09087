-- title: MERGE into a row-labelled table by a superuser
-- role: dba
-- expect: filtered denied
-- required: OPEN-ROW
-- recorded: no

MERGE INTO att.rows r USING generate_series(11, 20) g(id) ON r.id = g.id WHEN MATCHED THEN UPDATE SET label = 'open';
SELECT * FROM att.rows;
