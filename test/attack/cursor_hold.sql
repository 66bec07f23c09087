-- title: a cursor WITH HOLD of a cleared role is read by another
-- role: switcher
-- expect: denied
-- denials: 5
-- recorded: kind=access_denied rule=dominance

BEGIN;
SET LOCAL ROLE doctor;
DECLARE c CURSOR WITH HOLD FOR SELECT body FROM att.rows ORDER BY id DESC;
DECLARE d CURSOR WITH HOLD FOR SELECT body FROM att.secret;
COMMIT;
FETCH ALL FROM c;
FETCH ALL FROM d;
DO $$ DECLARE c refcursor := 'c'; r text; BEGIN FETCH c INTO r; RAISE NOTICE '%', r; END $$;
SET ROLE doctor;
DECLARE e CURSOR WITH HOLD FOR SELECT body FROM att.rows ORDER BY id DESC;
RESET ROLE;
MOVE 1 FROM e;
FETCH ALL FROM e;
