-- title: functions that read and write files, from a database without the extension
-- role: dba
-- expect: denied
-- denials: 4

CREATE DATABASE att_elsewhere TEMPLATE template0;
\c att_elsewhere
SELECT 'SECRET-' || 'CANARY' FROM pg_read_binary_file('PG_VERSION');
SELECT pg_read_file('postgresql.conf', 0, 10);
SELECT lo_import('/etc/hostname');
SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/pg_dataclass_attack.conf');
\c att
DROP DATABASE att_elsewhere;
