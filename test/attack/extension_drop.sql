-- title: dropping the extension, its schemas or members
-- role: dba
-- expect: denied
-- denials: 6
-- recorded: yes

DROP EXTENSION pg_dataclass CASCADE;
DROP SCHEMA dataclass_audit CASCADE;
DROP SCHEMA dataclass CASCADE;
ALTER EXTENSION pg_dataclass DROP TABLE dataclass_audit.event;
DROP TYPE dataclass.label CASCADE;
DROP FUNCTION dataclass.policy_changed() CASCADE;
