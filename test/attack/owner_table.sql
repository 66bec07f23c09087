-- title: the owner
-- role: owner
-- expect: denied
-- denials: 2
-- recorded: yes

SELECT * FROM att.secret;
SELECT * FROM att.part;
