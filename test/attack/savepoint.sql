-- title: rolling back does not roll back the record
-- role: plain
-- expect: denied
-- recorded: yes

BEGIN;
SAVEPOINT a;
SELECT * FROM att.secret;
ROLLBACK TO a;
ROLLBACK;
