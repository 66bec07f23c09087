-- title: reading the WAL through a logical slot
-- role: dba
-- expect: denied
-- recorded: yes

SELECT 'slot' FROM pg_create_logical_replication_slot('spy', 'test_decoding');
\c - doctor
BEGIN;
INSERT INTO att.secret VALUES (500, 'SECRET-' || 'CANARY-W', 'SECRET-' || 'CANARY-W');
DELETE FROM att.secret WHERE id = 500;
COMMIT;
\c - dba
SELECT data FROM pg_logical_slot_get_changes('spy', NULL, NULL);
SELECT pg_drop_replication_slot('spy');
