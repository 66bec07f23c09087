-- title: DELETE, with and without RETURNING
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

DELETE FROM att.secret;
DELETE FROM att.secret RETURNING *;
DELETE FROM att.plain p USING att.secret s WHERE s.id = p.id AND s.body LIKE '%1' RETURNING s.body;
