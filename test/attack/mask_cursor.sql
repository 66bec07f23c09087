-- title: cursors opened by a cleared subject, read by another
-- role: switcher
-- expect: filtered
-- required: ^1\|$

BEGIN;
SET LOCAL ROLE doctor;
DECLARE c CURSOR FOR SELECT id, ssn FROM att.masked ORDER BY id;
DECLARE s SCROLL CURSOR FOR SELECT m FROM att.masked m ORDER BY id;
SET LOCAL ROLE switcher;
FETCH ALL FROM c;
FETCH ALL FROM s;
FETCH BACKWARD ALL FROM s;
COMMIT;
