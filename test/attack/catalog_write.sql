-- title: writing system catalogs
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: yes

SET allow_system_table_mods = on;
DELETE FROM pg_catalog.pg_seclabel;
UPDATE pg_catalog.pg_class SET relrowsecurity = false, relforcerowsecurity = false WHERE relname = 'rows';
DELETE FROM pg_catalog.pg_shseclabel;
UPDATE pg_catalog.pg_proc SET prosrc = 'SELECT true' WHERE pronamespace = 'dataclass'::regnamespace;
SELECT * FROM att.secret;
SELECT * FROM att.rows;
