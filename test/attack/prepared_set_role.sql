-- title: a plan prepared in a cleared role, executed in another
-- role: switcher
-- expect: denied
-- recorded: yes

SET ROLE doctor;
PREPARE p AS SELECT count(*) FROM att.secret;
EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p;
RESET ROLE;
EXECUTE p;
