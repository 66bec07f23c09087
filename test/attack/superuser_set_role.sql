-- title: a superuser puts on the role of a cleared one
-- role: dba
-- expect: denied
-- recorded: yes

SET ROLE doctor;
SELECT body FROM att.secret;
