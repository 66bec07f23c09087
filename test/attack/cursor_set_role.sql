-- title: a cursor opened in a cleared role, read in another
-- role: switcher
-- expect: denied
-- recorded: yes

BEGIN;
SET ROLE doctor;
DECLARE c CURSOR FOR SELECT body FROM att.secret;
RESET ROLE;
FETCH ALL FROM c;
ROLLBACK;
