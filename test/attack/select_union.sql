-- title: set operations
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT body FROM att.plain UNION ALL SELECT body FROM att.secret;
SELECT id FROM att.plain EXCEPT SELECT id FROM att.secret;
