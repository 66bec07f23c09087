-- title: a superuser changes and removes rows that he cannot see
-- role: dba
-- expect: filtered
-- required: ^UPDATE 10$
-- recorded: no

BEGIN;
UPDATE att.rows SET body = body || '';
UPDATE att.rows SET body = body || '' WHERE id = 15 RETURNING body;
DELETE FROM att.rows WHERE id = 15 RETURNING body;
ROLLBACK;
