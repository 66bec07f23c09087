-- title: BYPASSRLS on a row-labelled table
-- role: bypass
-- expect: filtered
-- required: ^10$
-- recorded: no

SELECT * FROM att.rows;
SELECT count(*) FROM att.rows;
SELECT * FROM att.f_rows();
