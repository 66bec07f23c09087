-- title: statements prepared by a cleared subject, executed by another
-- role: switcher
-- expect: filtered
-- required: ^7\|\|name 7$

SET plan_cache_mode = force_generic_plan;
SET ROLE doctor;
PREPARE all_of AS SELECT id, ssn, name FROM att.masked;
PREPARE one(text) AS SELECT id, ssn, name FROM att.masked WHERE ssn = $1;
PREPARE fill AS UPDATE att.masked SET name = ssn WHERE id = 1 RETURNING name;
RESET ROLE;
EXECUTE all_of;
EXECUTE one('SECRET-CANARY' || '-M1');
BEGIN;
EXECUTE fill;
ROLLBACK;
