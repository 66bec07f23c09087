-- title: a cursor over row labels opened in a cleared role
-- role: switcher
-- expect: filtered denied
-- recorded: no

BEGIN;
SET ROLE doctor;
DECLARE c CURSOR FOR SELECT body FROM att.rows ORDER BY id DESC;
RESET ROLE;
FETCH ALL FROM c;
ROLLBACK;
