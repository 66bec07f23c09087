-- title: a superuser puts on the session of a cleared one
-- role: dba
-- expect: denied
-- recorded: yes

SET SESSION AUTHORIZATION doctor;
SELECT body FROM att.secret;
