-- title: sub-selects in every clause
-- role: plain
-- expect: denied
-- denials: 5
-- recorded: yes

SELECT id FROM att.plain WHERE id IN (SELECT id FROM att.secret);
SELECT id FROM att.plain p WHERE EXISTS (SELECT FROM att.secret s WHERE s.id = p.id);
SELECT (SELECT body FROM att.secret LIMIT 1);
SELECT id FROM att.plain ORDER BY (SELECT max(body) FROM att.secret);
SELECT ARRAY(SELECT body FROM att.secret);
