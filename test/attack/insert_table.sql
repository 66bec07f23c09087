-- title: INSERT, with and without RETURNING
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

INSERT INTO att.secret VALUES (100, 'x', 'y');
INSERT INTO att.secret VALUES (101, 'x', 'y') RETURNING *;
