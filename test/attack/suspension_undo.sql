-- title: undoing what response rules do, and changing what they will do
-- role: dba
-- expect: denied
-- denials: 10
-- recorded: kind=trail_guard

SELECT dataclass.reinstate_clearance('plain', 'I say so');
DO $$ BEGIN PERFORM dataclass.reinstate_clearance('plain', 'I say so'); END $$;
DELETE FROM dataclass.suspension;
TRUNCATE dataclass.suspension;
INSERT INTO dataclass.suspension VALUES ('officer'::regrole, 'officer', now(), 'forged', 'forged');
UPDATE dataclass_audit.response_position SET seq = 1000000;
UPDATE dataclass_audit.delivery_position SET notify = 1000000, command = 1000000;
INSERT INTO dataclass_audit.delivery VALUES (1, 'command', 1, now(), 'delivered', 0);
DELETE FROM dataclass_audit.measure;
DELETE FROM dataclass_audit.notice;
