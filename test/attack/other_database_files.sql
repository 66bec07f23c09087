-- title: files and programs of the server, from a database without the extension
-- role: dba
-- expect: denied
-- denials: 8

CREATE DATABASE att_elsewhere TEMPLATE template0;
\c att_elsewhere
SELECT 'SECRET-' || 'CANARY' FROM pg_read_binary_file('PG_VERSION');
SELECT pg_read_file('postgresql.conf', 0, 10);
SELECT lo_import('/etc/hostname');
SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/pg_dataclass_attack.conf');
COPY (SELECT 1) TO PROGRAM 'true';
DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO %L', current_setting('data_directory') || '/made_up'); END $$;
DO $$ BEGIN EXECUTE $c$COPY (SELECT 1) TO PROGRAM 'true'$c$; END $$;
CREATE FUNCTION native() RETURNS int LANGUAGE c AS 'libc', 'abort';
\c att
DROP DATABASE att_elsewhere;
