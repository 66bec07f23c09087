-- title: a CHECK constraint runs the owner's function on every row
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

ALTER TABLE att.secret ADD CHECK (scratch.leak(body));
ALTER TABLE att.rows ADD CHECK (scratch.leak(body));
