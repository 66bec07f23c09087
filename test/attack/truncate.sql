-- title: TRUNCATE
-- role: plain
-- expect: denied
-- denials: 3
-- recorded: kind=access_denied rule=dominance

TRUNCATE att.secret;
TRUNCATE att.rows;
TRUNCATE att.plain, att.part;
