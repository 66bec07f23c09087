-- title: the owner of a row-labelled table
-- role: owner
-- expect: filtered
-- required: ^10$
-- recorded: no

SELECT * FROM att.rows;
SELECT count(*) FROM att.rows;
