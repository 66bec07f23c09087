-- title: joins
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

SELECT s.body FROM att.plain p JOIN att.secret s USING (id);
SELECT p.* FROM att.plain p LEFT JOIN att.secret s ON s.id = p.id AND s.body LIKE '%1';
SELECT p.* FROM att.plain p, LATERAL (SELECT body FROM att.secret s WHERE s.id = p.id) x;
