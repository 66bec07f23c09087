-- title: BYPASSRLS
-- role: bypass
-- expect: denied
-- recorded: yes

SELECT * FROM att.secret;
