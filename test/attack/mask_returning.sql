-- title: a masked value copied to another column, or returned
-- role: plain
-- expect: filtered
-- required: ^9\|name 9\|$

BEGIN;
UPDATE att.masked SET name = ssn WHERE id = 1 RETURNING *;
UPDATE att.masked SET name = masked::text WHERE id = 2 RETURNING masked, name;
UPDATE att.masked SET (name) = (SELECT ssn FROM att.masked o WHERE o.id = masked.id) WHERE id = 3 RETURNING name;
UPDATE att.masked m SET name = o.ssn FROM att.masked o WHERE o.id = m.id AND m.id = 4 RETURNING m.*, o;
WITH u AS (UPDATE att.masks SET name = k || p || h WHERE id = 5 RETURNING *) SELECT * FROM u;
CREATE TABLE scratch.mask_returning AS SELECT * FROM att.masked;
INSERT INTO scratch.mask_returning SELECT id, name, ssn FROM att.masked;
SELECT * FROM scratch.mask_returning;
SELECT * FROM att.masked;
DELETE FROM att.masked WHERE id = 6 RETURNING ssn, masked;
DELETE FROM att.masked WHERE ssn LIKE 'SECRET%';
ROLLBACK;
