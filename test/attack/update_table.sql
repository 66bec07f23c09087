-- title: UPDATE, with and without RETURNING
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

UPDATE att.secret SET body = 'x';
UPDATE att.secret SET body = body RETURNING body;
UPDATE att.plain p SET body = s.body FROM att.secret s WHERE s.id = p.id RETURNING p.body;
