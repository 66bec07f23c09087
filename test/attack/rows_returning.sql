-- title: RETURNING shows nothing that is hidden
-- role: plain
-- expect: filtered
-- required: OPEN-ROW
-- recorded: no

BEGIN;
UPDATE att.rows SET body = body || '!' RETURNING body;
DELETE FROM att.rows RETURNING body;
ROLLBACK;
