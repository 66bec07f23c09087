-- title: reading the WAL through a new name for the built-in function
-- role: dba
-- expect: denied
-- recorded: yes

SELECT 'slot' FROM pg_create_logical_replication_slot('spy_alias', 'test_decoding');
\c - doctor
BEGIN;
INSERT INTO att.secret VALUES (501, 'SECRET-' || 'CANARY-V', 'SECRET-' || 'CANARY-V');
DELETE FROM att.secret WHERE id = 501;
COMMIT;
\c - dba
CREATE FUNCTION scratch.peek(name, pg_lsn, int, VARIADIC text[], OUT lsn pg_lsn, OUT xid xid, OUT data text)
	RETURNS SETOF record LANGUAGE internal AS 'pg_logical_slot_peek_changes';
SELECT data FROM scratch.peek('spy_alias', NULL, NULL, VARIADIC '{}');
DROP FUNCTION IF EXISTS scratch.peek(name, pg_lsn, int, text[]);
SELECT pg_drop_replication_slot('spy_alias');
