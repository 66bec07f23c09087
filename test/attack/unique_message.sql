-- title: the message of a unique violation shows nothing of the hidden row
-- role: plain
-- expect: refused
-- sqlstate: 23505
-- recorded: no

INSERT INTO att.rows VALUES (15, 'open', 'x');
