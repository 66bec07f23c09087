-- title: a role with a floor writes below it
-- role: floored
-- expect: denied
-- denials: 5
-- recorded: yes

INSERT INTO att.rows VALUES (100, 'open', 'x');
UPDATE att.inbox SET label = 'open' WHERE id = 30;
UPDATE att.inbox SET body = 'label open' WHERE id = 30;
DELETE FROM att.rows WHERE id = 1;
COPY att.rows FROM STDIN;
100	open	x
\.
