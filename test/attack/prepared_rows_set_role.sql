-- title: a generic plan over row labels does not carry its maker's answer
-- role: switcher
-- expect: filtered
-- required: ^10$
-- recorded: no

SET plan_cache_mode = force_generic_plan;
SET ROLE doctor;
PREPARE p AS SELECT count(*) FROM att.rows;
PREPARE q AS SELECT body FROM att.rows ORDER BY id DESC;
EXECUTE p;
RESET ROLE;
EXECUTE p;
EXECUTE q;
