-- title: cursors
-- role: plain
-- expect: denied
-- denials: 2
-- recorded: yes

BEGIN;
DECLARE c CURSOR FOR SELECT * FROM att.secret;
FETCH ALL FROM c;
ROLLBACK;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT * FROM att.part_2;
COMMIT;
