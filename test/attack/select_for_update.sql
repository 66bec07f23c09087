-- title: row locks
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT body FROM att.secret FOR UPDATE;
SELECT id FROM att.secret FOR KEY SHARE;
