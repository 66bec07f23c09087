-- title: a role with a floor empties a table with rows below it
-- role: floored
-- expect: denied
-- denials: 1
-- recorded: yes

TRUNCATE att.inbox;
SELECT count(*) > 5 FROM att.inbox;
