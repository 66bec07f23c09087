-- title: the message of a foreign key violation shows nothing of the other side
-- role: plain
-- expect: refused
-- sqlstate: 23503
-- recorded: no

INSERT INTO att.fk_child VALUES (2, 'nothing');
