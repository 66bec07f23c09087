-- title: a cursor's row is relabelled
-- role: low
-- expect: denied
-- denials: 2
-- recorded: yes

BEGIN;
DECLARE c CURSOR FOR SELECT * FROM att.inbox WHERE id = 30 FOR UPDATE;
FETCH c;
SAVEPOINT s;
UPDATE att.inbox SET label = 'open' WHERE CURRENT OF c;
ROLLBACK TO s;
UPDATE att.inbox SET body = 'label open' WHERE CURRENT OF c;
ROLLBACK;
