-- title: a cursor whose sort has the rows already goes on in another role
-- role: switcher
-- expect: denied
-- denials: 2
-- recorded: kind=access_denied rule=dominance

BEGIN;
SET ROLE doctor;
DECLARE c CURSOR FOR SELECT id FROM att.rows ORDER BY -id;
FETCH 1 FROM c;
RESET ROLE;
FETCH ALL FROM c;
ROLLBACK;
BEGIN;
SET ROLE doctor;
DECLARE c SCROLL CURSOR FOR SELECT a.id FROM att.rows a JOIN att.rows b USING (id);
FETCH 1 FROM c;
RESET ROLE;
FETCH BACKWARD 1 FROM c;
ROLLBACK;
