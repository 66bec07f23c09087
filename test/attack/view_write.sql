-- title: writing through views
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

INSERT INTO att.v_owner VALUES (99, 'x', 'y') RETURNING *;
UPDATE att.v_super SET body = 'x' RETURNING body;
DELETE FROM att.v_doctor RETURNING body;
