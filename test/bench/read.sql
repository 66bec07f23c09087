\set id random(1, 10000)
SELECT name FROM read_table WHERE id = :id;
