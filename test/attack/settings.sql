-- title: switching enforcement off in the session
-- role: dba
-- expect: refused
-- sqlstate: 55P02
-- denials: 3
-- recorded: no

SET dataclass.enforcement = off;
UPDATE pg_settings SET setting = 'off' WHERE name = 'dataclass.enforcement';
SELECT set_config('dataclass.session_tier_enforcement', 'off', false);
