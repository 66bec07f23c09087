-- title: probing for hidden rows with a foreign key that somebody cleared defined
-- role: plain
-- limit: a foreign key tells that a hidden row has the key
-- expect: filtered refused
-- sqlstate: 23503
-- forbidden: INSERT 0 1
-- recorded: no

INSERT INTO att.rows_child VALUES (15);
