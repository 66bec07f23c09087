-- title: TRUNCATE
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: yes

TRUNCATE att.secret;
TRUNCATE att.rows;
TRUNCATE att.plain, att.part;
