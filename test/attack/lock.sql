-- title: LOCK
-- role: plain
-- expect: denied
-- recorded: yes

BEGIN;
LOCK TABLE att.secret IN ACCESS EXCLUSIVE MODE;
ROLLBACK;
